package console

import (
	"net/http"
	"strconv"
	"strings"

	"latchkey/internal/mapping"
	"latchkey/views"
	"latchkey/views/ui"
)

func (s *server) showTemplateJSON(c Ctx) error {
	at, err := s.templateAt(c)
	if err != nil {
		return err
	}
	return s.render(c, http.StatusOK, views.TemplateJSON(s.templateJSONView(c, at, views.Form{})), nil)
}

// pasteTemplateJSON opens pasted rows in the editor, right or wrong; what is no template comes back
// with the reason.
func (s *server) pasteTemplateJSON(c Ctx) error {
	at, err := s.templateAt(c)
	if err != nil {
		return err
	}
	text := strings.TrimSpace(form(c).Get("json"))
	t, err := mapping.ParseJSON([]byte(text))
	problem := ""
	switch {
	case text == "":
		problem = "Paste a template as JSON."
	case err != nil:
		problem = err.Error()
	}
	if problem != "" {
		f := views.Form{Values: map[string]string{"json": text}, Errors: map[string]string{"json": problem}}
		return s.render(c, http.StatusUnprocessableEntity, views.TemplateJSON(s.templateJSONView(c, at, f)), nil)
	}
	e := templateEditor{Rows: rowsOf(t)}
	if e.Sample, err = s.loadSample(c, at.keyID(), sampleLast, ""); err != nil {
		return err
	}
	p := s.templateView(c, at)
	p.Base = atoi(form(c).Get("base"))
	p.Notices = append(p.Notices, ui.BannerProps{Tone: ui.ToneInfo, Title: "These are the pasted rows.", Text: "Nothing is saved yet. Check them, then save the template."})
	return s.renderTemplate(c, http.StatusOK, at, p, e)
}

func (s *server) templateJSONView(c Ctx, at templatePlace, f views.Form) views.TemplateJSONView {
	p := views.TemplateJSONView{Head: s.templateHead(c, at, "json"), Action: at.Path + "/json", Base: strconv.Itoa(at.Template.Version), Form: f}
	if !at.Waiting() {
		p.JSON = string(at.Rows.JSON())
	}
	for _, text := range f.Errors {
		p.Errors = ui.FormErrorsProps{Title: "Not replaced.", Items: []ui.FormError{{Field: "json", Text: text}}}
	}
	p.Page = s.keyShell(c, p.Head.Title)
	return p
}
