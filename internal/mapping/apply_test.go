package mapping

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

func compileText(t testing.TB, rows string) *Program {
	t.Helper()
	template, err := ParseJSON([]byte(`{"rows":` + rows + `}`))
	if err != nil {
		t.Fatal(err)
	}
	p, findings := Compile(template)
	if p == nil {
		t.Fatal(findings)
	}
	return p
}

func values(r Result) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(r.Values)) {
		parts = append(parts, name+"="+string(r.Values[name]))
	}
	return strings.Join(parts, " ")
}

const groupPayload = `{"type":"group","groupId":"org-77","timestamp":"2026-02-23T22:28:55.111Z","traits":{"name":"Hooli","industry":"Technology","employees":329,"plan":"enterprise","total billed":830}}`

func TestAGroupPayloadBecomesAnOrganisation(t *testing.T) {
	p := compileText(t, `[{"target":"org_id","from":["groupId"]},{"target":"name","from":["traits.name"]},{"target":"plan","from":["traits.tier","traits.plan"]},
		{"target":"user_count","from":["traits.employees"]},{"target":"mrr","from":["traits['total billed']"]},{"target":"occurred_at","from":["timestamp"]},
		{"target":"custom.industry","from":["traits.industry"]},{"target":"status","from":["traits.status"]},{"target":"currency","value":"USD"},{"target":"trial_status","from":["trial"],"default":"none"}]`)
	r := p.Apply(decode(t, groupPayload))
	want := `currency="USD" custom.industry="Technology" mrr=830 name="Hooli" plan="enterprise" trial_status="none" user_count=329`
	if r.OrgID != "org-77" || values(r) != want || len(r.Errors)+len(r.Warnings) > 0 {
		t.Errorf("%s: %s, %v %v", r.OrgID, values(r), r.Errors, r.Warnings)
	}
	if at := time.Date(2026, 2, 23, 22, 28, 55, 111e6, time.UTC); r.OccurredAt != at {
		t.Errorf("occurred at %v", r.OccurredAt)
	}
	var rows []string
	for _, row := range r.Rows {
		rows = append(rows, fmt.Sprintf("%s|%s|%s|%s|%s", row.Target, row.Origin, row.Path, row.Before(), row.After()))
	}
	if got := strings.Join(rows[2:3], "") + "\n" + strings.Join(rows[7:], "\n"); got != `plan|path|$.traits.plan|"enterprise"|"enterprise"
status||||
currency|value|||"USD"
trial_status|default|||"none"` {
		t.Error(got)
	}
}

func TestTypesOfTargets(t *testing.T) {
	for _, c := range []struct{ target, from, want string }{
		{"plan", `"pro"`, `"pro"`},
		{"plan", `" pro "`, `" pro "`},
		{"plan", `12.50`, `"12.50"`},
		{"plan", `true`, "plan expects a text; the payload has true."},
		{"plan", `{"name":"pro"}`, "plan expects a text; the payload has an object of 1 member."},
		{"plan", `["pro"]`, "plan expects a text; the payload has a list of 1 value."},
		{"user_count", `329`, `329`},
		{"user_count", `"329"`, `329`},
		{"user_count", `329.0`, `329`},
		{"user_count", `9007199254740993`, `9007199254740993`},
		{"user_count", `3.5`, "user_count expects a whole number; the payload has 3.5."},
		{"user_count", `9223372036854775808`, "user_count expects a whole number; the payload has 9223372036854775808."},
		{"seats", `true`, "seats expects a whole number; the payload has true."},
		{"mrr", `"49 USD"`, `mrr expects a number; the payload has "49 USD".`},
		{"mrr", `"49.90"`, `49.9`},
		{"mrr", `9007199254740993.01`, `9007199254740993.01`},
		{"mrr", `1e3`, `1000`},
		{"mrr", `-0.0`, `0`},
		{"mrr", `1e999999999`, "mrr expects a number; the payload has 1e999999999."},
		{"trial_ends_at", `"2026-01-05T18:04:00+05:30"`, `"2026-01-05T12:34:00Z"`},
		{"trial_ends_at", `1704458040`, `"2024-01-05T12:34:00Z"`},
		{"trial_ends_at", `"next week"`, `trial_ends_at expects a time; the payload has "next week".`},
		{"owner_email", `" Ann@Acme.Example "`, `"ann@acme.example"`},
		{"owner_email", `"Ann"`, `owner_email expects an email address; the payload has "Ann".`},
		{"owner_email", `7`, "owner_email expects an email address; the payload has 7."},
		{"custom.x", `{"b":[1.0,true,null],"a":"é"}`, `{"a":"é","b":[1,true,null]}`},
		{"custom.x", `1e999999999`, `"1e999999999"`},
		{"custom.x", `false`, `false`},
	} {
		p := compileText(t, `[{"target":"org_id","value":"o"},{"target":"`+c.target+`","from":["v"]}]`)
		r := p.Apply(decode(t, `{"v":`+c.from+`}`))
		if got := string(r.Values[c.target]); len(r.Warnings) == 0 && got != c.want {
			t.Errorf("%s of %s = %s, want %s", c.target, c.from, got, c.want)
		}
		if len(r.Warnings) > 0 && (r.Warnings[0].Problem != c.want || r.Warnings[0].Code != CodeTypeClash || string(r.Values[c.target]) != "null" || len(r.Errors) > 0) {
			t.Errorf("%s of %s: %+v, %s", c.target, c.from, r.Warnings, values(r))
		}
		required := compileText(t, `[{"target":"org_id","value":"o"},{"target":"`+c.target+`","from":["v"],"required":true}]`).Apply(decode(t, `{"v":`+c.from+`}`))
		if len(required.Errors) != len(r.Warnings) {
			t.Errorf("%s of %s, required: %v", c.target, c.from, required.Errors)
		}
	}
}

func TestOrgIDIsATextThatIsNeverCutShort(t *testing.T) {
	p := compileText(t, `[{"target":"org_id","from":["id","$.account.id"]}]`)
	for payload, want := range map[string]string{
		`{"id":"a"}`: "a", `{"id":" a "}`: "a", `{"id":42}`: "42", `{"id":12345678901234567890123}`: "12345678901234567890123", `{"id":" ","account":{"id":"b"}}`: "b",
		`{"id":"` + strings.Repeat("x", MaxText) + `"}`: strings.Repeat("x", MaxText),
	} {
		if r := p.Apply(decode(t, payload)); r.OrgID != want || len(r.Errors) > 0 {
			t.Errorf("%.60s: %.60s %v", payload, r.OrgID, r.Errors)
		}
	}
	for payload, want := range map[string]string{
		`{}`: CodeRequiredMissing, `{"id":null}`: CodeRequiredMissing, `{"id":""}`: CodeRequiredMissing, `7`: CodeRequiredMissing, `{"id":true}`: CodeTypeClash,
		`{"id":"` + strings.Repeat("x", MaxText+1) + `"}`: CodeTooLong, `{"id":"` + strings.Repeat(" ", 1<<20) + `"}`: CodeTooLong,
	} {
		r := p.Apply(decode(t, payload))
		if r.OrgID != "" || len(r.Errors) != 1 || r.Errors[0].Code != want {
			t.Errorf("%.60s: %.60s %v", payload, r.OrgID, r.Errors)
		}
	}
	r := p.Apply(decode(t, `{}`))
	if want := "org_id is required, and the payload has nothing at $.id or $.account.id."; r.Errors[0].Problem != want {
		t.Error(r.Errors[0].Problem)
	}
}

func TestAbsentNullAndEmptyValuesChangeNothing(t *testing.T) {
	p := compileText(t, `[{"target":"org_id","value":"o"},{"target":"plan","from":["v"]},{"target":"mrr","from":["w[*]"],"transform":["sum"]},{"target":"custom.x","from":["v"]},{"target":"feature_flags","from":["v"]}]`)
	for _, payload := range []string{`{}`, `{"v":null}`, `{"v":" "}`, `{"v":[]}`, `{"v":{}}`, `{"v":[null,""]}`, `{"w":[]}`, `{"w":[null]}`, `[]`, `null`, `"x"`} {
		if r := p.Apply(decode(t, payload)); len(r.Values)+len(r.Errors)+len(r.Warnings) > 0 {
			t.Errorf("%s: %s %v %v", payload, values(r), r.Errors, r.Warnings)
		}
	}
	if r := p.Apply(decode(t, `{"v":false,"w":[0]}`)); values(r) != "custom.x=false mrr=0 plan=null" {
		t.Errorf("false and 0 are values: %s", values(r))
	}
}

func TestDefaultsFillWhatIsMissingNotWhatIsWrong(t *testing.T) {
	p := compileText(t, `[{"target":"org_id","value":"o"},{"target":"mrr","from":["v"],"transform":["trim","divide:100"],"default":5,"required":true},{"target":"user_count","from":["users"],"transform":["count"]}]`)
	if r := p.Apply(decode(t, `{"users":[]}`)); values(r) != "mrr=5 user_count=0" || len(r.Errors) > 0 {
		t.Errorf("%s %v", values(r), r.Errors)
	}
	r := p.Apply(decode(t, `{"v":"x"}`))
	if len(r.Errors) != 1 || r.Errors[0].Code != CodeTransformFailed || r.Errors[0].Field != "transform" || r.Errors[0].Problem != `mrr: divide:100 failed, since "x" is not a number.` {
		t.Errorf("%+v", r.Errors)
	}
}

func TestSeveralValuesWhereOneIsWanted(t *testing.T) {
	p := compileText(t, `[{"target":"org_id","value":"o"},{"target":"owner_email","from":["u[?(@.role=='owner')].email"]},{"target":"custom.all","from":["u[*].email"]}]`)
	r := p.Apply(decode(t, `{"u":[{"role":"member","email":"m@a.example"},{"role":"owner","email":"o@a.example"}]}`))
	if values(r) != `custom.all=["m@a.example","o@a.example"] owner_email="o@a.example"` || len(r.Warnings) > 0 {
		t.Errorf("%s %v", values(r), r.Warnings)
	}
	r = p.Apply(decode(t, `{"u":[{"role":"owner","email":"p@a.example"},{"role":"owner","email":"o@a.example"}]}`))
	if string(r.Values["owner_email"]) != `"p@a.example"` || len(r.Warnings) != 1 || r.Warnings[0].Code != CodeSeveralValues {
		t.Errorf("%s %v", values(r), r.Warnings)
	}
}

func TestFeatureFlagsOfEveryShape(t *testing.T) {
	p := compileText(t, `[{"target":"org_id","value":"o"},{"target":"feature_flags","from":["f"]}]`)
	for from, want := range map[string]string{
		`{"beta":true,"limit":5,"theme":"dark","old":null}`: `feature_flags.beta=true feature_flags.limit=5 feature_flags.old=null feature_flags.theme="dark"`,
		`["sso","audit log"]`:                               `feature_flags.audit log=true feature_flags.sso=true`,
		`[{"key":"a","enabled":false},{"name":"b","value":"blue"},{"key":"c"},{"key":"d","on":true},{"key":"e","on":false,"value":7},"f",null]`: `feature_flags.a=false feature_flags.b="blue" feature_flags.c=true feature_flags.d=true feature_flags.e=false feature_flags.f=true`,
		`{"a":{"enabled":true},"b":{"x":1.0},"c":{"on":true,"value":3}}`:                                                                        `feature_flags.a=true feature_flags.b={"x":1} feature_flags.c=3`,
	} {
		r := p.Apply(decode(t, `{"f":`+from+`}`))
		if values(r) != want || len(r.Warnings)+len(r.Errors) > 0 {
			t.Errorf("%s: %s %v", from, values(r), r.Warnings)
		}
	}
	for from, code := range map[string]string{
		`"sso"`: CodeTypeClash, `5`: CodeTypeClash, `[{"id":1}]`: CodeTypeClash, `[["a"]]`: CodeTypeClash,
		`{"` + strings.Repeat("x", MaxFlagName+1) + `":true}`: CodeBadFlag, `[" "]`: "", `{" ":1}`: CodeBadFlag, `{"a":"` + strings.Repeat("x", MaxText) + `"}`: CodeBadFlag,
	} {
		r := p.Apply(decode(t, `{"f":`+from+`}`))
		if len(r.Values)+len(r.Errors) > 0 || code != "" && (len(r.Warnings) != 1 || r.Warnings[0].Code != code) {
			t.Errorf("%.60s: %s %v", from, values(r), r.Warnings)
		}
	}
}

func TestNoMoreThanAHundredFlagsAreKeptByName(t *testing.T) {
	var flags []string
	for i := range 150 {
		flags = append(flags, fmt.Sprintf(`"f%03d":true`, i))
	}
	p := compileText(t, `[{"target":"org_id","value":"o"},{"target":"feature_flags","from":["$"]}]`)
	r := p.Apply(decode(t, "{"+strings.Join(flags, ",")+"}"))
	if len(r.Values) != MaxFlags || r.Values["feature_flags.f099"] == nil || r.Values["feature_flags.f100"] != nil || len(r.Warnings) != 1 {
		t.Errorf("%d values, %v", len(r.Values), r.Warnings)
	}
}

func TestWhatDatabasesCannotStoreIsReplacedWithAWarning(t *testing.T) {
	p := compileText(t, `[{"target":"org_id","from":["id"]},{"target":"custom.x","from":["x"]},{"target":"feature_flags","from":["f"]},{"target":"status","from":["s"],"transform":["upper"]}]`)
	r := p.Apply(decode(t, `{"id":"a\u0000b","x":{"k\u0000":"\ud800"},"f":{"g\u0000":true},"s":"x\u0001\u0000"}`))
	if r.OrgID != "a\uFFFDb" || values(r) != "custom.x={\"k\uFFFD\":\"\uFFFD\"} feature_flags.g\uFFFD=true status=\"X\\u0001\uFFFD\"" || len(r.Warnings) != 4 {
		t.Errorf("%q %q %v", r.OrgID, values(r), r.Warnings)
	}
	for _, w := range r.Warnings {
		if w.Code != CodeSanitised {
			t.Error(w)
		}
	}
}

func TestLongValuesAreCutOrLeftOut(t *testing.T) {
	p := compileText(t, `[{"target":"org_id","value":"o"},{"target":"name","from":["n"]},{"target":"custom.x","from":["x"]},{"target":"custom.deep","from":["d"]}]`)
	r := p.Apply(decode(t, `{"n":"`+strings.Repeat("é", 501)+`","x":["`+strings.Repeat("y", MaxJSON)+`"],"d":`+strings.Repeat("[", 200)+strings.Repeat("]", 200)+`}`))
	if got := string(r.Values["name"]); got != `"`+strings.Repeat("é", 500)+`"` || string(r.Values["custom.x"]) != "null" || string(r.Values["custom.deep"]) != "null" {
		t.Error(values(r))
	}
	var codes []string
	for _, w := range r.Warnings {
		codes = append(codes, w.Code)
	}
	if !slices.Equal(codes, []string{CodeTruncated, CodeTooLong, CodeTooLong}) {
		t.Error(r.Warnings)
	}
	for _, row := range r.Rows[1:] {
		if before := row.Before(); !json.Valid(before) || len(before) > MaxJSON {
			t.Errorf("%.80s", before)
		}
	}
}

func TestTheResultDoesNotDependOnTheOrderOfRowsOrMembers(t *testing.T) {
	template, err := ParseJSON([]byte(benchTemplate))
	if err != nil {
		t.Fatal(err)
	}
	root := decode(t, string(benchPayload()))
	p, _ := Compile(template)
	want := p.Apply(root)
	for range 20 {
		rand.Shuffle(len(template.Rows), func(i, j int) { template.Rows[i], template.Rows[j] = template.Rows[j], template.Rows[i] })
		p, findings := Compile(template)
		if p == nil {
			t.Fatal(findings)
		}
		got := p.Apply(decode(t, string(benchPayload())))
		if !reflect.DeepEqual(got.Values, want.Values) || got.OrgID != want.OrgID || got.OccurredAt != want.OccurredAt {
			t.Fatalf("%s, not %s", values(got), values(want))
		}
	}
}
