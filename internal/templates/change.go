package templates

import (
	"context"
	"fmt"
	"strings"

	"gorm.io/gorm"

	"latchkey/internal/access"
	"latchkey/internal/audit"
	"latchkey/internal/fault"
	"latchkey/internal/mapping"
	"latchkey/models"
)

// Tag tells the states of a template apart: it differs after every change of its name or rows.
func (v View) Tag() string { return tag(v.Template) }

func tag(t models.Template) string { return fmt.Sprintf("%d-%d", t.Version, t.UpdatedAt.UnixMicro()) }

// ErrMoved says that a template is not any more what the caller saw.
var ErrMoved = fault.New(fault.Conflict, "This template was changed since you read it. Read it again, and repeat the change on what it is now.")

// Create makes a named template with its first version. Faults: Forbidden; Invalid with the fields
// name, note or template (see FindingsOf); Conflict when the name is taken.
func (s *Service) Create(ctx context.Context, actor access.Actor, name string, rows mapping.Template, note string) (View, error) {
	if err := actor.Require(access.ManageTemplates); err != nil {
		return View{}, err
	}
	note = strings.TrimSpace(note)
	if err := checkNew(name, note); err != nil {
		return View{}, err
	}
	now := s.now().UTC()
	var made View
	err := s.db.Tx(ctx, func(tx *gorm.DB) error {
		t, err := insert(ctx, tx, now, actor, name, &rows, note)
		if err != nil {
			return err
		}
		if made, err = s.view(ctx, tx, t); err != nil {
			return err
		}
		return audit.Record(ctx, tx, now, actor, audit.Change{
			Action: "template.created", Target: target(t, nil),
			After: audit.Values{"name": t.Name, "version": t.Version, "rows": len(made.Rows.Rows)},
		})
	})
	return made, err
}

func checkNew(name, note string) error {
	if strings.TrimSpace(name) == "" {
		return fault.Fields{"name": "Give the template a name, such as the system whose payloads it reads."}.Err()
	}
	return checkNote(note)
}

// Patch is a change of a template; what is nil stays.
type Patch struct {
	Name *string
	Rows *mapping.Template // make a new version
	Note string            // of the new version
	Base string            // the View.Tag that the change was made on; empty: whatever it is now
}

// Change gives a template another name, new rows, or both at once. Faults: those of Name and Save;
// ErrMoved when Base is not its tag any more.
func (s *Service) Change(ctx context.Context, actor access.Actor, id string, p Patch) (View, error) {
	if err := actor.Require(access.ManageTemplates); err != nil {
		return View{}, err
	}
	if err := p.check(); err != nil {
		return View{}, err
	}
	var program *mapping.Program
	var body []byte
	if p.Rows != nil {
		if _, err := take(ctx, s.db.Read, actor, id); err != nil {
			return View{}, err
		}
		var err error
		if program, body, err = check(*p.Rows); err != nil {
			return View{}, err
		}
	}
	var now View
	err := s.change(ctx, actor, id, func(tx *gorm.DB, t models.Template, keys []KeyRef) error {
		if p.Base != "" && p.Base != tag(t) {
			return ErrMoved
		}
		if err := s.apply(ctx, tx, actor, t, keys, p, body); err != nil {
			return err
		}
		changed, err := take(ctx, tx, actor, id)
		if err != nil {
			return err
		}
		now, err = s.view(ctx, tx, changed)
		return err
	})
	if err == nil && p.Rows != nil {
		s.cache.put(&Compiled{TemplateID: id, Version: now.Template.Version, Program: program})
	}
	return now, err
}

func (p *Patch) check() error {
	p.Note = strings.TrimSpace(p.Note)
	if p.Note != "" && p.Rows == nil {
		return fault.Fields{"note": "A note belongs to a new version. Send it together with rows."}.Err()
	}
	return checkNote(p.Note)
}

// apply makes the changes of a patch; rows first, since a template without any takes no name.
func (s *Service) apply(ctx context.Context, tx *gorm.DB, actor access.Actor, t models.Template, keys []KeyRef, p Patch, body []byte) error {
	if p.Rows != nil {
		d := draft{rows: *p.Rows, base: t.Version, note: p.Note, action: "template.saved"}
		var err error
		if t.Version, err = s.saveVersion(ctx, tx, actor, t, d, body); err != nil {
			return err
		}
	}
	if p.Name == nil {
		return nil
	}
	return s.rename(ctx, tx, actor, t, keys, *p.Name)
}
