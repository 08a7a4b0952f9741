package token

import (
	"regexp"
	"strings"
)

// shape finds keys inside longer text; checksums are not looked at, since a mistyped key is nearly
// as secret as a right one.
var shape = regexp.MustCompile(`[a-z][a-z0-9]{0,9}_(?:live|test)_[0-9A-Za-z]{4}_[0-9A-Za-z]{20,60}`)

// signingShape is that of signing secrets of webhooks, ours and others'.
var signingShape = regexp.MustCompile(`whsec_[0-9A-Za-z+/_-]{16,}=*`)

var sharedShape = regexp.MustCompile(`lks_[0-9A-Za-z]{20,60}`)

// Mask replaces every key, shared secret and signing secret in text, for logs and for headers that are kept. What
// stays of a key is its display prefix.
func Mask(text string) string {
	// Most texts hold no secret, and this is much quicker than a match that fails.
	if !strings.Contains(text, "_live_") && !strings.Contains(text, "_test_") && !strings.Contains(text, sharedPrefix) && !strings.Contains(text, "whsec_") {
		return text
	}
	text = shape.ReplaceAllStringFunc(text, func(s string) string {
		rest, _, _ := cutLast(s)
		return rest + "_••••"
	})
	text = sharedShape.ReplaceAllString(text, sharedPrefix+"••••")
	return signingShape.ReplaceAllString(text, "whsec_••••")
}
