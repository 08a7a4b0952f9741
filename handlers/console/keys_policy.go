package console

import (
	"strconv"
	"time"

	"latchkey/internal/accounts"
	"latchkey/views/ui"
)

// keyPolicy is what a workspace asks of new keys.
type keyPolicy struct {
	Plan    string
	MaxDays int // 0: any age
	Expiry  bool
	Secret  bool
}

func (s *server) keyPolicy(c Ctx) (keyPolicy, error) {
	w, err := s.Accounts.Workspace(c.Request().Context(), visit(c).Actor)
	p := keyPolicy{Plan: w.Plan}
	if accounts.HasPolicy(w.Plan) {
		p.MaxDays, p.Expiry, p.Secret = w.PolicyMaxAgeDays, w.PolicyRequireExpiry, w.PolicyRequireSecret
	}
	return p, err
}

// expirations are the choices that the policy leaves to a value that was made at since.
func (p keyPolicy) expirations(since, now time.Time) []ui.Option {
	if p.MaxDays == 0 && !p.Expiry {
		return expiryChoices
	}
	left := int(p.limit(since).Sub(now) / (24 * time.Hour))
	var out []ui.Option
	fits := false // a choice lasts exactly as long as is left
	for _, o := range expiryChoices {
		days := expiryDays[o.Value]
		if o.Value == expiryNever || p.MaxDays > 0 && days > left {
			continue
		}
		fits = fits || days == left
		if o.Value == expiryAt && p.MaxDays > 0 && !fits && left > 0 {
			out = append(out, ui.Option{Value: strconv.Itoa(left) + "d", Label: counted(left, "day")})
		}
		out = append(out, o)
	}
	return out
}

// forNew are the choices of a value that is made at now.
func (p keyPolicy) forNew(now time.Time) []ui.Option { return p.expirations(now, now) }

// limit is how long a value that was made at since may live.
func (p keyPolicy) limit(since time.Time) time.Time { return since.UTC().AddDate(0, 0, p.MaxDays) }

// preferred is the expiration that a form begins with.
func (p keyPolicy) preferred() string {
	if p.MaxDays > 0 && p.MaxDays < expiryDays[expiry90Days] {
		return strconv.Itoa(p.MaxDays) + "d"
	}
	return expiry90Days
}

// expiryHint says what the policy asks of an expiration; empty when nothing.
func (p keyPolicy) expiryHint() string {
	switch {
	case p.MaxDays > 0:
		return "The key policy of this workspace lets a key live for " + counted(p.MaxDays, "day") + " at most."
	case p.Expiry:
		return "The key policy of this workspace asks for an expiry."
	default:
		return ""
	}
}
