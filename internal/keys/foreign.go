package keys

import (
	"encoding/base64"
	"encoding/hex"
	"regexp"
	"strings"
	"unicode/utf8"

	"latchkey/internal/token"
)

// Bounds of an imported value, in bytes.
const (
	minForeign = 8
	maxForeign = 512
)

// ours is the shape of the keys that are made here. What has it and a wrong checksum is a typo.
var ours = regexp.MustCompile(`^[a-z][a-z0-9]{0,9}_(live|test)_[0-9A-Za-z]{4}_[0-9A-Za-z]{49}$`)

// hashOf is what a presented text is looked up by, and false when it cannot be a key: neither one
// of ours nor one that was imported with a format of its own.
func hashOf(presented string) (digest, bool) {
	if key, err := token.Parse(presented); err == nil {
		return key.Hash(), true
	}
	if len(presented) < minForeign || len(presented) > maxForeign || !utf8.ValidString(presented) ||
		strings.ContainsFunc(presented, isControl) || ours.MatchString(presented) {
		return digest{}, false
	}
	return token.Hash(presented), true
}

// ParseSHA256 reads a SHA-256 in hex, or in base64 of either alphabet, padded or not.
func ParseSHA256(text string) (digest, bool) {
	text = strings.TrimSpace(text)
	if len(text) == hex.EncodedLen(len(digest{})) {
		sum, err := hex.DecodeString(text)
		return asDigest(sum, err == nil)
	}
	text = strings.TrimSuffix(text, "=")
	if len(text) != base64.RawStdEncoding.EncodedLen(len(digest{})) {
		return digest{}, false
	}
	for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		if sum, err := encoding.Strict().DecodeString(text); err == nil {
			return asDigest(sum, true)
		}
	}
	return digest{}, false
}

func asDigest(sum []byte, ok bool) (digest, bool) {
	if !ok || len(sum) != len(digest{}) {
		return digest{}, false
	}
	return digest(sum), true
}
