package mapping

import (
	"regexp"
	"slices"
	"strings"
)

// Target is a field of an organisation that a row can fill. Type is text, integer, number, time,
// email or flags; custom.<name> takes any JSON.
type Target struct{ Name, Title, Type, Text string }

// Names of the targets that the mapping itself knows about.
const (
	TargetOrgID      = "org_id"
	TargetOccurredAt = "occurred_at"
	TargetFlags      = "feature_flags"
	CustomPrefix     = "custom."
	FlagPrefix       = TargetFlags + "."
)

// Types of targets.
const (
	TypeText    = "text"
	TypeInteger = "integer"
	TypeNumber  = "number"
	TypeTime    = "time"
	TypeEmail   = "email"
	TypeFlags   = "flags"
	TypeAny     = "any"
)

var targets = []Target{
	{TargetOrgID, "Organisation id", TypeText, "Your own id of the organisation. Required: it says which one the payload is about."},
	{"name", "Name", TypeText, "The organisation's name."},
	{"domain", "Domain", TypeText, "Its web domain, e.g. acme.example."},
	{"plan", "Plan", TypeText, "What it pays for, e.g. enterprise."},
	{"status", "Status", TypeText, "The state of its account or subscription, e.g. active."},
	{"user_count", "Users", TypeInteger, "How many users it has."},
	{"seats", "Seats", TypeInteger, "How many seats it pays for."},
	{"mrr", "MRR", TypeNumber, "Monthly recurring revenue, in the currency's main unit (divide:100 for cents)."},
	{"currency", "Currency", TypeText, "The currency of MRR, e.g. USD."},
	{"trial_status", "Trial status", TypeText, "Where its trial stands, e.g. active, converted or expired."},
	{"trial_ends_at", "Trial ends", TypeTime, "When its trial ends or ended."},
	{TargetFlags, "Feature flags", TypeFlags, "An object of flags and their values, a list of names, or a list of objects with key or name and enabled or value."},
	{"owner_email", "Owner's email", TypeEmail, "Who to write to."},
	{TargetOccurredAt, "Event time", TypeTime, "When this became true at the sender. The newest time wins, field by field; without it the time of arrival counts."},
}

// Targets lists the fixed targets, in the order of the console. Beside them stands custom.<name>, with
// a name of 1 to 64 letters, digits, - or _.
func Targets() []Target { return slices.Clone(targets) }

var customName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// TargetNamed finds a target, those beginning with custom. too.
func TargetNamed(name string) (Target, bool) {
	if custom, ok := strings.CutPrefix(name, CustomPrefix); ok && customName.MatchString(custom) {
		return Target{name, custom, TypeAny, "A value of your own: any JSON of at most 8 KiB."}, true
	}
	for _, t := range targets {
		if t.Name == name {
			return t, true
		}
	}
	return Target{}, false
}

// targetProblem says why a name is no target, and what to do.
func targetProblem(name string) string {
	custom, isCustom := strings.CutPrefix(name, CustomPrefix)
	switch {
	case name == "":
		return "The row has no target. Choose which field it fills."
	case isCustom && custom == "":
		return "custom. needs a name after the dot, e.g. custom.industry."
	case isCustom:
		return "The name in " + quoteText(name) + " may have 1 to 64 letters, digits, - and _. Rename it, e.g. custom.total_billed."
	case strings.HasPrefix(name, FlagPrefix):
		return "Single flags are no targets. Map feature_flags from an object or a list of flags."
	}
	var names []string
	for _, t := range targets {
		names = append(names, t.Name)
	}
	return "There is no target " + quoteText(name) + ". Choose " + either(append(names, "custom.<name>")) + "."
}
