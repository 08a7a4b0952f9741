package views

import (
	"strconv"
	"strings"

	"github.com/a-h/templ"

	"latchkey/views/ui"
)

// TemplateEditorView is the editor of a payload template: rows at the left, a sample and what becomes of it at the right.
// It stands inside a form of its page, whose Action every button of the editor posts to.
type TemplateEditorView struct {
	Action     string
	Rows       []TemplateRow
	Problems   []TemplateMessage // of the template as a whole
	Targets    []TemplateTarget
	Transforms []TemplateTransform
	Full       bool // no more rows are possible
	Sample     TemplateSample
	Result     TemplateResult
	Focus      string // id of the control to focus after an action
}

// TemplateTarget is a choice of where a value goes.
type TemplateTarget struct{ Name, Title, Type, Text string }

// TemplateTransform is a choice of what happens to a value. Argument says what it takes; empty when nothing.
type TemplateTransform struct{ Name, Argument, Text string }

// TemplateRow is a row as it was typed.
type TemplateRow struct {
	Number   int // from 1
	Target   string
	Custom   string
	Paths    []string // at least one
	Steps    []TemplateStep
	Default  string
	Required bool
	Always   bool // required whatever the box says
	Type     string
	Messages []TemplateMessage
	Last     bool
}

// TemplateStep is one transform of a row.
type TemplateStep struct{ Name, Argument string }

// TemplateMessage is what is wrong at a row. Field is target, from, value, transform, default or empty.
type TemplateMessage struct {
	Error bool
	Field string
	Text  string
}

// TemplateSample is the payload that the rows are tried on.
type TemplateSample struct {
	From    string
	Groups  []SampleGroup
	Pasted  string
	Problem string
	Note    string
	Tree    *SampleNode
	More    string // why the tree does not show all
	Text    string // instead of a tree
}

// SampleGroup is a heading of the list of samples with its choices.
type SampleGroup struct {
	Label   string
	Options []SampleOption
}

// SampleOption is one sample.
type SampleOption struct{ Value, Label string }

// SampleNode is a value of the sample. A leaf has a path.
type SampleNode struct {
	Name     string // of the member or the index; empty for the root
	Path     string
	Short    string // Path as people read it
	Text     string
	Kind     ui.JSONKind
	Size     string // of an object or list, in words
	Children []SampleNode
}

// TemplateResult is what the sample becomes.
type TemplateResult struct {
	HasSample  bool
	Broken     bool // the rows cannot be applied at all
	OrgID      string
	OccurredAt string
	Values     []TemplateValue
	Missing    []string // targets for which the sample has nothing
	Refused    []string // why this payload would not be applied
	Warnings   []string
	Errors     []string // why the rows cannot be saved
}

// TemplateValue is one value of the organisation.
type TemplateValue struct{ Target, Value, Type string }

func (r TemplateRow) n() string { return strconv.Itoa(r.Number) }

func (r TemplateRow) field(name string) string { return "row" + r.n() + "_" + name }

func (r TemplateRow) id(control string) string { return "row-" + r.n() + "-" + control }

func (r TemplateRow) label(what string) string { return "Row " + r.n() + ": " + what }

// invalid tells that an error names one of the fields.
func (r TemplateRow) invalid(fields ...string) bool {
	for _, m := range r.Messages {
		for _, f := range fields {
			if m.Error && m.Field == f {
				return true
			}
		}
	}
	return false
}

// steps are the row's transforms, with an empty one where there is none yet.
func (r TemplateRow) steps() []TemplateStep {
	if len(r.Steps) == 0 {
		return []TemplateStep{{}}
	}
	return r.Steps
}

// canStep offers another transform behind one that is chosen.
func (r TemplateRow) canStep() bool { return r.steps()[len(r.steps())-1].Name != "" }

func (r TemplateRow) canPath() bool { return r.Paths[len(r.Paths)-1] != "" }

// control ties a control of a row to the row's messages.
func (e TemplateEditorView) control(r TemplateRow, control, name, label string, fields ...string) templ.Attributes {
	a := templ.Attributes{
		"id": r.id(control), "name": r.field(name), "aria-label": r.label(label), "aria-describedby": r.id("messages"),
		"autocomplete": "off", "spellcheck": "false",
	}
	if r.invalid(fields...) {
		a["aria-invalid"] = "true"
	}
	if e.Focus == r.id(control) {
		a["autofocus"] = true
	}
	return a
}

// does makes a button an action of the editor: a plain submit, and with script a swap of the editor.
func (e TemplateEditorView) does(do, id string) templ.Attributes {
	a := templ.Attributes{
		"name": "do", "value": do, "formnovalidate": true, "formaction": e.Action + "#template-editor",
		"hx-post": e.Action, "hx-target": "#template-editor", "hx-swap": "outerHTML settle:0",
	}
	if id != "" {
		a["id"] = id
		if e.Focus == id {
			a["autofocus"] = true
			a["formaction"] = e.Action
		}
	}
	return a
}

// tests makes a button compute the result again and nothing else.
func (e TemplateEditorView) tests(do, id string) templ.Attributes {
	a := e.does(do, id)
	a["hx-target"], a["hx-swap"], a["formaction"] = "#template-result", "innerHTML", e.Action+"#template-try"
	return a
}

// Summary is the result in one line, for the status region.
func (v TemplateResult) Summary() string {
	switch {
	case len(v.Errors) > 0:
		return plural(len(v.Errors), "error") + ": the template can't be saved like this."
	case !v.HasSample:
		return ""
	case len(v.Refused) > 0:
		return "This payload would be refused: " + plural(len(v.Refused), "error") + "."
	case len(v.Warnings) > 0:
		return plural(len(v.Values), "value") + ", " + plural(len(v.Warnings), "warning") + "."
	default:
		return plural(len(v.Values), "value") + ", no warnings."
	}
}

func (v TemplateResult) missing() string { return strings.Join(v.Missing, ", ") }

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}

// customTarget is the choice of a target with a name of one's own.
const customTarget = "custom"

func stepID(control string, i int) string { return control + strconv.Itoa(i+1) }

func nth(what string, i int) string {
	if i == 0 {
		return what
	}
	return what + " " + strconv.Itoa(i+1)
}

// said tells the tone of a message in a word.
func (m TemplateMessage) class() string {
	if m.Error {
		return "template-message text-danger"
	}
	return "template-message text-warn"
}

func (e TemplateEditorView) known(transform string) bool {
	if transform == "" {
		return true
	}
	for _, t := range e.Transforms {
		if t.Name == transform {
			return true
		}
	}
	return false
}

// argument is what a transform takes, as a hint in its empty field.
func (e TemplateEditorView) argument(transform string) string {
	for _, t := range e.Transforms {
		if t.Name == transform && t.Argument != "" {
			return t.Argument
		}
	}
	return "argument"
}

func rowButtonClass(do, text string) string {
	switch {
	case text != "":
		return "template-extend"
	case do == "up":
		return "icon-btn template-up"
	default:
		return "icon-btn"
	}
}

func sampleClass(k ui.JSONKind) string {
	switch k {
	case ui.JSONString:
		return "json-string"
	case ui.JSONNumber:
		return "json-number"
	default:
		return "json-word"
	}
}
