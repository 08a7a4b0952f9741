package console

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"latchkey/internal/fault"
	"latchkey/internal/mapping"
	"latchkey/internal/templates"
	"latchkey/models"
	"latchkey/views"
	"latchkey/views/ui"
)

// maxChangeWords bounds what the list says about one version; its page says all.
const maxChangeWords = 6

// listTemplateVersions lists the versions; with from and to it leads to their comparison.
func (s *server) listTemplateVersions(c Ctx) error {
	at, err := s.templateAt(c)
	if err != nil {
		return err
	}
	if from, to := atoi(c.QueryParam("from")), atoi(c.QueryParam("to")); from > 0 && to > 0 {
		return redirect(c, fmt.Sprintf("%s/versions/%d?with=%d", at.Path, to, from))
	}
	list, err := s.Templates.Versions(c.Request().Context(), visit(c).Actor, at.Template.ID)
	if err != nil {
		return err
	}
	p := views.TemplateVersionsView{Head: s.templateHead(c, at, "versions"), Compare: at.Path + "/versions"}
	for i, version := range list {
		p.Rows = append(p.Rows, s.versionRow(c, at, list, i))
		n := strconv.Itoa(version.Version)
		p.Options = append(p.Options, ui.Option{Value: n, Label: "Version " + n})
	}
	if len(list) > 1 {
		p.From, p.To = strconv.Itoa(list[1].Version), strconv.Itoa(list[0].Version)
	}
	p.Page = s.keyShell(c, p.Head.Title)
	return s.render(c, http.StatusOK, views.TemplateVersions(p), nil)
}

func (s *server) versionRow(c Ctx, at templatePlace, list []models.TemplateVersion, i int) views.TemplateVersionRow {
	version := list[i]
	row := views.TemplateVersionRow{
		Number: strconv.Itoa(version.Version), Href: fmt.Sprintf("%s/versions/%d", at.Path, version.Version),
		Current: version.Version == at.Template.Version, Saved: s.time(c, version.CreatedAt.Time, ""), By: version.CreatedLabel, Note: version.Note,
	}
	if i+1 < len(list) {
		row.Changes = changeWords(mapping.Diff(storedRows(list[i+1]), storedRows(version)))
	} else if version.Version == 1 {
		row.Changes = []string{"The first version, with " + counted(len(storedRows(version).Rows), "row") + "."}
	}
	if more := len(row.Changes) - maxChangeWords; more > 0 {
		row.Changes = append(row.Changes[:maxChangeWords], counted(more, "more change")+".")
	}
	return row
}

// storedRows reads a version's body; one that cannot be read has no rows to compare.
func storedRows(v models.TemplateVersion) mapping.Template {
	var t mapping.Template
	_ = json.Unmarshal(v.Body, &t)
	return t
}

func changeWords(changes []mapping.RowChange) []string {
	var out []string
	for _, change := range changes {
		words := strings.ReplaceAll(strings.Join(change.Words, " "), " $.", " ") // paths as the editor writes them
		out = append(out, change.Target+" "+changeVerb(change.Kind)+". "+words)
	}
	return out
}

func changeVerb(kind string) string {
	switch kind {
	case mapping.Added:
		return "is new"
	case mapping.Removed:
		return "is gone"
	default:
		return "differs"
	}
}

// showTemplateVersion shows a version beside the one before it, or beside ?with=.
func (s *server) showTemplateVersion(c Ctx) error {
	at, err := s.templateAt(c)
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(c.Param("n"))
	if err != nil || n < 1 {
		return fault.New(fault.NotFound, "This template has no such version.")
	}
	shown, err := s.version(c, at, n)
	if err != nil {
		return err
	}
	with := n - 1
	if q := c.QueryParam("with"); q != "" {
		with = atoi(q)
	}
	saved := s.exactTime(c, shown.CreatedAt.Time)
	p := views.TemplateVersionView{
		Head: s.templateHead(c, at, "versions"),
		Facts: []ui.Fact{
			{Label: "Version", Value: strconv.Itoa(n)}, {Label: "Saved", Time: &saved, Hint: "by " + shown.CreatedLabel},
			{Label: "Note", Value: orText(shown.Note, "None")},
		},
	}
	var other templates.Saved
	if with > 0 {
		if other, err = s.version(c, at, with); err != nil {
			return err
		}
		p.Title, p.Against = fmt.Sprintf("Version %d compared with version %d", n, with), fmt.Sprintf("What changed from version %d to version %d.", with, n)
		changes := mapping.Diff(other.Rows, shown.Rows)
		p.Changes = changeWords(changes)
		p.Sides = []views.TemplateSide{versionSide(at, shown, changes), versionSide(at, other, changes)}
	} else {
		p.Sides = []views.TemplateSide{versionSide(at, shown, nil)}
	}
	p.Page = s.keyShell(c, fmt.Sprintf("Version %d", n))
	return s.render(c, http.StatusOK, views.TemplateVersion(p), nil)
}

func (s *server) version(c Ctx, at templatePlace, n int) (templates.Saved, error) {
	return s.Templates.Version(c.Request().Context(), visit(c).Actor, at.Template.ID, n)
}

func versionSide(at templatePlace, version templates.Saved, changes []mapping.RowChange) views.TemplateSide {
	side := views.TemplateSide{Number: strconv.Itoa(version.Version), Title: fmt.Sprintf("Rows of version %d", version.Version)}
	if version.Version != at.Template.Version {
		side.Restore = fmt.Sprintf("%s/versions/%d/restoration", at.Path, version.Version)
	}
	differs := map[string]bool{}
	for _, change := range changes {
		differs[change.Target] = true
	}
	for _, r := range version.Rows.Rows {
		typed := rowOf(r)
		row := views.TemplateSideRow{
			Target: r.Target, From: strings.Join(typed.Paths, " or "), Transform: strings.Join(r.Transform, ", then "), Default: typedText(r.Target, r.Default),
			Required: yesNo(r.Required || r.Target == "org_id", "Yes", "No"), Changed: differs[r.Target],
		}
		if len(r.Value) > 0 {
			row.From = "always " + typedText(r.Target, r.Value)
		}
		side.Rows = append(side.Rows, row)
	}
	return side
}

func (s *server) restoreTemplate(c Ctx) error {
	at, err := s.templateAt(c)
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(c.Param("n"))
	if err != nil || n < 1 {
		return fault.New(fault.NotFound, "This template has no such version.")
	}
	made, err := s.Templates.Restore(c.Request().Context(), visit(c).Actor, at.Template.ID, n)
	if err != nil {
		return err
	}
	return s.done(c, at.Path+"/versions", fmt.Sprintf("Version %d restored as version %d.", n, made))
}
