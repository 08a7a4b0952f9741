package hygiene

import (
	"fmt"
	"strings"
	"time"

	"latchkey/internal/access"
	"latchkey/internal/keys"
)

// finding puts a match into words.
func (l *look) finding(m match, item keys.Item) Finding {
	f := Finding{Kind: m.kind, Key: item, Scopes: scopesOf(m.Unused)}
	f.Since, f.Text = l.words(f)
	f.Fixes = l.options(f)
	return f
}

// words say since when a finding is so, and what it is.
func (l *look) words(f Finding) (since time.Time, text string) {
	key := f.Key
	ago := func(at time.Time) string { return lasting(l.now.Sub(at)) + " ago" }
	switch f.Kind {
	case OldValue:
		since = key.LastUsed.PreviousUsedAt.Time
		return since, "The value before the rotation was used " + ago(since) + " and ends in " + lasting(key.PreviousEndsAt.Sub(l.now)) + "."
	case Browser:
		since = key.LastUsed.BrowserSeenAt.Time
		return since, "A browser sent it " + ago(since) + ": whoever opened that page has it."
	case MakerLeft:
		return time.Time{}, "Made " + ago(key.CreatedAt.Time) + " by someone who is no longer a member: nobody here answers for it."
	case PolicyAge:
		return l.tooOld(key)
	case PolicyExpiry:
		return key.CreatedAt.Time, "It never ends. The key policy asks for an expiry."
	case PolicySecret:
		return key.CreatedAt.Time, "It works without a shared secret. The key policy asks for one."
	case NeverUsed:
		return key.CreatedAt.Time, "Made " + ago(key.CreatedAt.Time) + ", and nothing has used it."
	case Idle30, Idle90:
		since = key.LastUsed.LastUsedAt.Time
		return since, "Last used " + ago(since) + "."
	case ScopesUnused:
		return key.CreatedAt.Time, "In " + lasting(l.now.Sub(key.CreatedAt.Time)) + " it never used " + strings.Join(f.Scopes.Strings(), ", ") + "."
	}
	return key.CreatedAt.Time, "It works until someone ends it."
}

func (l *look) tooOld(key keys.Item) (since time.Time, text string) {
	since = valueSince(key)
	allowed := lasting(l.policy.maxAge)
	if age := l.now.Sub(since); age > l.policy.maxAge {
		return since, "Its value is " + lasting(age) + " old. The key policy allows " + allowed + "."
	}
	ends := "never ends"
	if !key.ExpiresAt.IsZero() {
		ends = "ends on " + date(key.ExpiresAt.Time)
	}
	return since, "It " + ends + ". The key policy lets a value live for " + allowed + ", which is until " + date(since.Add(l.policy.maxAge)) + "."
}

func valueSince(key keys.Item) time.Time {
	if key.ValueSince.IsZero() {
		return key.CreatedAt.Time
	}
	return key.ValueSince.Time
}

// options are what one click can do about a finding.
func (l *look) options(f Finding) []Option {
	deactivate := Option{f.Kind, "Deactivate", "Ends the key now and for good. Whatever still uses it is refused.", true}
	switch f.Kind {
	case OldValue:
		options := []Option{{OldValueEnd, "End the old value", "Ends the value before the rotation now. Whatever still uses it is refused.", true}}
		if end := l.extended(f.Key); end.After(f.Key.PreviousEndsAt.Time) {
			extend := Option{OldValue, "Give it 24 hours more", "Lets the value before the rotation work until " + moment(end) + ".", false}
			options = append([]Option{extend}, options...)
		}
		return options
	case MakerLeft:
		return []Option{{MakerLeftTake, "Take it over", "Makes you the one who answers for the key. It works on as it is.", false}, deactivate}
	case ScopesUnused:
		keeps := "none, so that it can only tell who it is"
		if kept := l.kept(f.Key, f.Scopes); len(kept) > 0 {
			keeps = strings.Join(kept.Strings(), ", ")
		}
		left := "Takes the scopes away that it never used. It keeps " + keeps + "."
		return []Option{{ScopesUnused, "Remove what it never used", left, false}}
	case NeverUsed, Idle90, Browser:
		return []Option{deactivate}
	}
	end := l.newEnd(f.Kind, f.Key)
	option := Option{f.Kind, "Let it end on " + date(end), "Sets its expiry to " + moment(end) + ". You can move it until then.", false}
	if f.Kind == PolicySecret {
		option.Text = "A secret on this key would refuse its sender at once. This leaves time until " + moment(end) + " to move the sender to a new key with a secret."
	}
	return []Option{option}
}

// kept are the fine scopes that a key has used, of those it has.
func (l *look) kept(key keys.Item, unused access.Scopes) access.Scopes {
	return scopesOf(bits(access.ParseScopes(key.Scopes)) &^ bits(unused))
}

// newEnd is the expiry that a fix sets. It is never later than the one that the key has.
func (l *look) newEnd(kind string, key keys.Item) time.Time {
	allowed := l.policy.end(valueSince(key), l.now)
	end := l.now.Add(90 * day)
	switch kind {
	case PolicyAge:
		return allowed
	case Idle30, PolicySecret:
		end = l.now.Add(month)
	}
	if !allowed.IsZero() && allowed.Before(end) {
		return allowed
	}
	return end
}

// extended is until when the value before a rotation can be let work: not longer than its key.
func (l *look) extended(key keys.Item) time.Time {
	end := key.PreviousEndsAt.Add(day)
	if !key.ExpiresAt.IsZero() && key.ExpiresAt.Before(end) {
		return key.ExpiresAt.Time
	}
	return end
}

func date(t time.Time) string   { return t.UTC().Format("2 January 2006") }
func moment(t time.Time) string { return t.UTC().Format("2 January 2006 15:04 UTC") }

// lasting says about how long something is: "3 days".
func lasting(d time.Duration) string {
	switch {
	case d >= 2*day:
		return fmt.Sprintf("%d days", d/day)
	case d >= 2*time.Hour:
		return fmt.Sprintf("%d hours", d/time.Hour)
	case d >= 2*time.Minute:
		return fmt.Sprintf("%d minutes", d/time.Minute)
	}
	return "a minute"
}
