package console

import (
	"net/http"
	"strconv"
	"strings"

	"latchkey/internal/mapping"
	"latchkey/views"
	"latchkey/views/ui"
)

func (s *server) listTemplates(c Ctx) error {
	v := visit(c)
	list, err := s.Templates.Named(c.Request().Context(), v.Actor)
	if err != nil {
		return err
	}
	p := views.TemplatesView{BackHref: v.envPath(keysPath)}
	for _, t := range list {
		href := v.path(templatesPath, t.Template.ID)
		row := views.TemplatesRow{
			ID: t.Template.ID, Name: t.Template.Name, Href: href, Version: strconv.Itoa(t.Template.Version),
			Saved: s.time(c, t.SavedAt, "Never"), SavedBy: t.SavedBy, Targets: targetNames(t.Rows), Keys: s.templateKeys(c, t.Keys),
			Menu: []ui.MenuItem{
				{Label: "Edit", Href: href, Icon: ui.IconEdit},
				{Label: "Rename", Href: href + "#name", Icon: ui.IconEdit},
				{Label: "Versions", Href: href + "/versions", Icon: ui.IconList},
			},
		}
		remove := ui.MenuItem{Label: "Delete", Href: href + "/deletion", Icon: ui.IconTrash, Danger: true, Attrs: ui.OpensDialog(href + "/deletion")}
		if len(t.Keys) > 0 {
			remove = ui.MenuItem{Label: "Delete", Icon: ui.IconTrash, Disabled: true, Reason: "A key uses it."}
		}
		row.Menu = append(row.Menu, remove)
		p.Rows = append(p.Rows, row)
	}
	if len(p.Rows) == 0 {
		p.Empty = &ui.EmptyStateProps{
			Icon: ui.IconFile, Title: "No saved templates yet.",
			Text:        "On the template page of a Product org key, “Save under a name” makes one that other keys can use.",
			ActionLabel: "Create a Product org key", ActionHref: v.envPath(keysPath, "new") + querySign(v) + "type=product_orgs",
		}
	}
	p.Page = s.shell(c, page{Title: "Saved templates", Nav: navKeys})
	return s.render(c, http.StatusOK, views.Templates(p), nil)
}

// querySign goes between an address of envPath and another parameter.
func querySign(v *visitor) string {
	if v.Env == testEnv {
		return "&"
	}
	return "?"
}

func targetNames(t mapping.Template) string {
	var names []string
	for _, r := range t.Rows {
		names = append(names, r.Target)
	}
	return strings.Join(names, ", ")
}

// templateNaming is what the page of a saved template has below the editor.
func (s *server) templateNaming(c Ctx, at templatePlace) *views.TemplateNaming {
	return &views.TemplateNaming{
		Action: at.Path + "/name", DeleteHref: at.Path + "/deletion", Keys: s.templateKeys(c, at.Keys),
		Form: views.Form{Values: map[string]string{"name": at.Template.Name}},
	}
}

func (s *server) renameTemplate(c Ctx) error {
	at, err := s.templateAt(c)
	if err != nil {
		return err
	}
	if err := s.nameTemplate(c.Request().Context(), visit(c), at.Template.ID, strings.TrimSpace(form(c).Get("name"))); err != nil {
		return s.templateSettingsRefused(c, at, err)
	}
	return s.done(c, at.Path, "Template renamed.")
}

func (s *server) confirmTemplateDeletion(c Ctx) error {
	at, err := s.templateAt(c)
	if err != nil {
		return err
	}
	p := views.DeleteTemplateView{Name: at.Template.Name, Action: at.Path + "/deletion", Back: at.Path}
	if isHTMX(c) {
		return write(c, http.StatusOK, views.DeleteTemplateDialog(p, false))
	}
	p.Page = s.shell(c, page{Title: "Delete template", Nav: navKeys})
	return write(c, http.StatusOK, views.DeleteTemplate(p))
}

func (s *server) deleteTemplate(c Ctx) error {
	at, err := s.templateAt(c)
	if err != nil {
		return err
	}
	if err := s.Templates.Delete(c.Request().Context(), visit(c).Actor, at.Template.ID); err != nil {
		return err
	}
	return s.done(c, visit(c).path(templatesPath), "Template deleted.")
}
