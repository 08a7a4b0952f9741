package token_test

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"latchkey/internal/token"
)

var contract = regexp.MustCompile(`^[a-z][a-z0-9]{0,9}_(live|test)_[0-9A-Za-z]{4}_[0-9A-Za-z]{49}$`)

func generate(t rapid.TB, brand, env string) token.Key {
	k, err := token.Generate(rand.Reader, brand, env)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestGeneratedKeysHaveTheContractsShapeAndParse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		brand := rapid.StringMatching(`[a-z][a-z0-9]{0,9}`).Draw(t, "brand")
		env := rapid.SampledFrom([]string{"live", "test"}).Draw(t, "env")
		key := generate(t, brand, env)
		text := key.Plaintext().Reveal()
		if !contract.MatchString(text) {
			t.Fatalf("%q does not have the contract's shape", text)
		}
		parsed, err := token.Parse(text)
		if err != nil || parsed != key {
			t.Fatalf("Parse = %v, %v", parsed, err)
		}
	})
}

func TestOneWrongCharacterIsToldByTheChecksum(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := generate(t, "sk", "live").Plaintext().Reveal()
		i := rapid.IntRange(0, len(text)-1).Draw(t, "position")
		c := rapid.SampledFrom([]byte("0aZ_-\x00")).Draw(t, "character")
		if text[i] == c {
			t.Skip()
		}
		wrong := text[:i] + string(c) + text[i+1:]
		if _, err := token.Parse(wrong); err != token.ErrMalformed {
			t.Fatalf("Parse of a damaged key = %v, want ErrMalformed", err)
		}
	})
}

func TestChecksumIsThePublishedOne(t *testing.T) {
	// Worked out with zlib.crc32 of Python, in base62 digits.
	body := "sk_live_a2f9_" + strings.Repeat("0", 43)
	if _, err := token.Parse(body + "0yOqdQ"); err != nil {
		t.Errorf("the documented example does not parse: %v", err)
	}
	if _, err := token.Parse(body + "0yOqdf"); err == nil {
		t.Error("a wrong checksum parses")
	}
}

func TestSecretsMaskThemselves(t *testing.T) {
	key := generate(t, "sk", "live")
	shared, err := token.GenerateShared(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []token.Plaintext{key.Plaintext(), shared} {
		var log strings.Builder
		slog.New(slog.NewTextHandler(&log, nil)).Info("made", "secret", secret, "in", struct{ P token.Plaintext }{secret})
		encoded, _ := json.Marshal(map[string]any{"p": secret})
		printed := fmt.Sprintf("%v %+v %#v %s %q %x", secret, secret, secret, secret, secret, secret)
		for _, out := range []string{log.String(), string(encoded), printed} {
			if strings.Contains(out, secret.Reveal()) {
				t.Errorf("the secret is in %q", out)
			}
		}
	}
	if out := fmt.Sprintf("%v %+v %#v %s", key, key, key, key); strings.Contains(out, key.Plaintext().Reveal()) {
		t.Errorf("the key is in %q", out)
	}
}

func TestMaskFindsKeysInsideText(t *testing.T) {
	key, _ := token.Generate(rand.Reader, "tm", "test")
	shared, _ := token.GenerateShared(rand.Reader)
	const signing = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	text := "Bearer " + key.Plaintext().Reveal() + "; secret=" + shared.Reveal() + "/x whsec_" + signing
	masked := token.Mask(text)
	if strings.Contains(masked, signing) || strings.Contains(token.Mask("whsec_"+signing), signing) {
		t.Errorf("Mask left a signing secret: %s", masked)
	}
	if strings.Contains(masked, key.Plaintext().Reveal()[13:30]) || strings.Contains(masked, shared.Reveal()[4:20]) {
		t.Errorf("Mask left a secret: %s", masked)
	}
	if !strings.Contains(masked, key.Display()) {
		t.Errorf("Mask took the display prefix away: %s", masked)
	}
}

func FuzzParse(f *testing.F) {
	key, _ := token.Generate(rand.Reader, "sk", "live")
	f.Add(key.Plaintext().Reveal())
	f.Add("sk_live__")
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		key, err := token.Parse(text)
		if err == nil && (!contract.MatchString(text) || key.Plaintext().Reveal() != text) {
			t.Fatalf("Parse took %q", text)
		}
	})
}
