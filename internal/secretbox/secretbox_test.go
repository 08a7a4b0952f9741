package secretbox

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func box(t *testing.T, fill byte) *Box {
	t.Helper()
	b, err := New(bytes.Repeat([]byte{fill}, KeySize))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

const place = "api_key:1:signature"

func TestWhatIsSealedOpensAgain(t *testing.T) {
	b := box(t, 1)
	for _, plaintext := range []string{"", "whsec_x", strings.Repeat("long ", 1000), "\x00\xff"} {
		one, two := b.Seal([]byte(plaintext), place), b.Seal([]byte(plaintext), place)
		if bytes.Equal(one, two) {
			t.Error("the same plaintext looks the same twice")
		}
		if plaintext != "" && bytes.Contains(one, []byte(plaintext)) {
			t.Error("the plaintext can be read")
		}
		if got, err := b.Open(one, place); err != nil || string(got) != plaintext {
			t.Errorf("Open = %q, %v", got, err)
		}
	}
}

func TestASealedTextOpensOnlyInItsPlaceWithItsKeyAndUnchanged(t *testing.T) {
	b := box(t, 1)
	sealed := b.Seal([]byte("secret"), place)
	if _, err := b.Open(sealed, "api_key:2:signature"); !errors.Is(err, ErrDamaged) {
		t.Errorf("in another place: %v", err)
	}
	if _, err := box(t, 2).Open(sealed, place); !errors.Is(err, ErrOtherKey) {
		t.Errorf("with another key: %v", err)
	}
	if _, err := (*Box)(nil).Open(sealed, place); !errors.Is(err, ErrNoKey) {
		t.Errorf("without a key: %v", err)
	}
	for i := range sealed {
		changed := bytes.Clone(sealed)
		changed[i] ^= 1
		if _, err := b.Open(changed, place); err == nil {
			t.Errorf("byte %d changed, and it opens", i)
		}
		if _, err := b.Open(sealed[:i], place); !errors.Is(err, ErrDamaged) {
			t.Errorf("cut to %d bytes: %v", i, err)
		}
	}
}

func TestABoxNeverShowsItsKey(t *testing.T) {
	key := []byte("0123456789abcdefghijklmnopqrstuv")
	b, err := New(key)
	if err != nil {
		t.Fatal(err)
	}
	type holder struct{ Secrets *Box }
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d", "%q"} {
		fmt.Fprintf(&out, verb+verb, b, holder{b})
	}
	encoded, err := json.Marshal(holder{b})
	if err != nil {
		t.Fatal(err)
	}
	out.Write(encoded)
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "box", b, "holder", holder{b})
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "box", b, "holder", holder{b})
	for _, form := range []string{string(key), hex.EncodeToString(key), base64.StdEncoding.EncodeToString(key), fmt.Sprint(key)[1:40]} {
		if strings.Contains(out.String(), form) {
			t.Errorf("%q is in %s", form, out.String())
		}
	}
	if !strings.Contains(out.String(), "••••") {
		t.Errorf("not masked: %s", out.String())
	}
}

func TestAKeyIsReadInEveryUsualWriting(t *testing.T) {
	key := bytes.Repeat([]byte{0xfb, 0xff}, KeySize/2) // has both characters that differ between the alphabets
	for name, text := range map[string]string{
		"base64":     base64.StdEncoding.EncodeToString(key),
		"unpadded":   base64.RawStdEncoding.EncodeToString(key),
		"url":        base64.URLEncoding.EncodeToString(key),
		"hex":        hex.EncodeToString(key),
		"upper hex":  strings.ToUpper(hex.EncodeToString(key)),
		"with space": " " + base64.StdEncoding.EncodeToString(key) + "\n",
	} {
		if got, err := ParseKey(text); err != nil || !bytes.Equal(got, key) {
			t.Errorf("%s: %x, %v", name, got, err)
		}
	}
}

func TestAWrongKeyIsExplainedWithoutBeingRepeated(t *testing.T) {
	for text, want := range map[string]string{
		"":                         "0 bytes",
		"c2hvcnQtc2VjcmV0":         "12 bytes",
		"not base64 at all!":       "neither base64 nor hexadecimal",
		strings.Repeat("0a", 31):   "bytes, but 32",
		strings.Repeat("QUJD", 20): "60 bytes",
	} {
		_, err := ParseKey(text)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("ParseKey(%q) = %v", text, err)
		}
		if text != "" && err != nil && strings.Contains(err.Error(), text) {
			t.Errorf("the error repeats the text: %v", err)
		}
	}
	if _, err := New([]byte("short")); err == nil {
		t.Error("New takes a short key")
	}
}

func TestTheKeyFileIsMadeOnceAndStays(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret.key")
	keys := make([]string, 8)
	var all sync.WaitGroup
	for i := range keys {
		all.Go(func() {
			key, others, err := KeyFile(path)
			if err != nil || others {
				t.Errorf("KeyFile: %v, others %v", err, others)
			}
			keys[i] = string(key)
		})
	}
	all.Wait()
	for _, k := range keys {
		if k != keys[0] || len(k) != KeySize {
			t.Fatal("two starts at once got different keys")
		}
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}

func TestAKeyFileThatIsNotRightIsSaidAndLeftAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret.key")
	if err := os.WriteFile(path, []byte("half a k"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := KeyFile(path); err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "backup") {
		t.Errorf("KeyFile = %v", err)
	}
	if text, _ := os.ReadFile(path); string(text) != "half a k" {
		t.Errorf("the file was changed: %q", text)
	}
	if _, _, err := KeyFile(filepath.Join(path, "below")); err == nil {
		t.Error("a key file below a file was made")
	}
}

func TestAKeyFileThatOthersMayReadIsTold(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret.key")
	if _, _, err := KeyFile(path); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, others, err := KeyFile(path); err != nil || !others {
		t.Errorf("others %v, %v", others, err)
	}
}
