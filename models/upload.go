package models

// The values of Upload.Status. A running upload whose row is no longer kept up belonged to an
// instance that died.
const (
	UploadRunning = "running"
	UploadDone    = "done"
	UploadCutOff  = "cut_off" // it ended before its body did, or was not read to its end
)

// Upload is how far a bulk upload is. It is written beside the upload, about once a second: exact
// once Status is done or cut_off.
type Upload struct {
	ID             string `gorm:"primaryKey"` // the request's
	WorkspaceID    string
	Environment    string
	APIKeyID       string `gorm:"column:api_key_id"`
	Status         string
	BytesTotal     *int64 // Content-Length; nil when the sender did not name it
	BytesRead      int64  // as sent, before inflation
	Lines          int64  // lines or items read, the refused ones included
	Accepted       int64
	Duplicates     int64
	Rejected       int64
	ResumeFromLine *int64 // first line that is neither stored nor refused; nil when done
	StartedAt      Time
	UpdatedAt      Time `gorm:"autoUpdateTime:false"`
	EndedAt        Time
	Message        string // why it was cut off, as its sender was told
}
