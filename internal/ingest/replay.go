package ingest

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"

	"gorm.io/gorm"

	"latchkey/internal/access"
	"latchkey/internal/fault"
	"latchkey/internal/keys"
	"latchkey/internal/mapping"
	"latchkey/internal/orgs"
	"latchkey/internal/templates"
	"latchkey/models"
)

const (
	replayChunk = 200
	replayBytes = 4 << 20
	// maxPreview bounds how many waiting updates a preview maps; the counts then say so.
	maxPreview = 1000
	// maxPreviewBytes bounds what their values take in memory: a template can make many of one payload.
	maxPreviewBytes = 32 << 20
	// maxPreviewItems is how many of them it shows with their changes.
	maxPreviewItems = 20
)

// Preview is what a replay would do now.
type Preview struct {
	TemplateVersion int
	Total           int // updates that wait
	Looked          int // of them were mapped for this preview, the oldest first

	WouldApply, Stale, Unchanged, Duplicate, Failing int

	Reasons []ReasonCount // why some would still fail, the most frequent first
	Sample  []PreviewItem // the first of them
}

// ReasonCount is how many updates would fail for the same reason.
type ReasonCount struct {
	Target, Problem string
	Count           int
}

// PreviewItem is what one update would do.
type PreviewItem struct {
	UpdateID, OrgKey string
	Status           string // models.Update…
	Changes          []orgs.Change
	Problems         []mapping.Finding
}

// ReplayPreview maps what waits under the key's template of this moment, and merges it in memory
// with what is known. Nothing is stored. Faults: Forbidden, NotFound.
func (s *Service) ReplayPreview(ctx context.Context, actor access.Actor, keyID string) (*Preview, error) {
	cred, compiled, err := s.replayKey(ctx, actor, keyID)
	if err != nil {
		return nil, err
	}
	total, err := s.waiting(ctx, cred, "")
	if err != nil {
		return nil, err
	}
	updates, err := s.remapWaiting(ctx, cred, compiled)
	if err != nil {
		return nil, err
	}
	p := &Preview{TemplateVersion: compiled.Version, Total: int(total), Looked: len(updates)}
	dry := newPlan([]*job{{updates: updates}}, s.now())
	if err := s.readState(ctx, dry); err != nil {
		return nil, err
	}
	known, err := s.knownDigests(ctx, dry)
	if err != nil {
		return nil, err
	}
	dry.apply(known)
	p.count(updates)
	return p, nil
}

// replayKey finds the key of a person's replay, whatever its state, with its newest template.
func (s *Service) replayKey(ctx context.Context, actor access.Actor, keyID string) (*keys.Credential, *templates.Compiled, error) {
	if err := actor.Require(access.ManageKeys); err != nil {
		return nil, nil, err
	}
	item, err := s.keys.Get(ctx, actor, keyID)
	if err != nil {
		return nil, nil, err
	}
	if item.EndpointType != models.ProductOrgs || item.TemplateID == nil {
		return nil, nil, fault.New(fault.NotFound, "This key takes no product org updates.")
	}
	cred, err := s.keys.CredentialOf(ctx, keyID)
	if err != nil && !errors.Is(err, keys.ErrDeactivated) && !errors.Is(err, keys.ErrExpired) {
		return nil, nil, err
	}
	compiled, err := s.templates.Refresh(ctx, cred.TemplateID)
	return cred, compiled, err
}

// waiting counts the updates of a key that wait, up to one if it is named.
func (s *Service) waiting(ctx context.Context, cred *keys.Credential, upto string) (n int64, err error) {
	db := s.waitingScope(ctx, cred, upto)
	if err := db.Count(&n).Error; err != nil {
		return 0, fmt.Errorf("count waiting updates: %w", err)
	}
	return n, nil
}

func (s *Service) waitingScope(ctx context.Context, cred *keys.Credential, upto string) *gorm.DB {
	db := s.db.Read.WithContext(ctx).Model(&models.ProductOrgUpdate{}).
		Where("api_key_id = ? AND status IN ('failed', 'quarantined')", cred.ID)
	if upto != "" {
		db = db.Where("id <= ?", upto)
	}
	return db
}

// waitingRows are the oldest updates that wait, after one and up to another: at most limit, and no
// more of them than replayBytes hold.
func (s *Service) waitingRows(ctx context.Context, cred *keys.Credential, after, upto string, limit int) ([]models.ProductOrgUpdate, error) {
	db := s.waitingScope(ctx, cred, upto)
	if after != "" {
		db = db.Where("id > ?", after)
	}
	var sizes []struct {
		ID   string
		Size int
	}
	if err := db.Select("id", "LENGTH(raw) AS size").Order("id").Limit(limit).Find(&sizes).Error; err != nil {
		return nil, fmt.Errorf("read waiting updates: %w", err)
	}
	var ids []string
	bytes := 0
	for _, row := range sizes {
		if bytes += row.Size; len(ids) > 0 && bytes > replayBytes {
			break
		}
		ids = append(ids, row.ID)
	}
	var rows []models.ProductOrgUpdate
	if err := s.db.Read.WithContext(ctx).Where("id IN ?", ids).Order("id").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("read waiting updates: %w", err)
	}
	return rows, nil
}

// remapWaiting maps the oldest updates that wait, without keeping their bytes.
func (s *Service) remapWaiting(ctx context.Context, cred *keys.Credential, compiled *templates.Compiled) ([]*update, error) {
	var updates []*update
	bytes := 0
	for after := ""; len(updates) < maxPreview && bytes < maxPreviewBytes; {
		rows, err := s.waitingRows(ctx, cred, after, "", min(replayChunk, maxPreview-len(updates)))
		if err != nil || len(rows) == 0 {
			return updates, err
		}
		after = rows[len(rows)-1].ID
		for _, u := range remapAll(cred, compiled, rows) {
			u.row.Raw = nil
			updates = append(updates, u)
			for _, value := range u.values {
				bytes += len(value)
			}
		}
	}
	return updates, nil
}

func remapAll(cred *keys.Credential, compiled *templates.Compiled, rows []models.ProductOrgUpdate) []*update {
	updates := make([]*update, len(rows))
	for i := range rows {
		updates[i] = remap(cred, compiled, rows[i])
	}
	return updates
}

// remap applies a template to an update that waits. Its times are those of its own arrival.
func remap(cred *keys.Credential, compiled *templates.Compiled, row models.ProductOrgUpdate) *update {
	m := &mapper{ic: &itemContext{receivedAt: row.ReceivedAt.Time, limit: int64(len(row.Raw)), checked: true}, cred: cred, template: compiled}
	text := trimmed(row.Raw)
	u := &update{row: row, replay: true, payload: sha256.Sum256(text), result: &ItemResult{Org: &OrgResult{}}}
	before, problems := row.Status, row.Problems
	u.row.Problems = nil
	root, err := mapping.Decode(text)
	if err == nil {
		m.apply(u, topOf(root), root)
	} else {
		u.waits, u.row.Problems = before, problems // what was stored once is JSON, so this cannot happen
	}
	if u.waits != "" {
		u.waits = before // it stays what it is: what its sender was told does not change
	}
	return u
}

func (p *Preview) count(updates []*update) {
	reasons := map[ReasonCount]int{}
	for _, u := range updates {
		item := PreviewItem{UpdateID: u.row.ID, OrgKey: u.row.OrgKey, Status: u.row.Status}
		switch u.row.Status {
		case models.UpdateApplied:
			p.WouldApply++
		case models.UpdateStale:
			p.Stale++
		case models.UpdateUnchanged:
			p.Unchanged++
		case models.UpdateDuplicate:
			p.Duplicate++
		default:
			p.Failing++
			_ = json.Unmarshal(u.row.Problems, &item.Problems) // without problems, it waits for a first template
			if len(item.Problems) > 0 {
				reasons[ReasonCount{Target: item.Problems[0].Target, Problem: item.Problems[0].Problem}]++
			}
		}
		_ = json.Unmarshal(u.row.Changes, &item.Changes) // there may be none
		if len(p.Sample) < maxPreviewItems {
			p.Sample = append(p.Sample, item)
		}
	}
	p.Reasons = mostFrequent(reasons)
}
