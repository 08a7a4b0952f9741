package mapping

import (
	"fmt"
	"strings"
	"testing"
)

// benchTemplate has 15 rows: every kind of path and the usual transforms.
const benchTemplate = `{"rows":[
{"target":"org_id","from":["$.account.id","$.groupId"],"required":true},
{"target":"name","from":["$.account.name"],"transform":["trim"]},
{"target":"domain","from":["$.account.domain"],"transform":["lower"]},
{"target":"plan","from":["$.account.subscription.plan.name"],"transform":["lower","map:team=pro,biz=enterprise"]},
{"target":"status","from":["$.account.subscription.status"]},
{"target":"user_count","from":["$.account.usage.users"]},
{"target":"seats","from":["$.account.subscription.items[0].quantity"]},
{"target":"mrr","from":["$.account.subscription.items[*].unit_amount"],"transform":["sum","divide:100"]},
{"target":"currency","from":["$.account.subscription.currency"],"transform":["upper"]},
{"target":"trial_status","from":["$.account.trial.state"],"default":"none"},
{"target":"trial_ends_at","from":["$.account.trial.ends_at"]},
{"target":"feature_flags","from":["$.account.features"]},
{"target":"owner_email","from":["$.account.members[?(@.role=='owner')].email"],"transform":["first"]},
{"target":"occurred_at","from":["$.timestamp","$.sentAt"]},
{"target":"custom.industry","from":["$.account['industry group']"]}]}`

func benchPayload() []byte {
	var members []string
	for i := range 24 {
		role := "member"
		if i == 20 {
			role = "owner"
		}
		members = append(members, fmt.Sprintf(`{"id":"usr_%04d","email":"person%d@acme.example","role":%q,"last_seen":1767225600}`, i, i, role))
	}
	return []byte(`{"event":"account.updated","timestamp":"2026-01-05T12:34:00.123Z","sentAt":1767616440,"account":{"id":"acct_9f2c","name":" Acme GmbH ","domain":"ACME.example",
"industry group":"Manufacturing","subscription":{"status":"active","currency":"eur","plan":{"id":"plan_1","name":"Biz"},
"items":[{"id":"si_1","quantity":40,"unit_amount":49900},{"id":"si_2","quantity":1,"unit_amount":33100}]},"usage":{"users":329,"projects":18,"storage_bytes":9007199254740993},
"trial":{"state":"converted","ends_at":"2025-12-31T00:00:00Z"},"features":{"sso":true,"audit_log":true,"beta_editor":false,"seats_limit":50,"theme":"dark"},
"members":[` + strings.Join(members, ",") + `],"address":{"street":"1 Example Street","city":"Berlin","zip":"10115","country":"DE"},"notes":"` + strings.Repeat("Text that no row reads. ", 20) + `"}}`)
}

func benchProgram(b *testing.B) *Program {
	template, err := ParseJSON([]byte(benchTemplate))
	if err != nil {
		b.Fatal(err)
	}
	p, findings := Compile(template)
	if p == nil {
		b.Fatal(findings)
	}
	return p
}

func BenchmarkCompile15Rows(b *testing.B) {
	template, err := ParseJSON([]byte(benchTemplate))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		Compile(template)
	}
}

func BenchmarkApply15Rows3KiB(b *testing.B) {
	p := benchProgram(b)
	root, err := Decode(benchPayload())
	if err != nil {
		b.Fatal(err)
	}
	if r := p.Apply(root); len(r.Errors)+len(r.Warnings) > 0 || len(r.Values) != 17 {
		b.Fatal(r)
	}
	b.ReportAllocs()
	for b.Loop() {
		p.Apply(root)
	}
}

func BenchmarkDecodeAndApply15Rows3KiB(b *testing.B) {
	p, text := benchProgram(b), benchPayload()
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		root, err := Decode(text)
		if err != nil {
			b.Fatal(err)
		}
		p.Apply(root)
	}
}

func BenchmarkSuggest3KiB(b *testing.B) {
	root, err := Decode(benchPayload())
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		Suggest(root)
	}
}
