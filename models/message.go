package models

// Message is something that other systems are told. Its id is that of the signal, the update or the
// refused request that it tells of, where there is one; Body is what every attempt sends.
type Message struct {
	ID          string `gorm:"primaryKey"` // UUID, mostly v7; "msg_" and its digits outside
	WorkspaceID string
	Environment string
	EventType   string
	APIKeyID    *string `gorm:"column:api_key_id"`
	Source      string
	Body        []byte
	CreatedAt   Time `gorm:"autoCreateTime:false"`
}

// What became of a delivery.
const (
	DeliveryPending   = "pending" // to be sent at NextAttemptAt
	DeliveryDelivered = "delivered"
	DeliveryFailed    = "failed"  // no attempt is left
	DeliverySkipped   = "skipped" // its endpoint was disabled
)

// Delivery is one message for one endpoint.
type Delivery struct {
	EndpointID    string `gorm:"primaryKey"`
	MessageID     string `gorm:"primaryKey"`
	WorkspaceID   string
	EventType     string
	Status        string
	Ordered       bool // as its endpoint
	Step          int  // attempts since it was last put on the schedule
	Attempts      int  // attempts altogether
	NextAttemptAt Time // null unless pending
	LastStatus    int  // HTTP status of the last attempt; 0: no answer
	LastError     string
	ReplayID      *string
	CreatedAt     Time `gorm:"autoCreateTime:false"`
	FinishedAt    Time
}

// Why an attempt was made.
const (
	CauseSchedule = "schedule"
	CauseRetry    = "retry"
	CauseReplay   = "replay"
	CauseTest     = "test"
)

// DeliveryAttempt is one request to an endpoint, and what it answered.
type DeliveryAttempt struct {
	EndpointID string `gorm:"primaryKey"`
	MessageID  string `gorm:"primaryKey"`
	Number     int    `gorm:"primaryKey;autoIncrement:false"` // from 1
	StartedAt  Time
	DurationUS int64  `gorm:"column:duration_us"`
	Status     int    // HTTP status; 0: no answer
	Error      string // a code of egress; empty: success
	Detail     string // a sentence for people
	Response   []byte // the beginning of the answer's body
	Truncated  bool   // there was more
	Cause      string
}

// DeliveryReplay is a run that sends again what failed or was skipped.
type DeliveryReplay struct {
	ID           string `gorm:"primaryKey"`
	WorkspaceID  string
	EndpointID   string
	Kind         string // DeliveryFailed or DeliverySkipped
	Since        Time   // of the messages
	Rate         int    // a second
	Status       string // running, finished, stopped or failed
	Total        int64
	Released     int64   // put on the schedule again
	AfterID      *string // the last message that was
	UptoID       string  // the last message that belongs to this run
	Problem      string
	StartedBy    *string
	StartedLabel string
	StartedAt    Time
	UpdatedAt    Time `gorm:"autoUpdateTime:false"`
	FinishedAt   Time
}

// OutboxState is one row: the version of who gets which messages.
type OutboxState struct {
	ID      int `gorm:"primaryKey;autoIncrement:false"`
	Version int64
}

// TableName keeps the singular: there is one.
func (OutboxState) TableName() string { return "outbox_state" }

// Listener is a developer's program that gets a workspace's messages as they are written.
type Listener struct {
	ID          string `gorm:"primaryKey"`
	WorkspaceID string
	Environment string
	EventTypes  string
	APIKeyID    *string `gorm:"column:api_key_id"` // the program's key
	ExpiresAt   Time
	LeftAt      Time // it may come back until ExpiresAt, and miss nothing
}
