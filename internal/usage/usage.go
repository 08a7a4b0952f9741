// Package usage counts what keys are used for, by the gateway and the management API: per key and
// minute, the last uses, and the scopes made use of. It writes on its own time: it can neither
// delay nor fail a request.
package usage

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"

	"latchkey/internal/database"
	"latchkey/internal/keys"
	"latchkey/internal/token"
	"latchkey/models"
)

const (
	// interval is how long counts stay in memory before they are written, and longest how long where
	// many keys are busy at once. A crash loses at most that much of the counts, never an event.
	interval = 500 * time.Millisecond
	longest  = 5 * time.Second
	// share is the part of the time, one in so many, that may go into writing: the rows of many keys
	// are written less often, each with more in it, and leave the database to the events.
	share = 10
	// flushTimeout bounds a write; what could not be written is tried again.
	flushTimeout = 15 * time.Second
)

// Recorder coalesces the counters and last uses of all requests.
type Recorder struct {
	db  *database.DB
	now func() time.Time

	mu   sync.Mutex
	held gathered
}

// New makes a recorder; Run must run for what it records to be written.
func New(db *database.DB, now func() time.Time) *Recorder {
	return &Recorder{db: db, now: now, held: newGathered()}
}

// Seen is where a request came from.
type Seen struct {
	IP, UserAgent string
	Browser       bool // it carried a browser's own headers
}

// maxUserAgent is how much of a user agent is kept, in bytes.
const maxUserAgent = 500

// tidy makes what a sender calls itself fit for a column: one row that the database refuses would
// hold up all the others. A secret that strayed into it is masked.
func tidy(agent string) string {
	agent = token.Mask(strings.Map(func(c rune) rune {
		if c < ' ' || c == 0x7f {
			return ' '
		}
		return c
	}, strings.ToValidUTF8(agent, "\uFFFD")))
	if len(agent) > maxUserAgent {
		agent = strings.ToValidUTF8(agent[:maxUserAgent], "")
	}
	return agent
}

// Used records when and from where an authenticated request came; Count counts what became of it.
func (r *Recorder) Used(c *keys.Credential, from Seen, at time.Time) {
	from.UserAgent = tidy(from.UserAgent)
	r.mu.Lock()
	defer r.mu.Unlock()
	l := r.held.lastOf(c.ID)
	l.LastUsedAt, l.IP, l.UserAgent = models.At(at), from.IP, from.UserAgent
	if from.Browser {
		l.BrowserSeenAt = models.At(at)
	}
	if retiring(c, at) {
		l.PreviousUsedAt, l.PreviousIP, l.PreviousUserAgent = models.At(at), from.IP, from.UserAgent
	}
}

// Refused records and counts a request that was refused as a whole.
func (r *Recorder) Refused(c *keys.Credential, from Seen, at time.Time) {
	from.UserAgent = tidy(from.UserAgent)
	r.mu.Lock()
	defer r.mu.Unlock()
	l := r.held.lastOf(c.ID)
	l.LastRefusedAt, l.RefusedIP, l.RefusedUserAgent = models.At(at), from.IP, from.UserAgent
	if retiring(c, at) {
		l.PreviousUsedAt, l.PreviousIP, l.PreviousUserAgent = models.At(at), from.IP, from.UserAgent
	}
	r.held.count(c, 0, 0, 1, at)
}

// Count counts items by what became of them; a request to the management API is one. Those that
// came with the value before a rotation are counted as such too.
func (r *Recorder) Count(c *keys.Credential, accepted, duplicates, rejected int64, at time.Time) {
	if accepted+duplicates+rejected == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.held.count(c, accepted, duplicates, rejected, at)
}

// Scope records that a key made use of a scope.
func (r *Recorder) Scope(c *keys.Credential, scope string, at time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.held.scopes[scopeKey{c.ID, scope}] = at
}

// Outside records and counts a request from outside a key's address list that is only watched.
func (r *Recorder) Outside(c *keys.Credential, from Seen, at time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	l := r.held.lastOf(c.ID)
	l.OutsideAt, l.OutsideIP = models.At(at), from.IP
	r.held.minute(c, at).Outside++
}

// retiring tells whether the value that was presented is one before a rotation, and still valid.
func retiring(c *keys.Credential, at time.Time) bool {
	return c.Previous && (c.EndsAt.IsZero() || at.Before(c.EndsAt))
}

// Run writes what has gathered until ctx ends, then what is left.
func (r *Recorder) Run(ctx context.Context) {
	timer := time.NewTimer(interval)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
			began := time.Now()
			r.Flush()
			timer.Reset(pause(time.Since(began)))
		case <-ctx.Done():
			r.Flush()
			return
		}
	}
}

// pause is how long counts gather after a write that took so long.
func pause(took time.Duration) time.Duration {
	return min(max(interval, (share-1)*took), longest)
}

// Flush writes what has gathered; on failure it is put back and tried with the next.
func (r *Recorder) Flush() {
	r.mu.Lock()
	if r.held.empty() {
		r.mu.Unlock()
		return
	}
	taken := r.held
	r.held = newGathered()
	r.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), flushTimeout)
	defer cancel()
	err := taken.write(ctx, r.db)
	if err == nil {
		return
	}
	slog.Warn("usage counts could not be written; they stay in memory", "err", err)
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.held.restore(taken) {
		slog.Error("usage counts dropped: the database has been away for too long", "rows", len(taken.minutes))
	}
}
