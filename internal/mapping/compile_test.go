package mapping

import (
	"encoding/json"
	"flag"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew")

// badTemplates have something wrong each. Their findings are in testdata/findings.golden.
var badTemplates = []struct{ name, rows string }{
	{"no row for org_id", `[{"target":"plan","from":["plan"]}]`},
	{"no rows", `[]`},
	{"no target", `[{"target":"","from":["a"]},{"target":"org_id","from":["id"]}]`},
	{"unknown target", `[{"target":"revenue","from":["a"]},{"target":"org_id","from":["id"]}]`},
	{"a custom target without a name", `[{"target":"custom.","from":["a"]},{"target":"org_id","from":["id"]}]`},
	{"a custom target with a space", `[{"target":"custom.total billed","from":["a"]},{"target":"org_id","from":["id"]}]`},
	{"a single flag", `[{"target":"feature_flags.beta","from":["a"]},{"target":"org_id","from":["id"]}]`},
	{"one target twice", `[{"target":"org_id","from":["id"]},{"target":"plan","from":["a"]},{"target":"plan","from":["b"]}]`},
	{"neither path nor constant", `[{"target":"org_id"}]`},
	{"both path and constant", `[{"target":"org_id","from":["id"]},{"target":"plan","from":["a"],"value":"pro"}]`},
	{"a bad path among good ones", `[{"target":"org_id","from":["id","$..id","$['x"]}]`},
	{"an unknown transform", `[{"target":"org_id","from":["id"],"transform":["trim","titlecase"]}]`},
	{"an argument too many", `[{"target":"org_id","from":["id"],"transform":["trim:x"]}]`},
	{"an argument too few", `[{"target":"org_id","from":["id"],"transform":["divide","join:"]}]`},
	{"bad arguments", `[{"target":"org_id","from":["id"],"transform":["divide:0","multiply:x","round:99","map:a","map:a=b,a=c","map:*=a,*=b","divide:1e999999999"]}]`},
	{"a constant of another type", `[{"target":"org_id","from":["id"]},{"target":"seats","value":"many"},{"target":"mrr","value":"49 USD"},{"target":"plan","value":{"a":1}}]`},
	{"a constant that its transforms refuse", `[{"target":"org_id","from":["id"]},{"target":"mrr","value":"x","transform":["divide:100"]}]`},
	{"an empty constant", `[{"target":"org_id","value":" "}]`},
	{"a default of another type", `[{"target":"org_id","from":["id"]},{"target":"trial_ends_at","from":["t"],"default":"soon"},{"target":"owner_email","from":["e"],"default":"nobody"},{"target":"feature_flags","from":["f"],"default":5}]`},
	{"a default that cannot be stored", `[{"target":"org_id","from":["id"]},{"target":"plan","from":["t"],"default":"a\u0000b"}]`},
}

func TestFindingsOfTemplatesAreTheGoldenSentences(t *testing.T) {
	var b strings.Builder
	for _, c := range badTemplates {
		template, err := ParseJSON([]byte(`{"rows":` + c.rows + `}`))
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		p, findings := Compile(template)
		if p != nil || len(findings) == 0 {
			t.Errorf("%s is accepted", c.name)
		}
		b.WriteString("# " + c.name + "\n")
		for _, f := range findings {
			b.WriteString(f.Code + ": " + f.String() + "\n")
		}
	}
	const golden = "testdata/findings.golden"
	if *update {
		if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil || string(want) != b.String() {
		t.Errorf("findings differ from %s (%v):\n%s", golden, err, b.String())
	}
}

func TestTemplatesOverTheLimitsAreRefused(t *testing.T) {
	org := Row{Target: TargetOrgID, From: []string{"id"}}
	many := func(n int, text string) []string {
		return strings.Split(strings.TrimSuffix(strings.Repeat(text+"\n", n), "\n"), "\n")
	}
	rows := []Row{org}
	for i := range MaxRows {
		rows = append(rows, Row{Target: "custom.c" + string(rune('A'+i%26)) + string(rune('a'+i/26)), From: []string{"a"}})
	}
	for code, template := range map[string]Template{
		CodeTooManyRows:       {Rows: rows},
		CodeTooManyPaths:      {Rows: []Row{{Target: TargetOrgID, From: many(MaxPaths+1, "a")}}},
		CodeTooManyTransforms: {Rows: []Row{{Target: TargetOrgID, From: []string{"a"}, Transform: many(MaxTransforms+1, "trim")}}},
		CodeBadArgument:       {Rows: []Row{{Target: TargetOrgID, From: []string{"a"}, Transform: []string{"prefix:" + strings.Repeat("x", MaxArgument)}}}},
		CodeBadValue:          {Rows: []Row{org, {Target: "custom.x", Value: json.RawMessage(`"` + strings.Repeat("x", MaxJSON) + `"`)}}},
		CodeBadDefault:        {Rows: []Row{org, {Target: "name", From: []string{"a"}, Default: json.RawMessage(`"` + strings.Repeat("x", MaxText+1) + `"`)}}},
		CodePathSyntax:        {Rows: []Row{{Target: TargetOrgID, From: []string{strings.Repeat("x", MaxPathBytes+1)}}}},
	} {
		if p, findings := Compile(template); p != nil || len(findings) != 1 || findings[0].Code != code {
			t.Errorf("%s: %v", code, findings)
		}
	}
	if p, findings := Compile(Template{Rows: rows[:MaxRows]}); p == nil {
		t.Errorf("%d rows are refused: %v", MaxRows, findings)
	}
}

func TestTheProgramKeepsTheNormalSpellingAndTheTemplateStays(t *testing.T) {
	given := Template{Rows: []Row{{Target: TargetOrgID, From: []string{"groupId"}, Transform: []string{" TRIM "}}}}
	p, findings := Compile(given)
	if p == nil {
		t.Fatal(findings)
	}
	got := p.Template().Rows[0]
	if got.From[0] != "$.groupId" || got.Transform[0] != "trim" || given.Rows[0].From[0] != "groupId" {
		t.Errorf("%v from %v", got, given)
	}
	p.Template().Rows[0].From[0] = "$.other"
	if p.Template().Rows[0].From[0] != "$.groupId" {
		t.Error("a caller changed the program")
	}
}

func TestEveryTargetIsListedOnceWithWords(t *testing.T) {
	seen := map[string]bool{}
	for _, target := range Targets() {
		if seen[target.Name] || target.Title == "" || target.Text == "" || expectations[target.Type] == "" {
			t.Errorf("%+v", target)
		}
		seen[target.Name] = true
		if found, ok := TargetNamed(target.Name); !ok || found != target {
			t.Errorf("TargetNamed(%s) = %v, %v", target.Name, found, ok)
		}
		if _, ok := patterns[target.Name]; !ok {
			t.Errorf("nothing is ever suggested for %s", target.Name)
		}
	}
	if len(seen) != 14 {
		t.Errorf("%d targets", len(seen))
	}
}
