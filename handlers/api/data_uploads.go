package api

import (
	"net/http"

	"latchkey/internal/signals"
	"latchkey/models"
)

type uploadJSON struct {
	ID             string  `json:"id"`
	WorkspaceID    string  `json:"workspace_id"`
	Environment    string  `json:"environment"`
	APIKeyID       string  `json:"api_key_id"`
	Status         string  `json:"status"`
	BytesTotal     *int64  `json:"bytes_total"`
	BytesRead      int64   `json:"bytes_read"`
	Lines          int64   `json:"lines"`
	Accepted       int64   `json:"accepted"`
	Duplicates     int64   `json:"duplicates"`
	Rejected       int64   `json:"rejected"`
	ResumeFromLine *int64  `json:"resume_from_line"`
	Message        *string `json:"message"`
	StartedAt      string  `json:"started_at"`
	UpdatedAt      string  `json:"updated_at"`
	EndedAt        *string `json:"ended_at"`
}

func listUploads(c *call) error {
	q := c.query()
	f := signals.UploadFilter{
		Environment: q.oneEnvironment(), KeyID: q.id("api_key_id"),
		Status: q.oneOf("status", models.UploadRunning, models.UploadDone, models.UploadCutOff, signals.UploadInterrupted),
		At:     signals.Cursor{Before: q.cursorID()}, Limit: q.limit(),
	}
	if err := q.err(); err != nil {
		return err
	}
	page, err := c.api.Signals.Uploads(c.ctx(), c.actor, f)
	if err != nil {
		return err
	}
	return c.list(each(page.Items, uploadOf), page.Older)
}

func getUpload(c *call) error {
	u, err := c.api.Signals.Upload(c.ctx(), c.actor, c.param("uploadId"))
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, uploadOf(u))
}

func uploadOf(u signals.UploadItem) uploadJSON {
	return uploadJSON{
		ID: u.ID, WorkspaceID: u.WorkspaceID, Environment: u.Environment, APIKeyID: u.APIKeyID, Status: u.Status,
		BytesTotal: u.BytesTotal, BytesRead: u.BytesRead, Lines: u.Lines, Accepted: u.Accepted, Duplicates: u.Duplicates, Rejected: u.Rejected,
		ResumeFromLine: u.ResumeFromLine, Message: nullable(u.Message),
		StartedAt: instant(u.StartedAt.Time), UpdatedAt: instant(u.UpdatedAt.Time), EndedAt: optionalInstant(u.EndedAt),
	}
}
