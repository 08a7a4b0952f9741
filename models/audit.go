package models

// AuditEntry is one change, written in the transaction of the change; append only.
type AuditEntry struct {
	ID             string  `gorm:"primaryKey"`
	WorkspaceID    *string // nil for what belongs to an account alone
	ActorAccountID *string // nil for the command line and the system
	ActorKeyID     *string // the API-access key that did it
	ActorLabel     string  // who it was at that time: an email, "command line", "system"
	Action         string  // noun.verb_past, e.g. api_key.created
	TargetType     string
	TargetID       string
	TargetLabel    string
	IP             string
	RequestID      string
	Before         []byte // JSON object, secrets masked
	After          []byte
	CreatedAt      Time `gorm:"autoCreateTime:false"`
}
