// Package app puts the use-cases together over one open database: what main serves, what the
// command line uses beside a running server, and what tests start.
package app

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"latchkey/internal/accounts"
	"latchkey/internal/audit"
	"latchkey/internal/database"
	"latchkey/internal/ingest"
	"latchkey/internal/keys"
	"latchkey/internal/orgs"
	"latchkey/internal/secretbox"
	"latchkey/internal/signals"
	"latchkey/internal/templates"
)

// App is the product without its doors.
type App struct {
	DB        *database.DB
	Accounts  *accounts.Service
	Audit     *audit.Log
	Keys      *keys.Service
	Ingest    *ingest.Service
	Signals   *signals.Service
	Templates *templates.Service
	Orgs      *orgs.Service
	Now       func() time.Time
}

// Options are what differs between production, the command line and tests.
type Options struct {
	Now      func() time.Time
	Brand    string
	Accounts accounts.Config // DB, Now and DeactivateAllBy are filled in
	Limits   ingest.Limits
	Secrets  *secretbox.Box // seals the signing secrets of sources; nil: none can be kept
}

// New builds the services over db. Nothing runs yet.
func New(db *database.DB, o Options) *App {
	if o.Now == nil {
		o.Now = time.Now
	}
	k := keys.New(db, keys.Options{Now: o.Now, Brand: o.Brand})
	o.Accounts.DB, o.Accounts.Now, o.Accounts.DeactivateAllBy = db, o.Now, k.DeactivateAllBy
	t := templates.New(db, o.Now)
	return &App{
		DB: db, Now: o.Now, Keys: k, Templates: t, Orgs: orgs.New(db, o.Now),
		Accounts: accounts.New(o.Accounts),
		Audit:    audit.NewLog(db),
		Ingest:   ingest.New(db, k, ingest.Options{Now: o.Now, Limits: o.Limits, Templates: t, Secrets: o.Secrets}),
		Signals:  signals.New(db, o.Now),
	}
}

// Run does the background work until ctx ends: the writer, then the hourly clean-up. It returns
// when everything that was queued is committed.
func (a *App) Run(ctx context.Context) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		a.cleanUp(ctx)
	}()
	a.Ingest.Run(ctx)
	<-done
}

// cleanUpEvery is how often retention is applied.
const cleanUpEvery = time.Hour

func (a *App) cleanUp(ctx context.Context) {
	tick := time.NewTicker(cleanUpEvery)
	defer tick.Stop()
	for {
		if err := a.CleanUp(ctx); err != nil && ctx.Err() == nil {
			slog.Error("clean-up failed; it is tried again in an hour", "err", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// CleanUp applies retention and removes expired sessions.
func (a *App) CleanUp(ctx context.Context) error {
	if err := a.Accounts.PruneSessions(ctx); err != nil {
		return fmt.Errorf("prune sessions: %w", err)
	}
	pruned, err := a.Signals.Prune(ctx)
	if err != nil {
		return fmt.Errorf("apply retention: %w", err)
	}
	slog.Info("retention applied", "pruned", pruned)
	return nil
}
