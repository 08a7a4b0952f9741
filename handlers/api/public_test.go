package api_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"latchkey/handlers"
	"latchkey/internal/app"
	"latchkey/internal/apptest"
	"latchkey/internal/database"
	"latchkey/internal/keys"
	"latchkey/internal/leaks"
	"latchkey/models"
)

func TestWhoeverHasAKeyMayEndIt(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		website := w.NewKey(t, func(f *keys.CreateForm) { f.OnLeak = models.OnLeakAlert })
		program := w.program("read:workspace")
		body, err := json.Marshal([]string{"nothing", website.Value.Reveal(), website.Value.Reveal(), program.Value.Reveal(), ""})
		if err != nil {
			t.Fatal(err)
		}
		for _, sent := range []string{string(body), `[]`, `["nobody's"]`, `{"credentials":` + string(body) + `}`} {
			if r := w.call("POST", "/credentials/revoke", sent).want(202); string(r.Body) != "{}\n" {
				t.Errorf("answer %s", r.Body)
			}
		}
		w.as(program, "GET", "/me", "").refused(401, "invalid_token")
		if r := w.Post(t, "/api/signal-staging/webhook/"+website.Value.Reveal(), `{"event":"x"}`); r.Status != 401 {
			t.Errorf("answer %d", r.Status)
		}
	})
}

func TestARevocationIsReadExactly(t *testing.T) {
	w := newWorld(t, apptest.SQLite(t))
	for body, want := range map[string]string{
		``:                         "415 unsupported_content_type",
		`{}`:                       "422 validation_failed credentials",
		`{"credentials":null}`:     "422 validation_failed credentials",
		`{"credentials":["a",1]}`:  "422 validation_failed credentials[1]",
		`["a",null]`:               "422 validation_failed [1]",
		`"a"`:                      "400 invalid_json",
		`{"credentials":[],"x":1}`: "422 unknown_member x",
		`["a"`:                     "400 invalid_json",
		"[" + strings.Repeat(`"a",`, leaks.MaxTokens) + `"a"]`: "422 validation_failed credentials",
	} {
		r := w.call("POST", "/credentials/revoke", body)
		if got := strings.TrimSpace(fmt.Sprint(r.Status, " ", r.ProblemCode(), " ", strings.Join(r.ProblemFields(), " "))); got != want {
			t.Errorf("%.40s: %s, want %s", body, got, want)
		}
	}
}

func TestRevocationsAreLimitedByAddress(t *testing.T) {
	w := newWorld(t, apptest.SQLite(t), behindProxy)
	send := func(from string) reply { return w.call("POST", "/credentials/revoke", `[]`, "X-Forwarded-For", from) }
	for i := range 60 {
		send(fmt.Sprintf("2001:db8::%d", i+1)).want(202)
	}
	if r := send("2001:db8::ffff"); r.Header.Get("Retry-After") == "" {
		t.Errorf("no Retry-After: %v", r.Header)
	} else {
		r.refused(429, "rate_limited")
	}
	send("2001:db8:0:1::1").want(202)
	send("192.0.2.1").want(202)
}

func TestAlertsOfGitHubAreTakenOnlyWithPinnedKeys(t *testing.T) {
	w := newWorld(t, apptest.SQLite(t))
	w.call("POST", "/secret-scanning/github", `[]`, leaks.GitHubIdentifierHeader, "x", leaks.GitHubSignatureHeader, "x").refused(404, "not_found")
}

func TestASignedAlertEndsKeysAndTheAnswerHoldsHashesOnly(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		w := newWorld(t, db, func(_ *app.Options, o *handlers.Options) { o.GitHubKeys = pinned(t, "gh1", private) })
		leaked := w.program("read:workspace")
		alert, err := json.Marshal([]map[string]string{
			{"token": leaked.Value.Reveal(), "type": "latchkey_key", "url": "https://github.com/x/y/blob/main/.env", "source": "content", "added": "later"},
			{"token": "sk_live_nobody", "type": "latchkey_key", "url": "", "source": "content"},
		})
		if err != nil {
			t.Fatal(err)
		}
		send := func(body string, signature []byte) reply {
			return w.call("POST", "/secret-scanning/github", body, leaks.GitHubIdentifierHeader, "gh1", leaks.GitHubSignatureHeader, base64.StdEncoding.EncodeToString(signature))
		}
		digest := sha256.Sum256(alert)
		signature, err := ecdsa.SignASN1(rand.Reader, private, digest[:])
		if err != nil {
			t.Fatal(err)
		}
		send(strings.Replace(string(alert), "main", "mean", 1), signature).refused(401, "invalid_signature")
		send(string(alert), signature[1:]).refused(401, "invalid_signature")
		w.as(leaked, "GET", "/me", "").want(200)

		for range 2 {
			got := send(string(alert), signature).want(200)
			first, second := sha256.Sum256([]byte(leaked.Value.Reveal())), sha256.Sum256([]byte("sk_live_nobody"))
			want := fmt.Sprintf(`[{"token_hash":"%s","token_type":"latchkey_key","label":"true_positive"},{"token_hash":"%s","token_type":"latchkey_key","label":"false_positive"}]`,
				hex.EncodeToString(first[:]), hex.EncodeToString(second[:]))
			if string(got.Body) != want+"\n" {
				t.Errorf("answer %s, want %s", got.Body, want)
			}
		}
		w.as(leaked, "GET", "/me", "").refused(401, "invalid_token")
	})
}

// pinned is a file of public keys as GitHub publishes them.
func pinned(t *testing.T, id string, key *ecdsa.PrivateKey) *leaks.GitHubKeys {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	file, err := json.Marshal(map[string]any{"public_keys": []map[string]any{{
		"key_identifier": id, "is_current": true, "key": string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})),
	}}})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "github.json")
	apptest.WriteFile(t, path, string(file))
	keys, err := leaks.LoadGitHubKeys(path)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}
