package models

import "time"

// Endpoint types of a key.
const (
	SignalStaging = "signal_staging"
	ProductOrgs   = "product_orgs"
	APIAccess     = "api_access"
)

// Environments of a key and of everything written with it.
const (
	Live = "live"
	Test = "test"
)

// Stored states of a key; expired follows from ExpiresAt.
const (
	KeyActive      = "active"
	KeyDeactivated = "deactivated"
)

// APIKey is a key that programs present. Only hashes of its value and shared secret are kept.
type APIKey struct {
	ID            string `gorm:"primaryKey"`
	WorkspaceID   string
	Name          string
	Environment   string // live or test
	EndpointType  string
	KeyPrefix     string  // e.g. sk_live_a2f9, for display only
	KeyHash       []byte  // SHA-256 of the whole key, unique
	SecretHash    []byte  // SHA-256 of the shared secret, nil when none is required
	Status        string  // active or deactivated
	FormNonce     *string // makes a double click one key; unique in the workspace
	ExpiresAt     Time    // zero: never
	CreatedBy     *string // account
	CreatedAt     Time    `gorm:"autoCreateTime:false"`
	UpdatedAt     Time    `gorm:"autoUpdateTime:false"`
	DeactivatedAt Time
	DeactivatedBy *string

	SettingsVersion int     // grows with each change below, so that no instance goes on by the old one
	TemplateID      *string // product_orgs: the payload template
	OnError         string  // product_orgs: reject or quarantine
	SignatureScheme string  // source.Scheme whose signature is required; empty: none
	SignatureSecret []byte  // sealed by internal/secretbox

	Scopes         string  // api_access: access.Scopes, space separated; empty grants nothing
	Imported       bool    // the value was made elsewhere and has a format of its own
	CreatedByKey   *string // the API-access key that made it; CreatedBy is then that key's maker
	RateLimit      int     // webhook keys: requests a minute; 0: no limit
	OnLeak         string  `gorm:"default:deactivate"` // OnLeakAlert or OnLeakDeactivate
	AllowList      string  // CIDRs, space separated
	AllowListMode  string  `gorm:"default:off"` // AllowListOff, AllowListWatch or AllowListEnforce
	AllowListSince Time    // since when it is watched or enforced
	ValueSince     Time    // how old the present value is: creation, or the last rotation
	PreviousEndsAt Time    // until when the value before it is valid; zero: it never had another, or it was ended
}

// What a report that a key has leaked does to it.
const (
	OnLeakAlert      = "alert"
	OnLeakDeactivate = "deactivate"
)

// What a key's address list does.
const (
	AllowListOff     = "off"
	AllowListWatch   = "watch"   // counts what it would have refused
	AllowListEnforce = "enforce" // refuses
)

// RotatingAt tells whether two values of the key are valid at now.
func (k APIKey) RotatingAt(now time.Time) bool {
	return k.State(now) == "active" && now.Before(k.PreviousEndsAt.Time)
}

// RetiredKeyValue is a value that a key had before a rotation.
type RetiredKeyValue struct {
	KeyHash     []byte `gorm:"primaryKey"` // SHA-256
	APIKeyID    string `gorm:"column:api_key_id"`
	WorkspaceID string
	KeyPrefix   string
	RetiredAt   Time
	EndsAt      Time // valid until then; never after the key's own expiry
}

// KeyState is the one row whose version grows with every change that cached credentials of the
// management API must not outlive.
type KeyState struct {
	ID      int `gorm:"primaryKey;autoIncrement:false"`
	Version int64
}

// KeyScopeUse is when an API-access key last made use of a scope.
type KeyScopeUse struct {
	APIKeyID   string `gorm:"primaryKey;column:api_key_id"`
	Scope      string `gorm:"primaryKey"`
	LastUsedAt Time
}

// ExpiredAt tells whether the key's time is over at now.
func (k APIKey) ExpiredAt(now time.Time) bool {
	return !k.ExpiresAt.IsZero() && !now.Before(k.ExpiresAt.Time)
}

// State is the status that people see: active, expired or deactivated.
func (k APIKey) State(now time.Time) string {
	switch {
	case k.Status == KeyDeactivated:
		return "deactivated"
	case k.ExpiredAt(now):
		return "expired"
	default:
		return "active"
	}
}

// KeyUsageMinute counts what one key received in one minute (Unix minutes); coalesced writes.
type KeyUsageMinute struct {
	APIKeyID    string `gorm:"primaryKey;column:api_key_id"`
	Minute      int64  `gorm:"primaryKey;autoIncrement:false"`
	WorkspaceID string
	Environment string
	Accepted    int64 // items stored
	Duplicates  int64 // items known already
	Rejected    int64 // requests and items refused
	Previous    int64 // requests with the value before a rotation, among the others
	Outside     int64 // requests from outside the watched address list, among the others
}

// KeyLastUsed is when and from where a key was last seen; apart from the key's own row so that
// writing it can neither block nor damage the key.
type KeyLastUsed struct {
	APIKeyID         string `gorm:"primaryKey;column:api_key_id"`
	LastUsedAt       Time   // last authenticated request
	IP               string
	UserAgent        string
	LastRefusedAt    Time // last request refused for the key's own state
	RefusedIP        string
	RefusedUserAgent string
	BrowserSeenAt    Time // last request that carried a browser's Origin or Sec-Fetch headers

	PreviousUsedAt    Time // last request with the value before a rotation
	PreviousIP        string
	PreviousUserAgent string
	OutsideAt         Time // last request from outside the address list
	OutsideIP         string
}

// TableName keeps the singular: one row a key.
func (KeyLastUsed) TableName() string { return "key_last_used" }
