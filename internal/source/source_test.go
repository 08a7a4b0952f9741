package source

import (
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"latchkey/internal/payload"
)

var update = flag.Bool("update", false, "write testdata/samples.json anew")

// golden is an Event as the test files write it.
type golden struct {
	Event       string   `json:"event"`
	Kind        string   `json:"kind"`
	Email       string   `json:"email,omitempty"`
	UserID      string   `json:"user_id,omitempty"`
	AnonymousID string   `json:"anonymous_id,omitempty"`
	GroupID     string   `json:"group_id,omitempty"`
	MessageID   string   `json:"message_id,omitempty"`
	Time        string   `json:"time,omitempty"` // the JSON as it was sent
	Warnings    []string `json:"warnings,omitempty"`
}

func goldenOf(e Event) golden {
	return golden{e.Event, e.Kind, e.Email, e.UserID, e.AnonymousID, e.GroupID, e.MessageID, string(e.Time), e.Warnings}
}

func asJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// items are those of a body as the gateway splits it.
func items(t testing.TB, body string) (list []payload.Value, envelope payload.Object) {
	t.Helper()
	text := payload.Value(strings.TrimSpace(body))
	if list := text.List(); list != nil {
		return list, nil
	}
	top := text.Object()
	if top == nil {
		t.Fatalf("not an object: %s", body)
	}
	if list := top["batch"].List(); list != nil {
		delete(top, "batch")
		return list, top
	}
	return []payload.Value{text}, nil
}

func headers(of map[string]string) http.Header {
	h := http.Header{}
	for name, value := range of {
		h.Set(name, value)
	}
	return h
}

func TestThereAreNineteenVendorsThatCanBeConnected(t *testing.T) {
	if len(Vendors()) != 19 {
		t.Fatalf("%d vendors", len(Vendors()))
	}
	title := ""
	for _, v := range Vendors() {
		if Lookup(v.Name) != v || strings.ToLower(v.Title) < title {
			t.Errorf("%s: not found, or not in order", v.Name)
		}
		title = strings.ToLower(v.Title)
		for _, text := range []string{v.Expects, v.Where} {
			if !strings.HasSuffix(text, ".") {
				t.Errorf("%s: not a sentence: %q", v.Name, text)
			}
		}
		if !strings.HasPrefix(v.Docs, "https://") || len(v.Samples) == 0 {
			t.Errorf("%s: no page or no sample", v.Name)
		}
		if v.Scheme != "" && SchemeNamed(v.Scheme) == nil {
			t.Errorf("%s: unknown scheme %s", v.Name, v.Scheme)
		}
	}
	if Lookup("website") != nil {
		t.Error("any label is a vendor")
	}
}

func TestEverySampleIsReadAsItsVendorMeansIt(t *testing.T) {
	got := map[string][]golden{}
	for _, v := range Vendors() {
		seen := map[string]bool{}
		for _, s := range v.Samples {
			if seen[s.Name] || s.Title == "" {
				t.Errorf("%s/%s: a name twice, or no title", v.Name, s.Name)
			}
			seen[s.Name] = true
			list, envelope := items(t, s.Body)
			for i, raw := range list {
				e, ok := v.Normalise(Input{Header: headers(s.Headers), Top: raw.Object(), Envelope: envelope, Raw: raw})
				if !ok {
					t.Errorf("%s/%s: item %d is not %s's", v.Name, s.Name, i, v.Title)
				}
				got[v.Name+"/"+s.Name] = append(got[v.Name+"/"+s.Name], goldenOf(e))
			}
		}
	}
	const file = "testdata/samples.json"
	if *update {
		b, _ := json.MarshalIndent(got, "", "  ")
		if err := os.WriteFile(file, append(b, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var want map[string][]golden
	read(t, file, &want)
	for name := range got {
		if asJSON(got[name]) != asJSON(want[name]) {
			t.Errorf("%s:\n got %s\nwant %s", name, asJSON(got[name]), asJSON(want[name]))
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d samples, %d in %s", len(got), len(want), file)
	}
}

func TestEveryVariantOfAVendorsFormatIsRead(t *testing.T) {
	for _, v := range Vendors() {
		var variants []struct {
			Name           string
			Headers        map[string]string
			Item, Envelope json.RawMessage
			Want           *golden // nil: not this vendor's shape
		}
		read(t, filepath.Join("testdata", "variants", v.Name+".json"), &variants)
		for _, c := range variants {
			t.Run(v.Name+"/"+c.Name, func(t *testing.T) {
				e, ok := v.Normalise(Input{Header: headers(c.Headers), Top: payload.Value(c.Item).Object(),
					Envelope: payload.Value(c.Envelope).Object(), Raw: c.Item})
				if ok != (c.Want != nil) {
					t.Fatalf("the vendor's: %v; got %s", ok, asJSON(goldenOf(e)))
				}
				if ok && asJSON(goldenOf(e)) != asJSON(c.Want) {
					t.Errorf("\n got %s\nwant %s", asJSON(goldenOf(e)), asJSON(c.Want))
				}
			})
		}
	}
}

func read(t *testing.T, file string, into any) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(b, into)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestKindIsToldByTheCallElseByTheName(t *testing.T) {
	for _, c := range []struct{ event, typ, want string }{
		{"Signed Up", "", Track}, {"Signed Up", "TRACK", Track}, {"x", "group", Group}, {"x", " Identify ", Identify},
		{"page_view", "", Page}, {"$pageview", "", Page}, {"$groupidentify", "", Group}, {"group", "", Track}, {"x", "invoice.paid", Track},
	} {
		if got := KindOf(c.event, c.typ); got != c.want {
			t.Errorf("KindOf(%q, %q) = %s, want %s", c.event, c.typ, got, c.want)
		}
	}
	if fmt.Sprint(Kinds()) != "[track page screen identify group alias]" {
		t.Error(Kinds())
	}
}

func TestATextTooLongForANameIsNoName(t *testing.T) {
	long := strings.Repeat("u", maxScalar)
	raw := payload.Value(`{"type":"track","event":"x","userId":"` + long + `","messageId":"m1","properties":{"email":"` + long + `"}}`)
	e, ok := Lookup("segment").Normalise(Input{Top: raw.Object(), Raw: raw})
	if !ok || e.Event != "x" || e.MessageID != "m1" || e.UserID != "" || e.Email != "" {
		t.Errorf("%v %+.100v", ok, e)
	}
}

func TestAMemberIsFoundHoweverItsNameIsWritten(t *testing.T) {
	for _, text := range []string{`{"a/b":1}`, `{"a\/b":1}`, `{"a\u002fb":1}`, `{"\u0061\u002F\u0062" : 1}`, `{"a/b":0,"a/b":1}`} {
		if got := pick(payload.Value(text), "a/b").First("a/b"); got != "1" {
			t.Errorf("%s: %q", text, got)
		}
	}
	for _, text := range []string{`{"a\\/b":1}`, `{"a/b\u0000":1}`, `{"A/b":1}`, `[{"a/b":1}]`, `{"a/b"`, `{"a/b":`, `{`, ``, `null`} {
		if got := pick(payload.Value(text), "a/b").First("a/b"); got != "" {
			t.Errorf("%s: %q", text, got)
		}
	}
}
