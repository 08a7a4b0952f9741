package console

import (
	"context"
	"net/http"

	"latchkey/internal/fault"
	"latchkey/internal/templates"
	"latchkey/models"
	"latchkey/views"
	"latchkey/views/ui"
)

// templateSettings is how the page's key uses its template.
func (s *server) templateSettings(c Ctx, at templatePlace) *views.TemplateSettings {
	v := visit(c)
	p := &views.TemplateSettings{
		Action: at.Path + "/settings", OnError: at.Key.OnError, Choices: onErrorChoices(), ManageHref: v.path(templatesPath),
		Name: at.Template.Name, CanName: !at.Waiting(), Keys: s.templateKeys(c, at.Keys), Form: views.Form{Values: map[string]string{}},
	}
	if p.Name != "" {
		p.NameHref = v.path(templatesPath, at.Template.ID)
	}
	if at.Key.Status == models.KeyDeactivated {
		return nil
	}
	p.Others = s.savedTemplates(c, at.Template.ID)
	return p
}

// savedTemplates are the choices of a saved template, without the one in use.
func (s *server) savedTemplates(c Ctx, without string) []ui.Option {
	list, err := s.Templates.Named(c.Request().Context(), visit(c).Actor)
	if err != nil {
		s.log(c, err, "saved templates not listed")
	}
	var out []ui.Option
	for _, t := range list {
		if t.Template.ID != without {
			out = append(out, ui.Option{Value: t.Template.ID, Label: t.Template.Name})
		}
	}
	return out
}

func (s *server) templateKeys(c Ctx, keys []templates.KeyRef) []views.TemplateKey {
	var out []views.TemplateKey
	for _, k := range keys {
		key := views.TemplateKey{Name: k.Name, Href: visit(c).path(keysPath, k.ID), Badges: []ui.BadgeProps{envBadge(k.Environment)}}
		switch k.Status {
		case "expired":
			key.Badges = append(key.Badges, ui.BadgeProps{Label: "Expired", Icon: ui.IconClock})
		case "deactivated":
			key.Badges = append(key.Badges, ui.BadgeProps{Label: "Deactivated", Icon: ui.IconBan})
		}
		out = append(out, key)
	}
	return out
}

// changeTemplateSettings is the forms below the editor of a key's template.
func (s *server) changeTemplateSettings(c Ctx) error {
	v, f, ctx := visit(c), form(c), c.Request().Context()
	at, err := s.templateAt(c)
	if err != nil {
		return err
	}
	said := ""
	switch f.Get("do") {
	case "on_error":
		said, err = "From now on, payloads that cannot be mapped are "+f.Get("on_error")+"ed.", s.Keys.SetOnError(ctx, v.Actor, at.Key.ID, f.Get("on_error"))
		if f.Get("on_error") == models.OnErrorQuarantine {
			said = "From now on, payloads that cannot be mapped are quarantined."
		}
	case "name":
		said, err = "Template saved under a name.", s.nameTemplate(ctx, v, at.Template.ID, f.Get("name"))
	case "use":
		said, err = "The key uses the saved template now.", s.Keys.UseTemplate(ctx, v.Actor, at.Key.ID, f.Get("template"))
	case "detach":
		said, err = "The key has a copy of its own now.", s.Keys.DetachTemplate(ctx, v.Actor, at.Key.ID)
	default:
		return fault.New(fault.Invalid, "The form is damaged. Load the page again.")
	}
	if err == nil {
		return s.done(c, at.Path, said)
	}
	return s.templateSettingsRefused(c, at, err)
}

// nameTemplate refuses the empty name, which would take a name away.
func (s *server) nameTemplate(ctx context.Context, v *visitor, id, name string) error {
	if name == "" {
		return fault.Fields{"name": "Give the template a name, such as the system whose payloads it reads."}.Err()
	}
	return s.Templates.Name(ctx, v.Actor, id, name)
}

// templateSettingsRefused shows the page again with what was wrong at its field.
func (s *server) templateSettingsRefused(c Ctx, at templatePlace, cause error) error {
	if len(fault.FieldsOf(cause)) == 0 {
		return cause
	}
	e := templateEditor{Rows: rowsOf(at.Rows)}
	var err error
	if e.Sample, err = s.loadSample(c, at.keyID(), sampleLast, ""); err != nil {
		return err
	}
	p := s.templateView(c, at)
	fields := []string{"on_error", "name", "template"}
	shown := sent(c, cause, fields, fields)
	if p.Settings != nil {
		p.Settings.Form = shown
	}
	if p.Named != nil {
		p.Named.Form = shown
	}
	p.Errors = ui.FormErrorsProps{Title: "Not changed."}
	for _, name := range fields {
		if text := shown.Errors[name]; text != "" {
			p.Errors.Items = append(p.Errors.Items, ui.FormError{Field: name, Text: text})
		}
	}
	if at.Waiting() && !e.Sample.loaded() {
		p.Waiting = s.templateWaiting(c, at)
	}
	return s.renderTemplate(c, http.StatusUnprocessableEntity, at, p, e)
}
