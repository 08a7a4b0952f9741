package models

// Signal is one stored event. Raw holds the item's bytes exactly as sent; the other columns are
// what was found in it, made safe for text columns of both databases.
type Signal struct {
	ID          string `gorm:"primaryKey"` // UUID v7: sorts by arrival
	WorkspaceID string
	Environment string
	APIKeyID    string `gorm:"column:api_key_id"`
	RequestID   string
	Source      string // empty for the universal URL
	Kind        string // track, page, screen, identify, group or alias
	Event       string
	Email       string
	UserID      string
	AnonymousID string
	GroupID     string
	MessageID   string
	Warnings    string // codes, comma separated
	OccurredAt  Time
	ReceivedAt  Time
	Raw         []byte

	// Of the request that brought the event, when it brought nothing else: RequestID is then ID, and
	// there is no GatewayRequest. Route is nil when the request has a row of its own.
	Route      *string
	DurationUS *int64 `gorm:"column:duration_us"`
	IP         *string
	UserAgent  *string
	Headers    []byte // JSON object, secrets masked
}

// SignalDedup remembers a message id for the dedup window. Digest is SHA-256 over workspace,
// environment, source, message id and event name.
type SignalDedup struct {
	Digest        []byte `gorm:"primaryKey"`
	SignalID      string
	PayloadDigest []byte
	ReceivedAt    Time
}

// TableName keeps the singular: it is a set of digests, not of things.
func (SignalDedup) TableName() string { return "signal_dedup" }

// RequestLog is the view of all inbound HTTP requests: the rows of GatewayRequest, and the requests
// that are kept in the row of the one event that they brought. Its rows have GatewayRequest's fields;
// those that are Logged.
const (
	RequestLog = "request_log"
	Logged     = "route IS NOT NULL"
)

// GatewayRequest is one inbound HTTP request, accepted or refused: the line of the live log.
type GatewayRequest struct {
	ID          string `gorm:"primaryKey"` // the X-Request-Id that the sender got
	WorkspaceID string
	Environment string  // empty when no key could be told
	APIKeyID    *string `gorm:"column:api_key_id"`
	Route       string  // route template, never the URI
	Source      string
	Status      int    // HTTP status of the answer
	Code        string // error code, empty when accepted
	Message     string // the sentence that the sender got
	Accepted    int
	Duplicates  int
	Rejected    int
	Event       string // of the first item
	Email       string
	SignalID    *string // of a single item: stored, or the one it repeats
	Bytes       int64   // inflated body
	DurationUS  int64   `gorm:"column:duration_us"`
	IP          string
	UserAgent   string
	Headers     []byte // JSON object, secrets masked
	Results     []byte // JSON array of the refused items, first 100
	Body        []byte // inflated; nil when SignalID's raw bytes are the body, or it was not kept
	ReceivedAt  Time
}
