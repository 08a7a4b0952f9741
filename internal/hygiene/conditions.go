package hygiene

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"gorm.io/gorm"

	"latchkey/internal/access"
	"latchkey/internal/database"
	"latchkey/internal/fault"
	"latchkey/models"
)

// look is one look at a workspace's keys: the conditions of the kinds that apply to it, and the
// values in them.
type look struct {
	db         *gorm.DB
	now        time.Time
	policy     policy
	conditions map[string]string
	args       map[string]any
	where      string
	granted    string // SQL: the fine scopes of key k, a bit each
}

// policy is what the workspace asks of its keys.
type policy struct {
	maxAge         time.Duration // 0: any age
	expiry, secret bool
}

// from joins each key with what is known of its use, and with its maker's membership.
const from = `
	FROM api_keys k
	LEFT JOIN key_last_used u ON u.api_key_id = k.id
	LEFT JOIN memberships m ON m.workspace_id = k.workspace_id AND m.account_id = k.created_by`

// where are the keys that still work.
const where = `
	WHERE k.workspace_id = @workspace AND k.status = 'active' AND (k.expires_at IS NULL OR k.expires_at > @now)`

// longer tells that a key lasts for more than 30 days.
const longer = "(k.expires_at IS NULL OR k.expires_at > @in30)"

// conditions are the kinds that every workspace has; see Kinds for what they mean.
var conditions = map[string]string{
	OldValue:  "k.previous_ends_at > @now AND k.previous_ends_at <= @in1 AND u.previous_used_at >= @hour AND u.previous_used_at >= k.value_since",
	Browser:   "u.browser_seen_at >= COALESCE(k.value_since, k.created_at)",
	MakerLeft: "k.created_by IS NOT NULL AND m.account_id IS NULL",
	NeverUsed: "u.last_used_at IS NULL AND k.created_at <= @ago7",
	Idle90:    "u.last_used_at <= @ago90",
	Idle30:    "u.last_used_at <= @ago30 AND u.last_used_at > @ago90 AND " + longer,
}

func newLook(ctx context.Context, db *gorm.DB, actor access.Actor, now time.Time) (*look, error) {
	db = db.WithContext(ctx)
	l := &look{db: db, now: now, where: where, conditions: map[string]string{}}
	var w models.Workspace
	err := db.Where("id = ?", actor.WorkspaceID).Take(&w).Error
	if database.IsNotFound(err) {
		return nil, fault.New(fault.NotFound, "This workspace does not exist.")
	}
	if err != nil {
		return nil, fmt.Errorf("select policy: %w", err)
	}
	if w.Plan == models.PlanEnterprise {
		l.policy = policy{time.Duration(w.PolicyMaxAgeDays) * day, w.PolicyRequireExpiry, w.PolicyRequireSecret}
	}
	at := func(d time.Duration) models.Time { return models.At(now.Add(d)) }
	l.args = map[string]any{
		"workspace": actor.WorkspaceID, "now": at(0), "hour": at(-time.Hour), "in1": at(day), "in30": at(month),
		"ago7": at(-week), "ago30": at(-month), "ago90": at(-90 * day),
		"age": l.policy.maxAge.Microseconds(), "soon": at(l.policy.notice()),
	}
	if !actor.Can(access.ManageAPIKeys) {
		l.where += " AND k.endpoint_type <> 'api_access'"
	}
	for kind, condition := range conditions {
		l.conditions[kind] = condition
	}
	l.addExpiry()
	return l, l.addScopes(actor)
}

// addExpiry adds what is asked of expiries: by the policy, else only that there be one.
func (l *look) addExpiry() {
	p := l.policy
	if p.secret {
		l.conditions[PolicySecret] = "k.secret_hash IS NULL AND k.endpoint_type <> 'api_access' AND " + longer
	}
	if p.expiry {
		l.conditions[PolicyExpiry] = "k.expires_at IS NULL"
	}
	if p.maxAge > 0 {
		over := "k.expires_at > COALESCE(k.value_since, k.created_at) + @age AND k.expires_at > @soon"
		if !p.expiry {
			over = "(k.expires_at IS NULL OR " + over + ")"
		}
		l.conditions[PolicyAge] = over
	}
	if !p.expiry && p.maxAge == 0 {
		l.conditions[NoExpiry] = "k.expires_at IS NULL"
	}
}

// notice is how long a value that is too old already may stay for its senders to be moved.
func (p policy) notice() time.Duration { return min(week, p.maxAge) }

// end is the last expiry that the policy allows for a value of this age, zero for any.
func (p policy) end(since, now time.Time) time.Time {
	if p.maxAge == 0 {
		return time.Time{}
	}
	end, soon := since.Add(p.maxAge), now.Add(p.notice())
	if end.Before(soon) {
		return soon
	}
	return end
}

// mask is the SQL sum of the fine scopes in rows s of key_scope_uses, as bits.
var mask = func() string {
	var b strings.Builder
	b.WriteString("SUM(CASE s.scope")
	for i, info := range access.FineScopes {
		fmt.Fprintf(&b, " WHEN '%s' THEN %d", info.Scope, 1<<i)
	}
	b.WriteString(" ELSE 0 END)")
	return b.String()
}()

// What key k made use of, as bits: looked up for one key, which suits a few; or from joined, for
// all keys at once.
var (
	usedOne    = "(SELECT COALESCE(" + mask + ", 0) FROM key_scope_uses s WHERE s.api_key_id = k.id)"
	usedJoined = "COALESCE(x.used, 0)"
	joined     = `
	LEFT JOIN (
		SELECT s.api_key_id, ` + mask + ` AS used
		FROM key_scope_uses s
		JOIN api_keys a ON a.id = s.api_key_id
		WHERE a.workspace_id = @workspace
		GROUP BY s.api_key_id) x ON x.api_key_id = k.id`
)

// addScopes compares what keys may with what they did, a bit a fine scope. What a list of scopes
// grants is worked out here, once for each list that occurs.
func (l *look) addScopes(actor access.Actor) error {
	l.granted = "0"
	if !actor.Can(access.ManageAPIKeys) {
		return nil
	}
	var lists []string
	err := l.db.Raw("SELECT DISTINCT scopes FROM api_keys WHERE workspace_id = ? AND endpoint_type = 'api_access' AND status = 'active' AND scopes <> ''",
		actor.WorkspaceID).Scan(&lists).Error
	if err != nil {
		return fmt.Errorf("select scopes: %w", err)
	}
	if len(lists) == 0 {
		return nil
	}
	var b strings.Builder
	b.WriteString("(CASE k.scopes")
	for i, list := range lists {
		name := "scopes" + strconv.Itoa(i)
		l.args[name] = list
		fmt.Fprintf(&b, " WHEN @%s THEN %d", name, bits(access.ParseScopes(list)))
	}
	b.WriteString(" ELSE 0 END)")
	l.granted = b.String()
	l.conditions[ScopesUnused] = "k.endpoint_type = 'api_access' AND k.created_at <= @ago30 AND u.last_used_at IS NOT NULL AND " + l.unused(usedOne) + " <> 0"
	return nil
}

// unused are the scopes that key k has and never used, as bits.
func (l *look) unused(used string) string { return "(" + l.granted + " & ~" + used + ")" }

func bits(scopes access.Scopes) (mask int64) {
	for i, info := range access.FineScopes {
		if scopes.Has(info.Scope) {
			mask |= 1 << i
		}
	}
	return mask
}

// scopesOf is the reverse of bits.
func scopesOf(mask int64) (scopes access.Scopes) {
	for i, info := range access.FineScopes {
		if mask&(1<<i) != 0 {
			scopes = append(scopes, info.Scope)
		}
	}
	return scopes
}
