package ingest

import (
	"strings"

	"latchkey/internal/token"
	"latchkey/internal/usage"
)

// seen is what is kept of a key's use: from where, and by what.
func (r *Request) seen() usage.Seen {
	h := r.Header
	// A page of this very origin can only be the console, which sends a test event for its reader.
	console := h.Get("Sec-Fetch-Site") == "same-origin"
	return usage.Seen{
		IP: r.IP, UserAgent: r.userAgent(),
		// Not by Sec-Fetch-Mode: Node's own fetch sends it.
		Browser: !console && (h.Get("Origin") != "" || h.Get("Sec-Fetch-Site") != ""),
	}
}

// userAgent is what the sender calls itself, without a secret that strayed into it.
func (r *Request) userAgent() string {
	if r.agent == "" {
		r.agent = token.Mask(cleanText(r.Header.Get("User-Agent")))
	}
	return r.agent
}

// isPlain tells a text of visible ASCII characters and blanks, which nothing has to be done to.
func isPlain(text string) bool {
	for i := range len(text) {
		if text[i] < ' ' || text[i] > '~' {
			return false
		}
	}
	return true
}

// cleanText makes a header's text fit for a column and a log line.
func cleanText(text string) string {
	if isPlain(text) && len(text) <= maxText {
		return text
	}
	it := &item{}
	text = strings.Map(func(c rune) rune {
		if c < ' ' || c == 0x7f {
			return ' '
		}
		return c
	}, text)
	return it.keep(text, maxText)
}
