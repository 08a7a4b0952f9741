package signing_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"latchkey/internal/signing"
)

func text(bytes int) string {
	return "whsec_" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat("k", bytes)))
}

func TestASecretIsReadAsItIsRevealed(t *testing.T) {
	s := signing.NewSecret()
	again := secret(t, s.Reveal())
	if again != s || s == signing.NewSecret() || s.IsZero() {
		t.Error("a secret changes when it is read, or is no secret")
	}
	for _, n := range []int{24, 25, 32, 64} {
		if got := secret(t, text(n)).Reveal(); got != text(n) {
			t.Errorf("%d bytes: got %s", n, got)
		}
	}
}

func TestWhatIsNoSecretIsRefusedWithoutRepeatingIt(t *testing.T) {
	for _, bad := range []string{
		"", "whsec_", text(23), text(65), text(1 << 20), strings.TrimPrefix(text(32), "whsec_"), "WHSEC_" + text(32)[6:], " " + text(32), text(32) + " ", text(32) + "\n",
		text(32)[:30] + "\r\n" + text(32)[30:], strings.TrimRight(text(32), "="), text(32) + "=", strings.Replace(text(32), "a", "-", 1), "whsec_" + strings.Repeat("_", 44), "lks_abc",
		"whsec_" + strings.Repeat("A", 42) + "B=", // not the spelling of its bytes
	} {
		_, err := signing.ParseSecret(bad)
		if err == nil {
			t.Errorf("%q is accepted", bad)
		} else if len(bad) > 12 && strings.Contains(err.Error(), bad[6:]) {
			t.Errorf("the error repeats the secret: %v", err)
		}
	}
}

func TestASecretIsMaskedWhereverItIsWritten(t *testing.T) {
	s := signing.NewSecret()
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "secret", s, "in", struct{ S signing.Secret }{s})
	encoded, err := json.Marshal(map[string]any{"s": s, "p": &s, "l": []signing.Secret{s}})
	if err != nil {
		t.Fatal(err)
	}
	written := log.String() + string(encoded) + fmt.Sprint(s, &s, []signing.Secret{s}, struct{ S signing.Secret }{s}) +
		fmt.Sprintf("%v %+v %#v %s %q %x %d", s, s, s, s, s, s, s) + fmt.Errorf("bad %v", s).Error()
	body := strings.TrimPrefix(s.Reveal(), "whsec_")
	key, _ := base64.StdEncoding.DecodeString(body)
	for _, form := range []string{body, string(key), fmt.Sprintf("%x", key), fmt.Sprintf("%q", string(key)), fmt.Sprintf("%d", key)} {
		if strings.Contains(written, form) {
			t.Errorf("the secret shows: %s", written)
		}
	}
}

func FuzzParseSecret(f *testing.F) {
	for _, seed := range []string{"", "whsec_", text(24), text(64), text(65), "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		s, err := signing.ParseSecret(in)
		if err != nil {
			return
		}
		if s.Reveal() != in {
			t.Errorf("%q is read as %q", in, s.Reveal())
		}
	})
}
