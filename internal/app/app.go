// Package app puts the use-cases together over one open database: what main serves, what the
// command line uses beside a running server, and what tests start.
package app

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"latchkey/internal/accounts"
	"latchkey/internal/audit"
	"latchkey/internal/database"
	"latchkey/internal/deliveries"
	"latchkey/internal/dispatch"
	"latchkey/internal/egress"
	"latchkey/internal/endpoints"
	"latchkey/internal/hygiene"
	"latchkey/internal/idempotency"
	"latchkey/internal/ingest"
	"latchkey/internal/keys"
	"latchkey/internal/leaks"
	"latchkey/internal/listen"
	"latchkey/internal/notices"
	"latchkey/internal/orgs"
	"latchkey/internal/outbox"
	"latchkey/internal/ratelimit"
	"latchkey/internal/secretbox"
	"latchkey/internal/signals"
	"latchkey/internal/templates"
	"latchkey/internal/usage"
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
	Usage     *usage.Recorder
	Limits    *ratelimit.Service
	Notices   *notices.Service
	Hygiene   *hygiene.Service
	Leaks     *leaks.Service
	Repeats   *idempotency.Service

	Endpoints  *endpoints.Service
	Deliveries *deliveries.Service
	Dispatch   *dispatch.Service
	Listen     *listen.Service

	Now func() time.Time
}

// Options are what differs between production, the command line and tests.
type Options struct {
	Now      func() time.Time
	Brand    string
	Accounts accounts.Config // DB, Now and DeactivateAllBy are filled in
	Limits   ingest.Limits
	Secrets  *secretbox.Box // seals signing secrets, of sources and of endpoints; nil: none can be kept
	Targets  []netip.Prefix // private networks that outbound webhooks may reach
	Egress   egress.Options // Allow is Targets
}

// New builds the services over db. Nothing runs yet.
func New(db *database.DB, o Options) *App {
	if o.Now == nil {
		o.Now = time.Now
	}
	k := keys.New(db, keys.Options{Now: o.Now, Brand: o.Brand})
	o.Accounts.DB, o.Accounts.Now, o.Accounts.DeactivateAllBy, o.Accounts.StatesChanged = db, o.Now, k.DeactivateAllBy, k.StatesChanged
	t := templates.New(db, o.Now)
	o.Egress.Allow = o.Targets
	bell, client := outbox.NewBell(), egress.New(o.Egress)
	ends := endpoints.New(endpoints.Options{DB: db, Keys: k, Now: o.Now, Secrets: o.Secrets, Client: client, Bell: bell})
	counts, limits := usage.New(db, o.Now), ratelimit.New(db, o.Now)
	return &App{
		DB: db, Now: o.Now, Keys: k, Templates: t, Orgs: orgs.New(db, o.Now),
		Accounts: accounts.New(o.Accounts),
		Audit:    audit.NewLog(db),
		Ingest: ingest.New(db, k, ingest.Options{
			Now: o.Now, Limits: o.Limits, Templates: t, Secrets: o.Secrets, Usage: counts, Rate: limits, Bell: bell,
		}),
		Signals: signals.New(db, o.Now),
		Usage:   counts, Limits: limits,
		Notices: notices.New(db, o.Now), Hygiene: hygiene.New(db, k, o.Now), Leaks: leaks.New(db, k, o.Now),
		Repeats:   idempotency.New(db, o.Now),
		Endpoints: ends, Deliveries: deliveries.New(db, o.Now, bell),
		Dispatch: dispatch.New(dispatch.Options{DB: db, Now: o.Now, Client: client, Endpoints: ends, Bell: bell}),
		Listen:   listen.New(db, k, o.Now),
	}
}

// Run does the background work until ctx ends: the writers, the deliveries, the reminders, the
// hourly clean-up. It returns when everything that was queued is committed.
func (a *App) Run(ctx context.Context) {
	var work sync.WaitGroup
	work.Go(func() { a.every(ctx, cleanUpEvery, "clean-up", a.CleanUp) })
	work.Go(func() { a.every(ctx, remindEvery, "reminders of expiries", a.Hygiene.Remind) })
	work.Go(func() { a.RunOutbound(ctx) })
	a.RunWriters(ctx)
	work.Wait()
}

// RunOutbound sends what the outbox holds until ctx ends, and looks after who listens.
func (a *App) RunOutbound(ctx context.Context) {
	var work sync.WaitGroup
	work.Go(func() { a.Dispatch.Run(ctx) })
	work.Go(func() { a.Listen.Run(ctx) })
	work.Wait()
}

// RunWriters stores what arrives until ctx ends, and returns when everything that was queued is
// committed; the counts come last, since the writers' last commits are in them.
func (a *App) RunWriters(ctx context.Context) {
	counting, stopCounting := context.WithCancel(context.WithoutCancel(ctx))
	defer stopCounting()
	var counts, work sync.WaitGroup
	counts.Go(func() { a.Usage.Run(counting) })
	work.Go(func() { a.Limits.Run(ctx) })
	work.Go(func() { a.Ingest.Run(ctx) })
	work.Wait()
	stopCounting()
	counts.Wait()
}

const (
	cleanUpEvery = time.Hour   // retention
	remindEvery  = time.Minute // keys that expire
)

// every does something now and then until ctx ends. A failure is logged, and tried again.
func (a *App) every(ctx context.Context, pause time.Duration, what string, do func(context.Context) error) {
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for {
		if err := do(ctx); err != nil && ctx.Err() == nil {
			slog.Error(what+" failed; tried again later", "in", pause, "err", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// CleanUp applies retention, and removes expired sessions and old answers to repeated calls.
func (a *App) CleanUp(ctx context.Context) error {
	// Signals first: this makes the parts that they go to.
	pruned, err := a.Signals.Prune(ctx)
	if err != nil {
		return fmt.Errorf("apply retention: %w", err)
	}
	sent, err := a.Deliveries.Prune(ctx)
	if err != nil {
		return fmt.Errorf("apply retention to deliveries: %w", err)
	}
	slog.Info("retention applied", "pruned", pruned, "outbound", sent)
	if err := a.Accounts.PruneSessions(ctx); err != nil {
		return fmt.Errorf("prune sessions: %w", err)
	}
	if err := a.Repeats.Prune(ctx); err != nil {
		return fmt.Errorf("prune answers: %w", err)
	}
	return nil
}
