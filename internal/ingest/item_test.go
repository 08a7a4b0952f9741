package ingest

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

var receivedAt = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func parseOne(t *testing.T, source, raw string) (*item, *ItemError) {
	t.Helper()
	c := &itemContext{source: source, receivedAt: receivedAt, limit: 1 << 20}
	return c.parse([]byte(raw), 0)
}

func TestItemRulesRefuseWithCodeAndField(t *testing.T) {
	for name, tc := range map[string]struct{ raw, code, field string }{
		"no event":            {`{"email":"a@b.example"}`, "missing_event", "event"},
		"empty event":         {`{"event":"  "}`, "missing_event", "event"},
		"null event":          {`{"event":null}`, "missing_event", "event"},
		"event is a number":   {`{"event":1}`, "invalid_event", "event"},
		"event too long":      {`{"event":"` + strings.Repeat("x", 256) + `"}`, "invalid_event", "event"},
		"email is no address": {`{"event":"x","email":"nobody"}`, "invalid_email", "email"},
		"email is a number":   {`{"event":"x","email":7}`, "invalid_email", "email"},
		"email has two @":     {`{"event":"x","email":"a@b@c.example"}`, "invalid_email", "email"},
		"properties a list":   {`{"event":"x","properties":[]}`, "invalid_properties", "properties"},
		"a string":            {`"x"`, "invalid_item", ""},
		"null":                {`null`, "invalid_item", ""},
		"not JSON":            {`{"event":`, "invalid_json", ""},
		"101 levels":          {`{"event":"x","p":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}`, "too_deep", ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := parseOne(t, "", tc.raw)
			if err == nil || err.Code != tc.code || err.Field != tc.field {
				t.Fatalf("error = %+v, want code %s at %q", err, tc.code, tc.field)
			}
			if err.Message == "" {
				t.Error("the error has no sentence")
			}
		})
	}
}

func TestIdentityIsFoundInTheUsualPlaces(t *testing.T) {
	type found struct{ Email, User, Anonymous, Group string }
	for name, tc := range map[string]struct {
		raw  string
		want found
	}{
		"top level":         {`{"event":"x","email":" A@B.Example ","userId":"u","anonymousId":"a","groupId":"g"}`, found{"a@b.example", "u", "a", "g"}},
		"snake case":        {`{"event":"x","user_id":7,"anonymous_id":"a","group_id":"g"}`, found{"", "7", "a", "g"}},
		"properties":        {`{"event":"x","properties":{"email":"p@b.example","distinct_id":"d"}}`, found{"p@b.example", "d", "", ""}},
		"traits":            {`{"event":"x","traits":{"email":"t@b.example"}}`, found{"t@b.example", "", "", ""}},
		"context traits":    {`{"event":"x","context":{"traits":{"email":"c@b.example"},"groupId":"g"}}`, found{"c@b.example", "", "", "g"}},
		"user object":       {`{"event":"x","user":{"id":12345678901234567890,"email":"u@b.example"}}`, found{"u@b.example", "12345678901234567890", "", ""}},
		"top before nested": {`{"event":"x","email":"top@b.example","traits":{"email":"t@b.example"}}`, found{"top@b.example", "", "", ""}},
		"the last of two":   {`{"event":"x","userId":"first","userId":"last"}`, found{"", "last", "", ""}},
	} {
		t.Run(name, func(t *testing.T) {
			it, err := parseOne(t, "", tc.raw)
			if err != nil {
				t.Fatal(err)
			}
			s := it.signal
			if diff := cmp.Diff(tc.want, found{s.Email, s.UserID, s.AnonymousID, s.GroupID}); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestWarningsInsteadOfRefusals(t *testing.T) {
	for name, tc := range map[string]struct{ source, raw, warning string }{
		"nobody":                   {"", `{"event":"x"}`, warnNoIdentity},
		"bad time":                 {"", `{"event":"x","userId":"u","timestamp":"abc"}`, warnInvalidTimestamp},
		"future":                   {"", `{"event":"x","userId":"u","timestamp":"2099-01-01T00:00:00Z"}`, warnFutureTimestamp},
		"wrong clock":              {"", `{"event":"x","userId":"u","timestamp":"2026-03-01T11:00:00Z","sentAt":"2026-03-01T11:00:00Z"}`, warnClockSkew},
		"U+0000":                   {"", `{"event":"x","userId":"u","properties":{"a":"\u0000"}}`, warnSanitised},
		"lone surrogate":           {"", `{"event":"x","userId":"u","properties":{"a":"\ud800"}}`, warnSanitised},
		"no UTF-8":                 {"", "{\"event\":\"x\",\"userId\":\"u\xff\"}", warnSanitised},
		"vendor without event":     {"vendor", `{"userId":"u","hello":1}`, warnAdapterMismatch},
		"vendor's odd email":       {"vendor", `{"event":"x","userId":"u","email":"-"}`, warnInvalidEmail},
		"vendor's odd props":       {"vendor", `{"event":"x","userId":"u","properties":1}`, warnProperties},
		"vendor's long event":      {"vendor", `{"event":"` + strings.Repeat("é", 200) + `","userId":"u"}`, warnTruncated},
		"very long user id":        {"", `{"event":"x","userId":"` + strings.Repeat("u", 2000) + `"}`, warnTruncated},
		"escaped NUL in an id":     {"", `{"event":"x","userId":"a\u0000b"}`, warnSanitised},
		"low surrogate on its own": {"", `{"event":"x","userId":"u","a":"\udc00"}`, warnSanitised},
	} {
		t.Run(name, func(t *testing.T) {
			it, err := parseOne(t, tc.source, tc.raw)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]string{tc.warning}, it.warnings); diff != "" {
				t.Error(diff)
			}
			if string(it.signal.Raw) != tc.raw {
				t.Error("the raw bytes changed")
			}
			for _, column := range []string{it.signal.Event, it.signal.UserID} {
				if strings.ContainsRune(column, 0) || !utf8.ValidString(column) {
					t.Errorf("the column %q cannot be stored on Postgres", column)
				}
			}
		})
	}
}

func TestPairedSurrogatesAndEscapedBackslashesAreFine(t *testing.T) {
	for _, raw := range []string{`{"a":"\ud83d\ude00"}`, `{"a":"\\u0000"}`, `{"a":"\\\\ud800"}`, `{"a":"é"}`} {
		if unstorable([]byte(raw)) {
			t.Errorf("%s counts as unstorable", raw)
		}
	}
}

func TestVendorPayloadsTakeTheirTypeForAnEvent(t *testing.T) {
	for raw, want := range map[string]string{
		`{"type":"identify","userId":"u"}`:               "identify",
		`{"topic":"contact.created","userId":"u"}`:       "contact.created",
		`{"event":{"deep":1},"type":"t","userId":"u"}`:   "t",
		`{"event_name":"named","type":"t","userId":"u"}`: "named",
	} {
		it, err := parseOne(t, "vendor", raw)
		if err != nil || it.signal.Event != want {
			t.Errorf("%s: event %q, %v; want %q", raw, it.signal.Event, err, want)
		}
	}
}

func TestSkewIsCorrectedOnlyForAWrongClock(t *testing.T) {
	for name, tc := range map[string]struct {
		raw  string
		want time.Time
	}{
		"an hour behind":       {`{"event":"x","userId":"u","timestamp":"2026-03-01T10:59:00Z","sentAt":"2026-03-01T11:00:00Z"}`, receivedAt.Add(-time.Minute)},
		"four minutes":         {`{"event":"x","userId":"u","timestamp":"2026-03-01T11:50:00Z","sentAt":"2026-03-01T11:56:00Z"}`, receivedAt.Add(-10 * time.Minute)},
		"sent years ago":       {`{"event":"x","userId":"u","timestamp":"2015-03-01T11:00:00Z","sentAt":"2015-03-01T11:00:00Z"}`, time.Date(2015, 3, 1, 11, 0, 0, 0, time.UTC)},
		"corrected by another": {`{"event":"x","userId":"u","timestamp":"2026-03-01T10:59:00Z","sentAt":"2026-03-01T11:00:00Z","receivedAt":"2026-03-01T11:00:01Z"}`, time.Date(2026, 3, 1, 10, 59, 0, 0, time.UTC)},
	} {
		t.Run(name, func(t *testing.T) {
			it, err := parseOne(t, "", tc.raw)
			if err != nil || !it.signal.OccurredAt.Equal(tc.want) {
				t.Errorf("occurred %v, %v; want %v", it.signal.OccurredAt, err, tc.want)
			}
		})
	}
}

func FuzzItem(f *testing.F) {
	f.Add("", `{"event":"x","email":"a@b.example","properties":{"n":1e400}}`)
	f.Add("stripe", `{"type":"x","created":1700000000}`)
	f.Add("", `{"event":"\ud800\u0000"}`)
	f.Fuzz(func(t *testing.T, source, raw string) {
		c := &itemContext{source: source, receivedAt: receivedAt, limit: 1 << 20}
		it, refused := c.parse([]byte(raw), 0)
		if (it == nil) == (refused == nil) {
			t.Fatal("neither item nor error, or both")
		}
		if it == nil {
			return
		}
		if string(it.signal.Raw) != raw {
			t.Fatal("raw bytes changed")
		}
		s := it.signal
		for _, column := range []string{s.Event, s.Email, s.UserID, s.AnonymousID, s.GroupID, s.MessageID} {
			if strings.ContainsRune(column, 0) || !utf8.ValidString(column) || len(column) > maxText {
				t.Fatalf("column %q", column)
			}
		}
	})
}

func FuzzSplit(f *testing.F) {
	f.Add([]byte(`{"batch":[{"event":"x"}]}`))
	f.Add([]byte("\xef\xbb\xbf [1,2]"))
	f.Add([]byte(strings.Repeat("[", 2000)))
	f.Fuzz(func(t *testing.T, body []byte) {
		out, refusal := split(body, nil)
		if (refusal == nil) == (out == nil) || refusal != nil && (refusal.Status != 400 || refusal.Message == "") {
			t.Fatalf("refusal %+v with %+v", refusal, out)
		}
		if refusal == nil && out.single && len(out.items) != 1 {
			t.Fatal("a single item that is not one")
		}
	})
}
