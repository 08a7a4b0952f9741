package mapping

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"
)

func FuzzPath(f *testing.F) {
	for _, text := range []string{
		"$", "$.traits.plan", "traits.plan", "$.traits['total billed']", `$["a\"b"][0][-1]`, "$.items[*].price", "$.u[?(@.role=='owner')].email",
		"$.u[?@.a.b==1.50].c", "$group_key", "$.p.$group_set.name", `$['\u00e9\ud83d\ude00\u0000']`, "$..a", "$[0:1]", "$[(@.length)]", "$.*", "[*][*]", "$['", "$.a[?(@.k==true)]",
	} {
		f.Add(text, `{"traits":{"plan":"pro","total billed":830},"items":[{"price":1},{"price":2.5}],"u":[{"role":"owner","email":"a@b.example","a":{"b":1.5}}]}`)
	}
	f.Fuzz(func(t *testing.T, text, sample string) {
		p, problem := parsePath(text)
		if problem != nil {
			if problem.at < 1 || problem.at > utf8.RuneCountInString(text)+1 || problem.problem == "" {
				t.Fatalf("parsePath(%q): %v", text, problem)
			}
			return
		}
		again, problem := parsePath(p.text)
		if problem != nil || again.text != p.text || !reflect.DeepEqual(again.steps, p.steps) {
			t.Fatalf("parsePath(%q) = %q, which reads as %q (%v)", text, p.text, again.text, problem)
		}
		root, err := Decode([]byte(sample))
		if err != nil {
			return
		}
		b := budget{maxVisits}
		v, found, _ := p.find(root, &b)
		if list, ok := v.(many); ok && (len(list) > maxFound || found != (len(list) > 0)) {
			t.Fatalf("%d values found at %s", len(list), p.text)
		}
	})
}

func FuzzApply(f *testing.F) {
	for _, template := range fuzzTemplates {
		for _, sample := range fuzzPayloads {
			f.Add([]byte(template), []byte(sample))
		}
	}
	f.Fuzz(func(t *testing.T, template, sample []byte) {
		if len(sample) > 1<<20 {
			return
		}
		root, err := Decode(sample)
		if err != nil {
			return
		}
		checkSuggestions(t, root)
		tpl, err := ParseJSON(template)
		if err != nil {
			return
		}
		p, findings := Compile(tpl)
		if (p == nil) == (len(findings) == 0) {
			t.Fatalf("program %v with findings %v", p, findings)
		}
		if p == nil {
			return
		}
		result, w := p.apply(root)
		checkResult(t, result)
		if w.budget.left < 0 {
			t.Fatal("the budget was overdrawn")
		}
		root, _ = Decode(sample)
		if again := p.Apply(root); !reflect.DeepEqual(again, result) {
			t.Fatalf("two runs differ: %v and %v", result, again)
		}
		checkNormalSpelling(t, p, root, result)
	})
}

// checkNormalSpelling: what the program says it was compiled from does the same.
func checkNormalSpelling(t *testing.T, p *Program, root any, result Result) {
	tpl, err := ParseJSON(p.Template().JSON())
	if err != nil {
		t.Fatalf("the JSON view cannot be read: %v", err)
	}
	again, findings := Compile(tpl)
	if again == nil {
		t.Fatalf("the normal spelling does not compile: %v", findings)
	}
	if got := again.Apply(root); !reflect.DeepEqual(got, result) {
		t.Fatalf("the normal spelling gives %v, not %v", got, result)
	}
	if changes := Diff(tpl, p.Template()); len(changes) > 0 {
		t.Fatalf("a difference where is none: %v", changes)
	}
}

func checkResult(t *testing.T, result Result) {
	t.Helper()
	if result.OrgID == "" && len(result.Errors) == 0 {
		t.Fatal("no org_id and no error")
	}
	flags := 0
	for target, raw := range result.Values {
		if !json.Valid(raw) || len(raw) > MaxJSON || bytes.Contains(raw, []byte(`\u0000`)) || !utf8.Valid(raw) || strings.Contains(target, "\x00") {
			t.Fatalf("%s = %.200q", target, raw)
		}
		if strings.HasPrefix(target, FlagPrefix) {
			flags++
		}
	}
	if flags > MaxFlags || len(result.Values) > MaxRows+MaxFlags {
		t.Fatalf("%d values, %d flags", len(result.Values), flags)
	}
	for _, r := range result.Rows {
		if before := r.Before(); before != nil && !json.Valid(before) {
			t.Fatalf("before: %.200q", before)
		}
	}
	for _, finding := range append(result.Errors, result.Warnings...) {
		if finding.Code == "" || finding.Problem == "" || len(finding.Problem) > 16<<10 || !utf8.ValidString(finding.Problem) {
			t.Fatalf("%+v", finding)
		}
	}
}

func checkSuggestions(t *testing.T, root any) {
	seen := map[string]bool{}
	for _, row := range Suggest(root) {
		if seen[row.Target] || !suits(row, root) {
			t.Fatalf("suggested %+v", row)
		}
		seen[row.Target] = true
	}
	for _, leaf := range Leaves(root, 50) {
		p, problem := parsePath(leaf.Path)
		if problem != nil {
			t.Fatalf("leaf %q: %v", leaf.Path, problem)
		}
		if _, found, _ := p.find(root, &budget{maxVisits}); !found {
			t.Fatalf("leaf %q finds nothing", leaf.Path)
		}
	}
}

var fuzzTemplates = []string{
	`{"rows":[{"target":"org_id","from":["$.groupId","id"]}]}`,
	`{"rows":[{"target":"org_id","from":["id"],"transform":["trim","lower","prefix:x","suffix:y"]},{"target":"plan","from":["$.p"],"transform":["map:a=b,*=c","upper"],"default":"free"},{"target":"mrr","from":["$.items[*].amount"],"transform":["sum","divide:100","round:2"],"required":true}]}`,
	`{"rows":[{"target":"org_id","from":["$.a[?(@.k=='v')].id"],"transform":["first","string"]},{"target":"feature_flags","from":["flags"]},{"target":"custom.all","from":["$"]},{"target":"custom.text","from":["$"],"transform":["json","split:,","last"]},{"target":"user_count","from":["users"],"transform":["count"]},{"target":"seats","value":5},{"target":"trial_ends_at","from":["t"],"transform":["date"]},{"target":"occurred_at","from":["ts"]},{"target":"owner_email","from":["email"]},{"target":"status","from":["s"],"transform":["bool","string","join:;"]}]}`,
	`{"rows":[{"target":"org_id","from":["$[*][*][*]"],"transform":["join:,"]},{"target":"mrr","from":["$[*]"],"transform":["number","multiply:1e99","int"]}]}`,
}

var fuzzPayloads = []string{
	`{"groupId":"g1","traits":{"plan":"pro"}}`,
	`{"id":42,"p":"a","items":[{"amount":100},{"amount":"250.5"},{"amount":null}]}`,
	`{"a":[{"k":"v","id":9007199254740993}],"flags":{"beta":true,"limit":5,"x":{"enabled":false}},"users":[],"t":"2026-01-02","ts":1704458040,"email":"A@B.example","s":"yes"}`,
	`{"id":"a\u0000b\ud800","flags":["a",{"key":"b","on":false}],"ts":1e999999999,"p":-0.0}`,
	`[[[1,2],[3]],[["x"]]]`,
	`"text"`, `null`, `1e999999999`, `{"id":1,"id":2}`,
}

func FuzzDecode(f *testing.F) {
	for _, sample := range fuzzPayloads {
		f.Add([]byte(sample))
	}
	for _, text := range []string{
		"[01]", "[1.]", "[.5]", "-", "[-0.0E+5]", `"\ud83d\ude00\ud83d\u0041\udc00"`, "\"\xff\xc3\\n\xe9\"", "\"a\xc3\"", `"\x"`, "\"\n\"", "[1,]", `{"a":1,}`, "nul", "[1] 2", " {} ", "",
		strings.Repeat("[", 10000) + strings.Repeat("]", 10000), strings.Repeat("[", 10001) + strings.Repeat("]", 10001), `{"a":{"b":1},"a":{"c":2}}`, `"\u12`, "[tru",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		want, wantErr := decodeSlowly(text)
		d := decoder{text: string(text)}
		got, ok := d.value(0)
		if ok = ok && d.end(); ok != (wantErr == nil) {
			t.Fatalf("read: %v, but encoding/json says %v", ok, wantErr)
		}
		if ok && !reflect.DeepEqual(got, want) {
			t.Fatalf("%#v, but encoding/json reads %#v", got, want)
		}
	})
}
