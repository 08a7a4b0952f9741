package mapping

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
)

func TestEveryFormOfAPathHasOneSpelling(t *testing.T) {
	for text, want := range map[string]string{
		"$":                            "$",
		"traits.plan":                  "$.traits.plan",
		" $.traits.plan ":              "$.traits.plan",
		"$['traits']['plan']":          "$.traits.plan",
		`$["total billed"]`:            "$['total billed']",
		"$.traits['total billed']":     "$.traits['total billed']",
		"[0].id":                       "$[0].id",
		"$[ 0 ][ -1 ]":                 "$[0][-1]",
		"items[*].price":               "$.items[*].price",
		"items.*.price":                "$.items[*].price",
		"$group_key":                   "$['$group_key']",
		"properties.$group_set.name":   "$.properties['$group_set'].name",
		"trial-status":                 "$['trial-status']",
		`$['it\'s']`:                   `$['it\'s']`,
		`$["a\"b\\c"]`:                 `$['a"b\\c']`,
		`$['\u00e9\ud83d\ude00']`:      "$.é😀",
		`$['\u0000']`:                  `$['\u0000']`,
		"$['']":                        "$['']",
		"$['0']":                       "$['0']",
		"u[?(@.role=='owner')].email":  "$.u[?(@.role=='owner')].email",
		`u[?@.role=="owner"]`:          "$.u[?(@.role=='owner')]",
		"u[ ?( @.a['b c'] == 1.50 ) ]": "$.u[?(@.a['b c']==1.5)]",
		"u[?@.on==true]":               "$.u[?(@.on==true)]",
		"u[?@=='x']":                   "$.u[?(@=='x')]",
	} {
		p, err := parsePath(text)
		if err != nil || p.text != want {
			t.Errorf("parsePath(%q) = %q, %v, want %q", text, p.text, err, want)
		}
	}
}

func TestPathErrorsSayWhereAndWhatToDo(t *testing.T) {
	for _, c := range []struct {
		text string
		at   int
		says string
	}{
		{"", 1, "the path is empty"},
		{"  ", 3, "the path is empty"},
		{".a", 1, "Remove the dot"},
		{"$..a", 3, "Name each step"},
		{"$.é..a", 5, "Name each step"},
		{"$.a.", 5, "a name is missing"},
		{"$.a.total billed", 10, "['total billed']"},
		{"$.'a'", 3, "goes into brackets"},
		{"$.a.[0]", 5, "Remove the dot"},
		{"$.items.0", 9, "write [0]"},
		{"$.a(b)", 4, "cannot stand here"},
		{"$.a.(b)", 5, "cannot stand in a name"},
		{"@.a", 1, "inside a filter"},
		{"$[", 2, "not closed"},
		{"$[]", 3, "the brackets are empty"},
		{"$[a]", 3, "needs quotes"},
		{"$['a", 3, "the quote is not closed"},
		{"$['a'", 2, "not closed"},
		{"$['a','b']", 6, "Write one path for each"},
		{"$[0,1]", 4, "Write one path for each"},
		{"$[0:2]", 4, "slices are not supported"},
		{"$[:2]", 3, "slices are not supported"},
		{"$[0]x", 5, "cannot stand here"},
		{"$[0 x]", 5, "should end here"},
		{"$[-]", 3, "is no index"},
		{"$[99999999999999999999]", 3, "is no index"},
		{"$[(@.length-1)]", 3, "scripts are not supported"},
		{`$['\x']`, 4, "a backslash"},
		{`$['\u12']`, 4, "four hexadecimal digits"},
		{`$['\ud83d']`, 4, "four hexadecimal digits"},
		{"$[?(a=='x')]", 5, "compares a member"},
		{"$[?(@.a)]", 8, "compares with =="},
		{"$[?(@.a!='x')]", 8, "compares with =="},
		{"$[?(@.a==x)]", 10, "compare with a text in quotes"},
		{"$[?(@.a==)]", 10, "compare with a text in quotes"},
		{"$[?(@.a==1e999999999)]", 10, "compare with a text in quotes"},
		{"$[?(@.a=='x' && @.b=='y')]", 14, "one comparison"},
		{"$[?(@.a=='x']", 13, "Add )"},
		{"$[?(@[0]=='x')]", 6, "only names"},
		{"$[?@.a.b.c.d.e.f==1]", 15, "at most 5 names"},
		{"$\xff", 1, "not valid UTF-8"},
		{"$" + strings.Repeat(".a", MaxSteps+1), 2*MaxSteps + 2, "more than 20 steps"},
		{strings.Repeat("a", MaxPathBytes+1), 1, "At most 500"},
		{"$['" + strings.Repeat("\x01", 200) + "']", 1, "normal spelling"},
	} {
		_, err := parsePath(c.text)
		if err == nil {
			t.Errorf("parsePath(%q) is accepted", c.text)
		} else if err.at != c.at || !strings.Contains(err.problem, c.says) {
			t.Errorf("parsePath(%.40q): %v, want position %d: %s", c.text, err, c.at, c.says)
		}
	}
}

const findSample = `{"plan":"pro","traits":{"total billed":830,"null":null},"list":[{"k":"a","n":1,"t":true},{"k":"b","n":1.0,"x":{"y":"z"}},{"k":"c","n":9007199254740993},7],
"object":{"z":{"k":"a"},"a":{"k":"b"},"m":3},"empty":[],"$group_key":"g"}`

func TestPathsFindWhatRFC9535Says(t *testing.T) {
	root := decode(t, findSample)
	for text, want := range map[string]string{
		"$.plan":                           `"pro"`,
		"traits['total billed']":           `830`,
		"traits.null":                      `null`,
		"$group_key":                       `"g"`,
		"list[0].k":                        `"a"`,
		"list[-1]":                         `7`,
		"list[*].k":                        `["a","b","c"]`,
		"list[?(@.n==1)].k":                `["a","b"]`,
		"list[?(@.n==9007199254740993)].k": `["c"]`,
		"list[?(@.t==true)].k":             `["a"]`,
		"list[?(@.x.y=='z')].k":            `["b"]`,
		"list[?(@==7)]":                    `[7]`,
		"object[*].k":                      `["b","a"]`,
		"object[*]":                        `[{"k":"b"},3,{"k":"a"}]`,
		"object[?(@.k=='a')].k":            `["a"]`,
		"empty":                            `[]`,
	} {
		v, found := findIn(t, root, text)
		if got := marshal(t, v); !found || got != want {
			t.Errorf("%s = %s, %v, want %s", text, got, found, want)
		}
	}
	for _, text := range []string{"missing", "plan.x", "plan[0]", "list[4]", "list[-5]", "list.k", "object[0]", "empty[*]", "plan[*]", "list[?(@.n=='1')]", "list[*].k.x"} {
		if v, found := findIn(t, root, text); found {
			t.Errorf("%s finds %v", text, v)
		}
	}
}

func findIn(t *testing.T, root any, text string) (any, bool) {
	t.Helper()
	p, err := parsePath(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	v, found, over := p.find(root, &budget{maxVisits})
	if over {
		t.Fatalf("%s is over the budget", text)
	}
	return v, found
}

func TestFanOutStopsAtTheBudgetAndGivesNothing(t *testing.T) {
	var wide []any
	for range 150 {
		wide = append(wide, make([]any, 100))
	}
	p, _ := parsePath("$[*][*]")
	if v, _, over := p.find(wide, &budget{maxVisits}); !over || len(v.(many)) > 0 {
		t.Errorf("more than %d values: over %v, %T", maxFound, over, v)
	}
	b := budget{20}
	if _, _, over := p.find(wide, &b); !over || b.left != 0 {
		t.Errorf("a budget of 20 lasts: %v, %d left", over, b.left)
	}
}

func decode(t testing.TB, text string) any {
	t.Helper()
	v, err := Decode([]byte(text))
	if err != nil {
		t.Fatalf("%.100s: %v", text, err)
	}
	return v
}

func marshal(t testing.TB, v any) string {
	t.Helper()
	w := &work{}
	raw, problem := w.encode(v, 1<<20)
	if problem != "" {
		t.Fatal(problem)
	}
	return string(raw)
}

func TestRepeatedNamesNumbersAndBrokenTextsAreDecodedOneWay(t *testing.T) {
	got := decode(t, `{"a":1,"a":{"n":9007199254740993.10},"s":"x\ud800y\u0000"}`)
	want := map[string]any{"a": map[string]any{"n": json.Number("9007199254740993.10")}, "s": "x\uFFFDy\x00"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%#v", got)
	}
	for _, text := range []string{"", "{", "[1] 2", "nul", "[01]", `"\x"`, "\"\n\""} {
		if v, err := Decode([]byte(text)); err == nil {
			t.Errorf("Decode(%q) = %v", text, v)
		}
	}
	if _, err := Decode([]byte(`{"a": 1,}`)); err == nil || fmt.Sprint(err) == "" {
		t.Errorf("a trailing comma: %v", err)
	}
}
