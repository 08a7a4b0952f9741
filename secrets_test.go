package main

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"latchkey/internal/apptest"
	"latchkey/internal/database"
	"latchkey/internal/token"
)

// TestNeitherLogNorDatabaseHoldsASecret is promise P6: a whole journey at the most talkative log
// level, then a search through everything that was printed and stored.
func TestNeitherLogNorDatabaseHoldsASecret(t *testing.T) {
	each(t, func(t *testing.T, i *instance) {
		secretKey := strings.Repeat("Kd5", 14) + "I="
		s := i.serve(t, "LATCHKEY_LOG_LEVEL=debug", "LATCHKEY_SECRET_KEY="+secretKey)
		printed, _, _ := strings.Cut(after(s.output(), "/setup?token="), "\n")
		browser := apptest.NewBrowser(t, s.url)
		browser.Get("/setup?token=" + printed)
		signedIn := browser.Post("/setup?token="+printed, url.Values{
			"name": {"Olive"}, "email": {"owner@acme.example"}, "password": {apptest.Password}, "workspace": {"Acme"}, "token": {printed},
		})
		if len(browser.Cookies()) == 0 {
			t.Fatalf("not signed in after set-up: %d\n%s", signedIn.Status, signedIn.Body)
		}
		secrets := map[string]string{"password": apptest.Password, "setup token": printed, "secret key": secretKey, "signing secret": "signing-secret-of-github"}
		for _, c := range browser.Cookies() {
			if strings.Contains(c.Name, "session") {
				secrets["session id"] = c.Value
			}
		}
		k := i.createKey(t, "--secret")
		dead := i.createKey(t)
		i.must(t, "", "keys", "deactivate", dead.ID)
		secrets["key"], secrets["shared secret"], secrets["dead key"] = k.Key, k.Secret, dead.Key
		made := browser.Post("/w/acme/settings/api-keys", url.Values{
			"name": {"From the console"}, "environment": {"live"}, "endpoint_type": {"signal_staging"}, "expires": {"never"}, "nonce": {"n-1"}, "with_secret": {"1"},
		})
		shown := token.Mask(made.Body)
		if shown == made.Body {
			t.Fatalf("the console showed no key: %d\n%s", made.Status, made.Body)
		}
		exercise(t, s, k, dead)
		signed := browser.Post("/w/acme/settings/api-keys/"+k.ID+"/signature", url.Values{"scheme": {"github"}, "secret": {secrets["signing secret"]}})
		if !strings.Contains(signed.Body, "X-Hub-Signature-256") || strings.Contains(signed.Body, secrets["signing secret"]) {
			t.Errorf("the signature's page: %d\n%s", signed.Status, signed.Body)
		}
		exercise(t, s, k, dead)
		browser.Post("/w/acme/settings/api-keys/"+k.ID+"/test", url.Values{"sample": {"universal/form"}, "payload": {`{"event":"x"}`}})
		browser.Get("/w/acme/settings/api-keys?q=" + k.Key)
		browser.Get("/w/acme/requests")
		s.stop(t)
		log, dump := s.output(), dump(t, i.open(t))
		if !strings.Contains(log, "level=DEBUG") || !strings.Contains(dump, k.ID) {
			t.Fatal("there is nothing to search in")
		}
		for name, secret := range secrets {
			if name != "setup token" && strings.Contains(log, secret) {
				t.Errorf("the log holds the %s", name)
			}
			if strings.Contains(dump, secret) {
				t.Errorf("the database holds the %s", name)
			}
		}
		if masked := token.Mask(log + dump); masked != log+dump {
			t.Error("the log or the database holds something with a key's shape")
		}
	})
}

func after(text, mark string) string {
	_, rest, _ := strings.Cut(text, mark)
	return rest
}

// exercise sends requests that are accepted and refused in many ways, with secrets in many places.
func exercise(t *testing.T, s *server, k, dead keyObject) {
	t.Helper()
	base := s.url + "/api/signal-staging/"
	for _, r := range []struct{ path, body, header, value string }{
		{"webhook/" + k.Key, `{"event":"x"}`, "X-Api-Secret", k.Secret},
		{"webhook/" + k.Key, `{"event":"x"}`, "X-Api-Secret", "wrong"},
		{"webhook/" + k.Key, `not json`, "X-Api-Secret", k.Secret},
		{"webhook/" + dead.Key, `{"event":"x"}`, "", ""},
		{"webhook/" + k.Key + "x", `{"event":"x"}`, "", ""},
		{"webhook/" + strings.ToLower(k.Key), `{"event":"x"}`, "", ""},
		{"webhook/a/b/c/" + k.Key, `{"event":"x"}`, "", ""},
		{"webhook", `{"event":"x"}`, "Authorization", "Bearer " + k.Key},
		{"bulk/" + k.Key, `{"event":"x"}`, "X-Api-Secret", k.Secret},
		{"webhook/" + k.Key + "?key=" + k.Key, `{"event":"x"}`, "Referer", "https://x.example/" + k.Key},
		{"webhook/" + k.Key, `{"event":"x"}`, "User-Agent", k.Key + " " + k.Secret},
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+r.path, strings.NewReader(r.body))
		if err != nil {
			t.Fatal(err)
		}
		if r.header != "" {
			req.Header.Set(r.header, r.value)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode >= 500 {
			t.Errorf("%s answered %d", r.header, res.StatusCode)
		}
	}
}

// dump is every value of every table as text.
func dump(t *testing.T, db *database.DB) string {
	t.Helper()
	names, err := db.Write.Migrator().GetTables()
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for _, name := range names {
		var rows []map[string]any
		if err := db.Read.Table(name).Find(&rows).Error; err != nil {
			t.Fatal(err)
		}
		for _, row := range rows {
			for column, value := range row {
				if b, ok := value.([]byte); ok {
					value = string(b)
				}
				_, _ = fmt.Fprintf(&out, "%s.%s=%v\n", name, column, value)
			}
		}
	}
	return out.String()
}
