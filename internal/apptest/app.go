package apptest

import (
	"context"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"sync"
	"testing"
	"time"

	"latchkey/handlers"
	"latchkey/internal/access"
	"latchkey/internal/accounts"
	"latchkey/internal/app"
	"latchkey/internal/database"
	"latchkey/internal/keys"
	"latchkey/internal/secretbox"
	"latchkey/models"
)

// App is the whole product on a fresh database, behind a real HTTP server on loopback.
type App struct {
	*app.App
	Server *httptest.Server
	URL    string
	Owner  access.Actor
	Clock  *Clock

	stop func()
}

// Clock is the injected time; it runs like the real one, moved by Advance.
type Clock struct {
	mu     sync.Mutex
	offset time.Duration
}

// Now is the real time plus what was advanced.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.offset)
}

// Advance moves the clock forward.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.offset += d
}

// Password is that of every account that Start and the factories make.
const Password = "correct horse battery"

// Option changes how Start builds the app.
type Option func(*app.Options, *handlers.Options)

// Start serves the app over db, with an owner and a workspace "Acme".
func Start(t *testing.T, db *database.DB, options ...Option) *App {
	t.Helper()
	clock := &Clock{}
	ao := app.Options{Now: clock.Now, Accounts: accounts.Config{Hash: CheapHash, HashSlots: 4}, Secrets: Secrets(t), Targets: Loopback}
	stopping := make(chan struct{})
	ho := handlers.Options{Stopping: stopping}
	for _, o := range options {
		o(&ao, &ho)
	}
	a := &App{App: app.New(db, ao), Clock: clock}
	server := httptest.NewUnstartedServer(nil)
	ho.BaseURL = &url.URL{Scheme: "http", Host: server.Listener.Addr().String()}
	server.Config = handlers.Server(a.App, ho)
	server.Start()
	a.Server, a.URL = server, server.URL

	ctx, cancel := context.WithCancel(context.Background())
	var work sync.WaitGroup
	work.Go(func() { a.RunWriters(ctx) })
	work.Go(func() { a.RunOutbound(ctx) })
	a.stop = sync.OnceFunc(func() {
		close(stopping)
		server.Close()
		cancel()
		work.Wait()
	})
	t.Cleanup(a.stop)
	a.setUp(t)
	return a
}

// Loopback are the networks that outbound webhooks of tests may reach: their receivers are there.
var Loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}

// Secrets is a box whose key is the same in every test, so that two apps over one database agree.
func Secrets(t *testing.T) *secretbox.Box {
	t.Helper()
	box, err := secretbox.New([]byte("a key of tests, of 32 bytes only"))
	if err != nil {
		t.Fatal(err)
	}
	return box
}

// CheapHash keeps password hashing out of the tests' time.
var CheapHash = accounts.HashParams{MemoryKiB: 64, Time: 1, Threads: 1}

// Stop ends the app as SIGTERM would.
func (a *App) Stop() { a.stop() }

func (a *App) setUp(t *testing.T) {
	t.Helper()
	needed, err := a.Accounts.NeedsSetup(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !needed {
		return
	}
	account, workspace, err := a.Accounts.SetUpFromCommandLine(t.Context(), accounts.SetUpForm{
		Name: "Olive Owner", Email: "owner@acme.example", Password: Password, Workspace: "Acme",
	})
	if err != nil {
		t.Fatalf("set up: %v", err)
	}
	a.Owner = access.Actor{AccountID: account.ID, WorkspaceID: workspace.ID, Role: access.Owner, Label: account.Email}
}

// NewKey makes a key with the owner's rights; change may alter the form.
func (a *App) NewKey(t *testing.T, change ...func(*keys.CreateForm)) keys.Created {
	t.Helper()
	form := keys.CreateForm{Name: "Website", Environment: models.Live, EndpointType: models.SignalStaging}
	for _, c := range change {
		c(&form)
	}
	made, err := a.Keys.Create(t.Context(), a.Owner, form)
	if err != nil {
		t.Fatalf("create key: %v", err)
	}
	return made
}
