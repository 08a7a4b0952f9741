package api

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/labstack/echo/v4"

	"latchkey/internal/fault"
)

type sample struct {
	Name  string             `json:"name"`
	On    bool               `json:"on"`
	Limit opt[int]           `json:"limit"`
	At    opt[time.Time]     `json:"at"`
	Tags  []string           `json:"tags"`
	Must  opt[string]        `json:"must" null:"no"`
	Parts []part             `json:"parts"`
	Inner opt[part]          `json:"inner"`
	Kind  []nestedStringKind `json:"kind"`
	Deep  struct {
		Part part `json:"part"`
	} `json:"deep"`
}

type (
	nestedStringKind string
	part             struct {
		From []string `json:"from"`
		Size int64    `json:"size"`
	}
)

func decoding(body string, headers ...string) (sample, error) {
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	c := &call{echo: echo.New().NewContext(r, httptest.NewRecorder()), body: []byte(body)}
	var form sample
	return form, c.decode(&form)
}

func TestABodyIsReadExactlyOrRefusedByName(t *testing.T) {
	deep := strings.Repeat(`{"a":`, 70) + "1" + strings.Repeat("}", 70)
	for name, tc := range map[string]struct {
		body   string
		status int
		code   string
		fields string
	}{
		"nothing":               {"", 400, codeInvalidJSON, ""},
		"white space":           {" \n\t", 400, codeInvalidJSON, ""},
		"no JSON":               {"{", 400, codeInvalidJSON, ""},
		"a comma too many":      {`{"name":"a",}`, 400, codeInvalidJSON, ""},
		"two values":            {`{"name":"a"} {"name":"b"}`, 400, codeInvalidJSON, ""},
		"a list":                {`[1]`, 400, codeInvalidJSON, ""},
		"null":                  {`null`, 400, codeInvalidJSON, ""},
		"no UTF-8":              {"{\"name\":\"\xff\"}", 400, codeInvalidJSON, ""},
		"deep":                  {deep, 400, codeInvalidJSON, ""},
		"twice":                 {`{"name":"a","name":"b"}`, 400, codeInvalidJSON, "name"},
		"twice, escaped":        {`{"name":"a","n\u0061me":"b"}`, 400, codeInvalidJSON, "name"},
		"twice, below":          {`{"parts":[{},{"size":1,"size":1}]}`, 400, codeInvalidJSON, "parts[].size"},
		"unknown":               {`{"status":"active","name":7}`, 422, codeUnknownMember, "status"},
		"unknown, two":          {`{"zeta":1,"alpha":2}`, 422, codeUnknownMember, "alpha zeta"},
		"unknown by case":       {`{"Name":"a"}`, 422, codeUnknownMember, "Name"},
		"unknown, below":        {`{"parts":[{"to":1}],"deep":{"part":{"x":1}}}`, 422, codeUnknownMember, "deep.part.x parts[0].to"},
		"unknown, empty":        {`{"":1}`, 422, codeUnknownMember, ""},
		"a number for a string": {`{"name":7}`, 422, codeValidationFailed, "name"},
		"null for a string":     {`{"name":null}`, 422, codeValidationFailed, "name"},
		"null where refused":    {`{"must":null}`, 422, codeValidationFailed, "must"},
		"a string for a number": {`{"limit":"7"}`, 422, codeValidationFailed, "limit"},
		"a fraction":            {`{"limit":7.5}`, 422, codeValidationFailed, "limit"},
		"an exponent":           {`{"limit":7e3}`, 422, codeValidationFailed, "limit"},
		"a huge number":         {`{"limit":99999999999999999999}`, 422, codeValidationFailed, "limit"},
		"a string for a truth":  {`{"on":"true"}`, 422, codeValidationFailed, "on"},
		"a string for a list":   {`{"tags":"a"}`, 422, codeValidationFailed, "tags"},
		"a number in a list":    {`{"tags":["a",1]}`, 422, codeValidationFailed, "tags[1]"},
		"U+0000":                {`{"name":"a\u0000b"}`, 422, codeValidationFailed, "name"},
		"a date":                {`{"at":"2026-01-01"}`, 422, codeValidationFailed, "at"},
		"a year too far":        {`{"at":"9999-12-31T23:59:59-01:00"}`, 422, codeValidationFailed, "at"},
		"a number for a time":   {`{"at":1767225600}`, 422, codeValidationFailed, "at"},
		"an object for a list":  {`{"parts":{}}`, 422, codeValidationFailed, "parts"},
		"several":               {`{"on":1,"name":2,"limit":"x"}`, 422, codeValidationFailed, "limit name on"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := decoding(tc.body)
			p := problemOf(err)
			var fields []string
			for _, e := range p.Errors {
				fields = append(fields, e.Field)
			}
			if err == nil || p.Status != tc.status || p.Code != tc.code || strings.Join(fields, " ") != tc.fields {
				t.Errorf("%v: %d %s %q", err, p.Status, p.Code, fields)
			}
		})
	}
}

func TestAnAbsentMemberIsNoNullAndNoZero(t *testing.T) {
	got, err := decoding(`{"name":"Wébsite","at":null,"limit":0,"tags":[],"inner":{"from":["a"],"size":9007199254740993},"kind":["x"]}`)
	if err != nil {
		t.Fatal(err)
	}
	want := sample{
		Name: "Wébsite", At: opt[time.Time]{Given: true, Null: true}, Limit: opt[int]{Given: true}, Tags: []string{},
		Inner: opt[part]{Given: true, Value: part{From: []string{"a"}, Size: 9007199254740993}}, Kind: []nestedStringKind{"x"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if got.Must.pointer() != nil || got.At.pointer() == nil || !got.At.pointer().IsZero() {
		t.Error("absent, null and zero are mixed up")
	}
}

func TestOnlyJSONIsTaken(t *testing.T) {
	for _, kind := range []string{"", "text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin1", "application/merge-patch+json", "application/json;;"} {
		if _, err := decoding(`{}`, "Content-Type", kind); problemOf(err).Status != http.StatusUnsupportedMediaType {
			t.Errorf("%q: %v", kind, err)
		}
	}
	if _, err := decoding(`{}`, "Content-Type", "Application/JSON; Charset=UTF-8"); err != nil {
		t.Error(err)
	}
	if _, err := decoding(`{}`, "Content-Encoding", "gzip"); problemOf(err).Status != http.StatusUnsupportedMediaType {
		t.Errorf("gzip: %v", err)
	}
}

// A long member around many others must not cost a copy of its name for each of them.
func TestNamesInABodyCostNoMoreThanTheBody(t *testing.T) {
	body := `{"` + strings.Repeat("n", maxBody/2) + `":[` + strings.Repeat("{},", maxBody/8) + `{}]}`
	allocated := testing.Benchmark(func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, _ = decoding(body)
		}
	}).AllocedBytesPerOp()
	if allocated > 200*maxBody {
		t.Errorf("%d MiB allocated for a body of one", allocated>>20)
	}
}

func TestEveryFaultHasItsCode(t *testing.T) {
	for kind := fault.Internal; kind <= fault.Unavailable; kind++ {
		p := problemOf(fault.New(kind, "A sentence."))
		if p.Code == "" || p.Status < 400 || p.Detail == "" {
			t.Errorf("kind %d: %+v", kind, p)
		}
	}
	if p := problemOf(errors.New("no connection")); p.Code != codeStorage || p.Status != http.StatusServiceUnavailable || p.retryAfter < time.Second {
		t.Errorf("unclassified: %+v", p)
	}
}

func TestEveryRouteIsWholeAndThereOnce(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range Routes() {
		for _, name := range []string{r.Method + " " + r.Path, r.Operation} {
			if seen[name] || name == "" {
				t.Errorf("%q is there twice, or empty", name)
			}
			seen[name] = true
		}
		ways := 0
		for _, way := range []bool{r.Any, r.Public, r.Scope != ""} {
			if way {
				ways++
			}
		}
		if ways != 1 || r.Handler == nil || r.Public && r.Method != http.MethodPost {
			t.Errorf("%s %s does not say who may call it", r.Method, r.Path)
		}
		if r.mutates() && r.Scope != "" && !strings.HasSuffix(string(r.Scope), ":write") {
			t.Errorf("%s %s changes things with %s", r.Method, r.Path, r.Scope)
		}
		if slices.Contains(r.Query, "") {
			t.Errorf("%s %s has a parameter without a name", r.Method, r.Path)
		}
	}
}

func TestAnAnswerAboutABadBodyIsSmall(t *testing.T) {
	for name, body := range map[string]string{
		"wrong items":     `{"tags":[` + strings.Repeat("1,", 5000) + `1]}`,
		"too many items":  `{"tags":[` + strings.Repeat("1,", 200_000) + `1]}`,
		"unknown members": `{` + manyMembers(20_000) + `}`,
		"wrong parts":     `{"parts":[` + strings.Repeat(`{"size":"x"},`, 5000) + `{}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			tree, err := parseJSON([]byte(body))
			if err != nil {
				t.Fatal(err)
			}
			var form sample
			answer, err := encode(problemOf(decodeValue(tree, &form)))
			if err != nil || len(answer) > 8<<10 {
				t.Errorf("%d bytes, %v", len(answer), err)
			}
		})
	}
}

func manyMembers(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `"m%d":0,`, i)
	}
	return b.String() + `"last":0`
}
