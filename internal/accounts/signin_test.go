package accounts_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"latchkey/internal/accounts"
	"latchkey/internal/fault"
)

func TestWrongEmailAndWrongPasswordGetTheSameSentence(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.setUp()
		_, wrongPassword := w.SignIn(t.Context(), "ada@example.com", "not the password", "", browser)
		_, wrongEmail := w.SignIn(t.Context(), "bob@example.com", password, "", browser)
		wantKind(t, wrongPassword, fault.Unauthenticated)
		wantKind(t, wrongEmail, fault.Unauthenticated)
		if wrongPassword.Error() != wrongEmail.Error() {
			t.Errorf("%q differs from %q", wrongPassword, wrongEmail)
		}
	})
}

func TestEmailIsTheSameInAnyCase(t *testing.T) {
	w := newWorld(t, sqlite(t))
	w.setUp()
	if _, err := w.SignIn(t.Context(), "  ADA@Example.com ", password, "", browser); err != nil {
		t.Error(err)
	}
}

func TestSignInEndsTheOldSessionOfTheBrowser(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.setUp()
		old := w.signIn("ada@example.com").Token
		in, err := w.SignIn(t.Context(), "ada@example.com", password, old, browser)
		if err != nil {
			t.Fatal(err)
		}
		if in.Token == old || w.signedIn(old) || !w.signedIn(in.Token) {
			t.Error("the session did not get a new id")
		}
		if n := w.count("SELECT COUNT(*) FROM sessions WHERE token_hash = ?", []byte(in.Token)); n != 0 {
			t.Error("the cookie's value is in the table")
		}
	})
}

func TestThrottleCannotBeDodgedByParallelGuesses(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.setUp()
		errs := atOnce(40, func(i int) error {
			c := browser
			c.IP = fmt.Sprintf("198.51.100.%d", i)
			_, err := w.SignIn(t.Context(), "ada@example.com", fmt.Sprintf("guess number %d", i), "", c)
			return err
		})
		looked := 0
		for _, err := range errs {
			switch {
			case fault.Is(err, fault.Unauthenticated):
				looked++
			case !fault.Is(err, fault.TooMany):
				t.Fatalf("unexpected: %v", err)
			}
		}
		if looked != 10 {
			t.Errorf("%d guesses were looked at, want 10", looked)
		}
	})
}

func TestBlockedSignInSaysTheMinutesLeftAndEnds(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.setUp()
		guess(t, w, "ada@example.com", browser, 10)
		w.clock.advance(5 * time.Minute)
		_, err := w.SignIn(t.Context(), "ada@example.com", password, "", browser)
		wantKind(t, err, fault.TooMany)
		if !strings.Contains(err.Error(), "10 minutes") {
			t.Errorf("sentence = %q, want the 10 minutes that are left", err)
		}
		w.clock.advance(10 * time.Minute)
		w.signIn("ada@example.com")
	})
}

func TestSuccessResetsTheEmailsCounter(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.setUp()
		for range 3 {
			guess(t, w, "ada@example.com", browser, 9)
			w.signIn("ada@example.com")
		}
	})
}

func TestAnAddressIsThrottledOverAllEmails(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.setUp()
		for i := range 50 {
			guess(t, w, fmt.Sprintf("user%d@example.com", i), browser, 1)
		}
		_, err := w.SignIn(t.Context(), "ada@example.com", password, "", browser)
		wantKind(t, err, fault.TooMany)
		elsewhere := browser
		elsewhere.IP = "203.0.113.1"
		if _, err := w.SignIn(t.Context(), "ada@example.com", password, "", elsewhere); err != nil {
			t.Errorf("from another address: %v", err)
		}
	})
}

func TestAddressesOfOneIPv6NetworkCountAsOne(t *testing.T) {
	w := newWorld(t, sqlite(t))
	w.setUp()
	for i := range 50 {
		c := browser
		c.IP = fmt.Sprintf("2001:db8:1:2::%x", i)
		guess(t, w, fmt.Sprintf("user%d@example.com", i), c, 1)
	}
	c := browser
	c.IP = "2001:db8:1:2:ffff::1"
	_, err := w.SignIn(t.Context(), "ada@example.com", password, "", c)
	wantKind(t, err, fault.TooMany)
}

func guess(t *testing.T, w *world, email string, c accounts.Client, times int) {
	t.Helper()
	for range times {
		_, err := w.SignIn(t.Context(), email, "a wrong password", "", c)
		wantKind(t, err, fault.Unauthenticated)
	}
}
