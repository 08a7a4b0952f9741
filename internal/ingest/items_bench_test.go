package ingest

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"latchkey/internal/keys"
	"latchkey/internal/mapping"
	"latchkey/internal/source"
	"latchkey/internal/templates"
)

// benchRows maps 15 fields of benchOrg.
const benchRows = `{"rows":[
{"target":"org_id","from":["$.account.id","$.groupId"],"required":true},
{"target":"name","from":["$.account.name"],"transform":["trim"]},
{"target":"domain","from":["$.account.domain"],"transform":["lower"]},
{"target":"plan","from":["$.account.plan"],"transform":["lower","map:team=pro,biz=enterprise"]},
{"target":"status","from":["$.account.status"]},
{"target":"user_count","from":["$.account.usage.users"]},
{"target":"seats","from":["$.account.seats"]},
{"target":"mrr","from":["$.account.items[*].amount_cents"],"transform":["sum","divide:100"]},
{"target":"currency","from":["$.account.currency"],"transform":["upper"]},
{"target":"trial_status","from":["$.account.trial.state"],"default":"none"},
{"target":"trial_ends_at","from":["$.account.trial.ends_at"]},
{"target":"feature_flags","from":["$.account.features"]},
{"target":"owner_email","from":["$.account.owner.email"]},
{"target":"occurred_at","from":["$.timestamp"]},
{"target":"custom.region","from":["$.account.region"]}]}`

// benchOrg is an update of that many bytes.
func benchOrg(size int) []byte {
	head := `{"timestamp":"2026-01-05T12:34:00.123Z","account":{"id":"acct_9f2c","name":" Acme GmbH ","domain":"ACME.example","plan":"Biz","status":"active",
"currency":"eur","seats":40,"items":[{"id":"si_1","amount_cents":49900},{"id":"si_2","amount_cents":33100}],"usage":{"users":329,"projects":18},
"trial":{"state":"converted","ends_at":"2025-12-31T00:00:00Z"},"features":{"sso":true,"audit_log":true,"beta_editor":false},
"owner":{"id":"usr_7","email":"ada@acme.example"},"region":"eu-central"},"notes":"`
	return []byte(head + strings.Repeat("x", size-len(head)-2) + `"}`)
}

func benchContext() *itemContext {
	return &itemContext{receivedAt: time.Date(2026, 1, 5, 12, 35, 0, 0, time.UTC), limit: 1 << 20, checked: true, header: http.Header{}}
}

// BenchmarkMapItem is all that is done to one update before it is handed to the writer.
func BenchmarkMapItem(b *testing.B) {
	rows, err := mapping.ParseJSON([]byte(benchRows))
	if err != nil {
		b.Fatal(err)
	}
	program, findings := mapping.Compile(rows)
	if program == nil {
		b.Fatal(findings)
	}
	m := &mapper{ic: benchContext(), cred: &keys.Credential{}, template: &templates.Compiled{Version: 1, Program: program}}
	for _, size := range []int{1 << 10, 3 << 10} {
		b.Run(fmt.Sprintf("15 rows, %d KiB", size>>10), func(b *testing.B) {
			raw := benchOrg(size)
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				if u, refused := m.read(raw, 0); refused != nil || !u.mapped() || len(u.values) != 15 || len(u.found) > 0 {
					b.Fatal(refused, u)
				}
			}
		})
	}
}

// BenchmarkParseItem is the same for a signal: by the item rules, and by each vendor's adapter with
// the vendor's first sample.
func BenchmarkParseItem(b *testing.B) {
	const plain = `{"event":"Page Viewed","email":"ada@example.org","userId":"u-1001","timestamp":"2026-01-05T12:34:00Z","properties":{"path":"/pricing","referrer":"https://search.example/","plan":"team","seats":12,"campaign":"spring","variant":"b","duration_ms":5321}}`
	benchmarkParse(b, "item rules", "", nil, plain)
	for _, v := range source.Vendors() {
		benchmarkParse(b, v.Name, v.Name, v, v.Samples[0].Body)
	}
}

func benchmarkParse(b *testing.B, name, from string, v *source.Vendor, body string) {
	b.Run(name, func(b *testing.B) {
		found, refused := split([]byte(body), v)
		if refused != nil {
			b.Fatal(refused)
		}
		c := benchContext()
		c.source, c.vendor, c.envelope = from, v, found.envelope
		if v != nil {
			for header, value := range v.Samples[0].Headers {
				c.header.Set(header, value)
			}
		}
		raw := found.items[0]
		b.SetBytes(int64(len(raw)))
		b.ReportAllocs()
		for b.Loop() {
			if it, refused := c.parse(raw, 0); refused != nil || it.signal.Event == "" {
				b.Fatal(refused)
			}
		}
	})
}
