package openapi_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"latchkey/openapi"
)

func parsed(t *testing.T, source string) *openapi.Document {
	t.Helper()
	d, err := openapi.Parse([]byte(source))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestTheContractCanBeShown(t *testing.T) {
	d := parsed(t, string(openapi.Source))
	ids := map[string]bool{}
	for _, g := range d.Groups {
		if len(g.Operations) == 0 || g.Description == "" {
			t.Errorf("%s has no operations or no description", g.Name)
		}
		for _, o := range g.Operations {
			if ids[o.ID] {
				t.Errorf("%s is there twice", o.ID)
			}
			ids[o.ID] = true
			check(t, o)
		}
	}
	for _, m := range d.Messages {
		if check(t, m); m.Description == "" || len(m.Parameters) == 0 || !strings.Contains(m.Body.Example, `"type": "`+m.Path+`"`) {
			t.Errorf("the message %s is not described, or has no example of its own", m.Path)
		}
	}
	if !slices.Contains(d.Bases, "/api/v1") || d.Description == "" {
		t.Errorf("bases %v", d.Bases)
	}
}

// check: the page says of every operation what it needs, what it takes and what it answers.
func check(t *testing.T, o openapi.Operation) {
	t.Helper()
	for _, p := range o.Parameters {
		if p.Description == "" || p.Type == "" || p.In == "" {
			t.Errorf("%s: the parameter %+v is not described", o.ID, p)
		}
		if p.In == "path" && !strings.Contains(o.Path, "{"+p.Name+"}") {
			t.Errorf("%s: {%s} is not in the path", o.ID, p.Name)
		}
	}
	a, _ := o.Success()
	for _, b := range []*openapi.Body{o.Body, a.Body} {
		if b == nil {
			continue
		}
		if b.Example == "" || strings.HasSuffix(b.Type, "json") != json.Valid([]byte(b.Example)) {
			t.Errorf("%s: the example is none of its type: %q", o.ID, b.Example)
		}
		if len(b.Members) == 0 && strings.Contains(b.Shape, "object") && b.Example != "{}" {
			t.Errorf("%s: an object without members", o.ID)
		}
	}
}

const small = `
openapi: 3.1.0
info: {title: Small, version: '1', description: One.}
servers: [{url: /api/v1}]
security: [{bearer: []}]
tags: [{name: Things, description: All of them.}]
paths:
  /things/{id}:
    parameters: [{$ref: '#/components/parameters/id'}]
    get:
      operationId: getThing
      summary: Read a thing
      tags: [Things]
      responses:
        '200':
          description: It.
          content:
            application/json:
              schema: {$ref: '#/components/schemas/Thing'}
              example: {b: 1.50, a: 2026-01-01, none: null, list: [true, "5"]}
        '404': {$ref: '#/components/responses/NotFound'}
    delete:
      operationId: dropThing
      summary: Drop it
      tags: [Things]
      security: [{bearer: ['things:write']}]
      responses: {'204': {description: Gone.}}
    post:
      operationId: tellThing
      summary: Tell
      tags: [Things]
      security: []
      requestBody:
        required: true
        content: {application/json: {schema: {type: array, items: {type: string}}, example: ["x"]}}
      responses: {'202': {description: Taken.}}
webhooks:
  thing.made:
    post:
      operationId: onThingMade
      summary: A thing was made
      security: []
      requestBody:
        content: {application/json: {schema: {$ref: '#/components/schemas/Thing'}, example: {name: x}}}
      responses: {'200': {description: Taken.}}
components:
  parameters:
    id: {name: id, in: path, required: true, description: Which., schema: {type: string, format: uuid}}
  responses:
    NotFound: {description: Nothing there.}
  schemas:
    Thing:
      type: object
      required: [name]
      properties:
        name: {type: string, description: Its name.}
        state: {type: [string, 'null'], enum: [on, off, null], default: on}
        parts:
          type: array
          items: {$ref: '#/components/schemas/Part'}
        free: {type: object, additionalProperties: {type: string}}
    Part:
      type: object
      required: [n]
      properties:
        n: {type: integer}
        inner: {$ref: '#/components/schemas/Part'}
`

func TestADocumentIsInTheFilesOrderAndResolved(t *testing.T) {
	g := parsed(t, small).Groups[0]
	var got []string
	for _, o := range g.Operations {
		got = append(got, o.Method+" "+o.ID)
	}
	if diff := cmp.Diff([]string{"GET getThing", "DELETE dropThing", "POST tellThing"}, got); diff != "" {
		t.Fatal(diff)
	}
	read, drop, tell := g.Operations[0], g.Operations[1], g.Operations[2]
	if read.Public || read.Scopes != nil || !tell.Public || !slices.Equal(drop.Scopes, []string{"things:write"}) {
		t.Errorf("security: %v, %v, %v", read.Scopes, drop.Scopes, tell.Public)
	}
	if p := read.Parameters[0]; p.Name != "id" || p.Type != "string (uuid)" || !p.Required {
		t.Errorf("parameter %+v", p)
	}
	if a := read.Answers[1]; a.Shared != "NotFound" || a.Description != "Nothing there." {
		t.Errorf("shared answer %+v", a)
	}
	if b := tell.Body; !b.Required || b.Shape != "array of strings" || len(b.Members) != 0 {
		t.Errorf("body %+v", b)
	}
}

func TestMessagesAreReadLikeOperations(t *testing.T) {
	all := parsed(t, small).Messages
	if len(all) != 1 || all[0].Path != "thing.made" || !all[0].Public || all[0].Body.Members[0].Name != "name" || all[0].Body.Example != "{\n  \"name\": \"x\"\n}" {
		t.Errorf("%+v", all)
	}
}

func TestMembersAreFlattenedWithTheirPaths(t *testing.T) {
	a, _ := parsed(t, small).Groups[0].Operations[0].Success()
	want := []openapi.Member{
		{Name: "name", Description: "Its name.", Type: "string", Required: true},
		{Name: "state", Type: "string or null", Values: []string{"on", "off"}, Default: `"on"`},
		{Name: "parts", Type: "array of objects"},
		{Name: "parts[].n", Type: "integer", Required: true},
		{Name: "parts[].inner", Type: "object"},
		{Name: "free", Type: "object of strings"},
	}
	got := slices.DeleteFunc(a.Body.Members, func(m openapi.Member) bool { return strings.HasPrefix(m.Name, "parts[].inner.") })
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestExamplesKeepTheirOrderAndNumbers(t *testing.T) {
	a, _ := parsed(t, small).Groups[0].Operations[0].Success()
	var compact strings.Builder
	for line := range strings.Lines(a.Body.Example) {
		compact.WriteString(strings.TrimSpace(line))
	}
	if want := `{"b": 1.50,"a": "2026-01-01","none": null,"list": [true,"5"]}`; compact.String() != want {
		t.Errorf("%s, want %s", compact.String(), want)
	}
}

func TestWhatCannotBeShownIsRefused(t *testing.T) {
	for name, tc := range map[string]struct{ old, now, want string }{
		"no YAML":           {"openapi: 3.1.0", "openapi: [", "did not find"},
		"a reference":       {"schemas/Thing'", "schemas/Other'", "Other"},
		"another file":      {"#/components/responses", "other.yaml#/components/responses", "leaves the file"},
		"no id":             {"operationId: getThing", "x: y", "operationId"},
		"an unknown tag":    {"tags: [Things]", "tags: [Others]", "Others"},
		"no success":        {"'204'", "'404'", "went well"},
		"nothing of rights": {"security: [{bearer: []}]", "x: y", "security"},
	} {
		t.Run(name, func(t *testing.T) {
			source := strings.Replace(small, tc.old, tc.now, 1)
			if source == small {
				t.Fatal("nothing was replaced")
			}
			if _, err := openapi.Parse([]byte(source)); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %v, want one about %q", err, tc.want)
			}
		})
	}
}

func TestProseIsParagraphsCodeAndWeight(t *testing.T) {
	got := openapi.Prose("**Lists** are `arrays`.\nSo.\n\n2 * 3, a `b")
	want := [][]openapi.Span{
		{{Text: "Lists", Strong: true}, {Text: " are "}, {Text: "arrays", Code: true}, {Text: ". So."}},
		{{Text: "2 *"}, {Text: " 3, a `"}, {Text: "b"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
