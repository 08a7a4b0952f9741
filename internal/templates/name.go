package templates

import (
	"context"
	"fmt"
	"strings"
	"unicode/utf8"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"latchkey/internal/access"
	"latchkey/internal/audit"
	"latchkey/internal/database"
	"latchkey/internal/fault"
	"latchkey/models"
)

const maxName = 100

// lockRow makes changes of one template wait for each other. It is the strength that rows which
// refer to the template do not wait for. SQLite locks at BEGIN.
var lockRow = clause.Locking{Strength: "NO KEY UPDATE"}

// ForUse returns a named template that a key is about to go by, and keeps it named and existing
// until the caller's transaction ends. Faults: NotFound; Conflict when it has no name.
func ForUse(ctx context.Context, tx *gorm.DB, actor access.Actor, id string) (models.Template, error) {
	t, err := takeLocked(ctx, gorm.G[models.Template](tx, clause.Locking{Strength: "SHARE"}), actor, id)
	if err == nil && t.Name == "" {
		return t, fault.New(fault.Conflict, "This template belongs to another key. Give it a name there, and several keys can use it.")
	}
	return t, err
}

// Name saves a template under a name, by which several keys can use it; an empty name takes the
// name away while at most one key uses it. Faults: Forbidden; NotFound; Invalid with the field
// name; Conflict when the name is taken, the template has no version yet, or several keys use it.
func (s *Service) Name(ctx context.Context, actor access.Actor, id, name string) error {
	if err := actor.Require(access.ManageTemplates); err != nil {
		return err
	}
	return s.change(ctx, actor, id, func(tx *gorm.DB, t models.Template, keys []KeyRef) error {
		return s.rename(ctx, tx, actor, t, keys, name)
	})
}

// rename is Name on a template that is locked.
func (s *Service) rename(ctx context.Context, tx *gorm.DB, actor access.Actor, t models.Template, keys []KeyRef, name string) error {
	now := s.now().UTC()
	name = strings.TrimSpace(name)
	switch {
	case name == t.Name:
		return nil
	case name == "" && len(keys) > 1:
		return fault.New(fault.Conflict, fmt.Sprintf("%d keys use this template, so it keeps a name. Give all but one of them a copy first.", len(keys)))
	case name != "" && t.Version == 0:
		return fault.New(fault.Conflict, "This template has no rows yet. Save its first version, then give it a name.")
	case name != "":
		var err error
		if name, err = freeName(ctx, tx, actor, t.ID, name); err != nil {
			return err
		}
	}
	done := tx.WithContext(ctx).Exec("UPDATE templates SET name = ?, updated_at = ? WHERE id = ? AND name = ?",
		name, models.At(now), t.ID, t.Name)
	if done.Error != nil {
		return nameTaken(done.Error, name, "name template")
	}
	before := t.Name
	t.Name = name
	return audit.Record(ctx, tx, now, actor, audit.Change{
		Action: "template.named", Target: target(t, keys),
		Before: audit.Values{"name": before}, After: audit.Values{"name": name},
	})
}

// Delete removes a template that no key uses, with its versions. Faults: Forbidden; NotFound;
// Conflict while a key uses it.
func (s *Service) Delete(ctx context.Context, actor access.Actor, id string) error {
	if err := actor.Require(access.ManageTemplates); err != nil {
		return err
	}
	now := s.now().UTC()
	err := s.change(ctx, actor, id, func(tx *gorm.DB, t models.Template, keys []KeyRef) error {
		if len(keys) > 0 {
			return fault.New(fault.Conflict, "The key "+keys[0].Name+" uses this template. Let its keys use another one first.")
		}
		if _, err := gorm.G[models.Template](tx).Where("id = ?", t.ID).Delete(ctx); err != nil {
			return fmt.Errorf("delete template: %w", err)
		}
		return audit.Record(ctx, tx, now, actor, audit.Change{
			Action: "template.deleted", Target: target(t, keys),
			Before: audit.Values{"name": t.Name, "version": t.Version},
		})
	})
	if err == nil {
		s.cache.drop(id)
	}
	return err
}

// change runs fn on one template, which nobody else changes or takes into use meanwhile.
func (s *Service) change(ctx context.Context, actor access.Actor, id string, fn func(*gorm.DB, models.Template, []KeyRef) error) error {
	return s.db.Tx(ctx, func(tx *gorm.DB) error {
		t, err := takeLocked(ctx, gorm.G[models.Template](tx, lockRow), actor, id)
		if err != nil {
			return err
		}
		// A statement of its own, after the lock: it sees a key that took the template a moment ago.
		keys, err := s.keysOf(ctx, tx, t.WorkspaceID, []string{t.ID})
		if err != nil {
			return err
		}
		return fn(tx, t, keys[t.ID])
	})
}

// freeName returns the name as it is stored, when the workspace has no other like it.
func freeName(ctx context.Context, tx *gorm.DB, actor access.Actor, id, name string) (string, error) {
	name = strings.TrimSpace(name)
	fields := fault.Fields{}
	switch {
	case !utf8.ValidString(name) || strings.ContainsFunc(name, isControl):
		fields.Add("name", "Use visible characters only.")
	case name == "":
		fields.Add("name", "Give the template a name, such as the system whose payloads it reads.")
	case utf8.RuneCountInString(name) > maxName:
		fields.Add("name", fmt.Sprintf("Use at most %d characters.", maxName))
	}
	if err := fields.Err(); err != nil {
		return "", err
	}
	others, err := gorm.G[models.Template](tx).
		Where("workspace_id = ? AND name <> '' AND id <> ?", actor.WorkspaceID, id).Find(ctx)
	if err != nil {
		return "", fmt.Errorf("select names: %w", err)
	}
	for _, o := range others {
		// In Go, since LOWER knows only ASCII on one of the databases.
		if strings.EqualFold(o.Name, name) {
			return "", taken(o.Name)
		}
	}
	return name, nil
}

func taken(name string) error {
	err := fault.New(fault.Conflict, "This workspace has a template "+name+" already. Choose another name.")
	err.Fields = fault.Fields{"name": err.Message}
	return err
}

// nameTaken translates the unique index, for two who name at once.
func nameTaken(err error, name, doing string) error {
	if database.IsDuplicate(err) {
		return taken(name)
	}
	return fmt.Errorf("%s: %w", doing, err)
}

func isControl(r rune) bool { return r < 0x20 || r == 0x7f }
