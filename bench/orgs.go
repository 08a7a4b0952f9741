package main

import (
	_ "embed"
	"fmt"
	"strings"
	"time"
)

// orgTemplate maps 15 fields of what orgUpdate sends.
//
//go:embed template.json
var orgTemplate string

// manyOrgs are the organisations that updates are spread over.
const manyOrgs = 1000

// largeBytes is the size of an update, and of an event in a vendor's format.
const largeBytes = 1024

// orgUpdate is a payload of exactly largeBytes about one organisation. With each request's number its
// time moves on by a microsecond, and so do three of its values: an update that is applied, and never
// the repetition of another.
func orgUpdate(org int, now time.Time) []byte {
	// In microseconds, of which the last eight digits are the number: at most 200 seconds ago.
	at := fmt.Sprint(now.UnixMicro()/1e8-1) + countMark
	head := fmt.Sprintf(`{"type":"group","sent":%s,"account":{"id":"acct_%04d","name":"Example Company %d","domain":"company-%d.example",
"subscription":{"plan":"Team","status":"active","currency":"eur","seats":1%s,"items":[{"id":"si_1","quantity":40,"amount_cents":4%s}]},
"usage":{"users":1%s,"projects":18,"storage_bytes":9007199254740},
"trial":{"state":"converted","ends_at":"2026-10-31T00:00:00Z"},"features":{"sso":true,"audit_log":true,"beta_editor":false},
"owner":{"id":"usr_7","name":"Ada Example","email":"owner@company-%d.example"},"region":"eu-central",
"address":{"street":"1 Example Street","city":"Berlin","zip":"10115","country":"DE"}},"notes":"`, at, org, org, org, countMark, countMark, countMark, org)
	return []byte(head + strings.Repeat("x", largeBytes-len(head)-2) + `"}`)
}

// orgPosts are single posts of updates of that many organisations, a request each.
func orgPosts(p *product, orgs int) [][]byte {
	requests, now := make([][]byte, orgs), time.Now()
	for i := range requests {
		requests[i] = post(orgPath+p.orgs.Key, jsonType, nil, orgUpdate(i, now))
	}
	return requests
}

// track is an event as Segment's webhook destination sends it
// (https://segment.com/docs/connections/spec/track/), with a message id of its own.
func track() []byte {
	head := `{"version":2,"type":"track","channel":"server","event":"Report Exported","messageId":"node-bench-` + idMark + `",
"userId":"user_1042","anonymousId":"4b2e9c1a-0d53-4f7b-9a3e-5c1f0e6d7a21",
"timestamp":"2026-11-02T09:41:07.512Z","originalTimestamp":"2026-11-02T09:41:07.512Z","sentAt":"2026-11-02T09:41:07.530Z","receivedAt":"2026-11-02T09:41:07.890Z",
"properties":{"report":"weekly","format":"pdf","rows":1284,"duration_ms":732,"filters":["region","plan"],"shared":false},
"integrations":{"All":true},"projectId":"pr_example",
"context":{"ip":"203.0.113.7","locale":"en-GB","timezone":"Europe/Berlin","userAgent":"Mozilla/5.0 (X11; Linux x86_64)",
"library":{"name":"analytics-node","version":"2.1.0"},"page":{"path":"/reports","url":"https://app.example.com/reports","title":"Reports"},
"traits":{"email":"grace@example.com"}},"notes":"`
	return []byte(head + strings.Repeat("x", largeBytes-len(head)-2) + `"}`)
}
