package accounts_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"latchkey/internal/accounts"
	"latchkey/internal/fault"
)

func TestSessionEndsWhenIdleAndAtItsAbsoluteAge(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.setUp()
		idle := w.signIn("ada@example.com").Token
		w.clock.advance(7*24*time.Hour - time.Second)
		if !w.signedIn(idle) {
			t.Fatal("ended before seven idle days")
		}
		w.clock.advance(time.Second)
		if w.signedIn(idle) {
			t.Error("still valid after seven idle days")
		}
		busy := w.signIn("ada@example.com").Token
		for range 29 {
			w.clock.advance(24 * time.Hour)
			w.see(busy)
		}
		if !w.signedIn(busy) {
			t.Fatal("a session in use ended before 30 days")
		}
		w.clock.advance(24 * time.Hour)
		if w.signedIn(busy) {
			t.Error("still valid after 30 days")
		}
	})
}

// see is what the console does at each request.
func (w *world) see(token string) {
	w.t.Helper()
	v, err := w.Visit(w.t.Context(), token)
	if err == nil {
		err = w.Seen(w.t.Context(), v, browser)
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

func TestSeenIsWrittenAtMostOnceAMinute(t *testing.T) {
	w := newWorld(t, sqlite(t))
	w.setUp()
	token := w.signIn("ada@example.com").Token
	seen := func() int64 { return w.count("SELECT last_seen_at FROM sessions") }
	began := seen()
	w.clock.advance(59 * time.Second)
	w.see(token)
	if seen() != began {
		t.Error("written within the minute")
	}
	w.clock.advance(time.Second)
	w.see(token)
	if seen() == began {
		t.Error("not written after a minute")
	}
}

func TestPasswordChangeEndsEverySessionAndBeginsOne(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a := w.account(w.setUp().AccountID)
		here, there := w.signIn(a.Email).Token, w.signIn(a.Email).Token
		in, err := w.ChangePassword(t.Context(), a, password, "another fine password", browser)
		if err != nil {
			t.Fatal(err)
		}
		if w.signedIn(here) || w.signedIn(there) || !w.signedIn(in.Token) {
			t.Error("want only the new session to be valid")
		}
		if _, err := w.SignIn(t.Context(), a.Email, password, "", browser); !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("the old password: %v", err)
		}
		if _, err := w.SignIn(t.Context(), a.Email, "another fine password", "", browser); err != nil {
			t.Errorf("the new password: %v", err)
		}
		w.audited("account.password_changed")
	})
}

func TestPasswordChangeNeedsTheCurrentOneAndIsThrottled(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a := w.account(w.setUp().AccountID)
		for range 10 {
			_, err := w.ChangePassword(t.Context(), a, "a wrong password", "another fine password", browser)
			wantKind(t, err, fault.Invalid)
			if fault.FieldsOf(err)["current_password"] == "" {
				t.Fatalf("no sentence at the field: %v", err)
			}
		}
		_, err := w.ChangePassword(t.Context(), a, password, "another fine password", browser)
		wantKind(t, err, fault.TooMany)
	})
}

func TestSessionsCanBeListedAndEnded(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		owner := w.setUp()
		a := w.account(owner.AccountID)
		here, second, third := w.signIn(a.Email).Token, w.signIn(a.Email).Token, w.signIn(a.Email).Token
		visit := func(token string) accounts.Visit {
			v, err := w.Visit(t.Context(), token)
			if err != nil {
				t.Fatal(err)
			}
			return v
		}
		list, err := w.Sessions(t.Context(), a.ID)
		if err != nil || len(list) != 3 {
			t.Fatalf("%d sessions, %v; want 3", len(list), err)
		}
		stranger := w.account(w.join(owner, "bob@example.com", "viewer").AccountID)
		wantKind(t, w.EndSession(t.Context(), stranger, visit(second).SessionID, browser), fault.NotFound)
		wantKind(t, w.EndSession(t.Context(), a, "not-an-id", browser), fault.NotFound)
		if err := w.EndSession(t.Context(), a, visit(second).SessionID, browser); err != nil || w.signedIn(second) {
			t.Errorf("ending one: %v, still valid %v", err, w.signedIn(second))
		}
		n, err := w.EndOtherSessions(t.Context(), visit(here), browser)
		if err != nil || n != 1 || w.signedIn(third) || !w.signedIn(here) {
			t.Errorf("ending others: %d, %v; third %v, here %v", n, err, w.signedIn(third), w.signedIn(here))
		}
	})
}

func TestPruneDeletesOnlyWhatIsOver(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.setUp()
		w.signIn("ada@example.com")
		guess(t, w, "ada@example.com", browser, 1)
		w.clock.advance(8 * 24 * time.Hour)
		fresh := w.signIn("ada@example.com").Token
		if err := w.PruneSessions(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := w.count("SELECT COUNT(*) FROM sessions"); n != 1 || !w.signedIn(fresh) {
			t.Errorf("%d sessions are left, want the fresh one", n)
		}
		if n := w.count("SELECT COUNT(*) FROM sign_in_throttles WHERE window_start < ?", w.clock.Now().Add(-time.Hour).UnixMicro()); n != 0 {
			t.Errorf("%d old throttles are left", n)
		}
	})
}

func TestStoreKeepsFlashesAndHidesTheIDFromTheTable(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.setUp()
		store := accounts.NewStore(w.Service, true)
		r := request("")
		session, err := store.Get(r, store.Name())
		if err != nil {
			t.Fatal(err)
		}
		rec := httptest.NewRecorder()
		if err := session.Save(r, rec); err != nil || rec.Header().Get("Set-Cookie") != "" {
			t.Fatalf("an empty session made a cookie: %v", err)
		}
		session.AddFlash(accounts.Flash{Text: "Hello."})
		if err := session.Save(r, rec); err != nil {
			t.Fatal(err)
		}
		c := rec.Result().Cookies()[0]
		if c.Name != "__Host-latchkey_session" || !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" {
			t.Errorf("cookie = %v", c)
		}
		if n := w.count("SELECT COUNT(*) FROM sessions WHERE token_hash = ?", []byte(c.Value)); n != 0 {
			t.Error("the cookie's value is in the table")
		}
		next, err := store.Get(request(c.String()), store.Name())
		if err != nil {
			t.Fatal(err)
		}
		if f := next.Flashes(); len(f) != 1 || f[0].(accounts.Flash).Text != "Hello." {
			t.Errorf("flashes = %v", f)
		}
		if accounts.VisitOf(next).Account.ID != "" {
			t.Error("a flash signed somebody in")
		}
	})
}

func request(cookie string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	if cookie != "" {
		r.Header.Set("Cookie", cookie)
	}
	return r
}
