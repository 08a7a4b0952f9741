package models

// Notice is something that people of a workspace are told once, until they dismiss it.
type Notice struct {
	ID          string `gorm:"primaryKey"`
	WorkspaceID string
	Kind        string  // an event's name, e.g. api_key.expiring
	Dedup       string  // unique in the workspace: the same notice is raised once
	APIKeyID    *string `gorm:"column:api_key_id"`
	Data        []byte  // JSON object
	CreatedAt   Time    `gorm:"autoCreateTime:false"`
	DismissedAt Time
	DismissedBy *string
}
