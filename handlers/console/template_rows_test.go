package console

import (
	"encoding/json"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"latchkey/internal/mapping"
	"latchkey/views"
)

func TestARowSurvivesTheEditor(t *testing.T) {
	for name, row := range map[string]mapping.Row{
		"paths":               {Target: "plan", From: []string{"a.b", "c[0]"}, Required: true},
		"a chain":             {Target: "mrr", From: []string{"a"}, Transform: []string{"trim", "divide:100"}},
		"marks in arguments":  {Target: "status", From: []string{"a"}, Transform: []string{"map:a=b,c=d", "join:, ", "split:|"}},
		"a text default":      {Target: "plan", From: []string{"a"}, Default: json.RawMessage(`"5"`)},
		"a number default":    {Target: "seats", From: []string{"a"}, Default: json.RawMessage(`5`)},
		"custom text":         {Target: "custom.x", From: []string{"a"}, Default: json.RawMessage(`"5"`)},
		"custom plain text":   {Target: "custom.x", From: []string{"a"}, Default: json.RawMessage(`"five"`)},
		"a custom object":     {Target: "custom.x", From: []string{"a"}, Default: json.RawMessage(`{"a":1}`)},
		"a constant":          {Target: "currency", Value: json.RawMessage(`"USD"`)},
		"a constant flag set": {Target: "feature_flags", Value: json.RawMessage(`["beta"]`)},
		"a name with a dot":   {Target: "custom.x", From: []string{"['a.b'].c"}},
	} {
		if got := rowOf(row).row(); !reflect.DeepEqual(got, row) {
			t.Errorf("%s: %+v became %+v", name, row, got)
		}
	}
}

func TestEveryLeafOfASampleHasThePathThatReadsIt(t *testing.T) {
	text := `{"a":{"b c":1,"it's":"x","back\\slash":true,"d.e":[{"f":null},"g"]},"":2,"ü":3,"new\nline":4,"$x":5}`
	s := templateSample{}
	s.read([]byte(text))
	tree, more := sampleTree(s)
	if more != "" || tree == nil {
		t.Fatalf("%v, %q", tree, more)
	}
	leaves := 0
	var walk func(n views.SampleNode)
	walk = func(n views.SampleNode) {
		if n.Path != "" {
			leaves++
			row := mapping.Template{Rows: []mapping.Row{{Target: "org_id", Value: json.RawMessage(`"-"`)}, {Target: "custom.x", From: []string{n.Short}}}}
			program, findings := mapping.Compile(row)
			if len(findings) > 0 {
				t.Errorf("%s: %s", n.Short, findings[0].Problem)
				return
			}
			if got := program.Apply(s.root).Values["custom.x"]; string(got) != n.Text && n.Text != "null" {
				t.Errorf("%s reads %s, want %s", n.Short, got, n.Text)
			}
		}
		for _, c := range n.Children {
			walk(c)
		}
	}
	if walk(*tree); leaves != 9 {
		t.Errorf("%d leaves", leaves)
	}
}

func TestAHugeSampleShowsItsFirstValues(t *testing.T) {
	for name, text := range map[string]string{
		"many":      `{"a":[` + strings.Repeat(`1,`, 1000) + `1]}`,
		"very many": `{"a":[` + strings.Repeat(`1,`, 20000) + `1]}`,
		"deep":      strings.Repeat(`{"a":`, 2000) + `1` + strings.Repeat(`}`, 2000),
	} {
		s := templateSample{}
		s.read([]byte(text))
		if s.Problem != "" {
			continue // said so, which is fine
		}
		tree, more := sampleTree(s)
		if tree == nil || more == "" {
			t.Errorf("%s: %v, %q", name, tree == nil, more)
		}
	}
}

func TestTheFormsRowsAreBounded(t *testing.T) {
	f := url.Values{"rows": {"1000000"}}
	for i := range 100 {
		f.Add("row1_path", strconv.Itoa(i))
		f.Add("row1_transform", "trim")
	}
	rows := readRows(f)
	if len(rows) != mapping.MaxRows+1 || len(rows[0].Paths) != mapping.MaxPaths+1 || len(rows[0].Steps) != mapping.MaxTransforms+1 {
		t.Errorf("%d rows, %d paths, %d steps", len(rows), len(rows[0].Paths), len(rows[0].Steps))
	}
	f.Set("rows", "-5")
	if len(readRows(f)) != 0 {
		t.Error("a negative number of rows")
	}
}

func TestBrokenJSONIsFoundByLineAndColumn(t *testing.T) {
	for text, want := range map[string]string{
		"{\n  \"a\": 1,\n  b\n}": "Line 3, column 3", "{": "Line 1, column 2", `{"ü" 1}`: "Line 1, column 6", "\xff": "UTF-8",
	} {
		if got := jsonProblem([]byte(text)); !strings.Contains(got, want) {
			t.Errorf("%q: %s", text, got)
		}
	}
}
