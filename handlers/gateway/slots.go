package gateway

import (
	"net/http"
	"regexp"
	"strings"

	"latchkey/internal/ingest"
)

const maxSource = 64

// isSource tells a source's label: lower-case letters, digits, - and _, beginning with one of the
// first two.
func isSource(text string) bool {
	for i := range len(text) {
		switch c := text[i]; {
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9', i > 0 && (c == '_' || c == '-'):
		default:
			return false
		}
	}
	return text != "" && len(text) <= maxSource
}

// keyOutline tells a key from a source: a source has no upper-case letters, and a key has its
// environment between underscores and a long random tail.
var keyOutline = regexp.MustCompile(`^[a-z][a-z0-9]{0,9}_(live|test)_[0-9A-Za-z]{4}_[0-9A-Za-z]+$`)

const batchWord = "batch"

// address is what the path says.
type address struct {
	kind   ingest.Kind
	key    string // empty: to be taken from the headers
	source string
	route  string // template for the log
}

// slots reads the parameters of a path. The routes without {key} have one part less, so that a
// single part is the word batch, a key, or the source of a header key.
func slots(r route, first, second string) address {
	a := address{kind: r.kind, route: "/api/signal-staging/webhook"}
	switch {
	case r.kind == ingest.Bulk:
		a.key, a.route = first, "/api/signal-staging/bulk/{key}"
	case r.kind == ingest.ProductOrgsBatch:
		a.key, a.route = first, "/api/product-orgs/webhook/{key}/batch"
	case r.kind == ingest.ProductOrgs && first == batchWord:
		a.kind, a.route = ingest.ProductOrgsBatch, "/api/product-orgs/webhook/batch"
	case r.kind == ingest.ProductOrgs:
		a.key, a.route = first, "/api/product-orgs/webhook/{key}"
	case r.kind == ingest.Batch: // webhook/{source}/{key}/batch
		a.source, a.key, a.route = first, second, "/api/signal-staging/webhook/{source}/{key}/batch"
	case second == batchWord:
		a.kind, a.route = ingest.Batch, "/api/signal-staging/webhook/{key}/batch"
		if !isSource(first) || keyOutline.MatchString(first) {
			a.key = first
		} else {
			a.source, a.route = first, "/api/signal-staging/webhook/{source}/batch"
		}
	case second != "":
		a.source, a.key, a.route = first, second, "/api/signal-staging/webhook/{source}/{key}"
	case first == batchWord:
		a.kind, a.route = ingest.Batch, "/api/signal-staging/webhook/batch"
	case isSource(first) && !keyOutline.MatchString(first):
		a.source, a.route = first, "/api/signal-staging/webhook/{source}"
	case first != "":
		a.key, a.route = first, "/api/signal-staging/webhook/{key}"
	}
	return a
}

// presented finds the one key of a request: in the path, or in Authorization: Bearer (RFC 6750)
// or X-Api-Key. Two different keys are refused.
func (a *address) presented(h http.Header) *ingest.Refusal {
	given := []string{a.key}
	for _, value := range h.Values("Authorization") {
		if scheme, token, ok := strings.Cut(value, " "); ok && strings.EqualFold(scheme, "Bearer") {
			given = append(given, strings.TrimSpace(token))
		}
	}
	for _, value := range h.Values("X-Api-Key") {
		given = append(given, strings.TrimSpace(value))
	}
	key := ""
	for _, k := range given {
		if k != "" && key != "" && k != key {
			return &ingest.Refusal{Status: http.StatusBadRequest, Code: "ambiguous_key",
				Message: "The request carries two different keys. Send the key either in the URL or in one header."}
		}
		if k != "" {
			key = k
		}
	}
	if a.source != "" && (key == "" && !strings.Contains(a.route, "{key}") || key == a.source) {
		// A lone part that is not followed by a key is one: of a format of its own, or mistyped; so is
		// what the header repeats. As a source it would be stored and shown.
		key, a.source = a.source, ""
		if !strings.Contains(a.route, "{key}") {
			a.route = strings.Replace(a.route, "{source}", "{key}", 1)
		}
	}
	a.key = key
	return nil
}

func (a *address) checkSource() *ingest.Refusal {
	if a.source == "" || (isSource(a.source) && a.source != batchWord) {
		return nil
	}
	return &ingest.Refusal{Status: http.StatusBadRequest, Code: "invalid_source",
		Message: "The source in the URL is not valid: use lower-case letters, digits, - and _, at most 64, beginning with a letter or digit."}
}
