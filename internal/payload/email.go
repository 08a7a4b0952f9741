package payload

import (
	"strings"
	"unicode"
)

// maxEmail is in bytes: RFC 3696 erratum 1690 and then some.
const maxEmail = 320

// Address trims and lower-cases an email address; false when it has not the shape of one. The
// rule is wide on purpose: one @ with something before it and a dotted name or localhost after.
func Address(text string) (string, bool) {
	text = strings.ToLower(strings.TrimSpace(text))
	local, domain, ok := strings.Cut(text, "@")
	if !ok || local == "" || domain == "" || len(text) > maxEmail || strings.Contains(domain, "@") {
		return "", false
	}
	if strings.Contains(domain, "..") || strings.ContainsFunc(text, func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r) || r == 0xFFFD || strings.ContainsRune(`<>(),;:"\`, r)
	}) {
		return "", false
	}
	if domain != "localhost" && (!strings.Contains(domain, ".") || strings.HasPrefix(domain, ".") || strings.HasSuffix(domain, ".")) {
		return "", false
	}
	return text, true
}
