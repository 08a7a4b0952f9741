package models

// Account is a person who signs in. Email is trimmed and lower-cased.
type Account struct {
	ID                string `gorm:"primaryKey"`
	Email             string
	Name              string
	PasswordHash      string // argon2id in PHC string format
	Theme             string // system, light or dark
	TimeZone          string // IANA name
	ShortcutsOff      bool
	LastWorkspaceID   *string
	PasswordChangedAt Time
	CreatedAt         Time `gorm:"autoCreateTime:false"`
	UpdatedAt         Time `gorm:"autoUpdateTime:false"`
}

// Workspace separates teams: every other row belongs to exactly one.
type Workspace struct {
	ID                    string `gorm:"primaryKey"`
	Name                  string
	Slug                  string
	Plan                  string // free, team or enterprise
	RawRetentionDays      int    // signals and accepted requests
	RejectedRetentionDays int    // rejected requests
	RateLimit             int    `gorm:"default:600"` // calls of the management API a minute
	PolicyMaxAgeDays      int    // key policy, enterprise only: how old a key's value may become; 0: any age
	PolicyRequireExpiry   bool   // ... every key needs an expiry
	PolicyRequireSecret   bool   // ... keys of webhook URLs need a shared secret
	CreatedAt             Time   `gorm:"autoCreateTime:false"`
	UpdatedAt             Time   `gorm:"autoUpdateTime:false"`
}

// Plans of a workspace.
const (
	PlanFree       = "free" // no API access
	PlanTeam       = "team"
	PlanEnterprise = "enterprise" // may have a key policy
)

// Membership gives an account a role in a workspace.
type Membership struct {
	WorkspaceID string `gorm:"primaryKey"`
	AccountID   string `gorm:"primaryKey"`
	Role        string // access.Role
	CreatedAt   Time   `gorm:"autoCreateTime:false"`
}

// Invitation is a link that works once; only the SHA-256 of its token is kept.
type Invitation struct {
	ID          string `gorm:"primaryKey"`
	WorkspaceID string
	Role        string
	Email       string // a note of whom it is for; may be empty
	TokenHash   []byte
	CreatedBy   string
	CreatedAt   Time `gorm:"autoCreateTime:false"`
	ExpiresAt   Time
	AcceptedAt  Time
	AcceptedBy  *string
	RevokedAt   Time
}

// Session is a signed-in browser (or one that only carries a flash); the cookie's random id is
// kept as its SHA-256.
type Session struct {
	ID         string `gorm:"primaryKey"`
	TokenHash  []byte
	AccountID  *string
	Data       []byte
	IP         string
	UserAgent  string
	CreatedAt  Time `gorm:"autoCreateTime:false"`
	LastSeenAt Time
	ExpiresAt  Time // absolute
}

// SetupToken lets the first account be made; SHA-256 of the printed token.
type SetupToken struct {
	TokenHash []byte `gorm:"primaryKey"`
	CreatedAt Time   `gorm:"autoCreateTime:false"`
}

// SignInThrottle counts failed sign-ins for one subject: an account's email or a client address.
type SignInThrottle struct {
	Subject      string `gorm:"primaryKey"` // "email:<sha256>" or "ip:<address>"
	Failures     int
	WindowStart  Time
	BlockedUntil Time
}
