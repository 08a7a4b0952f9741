package models

import "strings"

// What an endpoint's status may be.
const (
	EndpointEnabled  = "enabled"
	EndpointDisabled = "disabled" // its messages are kept as skipped
	EndpointDeleted  = "deleted"  // shown to nobody; its rows are removed little by little
)

// Why an endpoint is disabled.
const (
	DisabledManual  = "manual"  // a person or a program did
	DisabledGone    = "gone"    // it answered 410
	DisabledFailing = "failing" // five days without a success
)

// Endpoint is a URL that gets messages. Secrets and headers are sealed by secretbox.
type Endpoint struct {
	ID             string `gorm:"primaryKey"`
	WorkspaceID    string
	Environment    string
	URL            string `gorm:"column:url"`
	Description    string
	EventTypes     string  // types and prefix.* patterns, separated by spaces
	Source         string  // only messages about this source; empty: any
	APIKeyID       *string `gorm:"column:api_key_id"` // only messages about this key; nil: any
	Ordered        bool    // one after the other, in the order of message ids
	Concurrency    int     // requests at a time
	RateLimit      int     // requests a second; 0: no limit
	Headers        []byte  // sealed JSON array of [name, value]; nil: none
	Secret         []byte  // sealed; nil once deleted
	SecretSince    Time
	PreviousSecret []byte // sealed; signs too until PreviousEndsAt
	PreviousEndsAt Time
	Status         string
	DisabledReason string
	DisabledAt     Time
	Version        int  // grows with every change of this row
	CreatedAt      Time `gorm:"autoCreateTime:false"`
	CreatedBy      *string
	CreatedByKey   *string
	UpdatedAt      Time    `gorm:"autoUpdateTime:false"`
	FormNonce      *string // makes a double click one endpoint; unique in the workspace
}

// EndpointState is what the workers know of an endpoint, and which of them works for it.
type EndpointState struct {
	EndpointID    string `gorm:"primaryKey"`
	FailingSince  Time   // the first failure after the last success; zero: not failing
	Failures      int    // since the last success
	Warned        int    // the last warning on the way to disabling, in percent: 0, 50, 70 or 90
	LastSuccessAt Time
	LastFailureAt Time
	LastError     string
	PausedUntil   Time   // nothing is sent before, by the breaker or the receiver's Retry-After
	LeasedBy      string // the instance that works for it
	LeasedUntil   Time
}

// EndpointMinute counts attempts by the minute in which they ended.
type EndpointMinute struct {
	EndpointID string `gorm:"primaryKey"`
	Minute     int64  `gorm:"primaryKey;autoIncrement:false"` // Unix minutes
	Delivered  int64
	Failed     int64
	DurationUS int64 `gorm:"column:duration_us"` // of all attempts together
}

// Label is how people know the endpoint: its description, else its address.
func (e Endpoint) Label() string {
	if e.Description != "" {
		return e.Description
	}
	return e.Address()
}

// Address is the URL without the query, which may hold what only its receiver should know.
func (e Endpoint) Address() string {
	address, _, _ := strings.Cut(e.URL, "?")
	return address
}
