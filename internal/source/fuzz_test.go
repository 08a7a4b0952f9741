package source

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/internal/payload"
)

// FuzzAdapters runs one body and one pair of headers through every adapter.
func FuzzAdapters(f *testing.F) {
	for _, v := range Vendors() {
		for _, s := range v.Samples {
			list, _ := items(f, s.Body)
			f.Add([]byte(list[0]), s.Headers["X-GitHub-Event"], s.Headers["X-Shopify-Topic"])
		}
	}
	for _, text := range []string{`{"a\u0062":1,"ab":[{"c":"\\\""}]}`, `{"data":`, `{"data":{"object"`, `{"event":{"event":[`, `[{}]`, `{"":""}`, "{\"event\":\"\xff\"}"} {
		f.Add([]byte(text), "issues", "orders/paid")
	}
	f.Fuzz(func(t *testing.T, text []byte, githubEvent, shopifyTopic string) {
		valid := json.Valid(text)
		top := payload.Value(text).Object()
		if !valid {
			// What no decoder would let through: the text as every member that adapters look into.
			top = payload.Object{}
			for _, name := range []string{"data", "event", "properties", "traits", "context", "form_response", "payload", "content", "accesses", "logs", "person"} {
				top[name] = text
			}
			top["type"], top["topic"], top["log_id"] = payload.Value(`"x"`), payload.Value(`"x"`), payload.Value(`1`)
		}
		h := http.Header{"X-Github-Event": {githubEvent}, "X-Shopify-Topic": {shopifyTopic}}
		before := string(text)
		for _, v := range Vendors() {
			e, ok := v.Normalise(Input{Header: h, Top: top, Envelope: top, Raw: text})
			if !ok {
				continue
			}
			if e.Event == "" || !slices.Contains(Kinds(), e.Kind) {
				t.Fatalf("%s: event %q of kind %q", v.Name, e.Event, e.Kind)
			}
			if _, isAddress := payload.Address(e.Email); e.Email != "" && !isAddress {
				t.Fatalf("%s: %q is no address", v.Name, e.Email)
			}
			if valid && len(e.Time) > 0 && !json.Valid(e.Time) {
				t.Fatalf("%s: time %q", v.Name, e.Time)
			}
		}
		if string(text) != before {
			t.Fatal("an adapter changed the text")
		}
	})
}

// FuzzPick compares picking members out of a text with decoding it.
func FuzzPick(f *testing.F) {
	for _, v := range Vendors() {
		f.Add([]byte(v.Samples[0].Body), "data")
	}
	f.Add([]byte(`{"a\u0062" : 1 , "ab":{"c":"\\\""},"x":[1,"]",{"y":2}]}`), "ab")
	f.Fuzz(func(t *testing.T, text []byte, name string) {
		text = []byte(strings.TrimSpace(string(text)))
		got := pick(text, name, "type")
		n := 0
		each(text, func(payload.Value) bool { n++; return true })
		if !json.Valid(text) || len(text) > maxScalar {
			return
		}
		want := payload.Value(text).Object()
		ascii := !strings.ContainsFunc(name, func(r rune) bool { return r > 127 }) // as all names of vendors' members
		if ascii && string(got[name]) != string(want[name]) {
			t.Fatalf("picked %q, decoded %q", got[name], want[name])
		}
		if list := payload.Value(text).List(); min(len(list), maxElements) != n {
			t.Fatalf("visited %d elements of %d", n, len(list))
		}
	})
}

// FuzzSignatures gives every scheme headers that nobody signed: none may be believed but those of a
// body that a vector's author signed.
func FuzzSignatures(f *testing.F) {
	for _, v := range vectors {
		stamp := v.headers[v.stamp]
		f.Add(v.headers[v.signs], stamp, v.secret, []byte(v.body))
	}
	f.Add("t=1791192600,v1=", "1791192600", "", []byte(""))
	f.Add("v1,v1,,v1, v1,====", "9223372036854775807", "whsec_====", []byte("{}"))
	f.Fuzz(func(t *testing.T, signature, stamp, secret string, body []byte) {
		h := http.Header{}
		for _, s := range Schemes() {
			for name := range strings.SplitSeq(s.Header, " or ") {
				h.Set(name, signature)
			}
		}
		for _, name := range []string{"webhook-id", "svix-id"} {
			h.Set(name, stamp)
		}
		for _, name := range []string{"webhook-timestamp", "svix-timestamp", "X-CIO-Timestamp", "X-HubSpot-Request-Timestamp", sendgridTime} {
			h.Set(name, stamp)
		}
		d := Delivery{Method: http.MethodPost, URL: "https://gateway.example.com/" + stamp, Header: h, Body: body, Now: time.Unix(ourTime, 0)}
		for _, s := range Schemes() {
			_ = s.CheckSecret(secret)
			err := s.Verify(secret, d)
			if err == nil {
				signed := slices.ContainsFunc(vectors, func(v vector) bool { return v.body == string(body) })
				if !signed && s.Name != "basic" && s.Name != "authorization" {
					t.Fatalf("%s believed %q", s.Name, signature)
				}
				continue
			}
			if e, ok := err.(*SignatureError); !ok || e.Text == "" {
				t.Fatalf("%s: %v", s.Name, err)
			}
		}
	})
}
