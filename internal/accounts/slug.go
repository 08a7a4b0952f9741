package accounts

import (
	"fmt"
	"io"
	"strings"
)

const maxSlug = 40

// slugOf turns a name into the part of the URL: lower-case ASCII letters, digits and single
// hyphens, at most 40 characters, never empty.
func slugOf(name string) string {
	var b strings.Builder
	hyphen := false
	for _, r := range strings.ToLower(name) {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			if hyphen && b.Len() > 0 {
				b.WriteByte('-')
			}
			hyphen = false
			b.WriteRune(r)
		default:
			hyphen = true
		}
		if b.Len() >= maxSlug {
			break
		}
	}
	if b.Len() == 0 {
		return "workspace"
	}
	return strings.Trim(b.String()[:min(b.Len(), maxSlug)], "-")
}

// slug is the name's own slug at the first try, and one with a random end afterwards.
func (s *Service) slug(name string, try int) (string, error) {
	base := slugOf(name)
	if try == 0 {
		return base, nil
	}
	b := make([]byte, 3)
	if _, err := io.ReadFull(s.cfg.Random, b); err != nil {
		return "", fmt.Errorf("draw the end of a slug: %w", err)
	}
	return fmt.Sprintf("%s-%x", base, b), nil
}
