package mapping

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

func TestTheJSONViewReadsWhatItWrites(t *testing.T) {
	want, err := ParseJSON([]byte(benchTemplate))
	if err != nil {
		t.Fatal(err)
	}
	got, err := ParseJSON(want.JSON())
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v: %v", err, got)
	}
	if text := string((Template{}).JSON()); text != "{\n  \"rows\": []\n}\n" {
		t.Errorf("%q", text)
	}
	if text := string((Template{Rows: []Row{{Target: "plan", Value: json.RawMessage("pro")}}}).JSON()); !strings.Contains(text, `"value": "pro"`) {
		t.Error(text)
	}
	if text := string((Template{Rows: []Row{{Target: "plan", From: []string{"$.a[?(@.k=='<&>')]"}}}}).JSON()); !strings.Contains(text, `"$.a[?(@.k=='<&>')]"`) || strings.Contains(text, "required") {
		t.Error(text)
	}
}

func TestJSONThatIsNoTemplateIsRefusedInWords(t *testing.T) {
	for text, want := range map[string]string{
		``:                                   "The template is empty or ends too early.",
		`{"rows":[`:                          "The template is empty or ends too early.",
		"{\n \"rows\": [}":                   "The template is not valid JSON at line 2, column 11: invalid character '}' looking for beginning of value.",
		`{"rows":[]} {}`:                     "There is something after the template. Remove it.",
		`[]`:                                 "The template is a JSON array here, which does not fit.",
		`{"rows":[{"target":5}]}`:            "The member rows.target is a JSON number here, which does not fit.",
		`{"rows":[{"target":"a","from":5}]}`: "The member rows.from is a JSON number here, which does not fit.",
		`{"rows":[{"transfrom":["trim"]}]}`:  `A template has no member "transfrom". A row has target, from, value, transform, default and required.`,
		strings.Repeat(" ", maxView+1):       "The template has more than 4 MiB.",
	} {
		if _, err := ParseJSON([]byte(text)); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%.60q: %v, want %s", text, err, want)
		}
	}
}

func TestDiffSaysWhatChangedTargetByTarget(t *testing.T) {
	a, _ := ParseJSON([]byte(`{"rows":[{"target":"org_id","from":["$.a"]},{"target":"plan","from":["$.p"],"transform":["trim"],"default":"free"},{"target":"name","from":["$.n"]},{"target":"seats","value":5}]}`))
	b, _ := ParseJSON([]byte(`{"rows":[{"target":"seats","value":5},{"target":"org_id","from":["$.a"]},{"target":"plan","from":["$.p","$.q"],"transform":["trim","upper"],"required":true},{"target":"mrr","from":["$.m"],"transform":["divide:100"],"default":0,"required":true}]}`))
	want := []RowChange{
		{"plan", Changed, []string{"Filled from $.p or $.q instead of $.p.", "Transformed by trim, then upper instead of trim.", `Falls back on nothing instead of "free".`, "Is required now."}},
		{"name", Removed, []string{"Was filled from $.n."}},
		{"mrr", Added, []string{"Filled from $.m.", "Transformed by divide:100.", "Falls back on 0.", "Required."}},
	}
	if got := Diff(a, b); !reflect.DeepEqual(got, want) {
		t.Errorf("%v", got)
	}
	if got := Diff(a, a); len(got) > 0 {
		t.Errorf("%v", got)
	}
}
