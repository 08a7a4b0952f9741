package ingest_test

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"strconv"
	"testing"
	"time"

	"latchkey/internal/apptest"
	"latchkey/internal/database"
	"latchkey/internal/ingest"
	"latchkey/internal/keys"
)

// requireSignature makes a key ask for a vendor's signature.
func requireSignature(t *testing.T, a *apptest.App, k keys.Created, scheme, secret string) {
	t.Helper()
	sealed := apptest.Secrets(t).Seal([]byte(secret), ingest.SignatureContext(k.Key.ID))
	if err := a.Keys.SetSignature(t.Context(), a.Owner, k.Key.ID, scheme, sealed); err != nil {
		t.Fatal(err)
	}
}

func hmac256(key, text string) []byte {
	h := hmac.New(sha256.New, []byte(key))
	h.Write([]byte(text))
	return h.Sum(nil)
}

// signers write a vendor's header as its documentation says; nil for a scheme without a time.
var signers = map[string]struct {
	secret string
	timed  bool
	sign   func(secret, body string, at time.Time) []string
}{
	"stripe": {"whsec_test", true, func(secret, body string, at time.Time) []string {
		return []string{"Stripe-Signature", fmt.Sprintf("t=%d,v1=%x", at.Unix(), hmac256(secret, fmt.Sprintf("%d.%s", at.Unix(), body)))}
	}},
	"github": {"gh secret", false, func(secret, body string, _ time.Time) []string {
		return []string{"X-Hub-Signature-256", "sha256=" + hex.EncodeToString(hmac256(secret, body))}
	}},
	"shopify": {"shpss_secret", false, func(secret, body string, _ time.Time) []string {
		return []string{"X-Shopify-Hmac-Sha256", base64.StdEncoding.EncodeToString(hmac256(secret, body))}
	}},
	"segment": {"segment secret", false, func(secret, body string, _ time.Time) []string {
		h := hmac.New(sha1.New, []byte(secret))
		h.Write([]byte(body))
		return []string{"X-Signature", hex.EncodeToString(h.Sum(nil))}
	}},
	"typeform": {"tf secret", false, func(secret, body string, _ time.Time) []string {
		return []string{"Typeform-Signature", "sha256=" + base64.StdEncoding.EncodeToString(hmac256(secret, body))}
	}},
	"paddle": {"pdl_ntfset_secret", true, func(secret, body string, at time.Time) []string {
		return []string{"Paddle-Signature", fmt.Sprintf("ts=%d;h1=%x", at.Unix(), hmac256(secret, fmt.Sprintf("%d:%s", at.Unix(), body)))}
	}},
	"standard-webhooks": {"whsec_" + base64.StdEncoding.EncodeToString([]byte("a key of thirty-two random bytes")), true, func(secret, body string, at time.Time) []string {
		stamp := strconv.FormatInt(at.Unix(), 10)
		signature := hmac256("a key of thirty-two random bytes", "msg_1."+stamp+"."+body)
		return []string{"Webhook-Id", "msg_1", "Webhook-Timestamp", stamp, "Webhook-Signature", "v1," + base64.StdEncoding.EncodeToString(signature)}
	}},
}

func TestAVendorsSignatureIsCheckedOverTheBodysOwnBytes(t *testing.T) {
	const body = "{ \"event\":\"x\",\n\t\"userId\" : \"u\", \"n\": 1.0 }\n"
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		a := apptest.Start(t, db)
		for scheme, s := range signers {
			t.Run(scheme, func(t *testing.T) {
				k := a.NewKey(t)
				requireSignature(t, a, k, scheme, s.secret)
				path := "/api/signal-staging/webhook/" + k.Value.Reveal()
				now := a.Clock.Now()
				if got := a.Post(t, path, body, s.sign(s.secret, body, now)...); got.Status != http.StatusOK {
					t.Errorf("right: %d %s", got.Status, got.Body)
				}
				wrong := map[string][]string{
					"another secret": s.sign("whsec_"+base64.StdEncoding.EncodeToString([]byte("other")), body, now),
					"other bytes":    s.sign(s.secret, `{"event":"x","userId":"u","n":1}`, now),
					"no signature":   nil,
				}
				if scheme == "standard-webhooks" {
					wrong["another secret"][5] = "v1," + base64.StdEncoding.EncodeToString(hmac256("other", body))
				}
				if s.timed {
					wrong["an old time"] = s.sign(s.secret, body, now.Add(-10*time.Minute))
				}
				for name, headers := range wrong {
					got := a.Post(t, path, body, headers...)
					if got.Status != http.StatusUnauthorized || got.Code(t) != "invalid_source_signature" {
						t.Errorf("%s: %d %s", name, got.Status, got.Body)
					}
					if line := a.Logged(t, got.Header.Get("X-Request-Id")); line.Code != "invalid_source_signature" || line.Message == "" {
						t.Errorf("%s: log line %+v", name, line)
					}
				}
				if got := a.Post(t, "/api/signal-staging/bulk/"+k.Value.Reveal(), body, s.sign(s.secret, body, now)...); got.Status != http.StatusUnauthorized {
					t.Errorf("bulk: %d %s", got.Status, got.Body)
				}
			})
		}
		if n := a.CountSignals(t); n != len(signers) {
			t.Errorf("%d signals are stored, want one a scheme, %d", n, len(signers))
		}
	})
}

// TestARequiredSignatureCountsOnEveryInstanceAtOnce, whatever they have in memory.
func TestARequiredSignatureCountsOnEveryInstanceAtOnce(t *testing.T) {
	cfg := apptest.PostgresConfig(t)
	one, two := apptest.Start(t, open(t, cfg)), apptest.Start(t, open(t, cfg))
	k := one.NewKey(t)
	path := "/api/signal-staging/webhook/" + k.Value.Reveal()
	const body = `{"event":"x","userId":"u"}`
	for range 10 {
		if got := two.Post(t, path, body); got.Status != http.StatusOK {
			t.Fatalf("before: %d %s", got.Status, got.Body)
		}
		requireSignature(t, one, k, "github", "s")
		if got := two.Post(t, path, body); got.Status != http.StatusUnauthorized {
			t.Fatalf("required: %d %s", got.Status, got.Body)
		}
		if err := one.Keys.SetSignature(t.Context(), one.Owner, k.Key.ID, "", nil); err != nil {
			t.Fatal(err)
		}
	}
	if n := one.CountSignals(t); n != 10 {
		t.Errorf("%d signals are stored, want 10", n)
	}
}
