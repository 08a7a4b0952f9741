package main

import (
	"strings"
	"testing"
	"time"
)

func TestKeysAreRotatedFromTheCommandLine(t *testing.T) {
	each(t, func(t *testing.T, i *instance) {
		i.setUp(t)
		k := i.createKey(t)
		var rotated keyObject
		i.json(t, &rotated, "keys", "rotate", k.ID, "--json")
		if rotated.ID != k.ID || rotated.Key == "" || rotated.Key == k.Key || rotated.Rotation == nil {
			t.Fatalf("rotated %+v", rotated)
		}
		if _, problems, err := i.run(t, "", "keys", "rotate", k.ID); err == nil || !strings.Contains(problems, "rotat") {
			t.Errorf("a second rotation: %q", problems)
		}
		if out := i.must(t, "", "keys", "list"); !strings.Contains(out, "active, rotating") {
			t.Errorf("list: %q", out)
		}
		until := time.Now().Add(72 * time.Hour).UTC().Format(time.RFC3339)
		if out := i.must(t, "", "keys", "extend", k.ID, "--until", until); !strings.Contains(out, until) {
			t.Errorf("extended: %q", out)
		}
		if out := i.must(t, "", "keys", "finish", k.ID); !strings.Contains(out, "has ended") {
			t.Errorf("finished: %q", out)
		}
		if out := i.must(t, "", "keys", "rotate", k.ID, "--grace", "none"); !strings.Contains(out, "shown only now") || !strings.Contains(out, "The old value has ended.") {
			t.Errorf("without a grace: %q", out)
		}
	})
}

func TestAPIAccessKeysGetTheirScopesFromTheCommandLine(t *testing.T) {
	i := newInstance(t, false)
	i.setUp(t)
	k := i.createKey(t, "--type", "api_access", "--scopes", "signals:read,keys:*", "--scopes", "audit:read members:read")
	if got := strings.Join(k.Scopes, " "); got != "keys:* signals:read members:read audit:read" {
		t.Errorf("scopes %q", got)
	}
	if none := i.createKey(t, "--type", "api_access"); len(none.Scopes) != 0 {
		t.Errorf("none given, granted %v", none.Scopes)
	}
	for want, args := range map[string][]string{
		"signals:everything": {"--type", "api_access", "--scopes", "signals:everything"},
		"API-access keys":    {"--scopes", "signals:read"},
	} {
		_, problems, err := i.run(t, "", append([]string{"keys", "create", "--name", "x"}, args...)...)
		if err == nil || !strings.Contains(problems, want) {
			t.Errorf("%v: %q; want %q", args, problems, want)
		}
	}
}

func TestGracesAndEndsAreTimes(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Duration{"none": 0, "24h": 24 * time.Hour, "7d": 7 * 24 * time.Hour, "90m": 90 * time.Minute} {
		if got, err := parseGrace(text); err != nil || got != want {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "0", "0d", "-1h", "1ms", "soon", "2030-01-31"} {
		if _, err := parseGrace(text); err == nil {
			t.Errorf("--grace %q is taken", text)
		}
		if _, err := parseUntil(text, now); err == nil {
			t.Errorf("--until %q is taken", text)
		}
	}
	for text, want := range map[string]time.Time{"12h": now.Add(12 * time.Hour), "2d": now.AddDate(0, 0, 2), "2030-01-31T00:00:00Z": time.Date(2030, 1, 31, 0, 0, 0, 0, time.UTC)} {
		if got, err := parseUntil(text, now); err != nil || !got.Equal(want) {
			t.Errorf("--until %q: %v, %v", text, got, err)
		}
	}
}
