package mapping

import (
	"strings"
	"testing"
)

// run applies transforms to a JSON value.
func run(t *testing.T, text string, transforms ...string) (got, problem string) {
	t.Helper()
	var list []bound
	for _, name := range transforms {
		b, code, problem := bindTransform(name)
		if code != "" {
			t.Fatalf("%s: %s", name, problem)
		}
		list = append(list, b)
	}
	v, _, problem := runAll(&work{budget: budget{maxVisits}}, list, decode(t, text))
	return marshal(t, v), problem
}

func TestEveryTransform(t *testing.T) {
	tested := map[string]bool{}
	for _, c := range []struct{ transform, from, want string }{
		{"trim", `" a b "`, `"a b"`},
		{"trim", `12`, `"12"`},
		{"trim", `[" a ","b "]`, `["a","b"]`},
		{"lower", `"ÄPro"`, `"äpro"`},
		{"upper", `"usd"`, `"USD"`},
		{"string", `12.50`, `"12.50"`},
		{"string", `true`, `"true"`},
		{"int", `329.9`, `329`},
		{"int", `-0.9`, `0`},
		{"int", `" 12.0 "`, `12`},
		{"number", `"1e3"`, `1000`},
		{"number", `9007199254740993`, `9007199254740993`},
		{"bool", `"Yes"`, `true`},
		{"bool", `0`, `false`},
		{"bool", `["on","off"]`, `[true,false]`},
		{"bool", `true`, `true`},
		{"date", `"2026-01-05"`, `"2026-01-05T00:00:00Z"`},
		{"date", `1704458040123`, `"2024-01-05T12:34:00.123Z"`},
		{"divide:100", `83050`, `830.5`},
		{"divide:3", `1`, `0.333333333333`},
		{"divide:100", `9007199254740993`, `90071992547409.93`},
		{"divide:0.5", `"2"`, `4`},
		{"multiply:12", `69.17`, `830.04`},
		{"multiply:1e3", `0.0001`, `0.1`},
		{"round:2", `1.005`, `1.01`},
		{"round", `2.5`, `3`},
		{"first", `[null," ","a","b"]`, `"a"`},
		{"first", `"x"`, `"x"`},
		{"first", `[]`, `null`},
		{"last", `["a","b",null]`, `"b"`},
		{"count", `["a",null,"","b"]`, `2`},
		{"count", `[]`, `0`},
		{"count", `{"a":1,"b":2}`, `2`},
		{"count", `"x"`, `1`},
		{"sum", `[1,"2.5",null,0.1]`, `3.6`},
		{"sum", `[0.1,0.2]`, `0.3`},
		{"sum", `5`, `5`},
		{"sum", `[]`, `0`},
		{"join:, ", `["a",null,2,true]`, `"a, 2, true"`},
		{"join:-", `"a"`, `"a"`},
		{"split:,", `"a,b,c"`, `["a","b","c"]`},
		{"split: ", `"49 USD"`, `["49","USD"]`},
		{"map:a=b,c=d", `"c"`, `"d"`},
		{"map: a = b ", `"a"`, `"b"`},
		{"map:a=b", `"x"`, `"x"`},
		{"map:a=b,*=other", `"x"`, `"other"`},
		{"map:true=active,false=none", `false`, `"none"`},
		{"map:1=one", `1`, `"one"`},
		{`map:a\,b=c\=d,\*=star`, `"a,b"`, `"c=d"`},
		{`map:a\,b=c\=d,\*=star`, `"*"`, `"star"`},
		{"prefix:org_", `42`, `"org_42"`},
		{"suffix:.example", `"acme"`, `"acme.example"`},
		{"json", `{"b":1.0,"a":[true]}`, `"{\"a\":[true],\"b\":1}"`},
	} {
		name, _, _ := strings.Cut(c.transform, ":")
		tested[name] = true
		if got, problem := run(t, c.from, c.transform); got != c.want || problem != "" {
			t.Errorf("%s of %s = %s, %q, want %s", c.transform, c.from, got, problem, c.want)
		}
	}
	for _, info := range Transforms() {
		if !tested[info.Name] || info.Text == "" {
			t.Errorf("%s is not tested or not described", info.Name)
		}
	}
}

func TestTransformsThatFailSayWhy(t *testing.T) {
	for _, c := range []struct{ transform, from, want string }{
		{"trim", `{"a":1}`, "an object of 1 member is not a text"},
		{"string", `[{"a":1}]`, "an object of 1 member has no text. Use json for it"},
		{"int", `"49 USD"`, `"49 USD" is not a number`},
		{"number", `1e999999999`, "1e999999999 is too large or too precise a number"},
		{"number", `true`, "true is not a number"},
		{"bool", `"maybe"`, `"maybe" is neither true nor false`},
		{"date", `"soon"`, `"soon" is not a time`},
		{"date", `true`, "true is not a time"},
		{"multiply:1e99", `1e99`, "the result for 1e99 is too large or too precise a number"},
		{"sum", `[1,"x"]`, `"x" is not a number`},
		{"sum", `[[1]]`, "a list of 1 value is not a number"},
		{"join:,", `[{"a":1}]`, "an object of 1 member is not a text"},
		{"split:,", `["a,b"]`, "a list of 1 value is not a text"},
		{"map:a=b", `{"a":1}`, "an object of 1 member is not a text"},
		{"prefix:x", `{"a":1}`, "an object of 1 member is not a text"},
	} {
		if got, problem := run(t, c.from, c.transform); problem != c.want || got != "null" {
			t.Errorf("%s of %s = %s, %q, want %q", c.transform, c.from, got, problem, c.want)
		}
	}
}

func TestTransformsRunInOrderAndStopAtNothing(t *testing.T) {
	if got, problem := run(t, `" 49 USD "`, "trim", "split: ", "first", "multiply:12", "prefix:~"); got != `"~588"` || problem != "" {
		t.Errorf("%s, %q", got, problem)
	}
	if got, problem := run(t, `[null]`, "first", "number"); got != "null" || problem != "" {
		t.Errorf("%s, %q", got, problem)
	}
	if got, problem := run(t, `[{"x":1}]`, "first", "json"); got != `"{\"x\":1}"` || problem != "" {
		t.Errorf("%s, %q", got, problem)
	}
}

func TestLongTextsAreCutBeforeTheWork(t *testing.T) {
	w := &work{budget: budget{maxVisits}}
	upper, _, _ := bindTransform("upper")
	v, problem := upper.apply(w, strings.Repeat("é", maxWork))
	if text, _ := v.(string); problem != "" || text != strings.Repeat("É", maxWork/2) || !w.truncated {
		t.Errorf("%d bytes, %q, truncated %v", len(text), problem, w.truncated)
	}
}
