package console

import (
	"bytes"
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"latchkey/internal/mapping"
)

// templateRow is a row of the editor as it was typed, right or wrong.
type templateRow struct {
	Target   string // a name of mapping.Targets, customTarget or nothing yet
	Custom   string // the name after "custom."
	Paths    []string
	Steps    []templateStep
	Default  string
	Required bool
}

// templateStep is one transform with its argument.
type templateStep struct{ Name, Argument string }

// customTarget stands in the list of targets for all of them; the name has a field of its own.
const customTarget = "custom"

// target is the name as a template writes it.
func (r templateRow) target() string {
	if r.Target == customTarget {
		return mapping.CustomPrefix + strings.TrimSpace(r.Custom)
	}
	return r.Target
}

// empty tells a row that nobody has begun to fill in.
func (r templateRow) empty() bool {
	return r.Target == "" && len(r.paths()) == 0 && len(r.transforms()) == 0 && strings.TrimSpace(r.Default) == ""
}

func (r templateRow) paths() []string {
	var out []string
	for _, p := range r.Paths {
		if p = strings.TrimSpace(p); p != "" {
			out = append(out, p)
		}
	}
	return out
}

func (r templateRow) transforms() []string {
	var out []string
	for _, s := range r.Steps {
		switch {
		case s.Name == "":
		case argumentOf(s.Name) == "":
			out = append(out, s.Name) // what a hidden field may still hold
		case s.Argument == "":
			out = append(out, s.Name)
		default:
			out = append(out, s.Name+":"+s.Argument)
		}
	}
	return out
}

// row is the typed row as a template holds it. Without a path, the default is a constant.
func (r templateRow) row() mapping.Row {
	out := mapping.Row{Target: r.target(), From: r.paths(), Transform: r.transforms(), Required: r.Required || r.Target == "org_id"}
	if fallback := typedJSON(out.Target, r.Default); len(out.From) > 0 {
		out.Default = fallback
	} else {
		out.Value = fallback
	}
	return out
}

// rowOf is a template's row as the editor shows it.
func rowOf(r mapping.Row) templateRow {
	out := templateRow{Target: r.Target, Default: typedText(r.Target, r.Default), Required: r.Required}
	for _, path := range r.From {
		out.Paths = append(out.Paths, shortPath(path))
	}
	if name, custom := strings.CutPrefix(r.Target, mapping.CustomPrefix); custom {
		out.Target, out.Custom = customTarget, name
	}
	if len(r.Value) > 0 {
		out.Default = typedText(r.Target, r.Value)
	}
	for _, t := range r.Transform {
		name, argument, _ := strings.Cut(t, ":")
		out.Steps = append(out.Steps, templateStep{name, argument})
	}
	return out
}

func rowsOf(t mapping.Template) []templateRow {
	rows := make([]templateRow, 0, len(t.Rows))
	for _, r := range t.Rows {
		rows = append(rows, rowOf(r))
	}
	return rows
}

// templateOf leaves out the rows that nobody has begun. The second result says for each row of the
// template which row of the editor it is.
func templateOf(rows []templateRow) (mapping.Template, []int) {
	t, at := mapping.Template{Rows: []mapping.Row{}}, []int{}
	for i, r := range rows {
		if !r.empty() {
			t.Rows, at = append(t.Rows, r.row()), append(at, i)
		}
	}
	return t, at
}

// toSave is the template with its paths in their one spelling, so that opening and saving it again
// makes no new version. Rows with errors stay as they are, for Save to name.
func toSave(rows []templateRow) mapping.Template {
	t, _ := templateOf(rows)
	if program, findings := mapping.Compile(t); len(findings) == 0 {
		return program.Template()
	}
	return t
}

// typedJSON reads a default as its target takes it: text for targets that hold text, else JSON
// where it is JSON.
func typedJSON(target, text string) json.RawMessage {
	text = strings.TrimSpace(text)
	if text == "" {
		return nil
	}
	if !holdsText(target) && json.Valid([]byte(text)) {
		return json.RawMessage(text)
	}
	return json.RawMessage(quote(text))
}

// typedText is the inverse of typedJSON.
func typedText(target string, value json.RawMessage) string {
	var text string
	if json.Unmarshal(value, &text) == nil && bytes.Equal(typedJSON(target, text), quoted(value)) {
		return text
	}
	return string(value)
}

// quoted writes a JSON string as quote does, so that two spellings of it compare equal.
func quoted(value json.RawMessage) []byte {
	var text string
	if json.Unmarshal(value, &text) != nil {
		return value
	}
	return []byte(quote(text))
}

func holdsText(target string) bool {
	switch target {
	case "user_count", "seats", "mrr", "feature_flags":
		return false
	}
	return !strings.HasPrefix(target, mapping.CustomPrefix)
}

// argumentOf says what a transform takes behind its colon; empty when it takes nothing.
func argumentOf(name string) string {
	for _, t := range mapping.Transforms() {
		if t.Name == name {
			return t.Argument
		}
	}
	return "?" // unknown: kept as it is, for the compiler to name
}

// readRows reads the editor's rows from a form. Their number is bounded whatever the form says.
func readRows(f url.Values) []templateRow {
	n, _ := strconv.Atoi(f.Get("rows"))
	n = min(max(n, 0), mapping.MaxRows+1)
	rows := make([]templateRow, 0, n)
	for i := range n {
		field := rowField(i)
		r := templateRow{
			Target: f.Get(field + "target"), Custom: f.Get(field + "custom"), Default: f.Get(field + "default"),
			Required: f.Get(field+"required") != "", Paths: few(f[field+"path"], mapping.MaxPaths),
		}
		arguments := f[field+"argument"]
		for j, name := range few(f[field+"transform"], mapping.MaxTransforms) {
			step := templateStep{Name: name}
			if j < len(arguments) {
				step.Argument = arguments[j]
			}
			r.Steps = append(r.Steps, step)
		}
		rows = append(rows, r)
	}
	return rows
}

func few(values []string, most int) []string { return slices.Clone(values[:min(len(values), most+1)]) }

// rowField is the prefix of the names of a row's fields; rows count from 0.
func rowField(i int) string { return "row" + strconv.Itoa(i+1) + "_" }
