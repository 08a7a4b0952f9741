package console

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"latchkey/internal/fault"
	"latchkey/internal/mapping"
	"latchkey/internal/source"
	"latchkey/views"
)

// Where a sample comes from, as the form's field "sample" says it. What the server can look up
// again is named; what was pasted travels along in the form.
const (
	samplePasted  = "paste"
	sampleLast    = "last"     // the last payload that the key received
	sampleRequest = "request:" // with the id of a kept request
	sampleUpdate  = "update:"  // with the id of an update of an organisation
	sampleVendor  = "vendor:"  // with a vendor's name, "/" and the name of one of its samples
)

// templateSample is the payload that a template is tried on.
type templateSample struct {
	From    string
	Pasted  string
	Problem string // why there is none, in a sentence
	Note    string
	text    []byte // of the one item
	root    any    // decoded; nil when there is none
}

func (t templateSample) loaded() bool { return t.text != nil }

// loadSample fetches and reads the sample that the form names.
func (s *server) loadSample(c Ctx, keyID, from, pasted string) (templateSample, error) {
	t := templateSample{From: from, Pasted: pasted}
	text, note, err := s.sampleText(c, keyID, &t)
	switch {
	case fault.Is(err, fault.NotFound) && visit(c).Workspace.ID != "":
		t.Problem = "There is no such payload any more. Choose another sample."
		return t, nil
	case err != nil:
		return t, err
	}
	t.read(text)
	if t.Note == "" {
		t.Note = note
	}
	return t, nil
}

func (s *server) sampleText(c Ctx, keyID string, t *templateSample) (text []byte, note string, err error) {
	switch id := afterColon(t.From); {
	case t.From == sampleLast && keyID != "":
		raw, _, at, err := s.lastPayload(c, keyID)
		if err != nil || raw == nil {
			return nil, "", err
		}
		return raw, "Received " + s.time(c, at, "").Relative + ".", nil
	case strings.HasPrefix(t.From, sampleRequest):
		body, err := s.requestPayload(c, id)
		if err == nil && body == nil {
			t.Problem = "The body of this request was not kept. Choose another sample."
		}
		return body, "", err
	case strings.HasPrefix(t.From, sampleUpdate):
		raw, err := s.payloadOf(c, id)
		return raw, "", err
	case strings.HasPrefix(t.From, sampleVendor):
		if body, ok := vendorSample(id); ok {
			return body, "", nil
		}
		return nil, "", fault.New(fault.NotFound, "There is no such sample.")
	}
	t.From = samplePasted
	return []byte(t.Pasted), "", nil
}

func vendorSample(id string) ([]byte, bool) {
	name, sample, _ := strings.Cut(id, "/")
	vendor := source.Lookup(name)
	if vendor == nil {
		return nil, false
	}
	for _, s := range vendor.Samples {
		if s.Name == sample {
			return []byte(s.Body), true
		}
	}
	return nil, false
}

// read takes the item out of what a request may send around it.
func (t *templateSample) read(text []byte) {
	if len(bytes.TrimSpace(text)) == 0 {
		return
	}
	if t.Problem = jsonProblem(text); t.Problem != "" {
		return
	}
	item, n := firstItem(text)
	root, err := mapping.Decode(item)
	if err != nil {
		t.Problem = "The sample could not be read: " + err.Error() + "."
		return
	}
	if _, object := root.(map[string]any); !object {
		t.Problem = "The sample is no JSON object. A payload is an object, or an array of objects."
		return
	}
	if n > 1 {
		t.Note = fmt.Sprintf("The sample holds %d items; this is the first one.", n)
	}
	t.text, t.root = item, root
}

// firstItem is what the gateway takes for the first item, and how many there are.
func firstItem(text []byte) ([]byte, int) {
	var list []json.RawMessage
	if json.Unmarshal(text, &list) == nil && len(list) > 0 {
		return list[0], len(list)
	}
	var envelope struct {
		Batch  []json.RawMessage `json:"batch"`
		Events []json.RawMessage `json:"events"`
	}
	if json.Unmarshal(text, &envelope) == nil {
		for _, list := range [][]json.RawMessage{envelope.Batch, envelope.Events} {
			if len(list) > 0 {
				return list[0], len(list)
			}
		}
	}
	return text, 1
}

// jsonProblem says where JSON breaks, counting lines and characters from 1; empty when it is whole.
func jsonProblem(text []byte) string {
	if !utf8.Valid(text) {
		return "This is not valid UTF-8 text."
	}
	var ignored json.RawMessage
	err := json.Unmarshal(text, &ignored)
	if err == nil {
		return ""
	}
	at, what := len(text), "it ends too early"
	var broken *json.SyntaxError
	if errors.As(err, &broken) && int(broken.Offset) <= len(text) && !strings.Contains(broken.Error(), "unexpected end") {
		at, what = max(0, int(broken.Offset)-1), broken.Error()
	}
	before := text[:at]
	line := bytes.Count(before, []byte("\n")) + 1
	column := utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:]) + 1
	return fmt.Sprintf("This is not valid JSON. Line %d, column %d: %s.", line, column, what)
}

// sampleSources lists what the editor can load a sample from.
func (s *server) sampleSources(c Ctx, keyID string, t templateSample) []views.SampleGroup {
	first := views.SampleGroup{Options: []views.SampleOption{{Value: samplePasted, Label: "Pasted JSON"}}}
	if keyID != "" {
		if raw, _, at, err := s.lastPayload(c, keyID); err == nil && raw != nil {
			first.Options = append([]views.SampleOption{{Value: sampleLast, Label: "Last payload received, " + s.time(c, at, "").Relative}}, first.Options...)
		}
	}
	for prefix, what := range map[string]string{sampleRequest: "Request ", sampleUpdate: "Update "} {
		if id, ok := strings.CutPrefix(t.From, prefix); ok {
			first.Options = append(first.Options, views.SampleOption{Value: t.From, Label: what + id})
		}
	}
	groups := []views.SampleGroup{first}
	for _, vendor := range source.Vendors() {
		g := views.SampleGroup{Label: vendor.Title}
		for _, sample := range vendor.Samples {
			g.Options = append(g.Options, views.SampleOption{Value: sampleVendor + vendor.Name + "/" + sample.Name, Label: vendor.Title + ": " + sample.Title})
		}
		if len(g.Options) > 0 {
			groups = append(groups, g)
		}
	}
	return groups
}
