package console

import (
	"time"

	"latchkey/internal/access"
	"latchkey/internal/keys"
	"latchkey/models"
	"latchkey/views"
	"latchkey/views/ui"
)

// keyType is a choice of what a key is for, as people read it.
type keyType struct {
	Value, Label, Text, Path string
	Icon                     ui.IconName
}

// keyTypes are the types that work; a form offers no other.
var keyTypes = []keyType{{
	Value: models.SignalStaging, Label: "Signal staging", Icon: ui.IconInbox,
	Text: "Receives events about people and accounts: form submissions, product usage, webhooks of other vendors.",
	Path: "/api/signal-staging/webhook",
}, {
	Value: models.ProductOrgs, Label: "Product org updates", Icon: ui.IconBuilding,
	Text: "Keeps what is known about each organisation: plan, users, MRR, trial, feature flags. A payload template says where a sender puts each.",
	Path: "/api/product-orgs/webhook",
}, {
	Value: models.APIAccess, Label: "API access", Icon: ui.IconCode,
	Text: "For scripts, CI and agents: reads what has arrived and manages keys through the API, as far as its scopes allow.",
	Path: apiPath,
}}

// apiPath is the base of the management API.
const apiPath = "/api/v1"

func keyTypeNamed(value string) keyType {
	for _, t := range keyTypes {
		if t.Value == value {
			return t
		}
	}
	return keyType{Value: value, Label: value}
}

var keyStatuses = []struct{ Value, Label string }{
	{"", "All"}, {"active", "Active"}, {"expiring", "Expiring soon"}, {"expired", "Expired"}, {"deactivated", "Deactivated"},
}

func (s *server) keysView(c Ctx, q keyQuery, found keys.Page) views.KeysView {
	v := visit(c)
	q = q.at("", "")
	p := views.KeysView{
		Page:       s.shell(c, page{Title: "API keys", Nav: navKeys, HasEnv: true}),
		CreateHref: v.envPath(keysPath, "new"), HygieneHref: v.envPath(keysPath, "hygiene"),
		More: []ui.MenuItem{
			{Label: "Saved templates", Href: v.path(templatesPath), Icon: ui.IconFile},
			{Label: "Import a key", Href: v.envPath(keysPath, importPath), Icon: ui.IconDownload},
			{Label: "Find a leaked key", Href: v.path(keysPath, "leaks"), Icon: ui.IconSearch},
		},
		Tabs:  s.keyTabs(c, q, found.Counts),
		Type:  q.Type,
		Types: []ui.Option{{Value: "", Label: "All types"}},
		Filter: ui.FilterBarProps{
			Post: true, Action: v.path(keysPath, "search"), SearchName: "q", SearchValue: q.Search,
			SearchLabel: "Search keys", SearchPlaceholder: "Name, prefix or a whole key", Hidden: q.hidden(),
		},
		Paging: ui.PaginationProps{Summary: "Showing " + ui.Count(len(found.Items)) + " of " + ui.Count(found.Counts[q.Status])},
	}
	for _, t := range keyTypes {
		if t.Value != models.APIAccess || v.Actor.Can(access.ReadAPIKeys) {
			p.Types = append(p.Types, ui.Option{Value: t.Value, Label: t.Label})
		}
	}
	if q.narrowed() {
		p.Filter.ClearHref = keyQuery{Env: q.Env}.href(v)
	}
	if found.Next != "" {
		p.Paging.OlderHref = q.at(found.Next, "").href(v)
	}
	if found.Previous != "" {
		p.Paging.NewerHref = q.at("", found.Previous).href(v)
	}
	for _, item := range found.Items {
		p.Rows = append(p.Rows, s.keyRow(c, item))
	}
	if len(p.Rows) == 0 {
		p.Empty = s.noKeys(c, q, p)
	}
	return p
}

func (s *server) keyTabs(c Ctx, q keyQuery, counts map[string]int) []ui.Tab {
	tabs := make([]ui.Tab, 0, len(keyStatuses))
	for _, status := range keyStatuses {
		to := q.at("", "")
		to.Status = status.Value
		tabs = append(tabs, ui.Tab{
			Label: status.Label, Count: ui.Count(counts[status.Value]), Href: to.href(visit(c)), Current: q.Status == status.Value,
		})
	}
	return tabs
}

// noKeys is the text of an empty list: none match, or none yet with what changes it.
func (s *server) noKeys(c Ctx, q keyQuery, p views.KeysView) *ui.EmptyStateProps {
	if q.narrowed() {
		return &ui.EmptyStateProps{
			Icon: ui.IconSearch, Title: "No keys match.", Text: "No key of this environment fits the search and filters.",
			ActionLabel: "Clear filters", ActionHref: p.Filter.ClearHref,
		}
	}
	sample := s.sampleOf(c, q.Env, keyTypes[0])
	return &ui.EmptyStateProps{
		Icon: ui.IconKey, Title: "No " + q.Env + " keys yet.",
		Text:        "Create a key and put it into the system that sends events. With the key in place of the dots, this line sends a first one:",
		Code:        sample.curl(),
		CodeLabel:   "Example request",
		ActionLabel: "Create key", ActionHref: p.CreateHref,
	}
}

func (s *server) keyRow(c Ctx, k keys.Item) views.KeyRowView {
	href := visit(c).path(keysPath, k.ID)
	row := views.KeyRowView{
		ID: k.ID, Name: k.Name, Href: href, Masked: masked(k.APIKey), Type: keyTypeNamed(k.EndpointType).Label,
		Status:    keyBadges(k, s.Now()),
		LastUsed:  s.time(c, k.LastUsed.LastUsedAt.Time, "Never"),
		Expires:   s.time(c, k.ExpiresAt.Time, "Never"),
		Created:   views.KeyDate{DateTime: s.time(c, k.CreatedAt.Time, "").DateTime, Day: s.day(c, k.CreatedAt.Time), Absolute: s.time(c, k.CreatedAt.Time, "").Absolute},
		CreatedBy: orCommandLine(k.CreatedByName),
		Dead:      k.State(s.Now()) != "active",
		Menu:      []ui.MenuItem{{Label: "View", Href: href, Icon: ui.IconEye}},
	}
	if row.Dead {
		row.Menu = append(row.Menu, ui.MenuItem{Label: "Rename", Href: href + "#name", Icon: ui.IconEdit},
			ui.MenuItem{Label: "Create another like it", Href: likeHref(c, k.ID), Icon: ui.IconPlus})
	} else {
		row.Menu = append(row.Menu, ui.MenuItem{Label: "Rename", Href: href + "#name", Icon: ui.IconEdit},
			ui.MenuItem{Label: "Change expiry", Href: href + "#expiry", Icon: ui.IconCalendar}, s.rotateItem(k, href))
	}
	if k.Status == models.KeyDeactivated {
		row.Expires = ui.TimeProps{Relative: "–"}
	} else {
		end := href + "/deactivation?from=list"
		row.Menu = append(row.Menu, ui.MenuItem{Label: "Deactivate", Href: end, Icon: ui.IconBan, Danger: true, Attrs: ui.OpensDialog(end)})
	}
	return row
}

// keyBadges are the status as people read it.
func keyBadges(k keys.Item, now time.Time) []ui.BadgeProps {
	badge := keyBadge(k, now)
	switch {
	case !k.RotatingAt(now):
		return []ui.BadgeProps{badge}
	case badge.Tone == ui.ToneOK:
		return []ui.BadgeProps{rotatingBadge}
	default:
		return []ui.BadgeProps{badge, rotatingBadge}
	}
}

// rotatingBadge marks an active key with two values that work.
var rotatingBadge = ui.BadgeProps{Label: "Rotating", Tone: ui.ToneInfo, Icon: ui.IconRotate}

func keyBadge(k keys.Item, now time.Time) ui.BadgeProps {
	switch state := k.State(now); {
	case state == "deactivated":
		return ui.BadgeProps{Label: "Deactivated", Icon: ui.IconBan}
	case state == "expired":
		return ui.BadgeProps{Label: "Expired", Icon: ui.IconClock}
	case !k.ExpiresAt.IsZero() && k.ExpiresAt.Sub(now) <= keys.ExpiringWithin:
		return ui.BadgeProps{Label: "Expires " + ui.Relative(k.ExpiresAt.Time, now), Tone: ui.ToneWarn, Icon: ui.IconClock}
	default:
		return ui.BadgeProps{Label: "Active", Tone: ui.ToneOK}
	}
}

// rotateItem leads to the rotation that is on, or begins one.
func (s *server) rotateItem(k keys.Item, href string) ui.MenuItem {
	if k.RotatingAt(s.Now()) {
		return ui.MenuItem{Label: "Rotation", Href: href + "#" + rotationPath, Icon: ui.IconRotate}
	}
	rotate := href + "/" + rotationPath + "?from=list"
	return ui.MenuItem{Label: "Rotate", Href: rotate, Icon: ui.IconRotate, Attrs: ui.OpensDialog(rotate)}
}

func maskedKey(prefix string) string { return prefix + "_••••" }

// masked is what is shown of a key; nobody knows the form of an imported one.
func masked(k models.APIKey) string {
	if k.Imported {
		return k.KeyPrefix + "••••"
	}
	return maskedKey(k.KeyPrefix)
}

func likeHref(c Ctx, id string) string { return visit(c).path(keysPath, "new") + "?like=" + id }

// orCommandLine names the maker of what no account made.
func orCommandLine(name string) string {
	if name == "" {
		return "command line"
	}
	return name
}
