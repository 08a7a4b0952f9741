package templates

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"gorm.io/gorm"

	"latchkey/internal/access"
	"latchkey/internal/audit"
	"latchkey/internal/fault"
	"latchkey/internal/mapping"
	"latchkey/models"
)

const maxNote = 500

// Save makes a new version of the rows and returns its number; the same rows again make none, and
// the newest number is returned. base is the version that the rows were edited from. When Save has
// returned, this instance applies them; others do with the first request that meets the new number.
// Faults: Forbidden; NotFound; Invalid with the field template (see FindingsOf) or note; Conflict
// when base is not the newest any more.
func (s *Service) Save(ctx context.Context, actor access.Actor, id string, base int, rows mapping.Template, note string) (int, error) {
	note = strings.TrimSpace(note)
	if err := checkNote(note); err != nil {
		return 0, err
	}
	return s.save(ctx, actor, id, draft{rows: rows, base: base, note: note, action: "template.saved"})
}

// Restore makes a new version with the rows of version n and returns its number. Faults as of Save;
// NotFound also when there is no such version.
func (s *Service) Restore(ctx context.Context, actor access.Actor, id string, n int) (int, error) {
	old, err := s.Version(ctx, actor, id, n)
	if err != nil {
		return 0, err
	}
	t, err := take(ctx, s.db.Read, actor, id)
	if err != nil {
		return 0, err
	}
	return s.save(ctx, actor, id, draft{
		rows: old.Rows, base: t.Version, note: fmt.Sprintf("Version %d restored", n), action: "template.restored", from: n,
	})
}

func checkNote(note string) error {
	fields := fault.Fields{}
	switch {
	case !utf8.ValidString(note) || strings.ContainsFunc(note, isControl):
		fields.Add("note", "Use visible characters only.")
	case utf8.RuneCountInString(note) > maxNote:
		fields.Add("note", fmt.Sprintf("Use at most %d characters.", maxNote))
	}
	return fields.Err()
}

// draft is a version to be.
type draft struct {
	rows   mapping.Template
	base   int
	note   string
	action string
	from   int // the version restored
}

func (s *Service) save(ctx context.Context, actor access.Actor, id string, d draft) (int, error) {
	if err := actor.Require(access.ManageTemplates); err != nil {
		return 0, err
	}
	if _, err := take(ctx, s.db.Read, actor, id); err != nil {
		return 0, err
	}
	program, body, err := check(d.rows)
	if err != nil {
		return 0, err
	}
	made := 0
	err = s.db.Tx(ctx, func(tx *gorm.DB) error {
		// The lock makes savers wait for each other, so that each sees what the other saved.
		t, err := takeLocked(ctx, gorm.G[models.Template](tx, lockRow), actor, id)
		if err != nil {
			return err
		}
		made, err = s.saveVersion(ctx, tx, actor, t, d, body)
		return err
	})
	if err != nil {
		return 0, err
	}
	s.cache.put(&Compiled{TemplateID: id, Version: made, Program: program})
	return made, nil
}

func (s *Service) saveVersion(ctx context.Context, tx *gorm.DB, actor access.Actor, t models.Template, d draft, body []byte) (int, error) {
	v, err := s.view(ctx, tx, t)
	if err != nil {
		return 0, err
	}
	if t.Version > 0 && bytes.Equal(encode(v.Rows), body) {
		return t.Version, nil
	}
	if t.Version != d.base {
		return 0, fault.New(fault.Conflict, fmt.Sprintf(
			"%s saved version %d of this template while you edited version %d. Load the page again and compare before you save.",
			v.SavedBy, t.Version, d.base))
	}
	now := s.now().UTC()
	done := tx.WithContext(ctx).Exec("UPDATE templates SET version = ?, updated_at = ? WHERE id = ? AND version = ?",
		t.Version+1, models.At(now), t.ID, t.Version)
	if done.Error != nil {
		return 0, fmt.Errorf("update template: %w", done.Error)
	}
	if done.RowsAffected != 1 {
		return 0, fault.New(fault.Conflict, "This template was changed by someone else a moment ago. Load the page again.")
	}
	t.Version++
	if err := insertVersion(ctx, tx, now, actor, t, body, d.note); err != nil {
		return 0, err
	}
	return t.Version, audit.Record(ctx, tx, now, actor, d.entry(v))
}

func insertVersion(ctx context.Context, tx *gorm.DB, now time.Time, actor access.Actor, t models.Template, body []byte, note string) error {
	row := models.TemplateVersion{
		TemplateID: t.ID, Version: t.Version, Body: body, Note: note,
		CreatedBy: account(actor), CreatedLabel: actor.Label, CreatedAt: models.At(now),
	}
	if err := gorm.G[models.TemplateVersion](tx).Create(ctx, &row); err != nil {
		return fmt.Errorf("insert version: %w", err)
	}
	return nil
}
