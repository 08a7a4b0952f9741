package ingest

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"gorm.io/gorm"

	"latchkey/internal/database"
	"latchkey/internal/keys"
	"latchkey/models"
)

// usageInterval is how long counts stay in memory before they are written. A crash loses at most
// that much of the counts, never an event.
const usageInterval = 500 * time.Millisecond

type minuteKey struct {
	keyID  string
	minute int64
}

// usage coalesces counters and last uses of all requests, and writes them on its own: it can
// neither delay nor fail a request.
type usage struct {
	db  *database.DB
	now func() time.Time

	mu      sync.Mutex
	minutes map[minuteKey]*models.KeyUsageMinute
	last    map[string]*models.KeyLastUsed
}

func newUsage(db *database.DB, now func() time.Time) *usage {
	return &usage{db: db, now: now, minutes: map[minuteKey]*models.KeyUsageMinute{}, last: map[string]*models.KeyLastUsed{}}
}

// seen is where a request came from.
type seen struct {
	ip, userAgent string
	browser       bool
}

// used records an authenticated request.
func (u *usage) used(c *keys.Credential, from seen, at time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	l := u.lastOf(c.ID)
	l.LastUsedAt, l.IP, l.UserAgent = models.At(at), from.ip, from.userAgent
	if from.browser {
		l.BrowserSeenAt = models.At(at)
	}
}

// refused records a request that the key's own state refused.
func (u *usage) refused(c *keys.Credential, from seen, at time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	l := u.lastOf(c.ID)
	l.LastRefusedAt, l.RefusedIP, l.RefusedUserAgent = models.At(at), from.ip, from.userAgent
	u.minute(c, at).Rejected++
}

// accepted counts what a job stored.
func (u *usage) accepted(j *job, at time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	m := u.minute(j.cred, at)
	m.Accepted += int64(j.accepted)
	m.Duplicates += int64(j.repeated)
}

// rejected counts refused items or requests.
func (u *usage) rejected(c *keys.Credential, n int, at time.Time) {
	if n == 0 {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.minute(c, at).Rejected += int64(n)
}

func (u *usage) minute(c *keys.Credential, at time.Time) *models.KeyUsageMinute {
	k := minuteKey{c.ID, at.Unix() / 60}
	m := u.minutes[k]
	if m == nil {
		m = &models.KeyUsageMinute{APIKeyID: c.ID, Minute: k.minute, WorkspaceID: c.WorkspaceID, Environment: c.Environment}
		u.minutes[k] = m
	}
	return m
}

func (u *usage) lastOf(keyID string) *models.KeyLastUsed {
	l := u.last[keyID]
	if l == nil {
		l = &models.KeyLastUsed{APIKeyID: keyID}
		u.last[keyID] = l
	}
	return l
}

func (u *usage) run(ctx context.Context) {
	tick := time.NewTicker(usageInterval)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			u.flush()
		case <-ctx.Done():
			u.flush()
			return
		}
	}
}

// flush writes what has gathered; on failure it is put back and tried with the next.
func (u *usage) flush() {
	u.mu.Lock()
	minutes, last := u.minutes, u.last
	if len(minutes)+len(last) == 0 {
		u.mu.Unlock()
		return
	}
	u.minutes, u.last = map[minuteKey]*models.KeyUsageMinute{}, map[string]*models.KeyLastUsed{}
	u.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), flushTimeout)
	defer cancel()
	err := u.db.Tx(ctx, func(tx *gorm.DB) error {
		if err := writeMinutes(ctx, tx, minutes); err != nil {
			return err
		}
		return writeLast(ctx, tx, last)
	})
	if err != nil {
		slog.Warn("usage counts could not be written; they stay in memory", "err", err)
		u.restore(minutes, last)
	}
}

// maxHeld bounds what is kept in memory while the database is away.
const maxHeld = 200_000

func (u *usage) restore(minutes map[minuteKey]*models.KeyUsageMinute, last map[string]*models.KeyLastUsed) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if len(u.minutes)+len(minutes) > maxHeld {
		slog.Error("usage counts dropped: the database has been away for too long", "rows", len(minutes))
		return
	}
	for k, m := range minutes {
		if newer := u.minutes[k]; newer != nil {
			newer.Accepted += m.Accepted
			newer.Duplicates += m.Duplicates
			newer.Rejected += m.Rejected
			continue
		}
		u.minutes[k] = m
	}
	for id, l := range last {
		if u.last[id] == nil {
			u.last[id] = l
		}
	}
}
