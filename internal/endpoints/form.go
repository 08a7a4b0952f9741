package endpoints

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"gorm.io/gorm"

	"latchkey/internal/database"
	"latchkey/internal/egress"
	"latchkey/internal/fault"
	"latchkey/internal/outbox"
	"latchkey/models"
)

// Form is what a person or program chooses of a new endpoint.
type Form struct {
	URL         string
	Description string
	Environment string   // models.Live or Test; stays as it is
	EventTypes  []string // types, prefix.* or *; at least one
	Source      string   // only messages about this source; empty: any
	APIKeyID    string   // only messages about this key; empty: any
	Ordered     bool     // one after the other, in the order of message ids
	Concurrency int      // requests at a time, 1 to MaxConcurrency; 0: DefaultConcurrency
	RateLimit   int      // requests a second, up to MaxRate; 0: no limit
	Headers     []egress.Header
	Secret      string // a signing secret of the person's own, whsec_...; empty: a new one
	Nonce       string // same nonce within 24 hours, same endpoint: a double click makes one
}

// What an endpoint may be set to.
const (
	DefaultConcurrency = 10
	MaxConcurrency     = 100
	MaxRate            = 10_000
	MaxDescription     = 200
)

func checkDescription(fields fault.Fields, text string) {
	switch {
	case utf8.RuneCountInString(text) > MaxDescription:
		fields.Add("description", fmt.Sprintf("Use at most %d characters.", MaxDescription))
	case !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl):
		fields.Add("description", "Use one line of text, without control characters.")
	}
}

func checkEnvironment(fields fault.Fields, environment string) {
	if environment != models.Live && environment != models.Test {
		fields.Add("environment", "Choose live or test.")
	}
}

// checkTypes returns the patterns in the form in which they are stored.
func checkTypes(fields fault.Fields, types []string) outbox.Patterns {
	patterns := outbox.ParsePatterns(strings.Join(types, " "))
	if len(patterns) == 0 {
		fields.Add("event_types", "Choose at least one event type.")
	}
	if unknown := patterns.Unknown(); len(unknown) > 0 {
		fields.Add("event_types", "There is no event type "+shorten(strings.Join(unknown, ", "))+
			". Use the name of a type, the beginning of some with .*, like api_key.*, or * for all.")
	}
	return patterns.Normal()
}

// shorten keeps what somebody typed from filling the page.
func shorten(text string) string {
	text = strings.ToValidUTF8(text, "?")
	if runes := []rune(text); len(runes) > 100 {
		return string(runes[:100]) + "…"
	}
	return text
}

// sourcePattern is what the gateway takes as a source in a URL.
var sourcePattern = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,63}$`)

func checkSource(fields fault.Fields, source string) {
	if source != "" && !sourcePattern.MatchString(source) {
		fields.Add("source", "Use the source as it stands in the URL that signals are sent to: lower-case letters, digits, - and _, at most 64, beginning with a letter or digit.")
	}
}

func checkLimits(fields fault.Fields, concurrency, rate int) {
	if concurrency < 1 || concurrency > MaxConcurrency {
		fields.Add("concurrency", fmt.Sprintf("Use 1 to %d requests at a time.", MaxConcurrency))
	}
	if rate < 0 || rate > MaxRate {
		fields.Add("rate_limit", fmt.Sprintf("Use 1 to %d requests a second, or 0 for no limit.", MaxRate))
	}
}

// checkKey says whether messages can be about that key: one of the workspace and the environment.
func checkKey(ctx context.Context, db *gorm.DB, fields fault.Fields, workspaceID, environment, keyID string) error {
	if keyID == "" {
		return nil
	}
	n := int64(0)
	if database.ValidID(keyID) {
		var err error
		n, err = gorm.G[models.APIKey](db).
			Where("id = ? AND workspace_id = ? AND environment = ?", keyID, workspaceID, environment).Count(ctx, "id")
		if err != nil {
			return fmt.Errorf("select key: %w", err)
		}
	}
	if n == 0 {
		fields.Add("api_key_id", "Choose a key of this workspace and of the endpoint's environment.")
	}
	return nil
}

// checkURL asks egress, which resolves names: never within a transaction.
func (s *Service) checkURL(ctx context.Context, fields fault.Fields, raw, environment string) (egress.Checked, error) {
	checked, err := s.client.CheckURL(ctx, strings.TrimSpace(raw), environment == models.Live)
	return checked, collect(fields, "url", err)
}

// collect moves what a check says into fields; any other error is returned.
func collect(fields fault.Fields, field string, err error) error {
	if !fault.Is(err, fault.Invalid) {
		return err
	}
	said := fault.FieldsOf(err)
	for name, sentence := range said {
		fields.Add(name, sentence)
	}
	if len(said) == 0 {
		fields.Add(field, err.Error())
	}
	return nil
}
