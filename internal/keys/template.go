package keys

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"latchkey/internal/access"
	"latchkey/internal/audit"
	"latchkey/internal/fault"
	"latchkey/internal/templates"
	"latchkey/models"
)

// checkTemplate adds what is wrong with the template's choice, and returns all that is wrong with
// the form. What was wrong with the rows stays with the fault, for an editor to show.
func (f CreateForm) checkTemplate(fields fault.Fields) error {
	given := 0
	for _, is := range []bool{f.TemplateID != "", f.Template != nil, f.CaptureFirst} {
		if is {
			given++
		}
	}
	if f.EndpointType != models.ProductOrgs {
		if given > 0 {
			fields.Add("template", "Only a Product org key has a payload template.")
		}
		if f.OnError != "" {
			fields.Add("on_error", "Only a Product org key has payloads that a template cannot map.")
		}
		return fields.Err()
	}
	if f.OnError != "" {
		checkOnError(fields, f.OnError)
	}
	var rows error
	switch {
	case given == 0:
		fields.Add("template", "A Product org key needs a payload template: choose one, make one, or capture a first payload to make it from.")
	case given > 1:
		fields.Add("template", "Choose one: a saved template, rows of the key's own, or capturing a first payload.")
	case f.Template != nil:
		if rows = templates.Check(*f.Template); rows != nil {
			fields.Add("template", fault.FieldsOf(rows)["template"])
		}
	}
	if rows == nil {
		return fields.Err()
	}
	err := fault.Wrap(fault.Invalid, "Some fields need another look.", rows)
	err.Fields = fields
	return err
}

// template makes or finds what the new key goes by; nil for a type that has none.
func (f CreateForm) template(ctx context.Context, tx *gorm.DB, now time.Time, actor access.Actor) (*models.Template, error) {
	if f.EndpointType != models.ProductOrgs {
		return nil, nil
	}
	if f.TemplateID != "" {
		t, err := chosen(ctx, tx, actor, f.TemplateID)
		return &t, err
	}
	t, err := templates.Insert(ctx, tx, now, actor, "", f.Template)
	return &t, err
}

// chosen is a named template that someone picked from a list; its faults are those of the field.
func chosen(ctx context.Context, tx *gorm.DB, actor access.Actor, id string) (models.Template, error) {
	t, err := templates.ForUse(ctx, tx, actor, id)
	switch {
	case fault.Is(err, fault.NotFound):
		return t, fault.Fields{"template": "This template does not exist, or not any more. Choose another one."}.Err()
	case fault.Is(err, fault.Conflict):
		return t, fault.Fields{"template": err.Error()}.Err()
	}
	return t, err
}

// UseTemplate lets a product_orgs key go by a named template. Faults: NotFound; Conflict when the
// key is deactivated; Invalid with the field template when it does not exist or has no name.
func (s *Service) UseTemplate(ctx context.Context, actor access.Actor, id, templateID string) error {
	return s.changeTemplate(ctx, actor, id, func(tx *gorm.DB, now time.Time, key models.APIKey) (models.Template, error) {
		return chosen(ctx, tx, actor, templateID)
	})
}

// DetachTemplate gives a product_orgs key a copy of the named template that it goes by, which
// changes with no other key. A key whose template has no name keeps it. Faults: NotFound; Conflict
// when the key is deactivated.
func (s *Service) DetachTemplate(ctx context.Context, actor access.Actor, id string) error {
	return s.changeTemplate(ctx, actor, id, func(tx *gorm.DB, now time.Time, key models.APIKey) (models.Template, error) {
		t, err := templates.Of(ctx, tx, actor, key)
		if err != nil || t.Name == "" {
			return t, err
		}
		return templates.Copy(ctx, tx, now, actor, t)
	})
}

// changeTemplate lets a key go by the template that choose returns.
func (s *Service) changeTemplate(ctx context.Context, actor access.Actor, id string,
	choose func(*gorm.DB, time.Time, models.APIKey) (models.Template, error)) error {
	return s.changeSettings(ctx, actor, id, func(tx *gorm.DB, now time.Time, key models.APIKey) error {
		if err := requireOrgs(key); err != nil {
			return err
		}
		before, err := templates.Of(ctx, tx, actor, key)
		if err != nil {
			return err
		}
		after, err := choose(tx, now, key)
		if err != nil || after.ID == before.ID {
			return err
		}
		if err := update(ctx, tx, now, key, "template_id = ?", after.ID); err != nil {
			return err
		}
		return audit.Record(ctx, tx, now, actor, audit.Change{
			Action: "api_key.template_changed", Target: target(key),
			Before: audit.Values{"template": describe(before)}, After: audit.Values{"template": describe(after)},
		})
	})
}

// describe names a template and its version, for the audit log.
func describe(t models.Template) string {
	name := t.Name
	if name == "" {
		name = "its own"
	}
	if t.Version == 0 {
		return name + ", without rows yet"
	}
	return fmt.Sprintf("%s, version %d", name, t.Version)
}
