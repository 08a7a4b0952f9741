package console

import (
	"bytes"
	"encoding/json"
	"strings"

	"latchkey/openapi"
	"latchkey/views"
)

func parameterTerm(p openapi.Parameter) views.APIDocsTerm {
	kind := p.Type + unlessGiven(p.Default)
	switch p.In {
	case "path":
		kind += ", in the path"
	case "header":
		kind += ", a header"
	}
	return views.APIDocsTerm{Name: p.Name, Type: kind, Values: p.Values, Required: p.Required, Text: spansOf(p.Description)}
}

func unlessGiven(value string) string {
	if value == "" {
		return ""
	}
	return ", " + value + " unless given"
}

func headerTerm(h openapi.Header) views.APIDocsTerm {
	return views.APIDocsTerm{Name: h.Name, Text: spansOf(h.Description)}
}

// bodyOf shows which members must be sent. In answers required means only that they are there, which
// is true of nearly all: the word would say nothing.
func bodyOf(b *openapi.Body, sent bool) *views.APIDocsBody {
	if b == nil {
		return nil
	}
	out := &views.APIDocsBody{Shape: b.Shape, Example: b.Example}
	if sent && !b.Required {
		out.Shape += ", may be left out"
	}
	for _, m := range b.Members {
		kind := m.Type
		if m.Format != "" {
			kind += " (" + m.Format + ")"
		}
		out.Members = append(out.Members, views.APIDocsTerm{
			Name: m.Name, Type: kind + unlessGiven(m.Default), Values: m.Values, Required: sent && m.Required, Text: spansOf(m.Description),
		})
	}
	return out
}

func proseOf(text string) [][]views.TextSpan {
	var out [][]views.TextSpan
	for _, paragraph := range openapi.Prose(text) {
		var spans []views.TextSpan
		for _, s := range paragraph {
			spans = append(spans, views.TextSpan(s))
		}
		out = append(out, spans)
	}
	return out
}

// spansOf is a text of one paragraph.
func spansOf(text string) []views.TextSpan {
	var out []views.TextSpan
	for i, paragraph := range proseOf(text) {
		if i > 0 {
			out = append(out, views.TextSpan{Text: " "})
		}
		out = append(out, paragraph...)
	}
	return out
}

// curl is a call as a shell makes it. Texts in url and headers may hold shell variables.
type curl struct {
	method, url string
	headers     []string
	body        string
	public      bool
}

func (q curl) String() string {
	lines := []string{"curl"}
	if q.method != GET {
		lines[0] += " -X " + q.method
	}
	if !q.public {
		q.headers = append([]string{"Authorization: Bearer $LATCHKEY_TOKEN"}, q.headers...)
	}
	if q.body != "" {
		q.headers = append(q.headers, "Content-Type: application/json")
	}
	for i, h := range q.headers {
		h = `-H "` + h + `"`
		if i == 0 {
			lines[0] += " " + h
			continue
		}
		lines = append(lines, "  "+h)
	}
	if q.body != "" {
		lines = append(lines, "  -d '"+strings.ReplaceAll(q.body, "'", `'\''`)+"'")
	}
	lines = append(lines, `  "`+q.url+`"`)
	return strings.Join(lines, " \\\n")
}

// curl is an example call of an operation, with a variable for each part of the path.
func (d docs) curl(o openapi.Operation) string {
	q := curl{method: o.Method, url: d.base + o.Path, public: o.Public}
	for _, p := range o.Parameters {
		switch {
		case p.In == "path":
			q.url = strings.ReplaceAll(q.url, "{"+p.Name+"}", "$"+variable(p.Name))
		case p.In == "header" && p.Name == "Idempotency-Key":
			q.headers = append(q.headers, "Idempotency-Key: $(uuidgen)")
		case p.In == "header" && p.Required:
			q.headers = append(q.headers, p.Name+": $"+variable(p.Name))
		}
	}
	if o.Body != nil {
		q.body = shortened(o.Body.Example)
	}
	return q.String()
}

// shortened puts a small body on one line.
func shortened(body string) string {
	var line bytes.Buffer
	if json.Compact(&line, []byte(body)) != nil || line.Len() > 90 {
		return body
	}
	return line.String()
}

// variable is a shell variable for a parameter: KEY_ID for keyId, WORKSPACE_ID for id.
func variable(name string) string {
	if name == "id" {
		return "WORKSPACE_ID"
	}
	var b strings.Builder
	for _, r := range name {
		switch {
		case r == '-':
			b.WriteByte('_')
			continue
		case r >= 'A' && r <= 'Z' && b.Len() > 0 && !strings.HasSuffix(b.String(), "_"):
			b.WriteByte('_')
		}
		b.WriteRune(r)
	}
	return strings.ToUpper(b.String())
}
