package console

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"latchkey/internal/payload"
	"latchkey/internal/source"
)

// readSample runs a vendor's adapter on its sample: on the body, or on the first item of a list. It
// returns that item's text too.
func readSample(v *source.Vendor, sample source.Sample) (source.Event, []byte, bool) {
	header := headersOf(sample)
	body := payload.Value(bytes.TrimSpace([]byte(sample.Body)))
	try := func(item payload.Value, envelope payload.Object) (source.Event, []byte, bool) {
		found, ok := v.Normalise(source.Input{Header: header, Top: item.Object(), Envelope: envelope, Raw: item})
		return found, item, ok
	}
	if list := body.List(); len(list) > 0 {
		return try(list[0], nil)
	}
	found, item, ok := try(body, nil)
	if ok {
		return found, item, ok
	}
	envelope := body.Object()
	for _, name := range []string{"batch", "events"} {
		if list := envelope[name].List(); len(list) > 0 {
			return try(list[0], envelope)
		}
	}
	return found, item, ok
}

func headersOf(sample source.Sample) http.Header {
	h := http.Header{}
	for name, value := range sample.Headers {
		h.Set(name, value)
	}
	return h
}

func sortedNames(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }

// trace tells where in a sample a value stands, so that the documentation names the place that the
// adapter really took it from.
type trace struct {
	places map[string]string // scalar in lower case -> path of the shallowest member that holds it
}

type traced struct {
	path  string
	value any
}

func newTrace(item []byte, headers map[string]string) trace {
	t := trace{map[string]string{}}
	for _, name := range sortedNames(headers) {
		t.keep(headers[name], "header "+name)
	}
	dec := json.NewDecoder(bytes.NewReader(item))
	dec.UseNumber()
	var root any
	if dec.Decode(&root) != nil {
		return t
	}
	for level := []traced{{"", root}}; len(level) > 0; {
		level = t.step(level)
	}
	return t
}

// step keeps the scalars of one level and returns the next.
func (t trace) step(level []traced) (next []traced) {
	for _, at := range level {
		switch v := at.value.(type) {
		case map[string]any:
			for _, name := range slices.Sorted(maps.Keys(v)) {
				next = append(next, traced{strings.TrimPrefix(at.path+"."+name, "."), v[name]})
			}
		case []any:
			for i, element := range v {
				next = append(next, traced{fmt.Sprintf("%s[%d]", at.path, i), element})
			}
		case string:
			t.keep(v, at.path)
		case json.Number:
			t.keep(v.String(), at.path)
		}
	}
	return next
}

func (t trace) keep(value, place string) {
	key := strings.ToLower(strings.TrimSpace(value))
	if _, taken := t.places[key]; !taken && key != "" {
		t.places[key] = place
	}
}

// place is where a value stands; empty when it is put together from several.
func (t trace) place(value string) string { return t.places[strings.ToLower(strings.TrimSpace(value))] }
