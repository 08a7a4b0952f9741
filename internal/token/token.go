// Package token is the key format: generate, parse, checksum, hash, mask. Pure; it knows no
// database and no clock.
//
// A key reads <brand>_<env>_<prefix>_<secret>: a brand, live or test, 4 characters that lists
// show, and 43 base62 characters with 256 random bits followed by a CRC-32 (IEEE) of everything
// before it in 6 base62 digits, so that a typo or a scanner's find is told without a look-up.
package token

import (
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"log/slog"
	"math/big"
	"strings"
)

const (
	alphabet     = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	prefixLen    = 4
	randomLen    = 43 // 62^43 > 2^256
	checksumLen  = 6  // 62^6 > 2^32
	secretLen    = randomLen + checksumLen
	maxBrandLen  = 10
	sharedPrefix = "lks_"
	// MaxLen is the longest possible key: brand, "_live_", prefix, "_", secret.
	MaxLen = maxBrandLen + 6 + prefixLen + 1 + secretLen
)

// DefaultBrand begins a key unless configured.
const DefaultBrand = "sk"

// ErrMalformed says that a text is not a key: wrong shape or wrong checksum.
var ErrMalformed = errors.New("malformed key")

// Plaintext is a secret in clear. It masks itself wherever it is printed, logged or encoded; only
// Reveal gives the text.
type Plaintext struct{ text string }

// NewPlaintext wraps a secret.
func NewPlaintext(text string) Plaintext { return Plaintext{text} }

// Reveal returns the secret itself, for the one response that shows it.
func (p Plaintext) Reveal() string { return p.text }

// IsZero tells that there is no secret.
func (p Plaintext) IsZero() bool { return p.text == "" }

const masked = "[secret]"

func (Plaintext) String() string               { return masked }
func (Plaintext) GoString() string             { return masked }
func (Plaintext) Format(s fmt.State, _ rune)   { _, _ = io.WriteString(s, masked) }
func (Plaintext) LogValue() slog.Value         { return slog.StringValue(masked) }
func (Plaintext) MarshalText() ([]byte, error) { return []byte(masked), nil }

// Key is a parsed key.
type Key struct {
	Brand  string
	Env    string // live or test
	Prefix string // 4 characters, display only
	text   string
}

// Display is what lists show, e.g. sk_live_a2f9.
func (k Key) Display() string { return k.Brand + "_" + k.Env + "_" + k.Prefix }

// Hash is the SHA-256 of the whole key: what is stored and looked up.
func (k Key) Hash() [sha256.Size]byte { return Hash(k.text) }

// Plaintext returns the key as a secret.
func (k Key) Plaintext() Plaintext { return Plaintext{k.text} }

func (k Key) String() string             { return k.Display() + "_" + masked }
func (k Key) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, k.String()) }

// Hash is the SHA-256 of a whole key or shared secret.
func Hash(text string) [sha256.Size]byte { return sha256.Sum256([]byte(text)) }

// ValidBrand tells whether a brand matches [a-z][a-z0-9]{0,9}.
func ValidBrand(brand string) bool {
	if len(brand) == 0 || len(brand) > maxBrandLen || brand[0] < 'a' || brand[0] > 'z' {
		return false
	}
	for i := range len(brand) {
		c := brand[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return false
		}
	}
	return true
}

// Generate makes a new key from random bytes.
func Generate(random io.Reader, brand, env string) (Key, error) {
	if !ValidBrand(brand) {
		return Key{}, fmt.Errorf("key brand %q: want a lower-case letter and up to 9 letters or digits", brand)
	}
	if env != "live" && env != "test" {
		return Key{}, fmt.Errorf("key environment %q: want live or test", env)
	}
	prefix, err := randomText(random, prefixLen)
	if err != nil {
		return Key{}, err
	}
	secret, err := randomText(random, randomLen)
	if err != nil {
		return Key{}, err
	}
	body := brand + "_" + env + "_" + prefix + "_" + secret
	return Key{Brand: brand, Env: env, Prefix: prefix, text: body + checksum(body)}, nil
}

// GenerateShared makes a shared secret with 256 random bits.
func GenerateShared(random io.Reader) (Plaintext, error) {
	text, err := randomText(random, randomLen)
	if err != nil {
		return Plaintext{}, err
	}
	return Plaintext{sharedPrefix + text}, nil
}

// Parse reads a key from the right, so that any brand will do. It checks shape and checksum and
// returns ErrMalformed, which never quotes the input.
func Parse(text string) (Key, error) {
	if len(text) > MaxLen {
		return Key{}, ErrMalformed
	}
	rest, secret, ok := cutLast(text)
	if !ok || len(secret) != secretLen || !base62(secret) {
		return Key{}, ErrMalformed
	}
	rest, prefix, ok := cutLast(rest)
	if !ok || len(prefix) != prefixLen || !base62(prefix) {
		return Key{}, ErrMalformed
	}
	brand, env, ok := cutLast(rest)
	if !ok || (env != "live" && env != "test") || !ValidBrand(brand) {
		return Key{}, ErrMalformed
	}
	body := text[:len(text)-checksumLen]
	if checksum(body) != text[len(body):] {
		return Key{}, ErrMalformed
	}
	return Key{Brand: brand, Env: env, Prefix: prefix, text: text}, nil
}

func cutLast(s string) (before, after string, ok bool) {
	i := strings.LastIndexByte(s, '_')
	if i < 0 {
		return "", "", false
	}
	return s[:i], s[i+1:], true
}

func base62(s string) bool {
	for i := range len(s) {
		c := s[i]
		if (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return true
}

func checksum(body string) string {
	n := crc32.ChecksumIEEE([]byte(body))
	var out [checksumLen]byte
	for i := checksumLen - 1; i >= 0; i-- {
		out[i] = alphabet[n%62]
		n /= 62
	}
	return string(out[:])
}

var sixtyTwo = big.NewInt(int64(len(alphabet)))

// randomText draws n characters, each uniform over the alphabet.
func randomText(random io.Reader, n int) (string, error) {
	out := make([]byte, n)
	for i := range out {
		d, err := rand.Int(random, sixtyTwo)
		if err != nil {
			return "", fmt.Errorf("draw random characters: %w", err)
		}
		out[i] = alphabet[d.Int64()]
	}
	return string(out), nil
}
