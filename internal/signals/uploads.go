package signals

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"latchkey/internal/access"
	"latchkey/internal/database"
	"latchkey/internal/fault"
	"latchkey/models"
)

// UploadInterrupted is a status that no row has: the instance that kept the upload's row up is gone.
const UploadInterrupted = "interrupted"

// silence is how long a running upload's row may stay as it is; it is written every second.
const silence = 60 * time.Second

// UploadFilter narrows the bulk uploads; zero values mean "all", but Environment is always one of
// models.Live and models.Test.
type UploadFilter struct {
	Environment string
	KeyID       string
	Status      string // models.UploadRunning, UploadDone, UploadCutOff or UploadInterrupted
	At          Cursor
	Limit       int // 1 to 500, default 50
}

// UploadItem is one bulk upload. Status may be UploadInterrupted, too.
type UploadItem struct {
	models.Upload
	KeyName   string
	KeyPrefix string
	KeyType   string
}

// UploadPage is a part of the uploads, newest first.
type UploadPage struct {
	Items []UploadItem
	Paging
}

var errNoUpload = fault.New(fault.NotFound, "This upload does not exist, or its retention has ended.")

// Uploads lists bulk uploads of every instance, newest first. It needs access.ReadData.
func (s *Service) Uploads(ctx context.Context, actor access.Actor, f UploadFilter) (UploadPage, error) {
	if err := actor.Require(access.ReadData); err != nil {
		return UploadPage{}, err
	}
	if f.KeyID != "" && !database.ValidID(f.KeyID) {
		return UploadPage{}, nil
	}
	now := s.now()
	alive := models.At(now.Add(-silence))
	q := query{at: f.At, limit: limited(f.Limit), indexed: func() *gorm.DB {
		db := s.db.Read.WithContext(ctx).Model(&models.Upload{}).
			Where("workspace_id = ? AND environment = ?", actor.WorkspaceID, f.Environment)
		if f.KeyID != "" {
			db = db.Where("api_key_id = ?", f.KeyID)
		}
		switch f.Status {
		case "":
			return db
		case models.UploadRunning:
			return db.Where("status = 'running' AND updated_at >= ?", alive)
		case UploadInterrupted:
			return db.Where("status = 'running' AND updated_at < ?", alive)
		}
		return db.Where("status = ?", f.Status)
	}}
	rows, paging, err := find(s, q, []string{"*"}, func(u models.Upload) string { return u.ID })
	if err != nil {
		return UploadPage{}, fmt.Errorf("list uploads: %w", err)
	}
	items, err := s.uploadItems(ctx, actor, rows, now)
	return UploadPage{items, paging}, err
}

// Upload returns one bulk upload by its request's id. NotFound when it is another workspace's.
func (s *Service) Upload(ctx context.Context, actor access.Actor, id string) (UploadItem, error) {
	if err := actor.Require(access.ReadData); err != nil {
		return UploadItem{}, err
	}
	if !database.ValidID(id) {
		return UploadItem{}, errNoUpload
	}
	row, err := gorm.G[models.Upload](s.db.Read).Where("id = ? AND workspace_id = ?", id, actor.WorkspaceID).Take(ctx)
	if database.IsNotFound(err) {
		return UploadItem{}, errNoUpload
	}
	if err != nil {
		return UploadItem{}, fmt.Errorf("select upload: %w", err)
	}
	items, err := s.uploadItems(ctx, actor, []models.Upload{row}, s.now())
	if err != nil {
		return UploadItem{}, err
	}
	return items[0], nil
}

func (s *Service) uploadItems(ctx context.Context, actor access.Actor, rows []models.Upload, now time.Time) ([]UploadItem, error) {
	var ids []string
	for _, r := range rows {
		ids = append(ids, r.APIKeyID)
	}
	keys, err := s.keysOf(ctx, actor, ids)
	if err != nil {
		return nil, err
	}
	items := make([]UploadItem, len(rows))
	for i, r := range rows {
		k := keys[r.APIKeyID]
		items[i] = UploadItem{r, k.Name, k.Prefix, k.Type}
		if r.Status == models.UploadRunning && now.Sub(r.UpdatedAt.Time) > silence {
			items[i].Status = UploadInterrupted
		}
	}
	return items, nil
}
