package api_test

import (
	"fmt"
	"strings"
	"testing"

	"latchkey/internal/apptest"
	"latchkey/internal/database"
)

func TestABadEndpointIsRefusedByNameAndWritesNothing(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		w.unlimited()
		h := w.fill(w.Owner, 1)
		theirs := w.fill(w.alien, 1)
		p := w.program("read:write:workspace")
		all, one := w.here("/endpoints"), w.here("/endpoints/"+h.endpoint)
		with := func(member string) string {
			return `{"url":"http://127.0.0.1:1/","environment":"live","event_types":["*"],` + member + `}`
		}
		at := func(url string) string { return hook(url) }
		type bad struct{ method, path, body, want string }
		cases := []bad{
			{"POST", all, `{}`, "422 validation_failed environment event_types url"},
			{"POST", all, ``, "415 unsupported_content_type "},
			{"POST", all, with(`"status":"disabled"`), "422 unknown_member status"},
			{"POST", all, with(`"id":"x","workspace_id":"y","version":7,"created_by":null`), "422 unknown_member created_by id version workspace_id"},
			{"POST", all, with(`"health":{}`), "422 unknown_member health"},
			{"POST", all, with(`"event_type":[]`), "422 unknown_member event_type"},
			{"POST", all, `{"url":"http://127.0.0.1:1/","environment":"prod","event_types":[]}`, "422 validation_failed environment event_types"},
			{"POST", all, `{"url":"http://127.0.0.1:1/","environment":"live","event_types":["signal.*","nothing.*"]}`, "422 validation_failed event_types"},
			{"POST", all, `{"url":"http://127.0.0.1:1/","environment":"live","event_types":"*"}`, "422 validation_failed event_types"},
			{"POST", all, `{"url":7,"environment":true,"event_types":{}}`, "422 validation_failed environment event_types url"},
			{"POST", all, with(`"concurrency":0`), "422 validation_failed concurrency"},
			{"POST", all, with(`"concurrency":101`), "422 validation_failed concurrency"},
			{"POST", all, with(`"concurrency":null`), "422 validation_failed concurrency"},
			{"POST", all, with(`"concurrency":1.5`), "422 validation_failed concurrency"},
			{"POST", all, with(`"concurrency":99999999999999999999`), "422 validation_failed concurrency"},
			{"POST", all, with(`"rate_limit":-1`), "422 validation_failed rate_limit"},
			{"POST", all, with(`"rate_limit":10001`), "422 validation_failed rate_limit"},
			{"POST", all, with(`"ordered":"yes"`), "422 validation_failed ordered"},
			{"POST", all, with(`"description":"` + strings.Repeat("x", 201) + `"`), "422 validation_failed description"},
			{"POST", all, with(`"source":"Not A Source"`), "422 validation_failed source"},
			{"POST", all, with(`"api_key_id":"` + unknownID + `"`), "422 validation_failed api_key_id"},
			{"POST", all, with(`"api_key_id":"` + theirs.key + `"`), "422 validation_failed api_key_id"},
			{"POST", all, with(`"secret":"hunter2"`), "422 validation_failed secret"},
			{"POST", all, with(`"secret":"whsec_c2hvcnQ="`), "422 validation_failed secret"},
			{"POST", all, with(`"headers":{"X-Team":"a"}`), "422 validation_failed headers"},
			{"POST", all, with(`"headers":[{"name":"X-Team","value":"a","secret":true}]`), "422 unknown_member headers[0].secret"},
			{"POST", all, with(`"headers":[{"name":"X-Team"}]`), "422 validation_failed headers"},
			{"POST", all, with(`"headers":[{"name":"X-Team","value":"a\r\nX-Other: b"}]`), "422 validation_failed headers"},
			{"POST", all, with(`"headers":[{"name":"X Team","value":"a"}]`), "422 validation_failed headers"},
			{"POST", all, with(`"headers":[{"name":"webhook_id","value":"a"}]`), "422 validation_failed headers"},
			{"POST", all, with(`"headers":[{"name":"Host","value":"a"}]`), "422 validation_failed headers"},
			{"POST", all, with(`"headers":[{"name":"content-length","value":"0"}]`), "422 validation_failed headers"},
			{"PATCH", one, `{"environment":"test"}`, "422 unknown_member environment"},
			{"PATCH", one, `{"secret":"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}`, "422 unknown_member secret"},
			{"PATCH", one, `{"url":null,"ordered":null,"event_types":null,"headers":null,"description":null}`, "422 validation_failed description event_types headers ordered url"},
			{"PATCH", one, `{"url":"http://169.254.169.254/latest"}`, "422 validation_failed url"},
			{"PATCH", one, `{"concurrency":0,"rate_limit":-5}`, "422 validation_failed concurrency rate_limit"},
			{"PATCH", one, `{"headers":[{"name":"X-New"}]}`, "422 validation_failed headers"},
			{"PATCH", one, `[]`, "400 invalid_json "},
			{"DELETE", one, `{"confirm":true}`, "422 unknown_member confirm"},
			{"POST", one + "/disable", `{"why":"x"}`, "422 unknown_member why"},
			{"POST", one + "/secret/rotate", `{"grace_seconds":-1}`, "422 validation_failed grace_seconds"},
			{"POST", one + "/secret/rotate", `{"grace_seconds":604801}`, "422 validation_failed grace_seconds"},
			{"POST", one + "/secret/rotate", `{"grace_seconds":null}`, "422 validation_failed grace_seconds"},
			{"POST", one + "/secret/rotate", `{"secret":"whsec_"}`, "422 validation_failed secret"},
			{"POST", one + "/secret/reveal", `{}`, "200  "}, // an empty object says nothing
			{"POST", one + "/test", `{}`, "422 validation_failed type"},
			{"POST", one + "/test", `{"type":"nothing.at_all"}`, "422 validation_failed type"},
			{"POST", one + "/test", `{"type":"webhook.*"}`, "422 validation_failed type"},
			{"POST", one + "/test", `{"type":"webhook.test","body":[]}`, "422 validation_failed body"},
			{"POST", one + "/test", `{"type":"webhook.test","body":null}`, "422 validation_failed body"},
			{"POST", one + "/test", `{"type":"webhook.test","url":"http://10.0.0.1"}`, "422 unknown_member url"},
			{"POST", one + "/replays", `{}`, "422 validation_failed kind"},
			{"POST", one + "/replays", `{"kind":"pending"}`, "422 validation_failed kind"},
			{"POST", one + "/replays", `{"kind":"failed","rate":0}`, "422 validation_failed rate"},
			{"POST", one + "/replays", `{"kind":"failed","rate":1001}`, "422 validation_failed rate"},
			{"POST", one + "/replays", `{"kind":"failed","since":"2999-01-01T00:00:00Z"}`, "422 validation_failed since"},
			{"POST", one + "/replays", `{"kind":"failed","since":"yesterday"}`, "422 validation_failed since"},
			{"POST", one + "/replays", `{"kind":"skipped"}`, "409 conflict "},
			{"GET", one + "/replays/plan", ``, "422 validation_failed kind"},
			{"GET", one + "/replays/plan?kind=all&since=1", ``, "422 validation_failed kind since"},
			{"GET", one + "/deliveries?status=sent", ``, "422 validation_failed status"},
			{"GET", one + "/deliveries?type=signal.*", ``, "422 validation_failed type"},
			{"GET", one + "/deliveries?cursor=x&from=1&limit=0", ``, "422 validation_failed cursor from limit"},
			{"GET", one + "/deliveries/msg_1", ``, "404 not_found "},
			{"GET", one + "/deliveries/" + theirs.message, ``, "404 not_found "},
			{"POST", one + "/deliveries/" + theirs.message + "/retry", ``, "404 not_found "},
			{"DELETE", one + "/replays/" + h.replay, ``, "409 conflict "},
			{"DELETE", one + "/replays/" + theirs.replay, ``, "404 not_found "},
			{"GET", w.here("/endpoints?status=deleted&limit=x"), ``, "422 validation_failed limit status"},
			{"GET", w.here("/event-types?limit=1"), ``, "400 unknown_parameter limit"},
		}
		for _, url := range []string{
			"", "hooks.example.com", "//127.0.0.1/", "ftp://127.0.0.1/", "file:///etc/passwd", "javascript:alert(1)", "http://", "http://user:pass@127.0.0.1:1/", "http://127.0.0.1:1/#top",
			"http://10.0.0.1/", "http://192.168.1.1/", "http://169.254.169.254/latest/meta-data/", "http://[fd00::1]/", "http://[fe80::1%25eth0]/", "http://0.0.0.0/", "http://100.64.0.1/",
			"http://2130706433/", "http://0x7f000001/", "http://0177.0.0.1/", "http://127.1/", "http://[64:ff9b::7f00:1]/", "http://[2002:7f00:1::]/", "http://[::ffff:10.0.0.1]/",
			"http://127.0.0.1:0/", "http://127.0.0.1:65536/", "http://127.0.0.1:1/" + strings.Repeat("a", 5000), "http://hooks.example.com/", "http://a b/", "http://127.0.0.1:1/\\n",
		} {
			cases = append(cases, bad{"POST", all, at(url), "422 validation_failed url"})
		}
		before := apptest.Digests(t, db)
		delete(before, "audit_entries") // of the reveal
		for _, c := range cases {
			r := w.as(p, c.method, c.path, c.body)
			code := r.ProblemCode()
			got := fmt.Sprintf("%d %s %s", r.Status, code, strings.Join(r.ProblemFields(), " "))
			if got != c.want {
				t.Errorf("%s %s %s: %s, want %s", c.method, strings.TrimPrefix(c.path, w.here("")), c.body, got, c.want)
			}
		}
		after := apptest.Digests(t, db)
		delete(after, "audit_entries")
		same(t, before, after)
	})
}
