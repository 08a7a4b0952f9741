package models

// APIIdempotency is the answer to a POST that carried an Idempotency-Key. Secrets are not in it.
type APIIdempotency struct {
	APIKeyID      string `gorm:"primaryKey;column:api_key_id"`
	Digest        []byte `gorm:"primaryKey"` // SHA-256 of the Idempotency-Key
	RequestDigest []byte // SHA-256 of method, path and body
	Status        int    // HTTP status; 0: it is being worked on
	Headers       []byte // JSON object of those that belong to the answer
	Body          []byte
	CreatedAt     Time `gorm:"autoCreateTime:false"`
}

// TableName keeps the singular: it is not a list of things.
func (APIIdempotency) TableName() string { return "api_idempotency" }

// RateSlot is what was taken of a subject's limit in one half second.
type RateSlot struct {
	Subject string `gorm:"primaryKey"`
	Slot    int64  `gorm:"primaryKey;autoIncrement:false"` // Unix half seconds
	Used    int64
}
