// Package signing is the Standard Webhooks 1.0 signature: a secret, the three headers, nothing else.
// Pure; it knows no clock, no database and no HTTP client.
//
// What is signed is "<id>.<unix seconds>.<body>" with HMAC-SHA256. A receiver verifies with any
// library of standardwebhooks.com, or with ten lines of its own (docs/webhooks.md).
package signing

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
)

const (
	// Prefix begins the text form of every signing secret.
	Prefix = "whsec_"

	newBytes = 32
	minBytes = 24
	maxBytes = 64
	masked   = "[secret]"
)

// Secret is a symmetric signing secret. It masks itself wherever it is printed, logged or encoded;
// only Reveal gives the text.
type Secret struct{ key string }

// NewSecret makes a secret of 32 random bytes.
func NewSecret() Secret {
	key := make([]byte, newBytes)
	_, _ = rand.Read(key) // never fails: the process ends when the system has no randomness
	return Secret{string(key)}
}

// The reasons why a text is no secret; none repeats any of it.
var (
	errPrefix = errors.New("a signing secret begins with whsec_")
	errBase64 = errors.New("a signing secret is whsec_ and standard base64")
	errLength = fmt.Errorf("a signing secret holds %d to %d bytes", minBytes, maxBytes)
)

// ParseSecret reads "whsec_<standard base64 of 24 to 64 bytes>". The base64 is taken as the
// specification writes it: standard alphabet, padded, no line breaks, one spelling a key.
func ParseSecret(text string) (Secret, error) {
	encoded, ok := strings.CutPrefix(text, Prefix)
	if !ok {
		return Secret{}, errPrefix
	}
	if len(encoded) > base64.StdEncoding.EncodedLen(maxBytes) {
		return Secret{}, errLength
	}
	key, err := base64.StdEncoding.Strict().DecodeString(encoded)
	if err != nil || strings.ContainsAny(encoded, "\r\n") {
		return Secret{}, errBase64
	}
	if len(key) < minBytes || len(key) > maxBytes {
		return Secret{}, errLength
	}
	return Secret{string(key)}, nil
}

// Reveal returns the text form, for the one answer that shows it and for the box that seals it.
func (s Secret) Reveal() string {
	return Prefix + base64.StdEncoding.EncodeToString([]byte(s.key))
}

// IsZero tells that there is no secret.
func (s Secret) IsZero() bool { return s.key == "" }

func (Secret) String() string               { return masked }
func (Secret) GoString() string             { return masked }
func (Secret) Format(f fmt.State, _ rune)   { _, _ = io.WriteString(f, masked) }
func (Secret) LogValue() slog.Value         { return slog.StringValue(masked) }
func (Secret) MarshalText() ([]byte, error) { return []byte(masked), nil }
