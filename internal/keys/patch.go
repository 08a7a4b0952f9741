package keys

import (
	"context"
	"strings"
	"time"

	"gorm.io/gorm"

	"latchkey/internal/access"
	"latchkey/internal/audit"
	"latchkey/internal/fault"
	"latchkey/internal/templates"
	"latchkey/models"
)

// Patch says what of a key changes; nil stays as it is.
type Patch struct {
	Name          *string
	ExpiresAt     *time.Time // to zero: never
	Scopes        *access.Scopes
	RateLimit     *int
	OnLeak        *string
	AllowList     *[]string // addresses and networks; empty: none
	AllowListMode *string
	OnError       *string
	TemplateID    *string // a named template
}

// ErrMoved says that the key changed since the caller read it.
var ErrMoved = fault.New(fault.Conflict, "This key was changed by someone else a moment ago. Load it again, then decide.")

// Change changes several things of a key at once, or none when one of them may not be. base is the
// settings version that the caller read, negative for any. What the key has already is no change.
// Faults: NotFound; Forbidden; ErrMoved; Conflict when the key has ended; Invalid with the fields
// of Create.
func (s *Service) Change(ctx context.Context, actor access.Actor, id string, p Patch, base int) (Item, error) {
	now := s.now().UTC()
	p, err := p.tidy(now)
	if err != nil {
		return Item{}, err
	}
	err = s.change(ctx, actor, id, func(tx *gorm.DB, key models.APIKey) error {
		if base >= 0 && base != key.SettingsVersion {
			return ErrMoved
		}
		e, err := p.edits(ctx, tx, actor, key, now)
		if err != nil || e.none() {
			return err
		}
		if err := update(ctx, tx, now, key, strings.Join(e.sets, ", "), e.args...); err != nil {
			return err
		}
		if e.retire {
			if err := moveRetired(ctx, tx, key, *p.ExpiresAt); err != nil {
				return err
			}
		}
		return audit.Record(ctx, tx, now, actor, audit.Change{
			Action: e.action(), Target: audit.Target{Type: "api_key", ID: key.ID, Label: e.label(key)}, Before: e.before, After: e.after,
		})
	})
	if err != nil {
		return Item{}, err
	}
	return s.item(ctx, actor, id)
}

// tidy brings values into the form in which they are stored, and says what no key may have.
func (p Patch) tidy(now time.Time) (Patch, error) {
	fields := fault.Fields{}
	if p.Name != nil {
		name := strings.TrimSpace(*p.Name)
		p.Name = &name
		checkName(fields, name)
	}
	if p.ExpiresAt != nil {
		checkExpiry(fields, *p.ExpiresAt, now)
	}
	if p.Scopes != nil {
		scopes := p.Scopes.Normal()
		p.Scopes = &scopes
		checkScopes(fields, scopes)
	}
	if p.RateLimit != nil {
		checkRateLimit(fields, *p.RateLimit)
	}
	if p.OnLeak != nil {
		checkOnLeak(fields, *p.OnLeak)
	}
	if p.AllowList != nil {
		list := strings.Fields(checkAddresses(fields, *p.AllowList))
		p.AllowList = &list
	}
	if p.OnError != nil {
		checkOnError(fields, *p.OnError)
	}
	return p, fields.Err()
}

// edits compares the patch with the key. It says what this key may not become, and what the actor
// may not make of it.
func (p Patch) edits(ctx context.Context, tx *gorm.DB, actor access.Actor, key models.APIKey, now time.Time) (*edits, error) {
	e, fields := &edits{before: audit.Values{}, after: audit.Values{}}, fault.Fields{}
	if p.Name != nil {
		edit(e, "renamed", "name", "name", key.Name, *p.Name)
	}
	p.editScopes(e, fields, key)
	p.editProtection(e, fields, key, now)
	if err := p.editExpiry(ctx, tx, e, fields, actor, key, now); err != nil {
		return e, err
	}
	if err := p.editTemplate(ctx, tx, e, fields, actor, key); err != nil {
		return e, err
	}
	if err := fields.Err(); err != nil {
		return e, err
	}
	return e, e.allowed(actor, key, p)
}

func (p Patch) editScopes(e *edits, fields fault.Fields, key models.APIKey) {
	if p.Scopes == nil {
		return
	}
	if key.EndpointType != models.APIAccess {
		if len(*p.Scopes) > 0 {
			fields.Add("scopes", onlyAPI)
		}
		return
	}
	edit(e, "scopes_changed", "scopes", "scopes", key.Scopes, p.Scopes.String())
}

// editProtection is the limit, what a leak does, and the address list.
func (p Patch) editProtection(e *edits, fields fault.Fields, key models.APIKey, now time.Time) {
	if p.RateLimit != nil {
		if *p.RateLimit != 0 && key.EndpointType == models.APIAccess {
			fields.Add("rate_limit", onlyWebhooks)
		}
		edit(e, "changed", "rate_limit", "rate_limit", key.RateLimit, *p.RateLimit)
	}
	if p.OnLeak != nil {
		e.guarded = edit(e, "changed", "on_leak", "on_leak", key.OnLeak, *p.OnLeak) || e.guarded
	}
	list, mode := key.AllowList, key.AllowListMode
	if p.AllowList != nil {
		list = strings.Join(*p.AllowList, " ")
	}
	if p.AllowListMode != nil {
		mode = *p.AllowListMode
	}
	checkMode(fields, mode, list)
	moved := edit(e, "changed", "allow_list", "allow_list", key.AllowList, list)
	if edit(e, "changed", "allow_list_mode", "allow_list_mode", key.AllowListMode, mode) || moved {
		since := models.Time{}
		if mode != models.AllowListOff {
			since = models.At(now) // what was seen before belongs to another list
		}
		e.set("allow_list_since", since)
		e.guarded = true
	}
}

func (p Patch) editExpiry(ctx context.Context, tx *gorm.DB, e *edits, fields fault.Fields, actor access.Actor, key models.APIKey, now time.Time) error {
	if p.ExpiresAt == nil {
		return nil
	}
	if state := key.State(now); state != "active" {
		return fault.New(fault.Conflict, "This key is "+state+"; its expiry can no longer be changed. Create a new key instead.")
	}
	at := models.At(*p.ExpiresAt)
	if at.Equal(key.ExpiresAt.Time) {
		return nil
	}
	if later(at.Time, key.ExpiresAt.Time) {
		e.longer = true
		w, err := workspace(ctx, tx, key.WorkspaceID)
		if err != nil {
			return err
		}
		checkLife(fields, actor, w, at.Time, key.ValueSince.Time)
	}
	e.did("expiry_changed", "expires_at", expiryText(key.ExpiresAt), expiryText(at))
	e.set("expires_at", at)
	if key.RotatingAt(now) && later(key.PreviousEndsAt.Time, at.Time) {
		e.set("previous_ends_at", at) // a value does not outlive its key
		e.retire = true
	}
	return nil
}

func (p Patch) editTemplate(ctx context.Context, tx *gorm.DB, e *edits, fields fault.Fields, actor access.Actor, key models.APIKey) error {
	if key.EndpointType != models.ProductOrgs {
		if p.OnError != nil {
			fields.Add("on_error", "Only a Product org key has payloads that a template cannot map.")
		}
		if p.TemplateID != nil {
			fields.Add("template", "Only a Product org key has a payload template.")
		}
		return nil
	}
	if p.OnError != nil {
		edit(e, "on_error_changed", "on_error", "on_error", key.OnError, *p.OnError)
	}
	if p.TemplateID == nil || key.TemplateID != nil && *key.TemplateID == *p.TemplateID {
		return nil
	}
	before, err := templates.Of(ctx, tx, actor, key)
	if err != nil {
		return err
	}
	after, err := chosen(ctx, tx, actor, *p.TemplateID)
	if err != nil {
		return err
	}
	e.did("template_changed", "template", describe(before), describe(after))
	e.set("template_id", after.ID)
	return nil
}
