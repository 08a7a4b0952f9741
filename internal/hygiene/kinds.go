package hygiene

import "slices"

// The kinds of findings.
const (
	OldValue     = "old_value"     // the value before a rotation is still used and ends soon
	Browser      = "browser"       // was sent by a browser, so that whoever opened the page has it
	MakerLeft    = "maker_left"    // who made it is no longer a member
	PolicyAge    = "policy_age"    // may become older than the policy allows
	PolicyExpiry = "policy_expiry" // the policy requires an expiry
	PolicySecret = "policy_secret" // the policy requires a shared secret
	NeverUsed    = "never_used"    // a week old, and never used
	Idle90       = "idle_90"       // not used for 90 days
	Idle30       = "idle_30"       // ... for 30
	ScopesUnused = "scopes_unused" // an API-access key may do what it never did
	NoExpiry     = "no_expiry"     // never ends
)

// KindInfo is a kind as people read it.
type KindInfo struct {
	Kind  string
	Title string
	Text  string // what it means, a sentence
}

// Kinds lists the kinds in the order in which they are shown: what is urgent first.
func Kinds() []KindInfo { return slices.Clone(kinds) }

var kinds = []KindInfo{
	{OldValue, "Old value still used", "The key was rotated, the value before ends within 24 hours, and something used it in the last hour."},
	{Browser, "Seen from a browser", "A browser sent the key. Whoever opened that page has it."},
	{MakerLeft, "Made by someone who left", "Who made the key is no longer a member of the workspace."},
	{PolicyAge, "Older than the policy allows", "The value of the key is, or may become, older than the key policy allows."},
	{PolicyExpiry, "No expiry, against the policy", "The key policy asks every key for an expiry."},
	{PolicySecret, "No shared secret, against the policy", "The key policy asks webhook keys for a shared secret. Keys that end within 30 days are left out."},
	{NeverUsed, "Never used", "The key was made more than a week ago and nothing has used it."},
	{Idle90, "Not used for 90 days", "Nothing has used the key for 90 days."},
	{Idle30, "Not used for 30 days", "Nothing has used the key for 30 days, and it does not end within the next 30."},
	{ScopesUnused, "More scopes than it uses", "The key is older than 30 days and never used some of its scopes."},
	{NoExpiry, "No expiry", "The key works until someone ends it."},
}

// rank is a kind's place in kinds; -1 for one that does not exist.
func rank(kind string) int {
	for i, k := range kinds {
		if k.Kind == kind {
			return i
		}
	}
	return -1
}
