package console

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"latchkey/internal/mapping"
	"latchkey/views"
)

// trial is what the editor's rows come to: what is wrong with them, and what they make of the
// sample.
type trial struct {
	template mapping.Template
	at       []int // row of the editor for each row of the template
	Errors   []mapping.Finding
	messages map[int][]views.TemplateMessage // by row of the editor; -1: the template
	result   *mapping.Result
	before   map[int]mapping.RowResult // by row of the editor
}

// try compiles the rows and applies them. Rows with errors are left out of the result, so that one
// half-typed row does not take it away.
func try(rows []templateRow, sample templateSample) trial {
	t := trial{messages: map[int][]views.TemplateMessage{}, before: map[int]mapping.RowResult{}}
	t.template, t.at = templateOf(rows)
	if len(t.template.Rows) == 0 {
		return t // nobody has begun: not yet a mistake
	}
	_, t.Errors = mapping.Compile(t.template)
	for _, f := range t.Errors {
		t.say(f, true)
	}
	if sample.loaded() {
		t.apply(sample)
	}
	return t
}

// say puts a finding at its row.
func (t *trial) say(f mapping.Finding, isError bool) {
	row := -1
	if f.Row >= 0 && f.Row < len(t.at) {
		row = t.at[f.Row]
	}
	t.messages[row] = append(t.messages[row], views.TemplateMessage{Error: isError, Field: f.Field, Text: f.Problem})
}

func (t *trial) apply(sample templateSample) {
	broken := map[int]bool{}
	for _, f := range t.Errors {
		broken[f.Row] = true
	}
	whole, at, hasOrg := mapping.Template{}, []int{}, false
	for i, r := range t.template.Rows {
		if !broken[i] {
			whole.Rows, at = append(whole.Rows, r), append(at, i)
			hasOrg = hasOrg || r.Target == "org_id"
		}
	}
	if !hasOrg { // stands in for the row to come
		whole.Rows = append(whole.Rows, mapping.Row{Target: "org_id", Value: json.RawMessage(`"-"`)})
	}
	program, findings := mapping.Compile(whole)
	if len(findings) > 0 {
		return
	}
	result := program.Apply(sample.root)
	if !hasOrg {
		result.OrgID = ""
	}
	t.result = &result
	for _, list := range []struct {
		found   []mapping.Finding
		isError bool
	}{{result.Errors, true}, {result.Warnings, false}} {
		for _, f := range list.found {
			if f.Row < len(at) {
				f.Row = at[f.Row]
				// A payload that is refused is what the sample shows, not what is wrong with the rows:
				// the template can be saved.
				t.say(f, list.isError)
			}
		}
	}
	for i, r := range result.Rows {
		if i < len(at) {
			t.before[t.at[at[i]]] = r
			t.missing(at[i], r)
		}
	}
}

// missing says at a row that its paths lead nowhere, unless that was said.
func (t *trial) missing(row int, r mapping.RowResult) {
	paths, at := t.template.Rows[row].From, t.at[row]
	if r.Origin == "path" || len(paths) == 0 || len(t.messages[at]) > 0 {
		return
	}
	names := make([]string, len(paths))
	for i, p := range paths {
		names[i] = shortPath(p)
	}
	text := strings.Join(names, " or ") + " isn't in this sample."
	if r.Origin == "default" {
		text += " The default is used."
	}
	t.messages[at] = append(t.messages[at], views.TemplateMessage{Field: "from", Text: text})
}

// shortPath leaves the sign for the root out, as paths may.
func shortPath(path string) string {
	short := strings.TrimPrefix(strings.TrimPrefix(path, "$"), ".")
	if short == "" || strings.HasPrefix(short, "$") { // the root itself, or a name that begins with the sign
		return path
	}
	return short
}

// summary is what keeps the rows from being saved, as sentences with the number of the row.
func (t *trial) summary() []string {
	var out []string
	for _, f := range t.Errors {
		row := -1
		if f.Row >= 0 && f.Row < len(t.at) {
			row = t.at[f.Row]
		}
		out = append(out, sentenceAt(row, f.Problem))
	}
	return out
}

func sentenceAt(row int, text string) string {
	if row < 0 {
		return text
	}
	return fmt.Sprintf("Row %d: %s", row+1, text)
}

func mapKeys[V any](m map[int]V) func(func(int) bool) {
	return func(yield func(int) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// resultView is what the sample becomes.
func (t *trial) resultView(sample templateSample) views.TemplateResult {
	v := views.TemplateResult{HasSample: sample.loaded(), Errors: t.summary()}
	if t.result == nil {
		v.Broken = v.HasSample
		return v
	}
	v.OrgID = t.result.OrgID
	for _, f := range t.result.Errors {
		v.Refused = append(v.Refused, f.Problem)
	}
	for _, f := range t.result.Warnings {
		v.Warnings = append(v.Warnings, f.Problem)
	}
	if !t.result.OccurredAt.IsZero() {
		v.OccurredAt = t.result.OccurredAt.UTC().Format("2006-01-02 15:04:05.999999 UTC")
	}
	v.Values = resultValues(t.result.Values)
	for _, row := range slices.Sorted(mapKeys(t.before)) {
		if r := t.before[row]; r.Origin == "" && r.Target != "org_id" {
			v.Missing = append(v.Missing, r.Target)
		}
	}
	return v
}

// resultValues lists values in the order of the targets, custom ones last.
func resultValues(values map[string]json.RawMessage) []views.TemplateValue {
	rank := func(name string) string {
		for i, t := range mapping.Targets() {
			if name == t.Name || strings.HasPrefix(name, t.Name+".") {
				return fmt.Sprintf("%02d%s", i, name)
			}
		}
		return "99" + name
	}
	out := make([]views.TemplateValue, 0, len(values))
	for name, value := range values {
		out = append(out, views.TemplateValue{Target: name, Value: readable(value), Type: typeOf(name, value)})
	}
	slices.SortFunc(out, func(a, b views.TemplateValue) int { return strings.Compare(rank(a.Target), rank(b.Target)) })
	return out
}

// readable writes a value for people: text without its quotes.
func readable(value json.RawMessage) string {
	var text string
	if json.Unmarshal(value, &text) == nil && string(value) != "null" {
		return text
	}
	return string(value)
}

// typeOf is a target's type, or what the value of a custom one is.
func typeOf(target string, value json.RawMessage) string {
	if name := typeWord(target); name != "" {
		return name
	}
	if len(value) == 0 {
		return ""
	}
	switch value[0] {
	case '"':
		return "text"
	case '{':
		return "object"
	case '[':
		return "list"
	case 't', 'f':
		return "yes or no"
	case 'n':
		return "nothing"
	default:
		return "number"
	}
}

// typeWord is the type of a fixed target; empty for custom ones.
func typeWord(target string) string {
	if strings.HasPrefix(target, "feature_flags.") {
		return "flag"
	}
	for _, t := range mapping.Targets() {
		if t.Name == target {
			return t.Type
		}
	}
	return ""
}
