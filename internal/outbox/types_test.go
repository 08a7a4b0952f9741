package outbox_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"latchkey/internal/outbox"
)

// TestTheSamplesAreTheDocumentedBodies holds the bodies, to the byte: receivers go by them.
// UPDATE_GOLDEN=1 writes them.
func TestTheSamplesAreTheDocumentedBodies(t *testing.T) {
	for _, info := range outbox.Types {
		t.Run(string(info.Type), func(t *testing.T) {
			file := filepath.Join("testdata", string(info.Type)+".json")
			if os.Getenv("UPDATE_GOLDEN") != "" {
				if err := os.WriteFile(file, info.Sample, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(info.Sample, want) {
				t.Errorf("body\n%s\nwant\n%s", info.Sample, want)
			}
			var body struct {
				Type      outbox.Type
				Timestamp time.Time
				Data      map[string]any
			}
			if err := json.Unmarshal(info.Sample, &body); err != nil || body.Type != info.Type || body.Timestamp.IsZero() || len(body.Data) == 0 {
				t.Errorf("%+v, %v", body, err)
			}
			if info.Text == "" || info.Text[len(info.Text)-1] != '.' {
				t.Errorf("text %q", info.Text)
			}
		})
	}
}

func TestPatternsChooseTypes(t *testing.T) {
	for _, tc := range []struct {
		patterns string
		t        outbox.Type
		want     bool
	}{
		{"*", outbox.SignalReceived, true},
		{"api_key.*", outbox.KeyExpired, true},
		{"api_key.*", outbox.SignalReceived, false},
		{"api_key.expired signal.received", outbox.SignalReceived, true},
		{"api_key.expire", outbox.KeyExpired, false},
		{"api_key*", outbox.KeyExpired, false},
		{"api.*", outbox.KeyExpired, false},
		{"", outbox.KeyExpired, false},
	} {
		if got := outbox.ParsePatterns(tc.patterns).Match(tc.t); got != tc.want {
			t.Errorf("%q and %s: %v", tc.patterns, tc.t, got)
		}
	}
}

func TestPatternsAreBroughtToAFormThatSaysTheSame(t *testing.T) {
	for text, want := range map[string]string{
		"api_key.expired, signal.received\n":  "signal.received api_key.expired",
		"api_key.expired api_key.* api_key.*": "api_key.*",
		"* signal.received api_key.*":         "*",
		"":                                    "",
	} {
		p := outbox.ParsePatterns(text)
		if got := p.Normal().String(); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
		for _, info := range outbox.Types {
			if p.Match(info.Type) != p.Normal().Match(info.Type) {
				t.Errorf("%q and %s: the normal form differs", text, info.Type)
			}
		}
	}
}

func TestPatternsThatChooseNothingAreNamed(t *testing.T) {
	got := outbox.ParsePatterns("signal.received signals.* api_key.* * api_key webhook.test").Unknown()
	if !slices.Equal(got, []string{"signals.*", "api_key"}) {
		t.Errorf("unknown: %q", got)
	}
}

func TestAMessageHasOneIDInsideAndOneOutside(t *testing.T) {
	const id = "019a5b20-1f02-7d43-a1b2-c3d4e5f60718"
	public := outbox.PublicID(id)
	if public != "msg_019a5b201f027d43a1b2c3d4e5f60718" {
		t.Errorf("public id %s", public)
	}
	for _, text := range []string{public, id} {
		if got, ok := outbox.ParseID(text); !ok || got != id {
			t.Errorf("%s: %s, %v", text, got, ok)
		}
	}
	for _, text := range []string{"", "msg_", public[4:], "msg_" + id, "msg_019A5B201F027D43A1B2C3D4E5F60718", public + "0", "msg_019a5b201f027d43a1b2c3d4e5f6071g"} {
		if got, ok := outbox.ParseID(text); ok {
			t.Errorf("%q was read as %s", text, got)
		}
	}
}

func TestTheBellNamesWhoeverWasRungForOnce(t *testing.T) {
	b := outbox.NewBell()
	b.Ring()
	select {
	case <-b.Rung():
		t.Error("it rang for nobody")
	default:
	}
	for range 100 { // nobody listens: it does not block
		b.Ring("a", "b")
	}
	b.Ring("c")
	<-b.Rung()
	got := b.Take()
	slices.Sort(got)
	if !slices.Equal(got, []string{"a", "b", "c"}) || len(b.Take()) != 0 {
		t.Errorf("took %q", got)
	}
	(*outbox.Bell)(nil).Ring("a")
}
