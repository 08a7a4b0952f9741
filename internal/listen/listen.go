// Package listen shows a developer's program the messages of its workspace as they are written. A
// session has a row in listeners, which makes messages be written though no endpoint subscribes;
// what it gets it finds by looking into the table of messages, so that it sees those of every
// instance.
package listen

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"gorm.io/gorm"

	"latchkey/internal/database"
	"latchkey/internal/keys"
	"latchkey/internal/outbox"
	"latchkey/models"
)

const (
	// MaxSessions is how many programs of a workspace may listen at a time.
	MaxSessions = 10
	// Lease is how long a listener counts after it was last heard of. One that comes back within it
	// has missed nothing.
	Lease      = 30 * time.Second
	renewEvery = Lease / 3
)

// Service opens sessions.
type Service struct {
	db   *database.DB
	keys *keys.Service
	now  func() time.Time
}

// New makes the service.
func New(db *database.DB, k *keys.Service, now func() time.Time) *Service {
	return &Service{db: db, keys: k, now: now}
}

// Run removes listeners that are gone, until ctx ends.
func (s *Service) Run(ctx context.Context) {
	tick := time.NewTicker(renewEvery)
	defer tick.Stop()
	for {
		if err := s.Prune(ctx); err != nil && ctx.Err() == nil {
			slog.Error("listeners that are gone were not removed; tried again later", "in", renewEvery, "err", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Prune removes listeners that were not heard of for too long, so that nothing is written for them
// any more.
func (s *Service) Prune(ctx context.Context) error {
	expired := func(db *gorm.DB) gorm.ChainInterface[models.Listener] {
		return gorm.G[models.Listener](db).Where("expires_at <= ?", models.At(s.now()))
	}
	// Nearly always there are none; the writers need not wait for that.
	n, err := expired(s.db.Read).Count(ctx, "*")
	if err != nil || n == 0 {
		return wrap("count listeners that are gone", err)
	}
	return s.db.Tx(ctx, func(tx *gorm.DB) error {
		if err := s.keys.LockStates(ctx, tx); err != nil {
			return err
		}
		if n, err := expired(tx).Delete(ctx); err != nil || n == 0 {
			return wrap("remove listeners that are gone", err)
		}
		return outbox.Changed(ctx, tx)
	})
}

func wrap(doing string, err error) error {
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return nil
}
