package console

import (
	"fmt"
	"strconv"
	"strings"

	"latchkey/internal/mapping"
	"latchkey/models"
	"latchkey/views"
	"latchkey/views/ui"
)

// editorView is the whole editor, with the lists that its fields choose from.
func (s *server) editorView(c Ctx, action, keyID string, e templateEditor) views.TemplateEditorView {
	v := triedView(action, e)
	v.Sample.Groups = s.sampleSources(c, keyID, e.Sample)
	for _, x := range mapping.Targets() {
		v.Targets = append(v.Targets, views.TemplateTarget(x))
	}
	for _, x := range mapping.Transforms() {
		v.Transforms = append(v.Transforms, views.TemplateTransform(x))
	}
	return v
}

// triedView is the part that changes with what is typed: the rows, what is said about each, and
// what becomes of the sample.
func triedView(action string, e templateEditor) views.TemplateEditorView {
	t := try(e.Rows, e.Sample)
	v := views.TemplateEditorView{
		Action: action, Focus: e.Focus, Full: len(e.Rows) >= mapping.MaxRows,
		Problems: t.messages[-1], Result: t.resultView(e.Sample),
		Sample: views.TemplateSample{From: e.Sample.From, Pasted: e.Sample.Pasted, Problem: e.Sample.Problem, Note: e.Sample.Note},
	}
	if e.Sample.loaded() {
		v.Sample.Tree, v.Sample.More = sampleTree(e.Sample)
	}
	for i, r := range e.Rows {
		v.Rows = append(v.Rows, rowView(i, r, len(e.Rows), &t))
	}
	return v
}

func rowView(i int, r templateRow, of int, t *trial) views.TemplateRow {
	out := views.TemplateRow{
		Number: i + 1, Target: r.Target, Custom: r.Custom, Paths: r.Paths, Default: r.Default, Required: r.Required,
		Always: r.Target == "org_id", Type: typeWord(r.Target), Messages: t.messages[i], Last: i == of-1,
	}
	if len(out.Paths) == 0 {
		out.Paths = []string{""}
	}
	for _, step := range r.Steps {
		out.Steps = append(out.Steps, views.TemplateStep(step))
	}
	if r.Target == customTarget {
		out.Type = "any"
		if did, ok := t.before[i]; ok {
			out.Type = orText(typeOf(did.Target, did.After()), "any")
		}
	}
	return out
}

// templateView is the page without its editor and frame.
func (s *server) templateView(c Ctx, at templatePlace) views.TemplateView {
	p := views.TemplateView{Head: s.templateHead(c, at, "edit"), Base: at.Template.Version, Save: "Save template"}
	if others := len(at.Keys); at.Template.Name != "" && others > 1 {
		p.Notices = append(p.Notices, ui.BannerProps{Tone: ui.ToneInfo, Title: fmt.Sprintf("%d keys use this template.", others), Text: "What you save here counts for all of them from the next payload on."})
	}
	if at.Key == nil {
		p.Named = s.templateNaming(c, at)
		return p
	}
	if n := s.waitingPayloads(c, at.Key.ID); n.Total() > 0 && !at.Waiting() {
		p.Notices = append(p.Notices, ui.BannerProps{
			Tone: ui.ToneWarn, Title: waitingTitle(n.Total(), n.More),
			Text:        "What could not be mapped was kept. It can be replayed under the template as it is saved.",
			ActionLabel: "Preview and replay", ActionHref: visit(c).path(keysPath, at.Key.ID, "waiting"),
		})
	}
	p.Settings = s.templateSettings(c, at)
	return p
}

func waitingTitle(n int64, more bool) string {
	switch {
	case n == 1:
		return "1 payload of this key waits."
	case more:
		return "More than " + ui.Count(int(n)) + " payloads of this key wait."
	default:
		return ui.Count(int(n)) + " payloads of this key wait."
	}
}

// templateHead is the top of each page about the template; tab is edit, versions or json.
func (s *server) templateHead(c Ctx, at templatePlace, tab string) views.TemplateHead {
	v := visit(c)
	h := views.TemplateHead{
		Title: "Payload template: " + at.Template.Name, BackLabel: "Saved templates", BackHref: v.path(templatesPath),
		Text: "Says where in a payload each value of an organisation is.",
		Tabs: []ui.Tab{
			{Label: "Editor", Href: at.Path, Current: tab == "edit"},
			{Label: "Versions", Href: at.Path + "/versions", Count: strconv.Itoa(at.Template.Version), Current: tab == "versions"},
			{Label: "JSON", Href: at.Path + "/json", Current: tab == "json"},
		},
	}
	if at.Key != nil {
		h.Title, h.BackLabel, h.BackHref = "Payload template of "+at.Key.Name, at.Key.Name, v.path(keysPath, at.Key.ID)
	}
	if at.Template.Name != "" && at.Key != nil {
		h.Badges = append(h.Badges, ui.BadgeProps{Label: "Saved as " + at.Template.Name, Icon: ui.IconFile})
	}
	switch {
	case at.Waiting():
		h.Badges = append(h.Badges, ui.BadgeProps{Label: "No version yet", Tone: ui.ToneWarn, Icon: ui.IconClock})
	default:
		h.Badges = append(h.Badges, ui.BadgeProps{Label: "Version " + strconv.Itoa(at.Template.Version)})
		h.Text = strings.TrimSuffix(h.Text, ".") + ". Saved " + s.time(c, at.SavedAt, "").Relative + " by " + at.SavedBy + "."
	}
	return h
}

// onErrorChoices say what becomes of payloads that cannot be mapped.
func onErrorChoices() []ui.RadioCard {
	return []ui.RadioCard{
		{Value: models.OnErrorReject, Label: "Reject", Icon: ui.IconBan,
			Text: "The sender gets 422 mapping_failed with the target, the path and the problem, and may send it again. The payload is kept, and you can replay it."},
		{Value: models.OnErrorQuarantine, Label: "Quarantine", Icon: ui.IconPause,
			Text: "The sender gets 200 and nothing changes for it: for senders that stop or alarm after errors. The payload is kept until you replay it."},
	}
}
