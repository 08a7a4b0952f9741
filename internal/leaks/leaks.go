// Package leaks is about keys that got where they should not be: it takes reports of leaked values
// and does what each key says, finds whose a pasted text is, verifies GitHub's secret-scanning
// alerts, and writes the rule by which scanners know this instance's keys.
package leaks

import (
	"time"

	"latchkey/internal/database"
	"latchkey/internal/keys"
)

// Service takes reports and finds.
type Service struct {
	db   *database.DB
	keys *keys.Service
	now  func() time.Time
}

// New makes the service.
func New(db *database.DB, k *keys.Service, now func() time.Time) *Service {
	return &Service{db: db, keys: k, now: now}
}
