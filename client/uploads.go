package client

import (
	"context"
	"iter"
	"net/url"
	"time"
)

// Upload is how far a bulk upload is, and how it ended.
type Upload struct {
	ID             string    `json:"id"` // of its request
	WorkspaceID    string    `json:"workspace_id"`
	Environment    string    `json:"environment"`
	APIKeyID       string    `json:"api_key_id"`
	Status         string    `json:"status"`      // running, done, cut_off or interrupted
	BytesTotal     int64     `json:"bytes_total"` // 0 when the sender did not name it
	BytesRead      int64     `json:"bytes_read"`  // as sent, before inflation
	Lines          int64     `json:"lines"`
	Accepted       int64     `json:"accepted"`
	Duplicates     int64     `json:"duplicates"`
	Rejected       int64     `json:"rejected"`
	ResumeFromLine int64     `json:"resume_from_line"` // first line neither stored nor refused; 0 when done
	Message        string    `json:"message"`          // why it was cut off
	StartedAt      time.Time `json:"started_at"`
	UpdatedAt      time.Time `json:"updated_at"`
	EndedAt        time.Time `json:"ended_at"` // zero while it runs
}

// UploadFilter chooses among uploads; Status is running, done, cut_off or interrupted. Without an
// Environment they are those of live.
type UploadFilter struct{ Environment, Status, APIKeyID string }

// Uploads goes over the bulk uploads, the newest first. It needs requests:read.
func (c *Client) Uploads(ctx context.Context, f UploadFilter) iter.Seq2[Upload, error] {
	q := url.Values{}
	set(q, "environment", f.Environment)
	set(q, "status", f.Status)
	set(q, "api_key_id", f.APIKeyID)
	return list[Upload](ctx, c, q, "uploads")
}

// Upload reads one bulk upload. It needs requests:read.
func (c *Client) Upload(ctx context.Context, id string) (Upload, error) {
	return get[Upload](ctx, c, "uploads", id)
}
