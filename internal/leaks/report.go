package leaks

import (
	"context"
	"encoding/hex"
	"fmt"
	"strings"
	"unicode"

	"gorm.io/gorm"

	"latchkey/internal/access"
	"latchkey/internal/audit"
	"latchkey/internal/fault"
	"latchkey/internal/keys"
	"latchkey/internal/notices"
	"latchkey/internal/token"
)

// MaxTokens is how many tokens one call of Report takes.
const MaxTokens = 1000

// Reporter is who reports.
type Reporter struct {
	Name  string        // as notices show it: "GitHub secret scanning"
	Force bool          // end what is reported, whatever the key says: who has a value may end it
	From  access.Origin // for the audit log
}

// Token is a text that may be a value of a key.
type Token struct {
	Value  string
	Type   string // as the reporter calls it
	URL    string // where it was found
	Source string // what kind of place that is
}

// Verdict says whether a token is, or was, the value of a key of this instance.
type Verdict struct {
	Known bool
	Hash  [32]byte // SHA-256 of the token as it was reported
}

// What became of a leaked value: the outcome in a notice's data and in the audit log.
const (
	OutcomeEnded = "ended" // the report ended it
	OutcomeAlert = "alert" // it still works: the key says that people are told only
	OutcomeOver  = "over"  // it had ended before
)

// Report ends leaked values, or only tells of them, as each key says; a verdict a token, in order.
// A value is told of once, however often it is reported. Most tokens are nobody's: they cost a part
// of one look-up. Invalid, with the field tokens, when there are more than MaxTokens.
func (s *Service) Report(ctx context.Context, r Reporter, tokens []Token) ([]Verdict, error) {
	if len(tokens) > MaxTokens {
		return nil, fault.Fields{"tokens": fmt.Sprintf("Send at most %d tokens at a time.", MaxTokens)}.Err()
	}
	hashes := make([][32]byte, len(tokens))
	for i := range tokens {
		hashes[i] = token.Hash(strings.TrimSpace(tokens[i].Value))
	}
	known, err := s.keys.Known(ctx, hashes)
	if err != nil {
		return nil, err
	}
	verdicts, done := make([]Verdict, len(tokens)), map[[32]byte]bool{}
	for i, t := range tokens {
		verdicts[i] = Verdict{Known: known[hashes[i]], Hash: token.Hash(t.Value)}
		if !known[hashes[i]] || done[hashes[i]] {
			continue
		}
		done[hashes[i]] = true
		if err := s.end(ctx, r, t, hashes[i]); err != nil {
			return nil, err
		}
	}
	return verdicts, nil
}

// end does with one value what its key says, and tells of it, in one transaction.
func (s *Service) end(ctx context.Context, r Reporter, t Token, hash [32]byte) error {
	actor := access.System("") // EndReported puts it into the key's workspace
	actor.Origin = r.From
	_, err := s.keys.EndReported(ctx, actor, hash, r.Force, func(tx *gorm.DB, found keys.Reported) error {
		actor.WorkspaceID = found.Key.WorkspaceID
		return s.tell(ctx, tx, actor, r, t, hash, found)
	})
	return err
}

// tell raises the notice and writes the audit entry, unless both say already what there is to say.
func (s *Service) tell(ctx context.Context, tx *gorm.DB, actor access.Actor, r Reporter, t Token, hash [32]byte, found keys.Reported) error {
	now := s.now()
	value, outcome := keys.ValuePresent, OutcomeAlert
	switch {
	case found.WasPrevious:
		value = keys.ValuePrevious
	case found.WasRetired:
		value = keys.ValueRetired
	}
	switch {
	case found.Ended:
		outcome = OutcomeEnded
	case found.WasRetired || found.Key.State(now) != "active":
		outcome = OutcomeOver
	}
	told := map[string]any{
		"reporter": r.Name, "type": t.shown(t.Type), "source": t.shown(t.Source), "url": t.link(), "value": value, "outcome": outcome,
	}
	notice := notices.Notice{
		WorkspaceID: found.Key.WorkspaceID, Kind: notices.Leaked, Dedup: notices.Leaked + ":" + hex.EncodeToString(hash[:]),
		APIKeyID: found.Key.ID, Data: told,
	}
	created, err := notices.Raise(ctx, tx, now, notice)
	switch {
	case err != nil || !created && !found.Ended:
		return err
	case !created: // it was an alert before, and has been ended now
		if err := notices.Amend(ctx, tx, notice); err != nil {
			return err
		}
	}
	return audit.Record(ctx, tx, now, actor, audit.Change{
		Action: notices.Leaked,
		Target: audit.Target{Type: "api_key", ID: found.Key.ID, Label: found.Key.Name},
		After:  told,
	})
}

const maxShown = 500

// shown is a text of the reporter as people may see it: short, in one line, without the value.
func (t Token) shown(text string) string {
	if value := strings.TrimSpace(t.Value); value != "" {
		text = strings.ReplaceAll(text, value, "[key]")
	}
	text = token.Mask(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == unicode.ReplacementChar {
			return -1
		}
		return r
	}, text))
	if runes := []rune(text); len(runes) > maxShown {
		return string(runes[:maxShown]) + "…"
	}
	return text
}

// link is where the token was found, empty unless it is a page of the web: people follow it.
func (t Token) link() string {
	if !strings.HasPrefix(t.URL, "https://") && !strings.HasPrefix(t.URL, "http://") {
		return ""
	}
	return t.shown(t.URL)
}
