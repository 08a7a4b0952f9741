// Package hygiene finds keys that need someone's care, and mends what it finds with one click: keys
// that nobody uses, that never end, that may more than they do, that a policy forbids. It also
// reminds of expiries. It owns no table; every change goes through internal/keys.
package hygiene

import (
	"time"

	"latchkey/internal/access"
	"latchkey/internal/database"
	"latchkey/internal/keys"
)

// Service finds and mends.
type Service struct {
	db   *database.DB
	keys *keys.Service
	now  func() time.Time
}

// New makes the service.
func New(db *database.DB, k *keys.Service, now func() time.Time) *Service {
	return &Service{db: db, keys: k, now: now}
}

// Finding is one thing about one key.
type Finding struct {
	Kind   string
	Key    keys.Item
	Since  time.Time     // since when it is so; zero: unknown
	Text   string        // one sentence about this key
	Scopes access.Scopes // scopes_unused: those that were never used
	Fixes  []Option      // what one click can do, the recommended first
}

// Option is something that Fix does.
type Option struct {
	Fix    string // pass to Fix
	Label  string // of the button: "Deactivate"
	Text   string // what it does, a sentence
	Danger bool   // it cannot be taken back
}

const (
	day   = 24 * time.Hour
	week  = 7 * day
	month = 30 * day
)
