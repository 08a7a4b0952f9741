package console

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"latchkey/internal/access"
	"latchkey/internal/fault"
	"latchkey/internal/mapping"
	"latchkey/internal/templates"
	"latchkey/models"
	"latchkey/views"
	"latchkey/views/ui"
)

const templatesPath = "settings/templates"

func (s *server) templateRoutes() []Route {
	const ofKey, list = "/w/:slug/" + keysPath + "/:id/template", "/w/:slug/" + templatesPath
	const named = list + "/:id"
	manage := In(access.ManageKeys)
	routes := []Route{
		{GET, ofKey + "/live", manage, s.awaitFirstPayload},
		{POST, ofKey + "/settings", manage, s.changeTemplateSettings},
		{GET, list, manage, s.listTemplates},
		{POST, named + "/name", manage, s.renameTemplate},
		{GET, named + "/deletion", manage, s.confirmTemplateDeletion},
		{POST, named + "/deletion", manage, s.deleteTemplate},
	}
	for _, one := range []string{ofKey, named} {
		routes = append(routes,
			Route{GET, one, manage, s.showTemplate},
			Route{POST, one, manage, s.editTemplate},
			Route{GET, one + "/json", manage, s.showTemplateJSON},
			Route{POST, one + "/json", manage, s.pasteTemplateJSON},
			Route{GET, one + "/versions", manage, s.listTemplateVersions},
			Route{GET, one + "/versions/:n", manage, s.showTemplateVersion},
			Route{POST, one + "/versions/:n/restoration", manage, s.restoreTemplate},
		)
	}
	return routes
}

// templatePlace is the template that a page is about, and where it stands.
type templatePlace struct {
	templates.View
	Key  *models.APIKey // nil on the pages of a saved template
	Path string         // of the editor
}

// templateAt finds the template of the URL: that of a key, or a saved one.
func (s *server) templateAt(c Ctx) (templatePlace, error) {
	v, ctx, id := visit(c), c.Request().Context(), c.Param("id")
	if !strings.Contains(c.Path(), keysPath) {
		found, err := s.Templates.Get(ctx, v.Actor, id)
		if err == nil && found.Template.Name == "" {
			err = fault.New(fault.NotFound, "This template has no name. It is on the page of its key.")
		}
		return templatePlace{View: found, Path: v.path(templatesPath, id)}, err
	}
	found, key, err := s.Templates.ForKey(ctx, v.Actor, id)
	if err == nil {
		v.Env = key.Environment
	}
	return templatePlace{View: found, Key: &key, Path: v.path(keysPath, id, "template")}, err
}

// keyID is the key whose payloads are samples: the page's, or the first that uses the template.
func (p templatePlace) keyID() string {
	switch {
	case p.Key != nil:
		return p.Key.ID
	case len(p.Keys) > 0:
		return p.Keys[0].ID
	default:
		return ""
	}
}

// showTemplate opens the editor on the newest version; ?sample= names what to try it on.
func (s *server) showTemplate(c Ctx) error {
	at, err := s.templateAt(c)
	if err != nil {
		return err
	}
	from := orText(c.QueryParam("sample"), sampleLast)
	e := templateEditor{Rows: rowsOf(at.Rows)}
	if e.Sample, err = s.loadSample(c, at.keyID(), from, ""); err != nil {
		return err
	}
	p := s.templateView(c, at)
	if at.Waiting() {
		if !e.Sample.loaded() && c.QueryParam("start") == "" && c.QueryParam("sample") == "" {
			p.Waiting = s.templateWaiting(c, at)
		} else {
			e.suggest()
			if len(e.Rows) > 0 {
				p.Notices = append(p.Notices, ui.BannerProps{Tone: ui.ToneInfo, Title: "These rows are suggested by the names in the sample.", Text: "Check them against the result. Nothing is saved yet."})
			}
		}
	}
	return s.renderTemplate(c, http.StatusOK, at, p, e)
}

// editTemplate is every button of the editor: one of them saves, the others show the rows again.
func (s *server) editTemplate(c Ctx) error {
	at, err := s.templateAt(c)
	if err != nil {
		return err
	}
	e, err := s.readEditor(c, at.keyID())
	if err != nil {
		return err
	}
	f := form(c)
	if f.Get("do") == "save" {
		return s.saveTemplate(c, at, e)
	}
	tried := !e.act(f.Get("do")) || isTest(f.Get("do"))
	if isHTMX(c) {
		return s.swapEditor(c, at.Path, at.keyID(), e, tried)
	}
	p := s.templateView(c, at)
	p.Base, p.Note = atoi(f.Get("base")), f.Get("note")
	return s.renderTemplate(c, http.StatusOK, at, p, e)
}

func isTest(do string) bool { return do == "test" || do == "sample" || do == "enter" }

func atoi(text string) int {
	n, _ := strconv.Atoi(text)
	return n
}

// readEditor is the editor as it was posted.
func (s *server) readEditor(c Ctx, keyID string) (templateEditor, error) {
	f := form(c)
	e := templateEditor{Rows: readRows(f)}
	var err error
	e.Sample, err = s.loadSample(c, keyID, f.Get("sample"), f.Get("sample_text"))
	return e, err
}

// swapEditor answers htmx: the whole editor when rows changed, else what is said about them.
func (s *server) swapEditor(c Ctx, action, keyID string, e templateEditor, tried bool) error {
	if tried {
		return write(c, http.StatusOK, views.TemplateTried(triedView(action, e), form(c).Get("do") == "sample"))
	}
	return write(c, http.StatusOK, views.TemplateEditor(s.editorView(c, action, keyID, e)))
}

func (s *server) saveTemplate(c Ctx, at templatePlace, e templateEditor) error {
	v, f := visit(c), form(c)
	base := atoi(f.Get("base"))
	saved, err := s.Templates.Save(c.Request().Context(), v.Actor, at.Template.ID, base, toSave(e.Rows), f.Get("note"))
	switch {
	case fault.Is(err, fault.Conflict):
		return s.templateConflict(c, at, e, err)
	case fault.Is(err, fault.Invalid):
		p := s.templateView(c, at)
		p.Base, p.Note, p.NoteErr = base, f.Get("note"), fault.FieldsOf(err)["note"]
		p.Errors = templateErrors(e, err)
		return s.renderTemplate(c, http.StatusUnprocessableEntity, at, p, e)
	case err != nil:
		return err
	case saved == base:
		return s.done(c, at.Path, fmt.Sprintf("Nothing changed: version %d stays.", saved))
	}
	return s.done(c, at.Path, fmt.Sprintf("Template saved as version %d.", saved))
}

// templateErrors is the summary of rows that were not saved.
func templateErrors(e templateEditor, err error) ui.FormErrorsProps {
	out := ui.FormErrorsProps{Title: "Not saved. " + counted(len(templates.FindingsOf(err)), "problem") + " in the rows:"}
	fields := fault.FieldsOf(err)
	if len(templates.FindingsOf(err)) == 0 {
		out.Title = "Not saved."
		for _, name := range []string{"template", "note"} {
			if fields[name] != "" {
				out.Items = append(out.Items, ui.FormError{Text: fields[name]})
			}
		}
		return out
	}
	_, at := templateOf(e.Rows)
	for _, f := range templates.FindingsOf(err) {
		out.Items = append(out.Items, rowError(f, at))
	}
	return out
}

func rowError(f mapping.Finding, at []int) ui.FormError {
	if f.Row < 0 || f.Row >= len(at) {
		return ui.FormError{Text: f.Problem}
	}
	row := at[f.Row]
	return ui.FormError{Field: "row-" + strconv.Itoa(row+1), Text: sentenceAt(row, f.Problem)}
}

// templateConflict keeps the reader's rows and offers both ways on.
func (s *server) templateConflict(c Ctx, at templatePlace, e templateEditor, cause error) error {
	fresh, err := s.templateAt(c)
	if err != nil {
		return err
	}
	base, newest := atoi(form(c).Get("base")), fresh.Template.Version
	if newest == base { // not a version that came between
		return cause
	}
	p := s.templateView(c, fresh)
	p.Note = form(c).Get("note")
	p.Conflict = &views.TemplateConflict{
		Text:     fmt.Sprintf("%s saved version %d while you edited version %d. Your rows are below, unchanged, and not saved.", fresh.SavedBy, newest, base),
		SaveText: fmt.Sprintf("Save my rows as version %d", newest+1),
		LoadText: fmt.Sprintf("Drop my rows, load version %d", newest), LoadHref: at.Path,
		DiffHref: fmt.Sprintf("%s/versions/%d?with=%d", at.Path, newest, base),
	}
	if base < 1 {
		p.Conflict.DiffHref = fmt.Sprintf("%s/versions/%d", at.Path, newest)
	}
	return s.renderTemplate(c, http.StatusConflict, fresh, p, e)
}

// renderTemplate adds the editor and the frame; the frame last, so that a page that failed has not
// used up the message of the last action.
func (s *server) renderTemplate(c Ctx, status int, at templatePlace, p views.TemplateView, e templateEditor) error {
	if p.Waiting == nil {
		p.Editor = s.editorView(c, at.Path, at.keyID(), e)
	}
	p.Page = s.keyShell(c, p.Head.Title)
	return s.render(c, status, views.Template(p), nil)
}
