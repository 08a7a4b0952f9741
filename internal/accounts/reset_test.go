package accounts_test

import (
	"testing"

	"latchkey/internal/accounts"
	"latchkey/internal/apptest"
	"latchkey/internal/database"
	"latchkey/internal/fault"
)

func TestAForgottenPasswordIsResetAndSignsEverybodyOut(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		a := apptest.Start(t, db)
		client := accounts.Client{IP: "192.0.2.1"}
		in, err := a.Accounts.SignIn(t.Context(), "owner@acme.example", apptest.Password, "", client)
		if err != nil {
			t.Fatal(err)
		}
		for range 20 { // until the account is blocked
			_, _ = a.Accounts.SignIn(t.Context(), "owner@acme.example", "a wrong password", "", client)
		}
		if err := a.Accounts.ResetPassword(t.Context(), " Owner@Acme.example", "another long password"); err != nil {
			t.Fatal(err)
		}
		if v, err := a.Accounts.Visit(t.Context(), in.Token); err == nil && v.Account.ID != "" {
			t.Error("an old session still works")
		}
		if _, err := a.Accounts.SignIn(t.Context(), "owner@acme.example", "another long password", "", accounts.Client{IP: "192.0.2.2"}); err != nil {
			t.Errorf("sign in with the new password: %v", err)
		}
		if _, err := a.Accounts.SignIn(t.Context(), "owner@acme.example", apptest.Password, "", accounts.Client{IP: "192.0.2.3"}); err == nil {
			t.Error("the old password still works")
		}
		if err := a.Accounts.ResetPassword(t.Context(), "nobody@acme.example", "another long password"); !fault.Is(err, fault.NotFound) {
			t.Errorf("an unknown email: %v", err)
		}
		if err := a.Accounts.ResetPassword(t.Context(), "owner@acme.example", "short"); len(fault.FieldsOf(err)) != 1 {
			t.Errorf("a short password: %v", err)
		}
	})
}
