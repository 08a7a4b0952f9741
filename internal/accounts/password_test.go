package accounts_test

import (
	"context"
	"strings"
	"testing"

	"latchkey/internal/accounts"
	"latchkey/internal/apptest"
	"latchkey/internal/database"
	"latchkey/internal/fault"
)

func sqlite(t *testing.T) *database.DB { return apptest.SQLite(t) }

func TestWeakPasswordsAreRefused(t *testing.T) {
	w := newWorld(t, sqlite(t))
	for name, tc := range map[string]struct{ password, want string }{
		"short":                 {"nine char", "at least 10"},
		"long":                  {strings.Repeat("x1", 101), "at most 200"},
		"the email":             {"ada@example.com", "not your email"},
		"the email, upper case": {"Ada@Example.com", "not your email"},
		"common":                {"Password123", "first that are tried"},
		"one character":         {"zzzzzzzzzzzz", "first that are tried"},
	} {
		t.Run(name, func(t *testing.T) {
			form := setUpForm(0)
			form.Email, form.Password = "ada@example.com", tc.password
			_, err := w.SetUp(t.Context(), "", true, form, browser)
			if got := fault.FieldsOf(err)["password"]; !strings.Contains(got, tc.want) {
				t.Errorf("sentence = %q, want %q", got, tc.want)
			}
		})
	}
}

func TestPasswordIsStoredAsArgon2idWithItsParameters(t *testing.T) {
	w := newWorld(t, sqlite(t))
	a := w.account(w.setUp().AccountID)
	if !strings.HasPrefix(a.PasswordHash, "$argon2id$v=19$m=64,t=1,p=1$") || strings.Contains(a.PasswordHash, password) {
		t.Errorf("hash = %q", a.PasswordHash)
	}
	if accounts.DefaultHashParams != (accounts.HashParams{MemoryKiB: 19456, Time: 2, Threads: 1}) {
		t.Errorf("default parameters = %+v", accounts.DefaultHashParams)
	}
}

func TestSignInGivesUpWhenTheBrowserDoes(t *testing.T) {
	w := newWorld(t, sqlite(t))
	w.setUp()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := w.SignIn(ctx, "ada@example.com", password, "", browser); err == nil {
		t.Error("signed in with a cancelled request")
	}
}
