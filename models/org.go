package models

// What a key does with payloads that its template cannot map.
const (
	OnErrorReject     = "reject"     // 422, kept for a replay
	OnErrorQuarantine = "quarantine" // 200, kept for a replay
)

// What became of an update.
const (
	UpdateApplied     = "applied"   // changed at least one value
	UpdateStale       = "stale"     // every value that differs is newer already
	UpdateUnchanged   = "unchanged" // the values were so already
	UpdateDuplicate   = "duplicate" // replayed, and found to be known
	UpdateFailed      = "failed"    // not mapped; the sender was told
	UpdateQuarantined = "quarantined"
)

// ProductOrg is an organisation as its newest updates say. Fields holds every value with its
// instant; the columns beside it repeat some for searching and sorting.
type ProductOrg struct {
	ID           string `gorm:"primaryKey"`
	WorkspaceID  string
	Environment  string
	OrgKey       string // org_id as the sender gave it
	Name         string
	Domain       string
	Plan         string
	TrialStatus  string
	MRR          *float64 `gorm:"column:mrr"` // for sorting; the exact number is in Fields
	UserCount    *int64
	Fields       []byte // JSON object: orgs.State
	Updates      int64  // how many were applied
	LastDigest   []byte // SHA-256 of the bytes of the newest update that counted
	LastUpdateID *string
	LastEventAt  Time // the newest instant of a value
	CreatedAt    Time `gorm:"autoCreateTime:false"`
	UpdatedAt    Time `gorm:"autoUpdateTime:false"` // when a value last changed
}

// ProductOrgUpdate is one received update, whatever became of it. Raw holds its bytes as sent.
type ProductOrgUpdate struct {
	ID              string `gorm:"primaryKey"` // UUID v7: sorts by arrival
	WorkspaceID     string
	Environment     string
	APIKeyID        string `gorm:"column:api_key_id"`
	RequestID       string
	ItemIndex       int
	OrgID           *string // product_orgs.id; nil while it is not mapped
	OrgKey          string
	Status          string
	TemplateID      *string
	TemplateVersion int // that mapped it, or failed to
	MessageID       string
	Digest          []byte   // dedup, as in signal_dedup; nil without a message id or event time
	Warnings        string   // codes, comma separated
	Changes         []byte   // JSON array: orgs.Change
	Problems        []byte   // JSON array: mapping.Finding
	MRR             *float64 `gorm:"column:mrr"` // the org's after this update, for its curve
	UserCount       *int64
	OccurredAt      Time
	ReceivedAt      Time
	ReplayedAt      Time
	ReplayedBy      *string
	Raw             []byte
}

// OrgReplay is a run over what waits for a better template.
type OrgReplay struct {
	ID              string `gorm:"primaryKey"`
	WorkspaceID     string
	APIKeyID        string `gorm:"column:api_key_id"`
	TemplateVersion int
	Status          string // running, finished, stopped or failed
	Total           int64
	Applied         int64
	Stale           int64
	Unchanged       int64
	Duplicates      int64
	Failed          int64
	AfterID         *string // the last update that was handled
	UptoID          string  // the last that belongs to this replay
	Problem         string  // why it failed
	StartedBy       *string
	StartedLabel    string
	StartedAt       Time
	UpdatedAt       Time `gorm:"autoUpdateTime:false"`
	FinishedAt      Time
}
