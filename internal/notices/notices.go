// Package notices keeps what people of a workspace must be told once, until someone dismisses it:
// an expiry that nears, a leak. It owns the table notices, and knows of what it tells about only
// the key that it concerns.
package notices

import (
	"time"

	"latchkey/internal/access"
	"latchkey/internal/database"
	"latchkey/models"
)

// The kinds of notices; each is the name of the audit entry that goes with it.
const (
	Expiring = "api_key.expiring" // data: expires_at, days (the threshold: 30, 7 or 1)
	Expired  = "api_key.expired"  // data: expires_at
	Leaked   = "api_key.leaked"   // data: reporter, source, url, prefix, value, outcome; see internal/leaks
)

// Service reads and dismisses notices.
type Service struct {
	db  *database.DB
	now func() time.Time
}

// New makes the service.
func New(db *database.DB, now func() time.Time) *Service { return &Service{db: db, now: now} }

// Item is an open notice, with the key that it is about as the key is now.
type Item struct {
	models.Notice
	Values map[string]any // Data, decoded

	KeyName, KeyPrefix, KeyEnvironment string // empty when the notice is about no key
}

// Text is a value of the notice as text; empty when it has none of that name.
func (i Item) Text(name string) string {
	text, _ := i.Values[name].(string)
	return text
}

// Days is the threshold of an Expiring notice: 30, 7 or 1.
func (i Item) Days() int {
	days, _ := i.Values["days"].(float64)
	return int(days)
}

// ExpiresAt is the expiry that an Expiring or Expired notice is about; zero for other kinds.
func (i Item) ExpiresAt() time.Time {
	at, err := time.Parse(time.RFC3339, i.Text("expires_at"))
	if err != nil {
		return time.Time{}
	}
	return at
}

// visible is the part of a WHERE about notices n of keys k that leaves out what the actor may not
// manage.
func visible(actor access.Actor) string {
	seen := "(1 = 1)"
	if !actor.Can(access.ManageAPIKeys) {
		seen = "(k.endpoint_type IS NULL OR k.endpoint_type <> 'api_access')"
	}
	if !actor.Can(access.ManageEndpoints) {
		seen += " AND n.kind NOT IN ('" + EndpointFailing + "', '" + EndpointDisabled + "')"
	}
	return seen
}
