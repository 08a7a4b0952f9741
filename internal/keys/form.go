package keys

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"latchkey/internal/access"
	"latchkey/internal/fault"
	"latchkey/models"
)

// types are what a key can be for.
var types = []string{models.SignalStaging, models.ProductOrgs, models.APIAccess}

const (
	maxName   = 100
	maxExpiry = 10 * 365 * 24 * time.Hour

	// MaxRateLimit bounds a webhook key's requests a minute.
	MaxRateLimit = 1_000_000
)

// tidy fills in what was left out, so that the rest sees what will be stored. What is wrong with
// the address list is added to fields.
func (f CreateForm) tidy(fields fault.Fields) CreateForm {
	f.Name = strings.TrimSpace(f.Name)
	f.Scopes = f.Scopes.Normal()
	f.AllowList = checkAddresses(fields, splitAddresses(f.AllowList))
	if f.OnLeak == "" {
		f.OnLeak = models.OnLeakDeactivate
	}
	if f.AllowListMode == "" {
		f.AllowListMode = models.AllowListOff
	}
	return f
}

// check adds what is wrong with a tidy form under the workspace's rules, and returns all of it.
func (f CreateForm) check(fields fault.Fields, actor access.Actor, w models.Workspace, now time.Time) error {
	checkName(fields, f.Name)
	if f.Environment != models.Live && f.Environment != models.Test {
		fields.Add("environment", "Choose Live or Test.")
	}
	if !slices.Contains(types, f.EndpointType) {
		fields.Add("endpoint_type", "Choose what the key is for: "+strings.Join(types, ", ")+".")
	}
	checkExpiry(fields, f.ExpiresAt, now)
	checkLife(fields, actor, w, f.ExpiresAt, now)
	checkSecretPolicy(fields, w, f)
	f.checkType(fields)
	checkRateLimit(fields, f.RateLimit)
	checkOnLeak(fields, f.OnLeak)
	checkMode(fields, f.AllowListMode, f.AllowList)
	if len(f.Nonce) > 64 || strings.ContainsFunc(f.Nonce, func(r rune) bool { return r <= ' ' || r > '~' }) {
		fields.Add("nonce", "The form is damaged. Load the page again.")
	}
	return f.checkTemplate(fields)
}

// checkType adds what a key of this type does not have.
func (f CreateForm) checkType(fields fault.Fields) {
	if f.EndpointType != models.APIAccess {
		if len(f.Scopes) > 0 {
			fields.Add("scopes", onlyAPI)
		}
		return
	}
	checkScopes(fields, f.Scopes)
	if f.WithSecret {
		fields.Add("secret", "An API-access key has no shared secret; programs send it in a header already.")
	}
	if f.RateLimit != 0 {
		fields.Add("rate_limit", onlyWebhooks)
	}
}

const (
	onlyAPI      = "Only API-access keys have scopes."
	onlyWebhooks = "Only webhook keys have a limit of their own; API-access keys share the workspace's."
)

func checkName(fields fault.Fields, name string) {
	switch {
	case name == "":
		fields.Add("name", "Give the key a name, such as the system that will use it.")
	case utf8.RuneCountInString(name) > maxName:
		fields.Add("name", fmt.Sprintf("Use at most %d characters.", maxName))
	case !utf8.ValidString(name) || strings.ContainsFunc(name, isControl):
		fields.Add("name", "Use visible characters only.")
	}
}

func isControl(r rune) bool { return r < 0x20 || r == 0x7f }

func checkExpiry(fields fault.Fields, at, now time.Time) {
	switch {
	case at.IsZero():
	case !at.After(now):
		fields.Add("expires", "Choose a time in the future, or no expiry.")
	case at.Sub(now) > maxExpiry:
		fields.Add("expires", "Choose a time within ten years, or no expiry.")
	}
}

func checkRateLimit(fields fault.Fields, limit int) {
	if limit < 0 || limit > MaxRateLimit {
		fields.Add("rate_limit", fmt.Sprintf("Enter a number of requests a minute from 1 to %d, or 0 for no limit.", MaxRateLimit))
	}
}

func checkOnLeak(fields fault.Fields, onLeak string) {
	if onLeak != models.OnLeakDeactivate && onLeak != models.OnLeakAlert {
		fields.Add("on_leak", "Choose deactivate or alert.")
	}
}
