package accounts_test

import (
	"fmt"
	"testing"
	"time"

	"latchkey/internal/accounts"
	"latchkey/internal/fault"
)

func setUpForm(i int) accounts.SetUpForm {
	return accounts.SetUpForm{Name: "Ada", Email: fmt.Sprintf("ada%d@example.com", i), Password: password, Workspace: "Acme"}
}

func TestTwoSetUpsAtOnceMakeOneOwner(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		errs := atOnce(4, func(i int) error {
			_, err := w.SetUp(t.Context(), "", true, setUpForm(i), browser)
			return err
		})
		if n := succeeded(errs); n != 1 {
			t.Fatalf("%d set-ups succeeded (%v), want 1", n, errs)
		}
		for _, err := range errs {
			if err != nil {
				wantKind(t, err, fault.NotFound)
			}
		}
		if n := w.count("SELECT COUNT(*) FROM accounts"); n != 1 {
			t.Errorf("%d accounts, want 1", n)
		}
		w.audited("instance.set_up")
		w.audited("workspace.created")
	})
}

func TestSetUpNeedsAPrintedTokenUnlessOnLoopback(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		wantKind(t, w.CheckSetup(t.Context(), "", false), fault.Forbidden)
		wantKind(t, w.CheckSetup(t.Context(), "guess", false), fault.Forbidden)
		first, err := w.IssueSetupToken(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		second, err := w.IssueSetupToken(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := w.CheckSetup(t.Context(), second, false); err != nil {
			t.Errorf("second instance's token: %v", err)
		}
		in, err := w.SetUp(t.Context(), first, false, setUpForm(0), browser)
		if err != nil {
			t.Fatalf("set up: %v", err)
		}
		if !w.signedIn(in.Token) || in.Slug != "acme" {
			t.Errorf("after set-up: signed in %v, slug %q", w.signedIn(in.Token), in.Slug)
		}
		if n := w.count("SELECT COUNT(*) FROM setup_tokens"); n != 0 {
			t.Errorf("%d set-up tokens are left", n)
		}
		wantKind(t, w.CheckSetup(t.Context(), second, false), fault.NotFound)
		wantKind(t, w.CheckSetup(t.Context(), "", true), fault.NotFound)
		if _, err := w.IssueSetupToken(t.Context()); !fault.Is(err, fault.NotFound) {
			t.Errorf("a token was issued after the set-up: %v", err)
		}
	})
}

func TestSetupTokenIsStoredAsItsHashAndExpires(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		token, err := w.IssueSetupToken(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if n := w.count("SELECT COUNT(*) FROM setup_tokens WHERE token_hash = ?", []byte(token)); n != 0 {
			t.Error("the token itself is in the table")
		}
		w.clock.advance(8 * 24 * time.Hour)
		wantKind(t, w.CheckSetup(t.Context(), token, false), fault.Forbidden)
	})
}

func TestSetUpSaysWhatIsWrongFieldByField(t *testing.T) {
	w := newWorld(t, sqlite(t))
	_, err := w.SetUp(t.Context(), "", true, accounts.SetUpForm{Name: " ", Email: "ada", Password: "short", Workspace: ""}, browser)
	wantKind(t, err, fault.Invalid)
	for _, field := range []string{"name", "email", "password", "workspace"} {
		if fault.FieldsOf(err)[field] == "" {
			t.Errorf("no sentence for %s", field)
		}
	}
}
