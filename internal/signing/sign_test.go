package signing_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"latchkey/internal/signing"
)

func secret(t *testing.T, text string) signing.Secret {
	t.Helper()
	s, err := signing.ParseSecret(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// verified asks the library of the specification's authors.
func verified(t *testing.T, s signing.Secret, body []byte, h http.Header) bool {
	t.Helper()
	peer, err := standardwebhooks.NewWebhook(s.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	return peer.Verify(body, h) == nil
}

func TestThePublishedVectorsHold(t *testing.T) {
	for _, v := range []struct {
		secret, id, body, want string
		at                     int64
	}{
		{"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", `{"test": 2432232314}`, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", 1614265330},
		// The example of the specification's text.
		{"whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD", "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk", `{"email":"test@example.com","username":"test_user"}`, "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=", 1649367553},
	} {
		if got := signing.Sign(v.id, time.Unix(v.at, 999), []byte(v.body), secret(t, v.secret)); got != v.want {
			t.Errorf("%s: got %s, want %s", v.id, got, v.want)
		}
	}
}

func TestTheLibraryOfTheSpecificationVerifiesWhatIsSigned(t *testing.T) {
	for _, body := range []string{`{"type":"webhook.test"}`, "", "\x00\xff", strings.Repeat("ä", 1<<20), "a.b.c\n"} {
		s := signing.NewSecret()
		h := signing.Headers("msg_1", time.Now(), []byte(body), s)
		if !verified(t, s, []byte(body), h) {
			t.Errorf("a body of %d bytes does not verify", len(body))
		}
		if verified(t, s, []byte(body+" "), h) {
			t.Errorf("a changed body of %d bytes verifies", len(body))
		}
		if verified(t, signing.NewSecret(), []byte(body), h) {
			t.Error("another secret verifies")
		}
	}
}

func TestDuringARotationBothSecretsVerifyAndAfterItOne(t *testing.T) {
	next, previous, body := signing.NewSecret(), signing.NewSecret(), []byte("{}")
	h := signing.Headers("msg_1", time.Now(), body, next, previous)
	if signatures := strings.Split(h.Get("webhook-signature"), " "); len(signatures) != 2 {
		t.Fatalf("%d signatures, want 2", len(signatures))
	}
	if !verified(t, next, body, h) || !verified(t, previous, body, h) {
		t.Error("a secret of the rotation does not verify")
	}
	h = signing.Headers("msg_1", time.Now(), body, next)
	if !verified(t, next, body, h) || verified(t, previous, body, h) {
		t.Error("after the rotation the new secret must verify, and the old one must not")
	}
}

func TestTheIDAndTheInstantAreSignedToo(t *testing.T) {
	s, body, now := signing.NewSecret(), []byte("{}"), time.Now()
	for name, value := range map[string]string{signing.HeaderID: "msg_2", signing.HeaderTimestamp: "1"} {
		h := signing.Headers("msg_1", now, body, s)
		h.Set(name, value)
		if verified(t, s, body, h) {
			t.Errorf("it verifies with another %s", name)
		}
	}
}
