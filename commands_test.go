package main

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestEverythingWorksWithoutABrowser(t *testing.T) {
	each(t, func(t *testing.T, i *instance) {
		s := i.serve(t)
		if !strings.Contains(s.output(), s.url+"/setup?token=") {
			t.Errorf("no set-up link in %q", s.output())
		}
		i.setUp(t)
		k := i.createKey(t, "--expires", "90d", "--secret", "--env", "test")
		if k.Key == "" || k.Secret == "" || k.Status != "active" || k.Environment != "test" || k.ExpiresAt == nil {
			t.Fatalf("created %+v", k)
		}
		plain := i.createKey(t)
		url := s.url + "/api/signal-staging/webhook/" + plain.Key
		if _, ok := post(url, `{"event":"x"}`); !ok {
			t.Fatal("a key made beside a running server is not accepted")
		}
		var list []map[string]any
		out := i.must(t, "", "keys", "list", "--json")
		if err := json.Unmarshal([]byte(out), &list); err != nil || len(list) != 2 {
			t.Fatalf("list %v: %s", err, out)
		}
		if strings.Contains(out, plain.Key) || strings.Contains(out, k.Secret) {
			t.Error("the list shows a secret")
		}
		i.must(t, "", "keys", "deactivate", plain.ID)
		if res, err := http.Post(url, "application/json", strings.NewReader(`{"event":"x"}`)); err != nil || res.StatusCode != http.StatusUnauthorized {
			t.Errorf("after deactivate: %v, %v", res, err)
		}
		if out := i.must(t, "", "keys", "deactivate", plain.ID); !strings.Contains(out, "before") {
			t.Errorf("a second time: %q", out)
		}
		s.stop(t)
	})
}

func TestCommandsSayWhatIsWrong(t *testing.T) {
	i := newInstance(t, false)
	for name, tc := range map[string]struct {
		stdin string
		args  []string
		want  string
	}{
		"no workspace yet": {"", []string{"keys", "list"}, "no workspace yet"},
		"short password":   {"short\n", []string{"setup", "--email", "a@b.example", "--name", "A", "--workspace", "W", "--password-stdin"}, "password"},
		"unknown type":     {"", []string{"--key-brand", "Bad Brand", "keys", "list"}, "LATCHKEY_KEY_BRAND"},
		"nobody there":     {"", []string{"healthcheck", "--addr", "127.0.0.1:1"}, "does not answer"},
		"base URL":         {"", []string{"--base-url", "ftp://x", "keys", "list"}, "LATCHKEY_BASE_URL"},
	} {
		t.Run(name, func(t *testing.T) {
			_, problems, err := i.run(t, tc.stdin, tc.args...)
			if err == nil || !strings.Contains(strings.ToLower(problems), strings.ToLower(tc.want)) {
				t.Errorf("error %v, printed %q; want %q", err, problems, tc.want)
			}
		})
	}
}

func TestSecretsMayComeFromFiles(t *testing.T) {
	i := newInstance(t, true)
	var url string
	for _, e := range i.env {
		if v, ok := strings.CutPrefix(e, "LATCHKEY_DATABASE_URL="); ok {
			url = v
		}
	}
	file := filepath.Join(t.TempDir(), "url")
	if err := os.WriteFile(file, []byte(url+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	i.env = append(i.env, "LATCHKEY_DATABASE_URL=", "LATCHKEY_DATABASE_URL_FILE="+file)
	if out := i.must(t, "", "migrate"); !strings.Contains(out, "migrations applied") {
		t.Errorf("printed %q", out)
	}
}

func TestExpiryIsDaysOrATime(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"": {}, "never": {}, "90d": now.AddDate(0, 0, 90), "2030-01-31T00:00:00Z": time.Date(2030, 1, 31, 0, 0, 0, 0, time.UTC),
	} {
		if got, err := parseExpiry(text, now); err != nil || !got.Equal(want) {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"soon", "90", "d", "2030-01-31"} {
		if _, err := parseExpiry(text, now); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}

func TestHealthcheckAsksTheServer(t *testing.T) {
	i := newInstance(t, false)
	s := i.serve(t)
	if out := i.must(t, "", "healthcheck", "--addr", strings.TrimPrefix(s.url, "http://")); !strings.Contains(out, "ready") {
		t.Errorf("printed %q", out)
	}
}
