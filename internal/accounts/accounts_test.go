package accounts_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"gorm.io/gorm"

	"latchkey/internal/access"
	"latchkey/internal/accounts"
	"latchkey/internal/apptest"
	"latchkey/internal/database"
	"latchkey/internal/fault"
	"latchkey/models"
)

// cheap makes hashing quick; the algorithm is the same.
var cheap = accounts.HashParams{MemoryKiB: 64, Time: 1, Threads: 1}

const password = "correct horse battery"

var browser = accounts.Client{IP: "192.0.2.7", UserAgent: "Firefox/140.0 (Linux)", RequestID: "req-1"}

// clock is a time that tests move by hand.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// world is a service on a fresh database.
type world struct {
	*accounts.Service
	t     *testing.T
	db    *database.DB
	clock *clock
	// deactivated lists whose keys the service asked to deactivate.
	deactivated []string
}

func newWorld(t *testing.T, db *database.DB) *world {
	w := &world{t: t, db: db, clock: &clock{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}}
	w.Service = accounts.New(accounts.Config{
		DB: db, Now: w.clock.Now, Hash: cheap, HashSlots: 8,
		DeactivateAllBy: func(_ context.Context, _ *gorm.DB, _ access.Actor, accountID string) error {
			w.deactivated = append(w.deactivated, accountID)
			return nil
		},
	})
	return w
}

// setUp makes Ada, owner of Acme, and returns her actor.
func (w *world) setUp() access.Actor {
	w.t.Helper()
	a, ws, err := w.SetUpFromCommandLine(w.t.Context(), accounts.SetUpForm{
		Name: "Ada", Email: "ada@example.com", Password: password, Workspace: "Acme",
	})
	if err != nil {
		w.t.Fatalf("set up: %v", err)
	}
	return access.Actor{AccountID: a.ID, WorkspaceID: ws.ID, Role: access.Owner, Label: a.Email, Origin: access.Origin{IP: browser.IP, RequestID: "req"}}
}

// join makes a new member by an invitation of by's, and returns their actor.
func (w *world) join(by access.Actor, email string, role access.Role) access.Actor {
	w.t.Helper()
	_, token, err := w.Invite(w.t.Context(), by, role, email)
	if err != nil {
		w.t.Fatalf("invite %s: %v", email, err)
	}
	name, _, _ := strings.Cut(email, "@")
	in, err := w.AcceptNew(w.t.Context(), token, accounts.NewAccount{Name: name, Email: email, Password: password}, browser)
	if err != nil {
		w.t.Fatalf("accept for %s: %v", email, err)
	}
	return access.Actor{AccountID: in.Account.ID, WorkspaceID: by.WorkspaceID, Role: role, Label: email}
}

func (w *world) signIn(email string) accounts.SignedIn {
	w.t.Helper()
	in, err := w.SignIn(w.t.Context(), email, password, "", browser)
	if err != nil {
		w.t.Fatalf("sign in %s: %v", email, err)
	}
	return in
}

func (w *world) account(id string) models.Account {
	w.t.Helper()
	a, err := w.Account(w.t.Context(), id)
	if err != nil {
		w.t.Fatalf("account: %v", err)
	}
	return a
}

// signedIn tells whether the token's session is valid.
func (w *world) signedIn(token string) bool {
	w.t.Helper()
	v, err := w.Visit(w.t.Context(), token)
	if err != nil {
		w.t.Fatalf("visit: %v", err)
	}
	return v.Account.ID != ""
}

func (w *world) count(query string, args ...any) int64 {
	w.t.Helper()
	var n int64
	if err := w.db.Read.Raw(query, args...).Scan(&n).Error; err != nil {
		w.t.Fatalf("%s: %v", query, err)
	}
	return n
}

// audited fails the test unless there is exactly one entry of that action.
func (w *world) audited(action string) models.AuditEntry {
	w.t.Helper()
	var rows []models.AuditEntry
	if err := w.db.Read.Raw("SELECT * FROM audit_entries WHERE action = ?", action).Scan(&rows).Error; err != nil {
		w.t.Fatal(err)
	}
	if len(rows) != 1 {
		w.t.Fatalf("%d audit entries %s, want one", len(rows), action)
	}
	return rows[0]
}

func wantKind(t *testing.T, err error, kind fault.Kind) {
	t.Helper()
	if !fault.Is(err, kind) {
		t.Fatalf("error = %v, want kind %d", err, kind)
	}
}

func each(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	apptest.Each(t, func(t *testing.T, db *database.DB) { test(t, newWorld(t, db)) })
}

// atOnce runs n calls in parallel and returns their errors.
func atOnce(n int, call func(i int) error) []error {
	errs := make([]error, n)
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			<-start
			errs[i] = call(i)
		})
	}
	close(start)
	wg.Wait()
	return errs
}

func succeeded(errs []error) (n int) {
	for _, err := range errs {
		if err == nil {
			n++
		}
	}
	return n
}
