package models

// Template is a payload template: a list of versions, of which the newest counts.
type Template struct {
	ID          string `gorm:"primaryKey"`
	WorkspaceID string
	Name        string // empty: it belongs to one key alone; else unique in the workspace
	Version     int    // the newest; 0 while there is none and payloads wait
	CreatedBy   *string
	CreatedAt   Time `gorm:"autoCreateTime:false"`
	UpdatedAt   Time `gorm:"autoUpdateTime:false"`
}

// TemplateVersion is one version, never changed once written.
type TemplateVersion struct {
	TemplateID   string  `gorm:"primaryKey"`
	Version      int     `gorm:"primaryKey;autoIncrement:false"`
	Body         []byte  // mapping.Template as JSON
	Note         string  // e.g. "Version 2 restored"
	CreatedBy    *string // account
	CreatedLabel string  // who that was, as the audit log shows it
	CreatedAt    Time    `gorm:"autoCreateTime:false"`
}
