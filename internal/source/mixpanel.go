package source

import (
	"cmp"
	"strings"

	"latchkey/internal/payload"
)

var mixpanel = Vendor{
	Name:    "mixpanel",
	Title:   "Mixpanel",
	Expects: "Events as /track and /import take them, profile and group updates as /engage and /groups take them, and cohort webhooks.",
	Where:   "In Mixpanel, open Data management, Integrations, choose Custom webhook, and paste the URL as the webhook URL; or point a client's API host here.",
	Docs:    "https://developer.mixpanel.com/reference/import-events",
	Scheme:  "basic",
	read:    readMixpanel,
	Samples: []Sample{
		sample("mixpanel", "import", "Events (import)", nil),
		sample("mixpanel", "engage", "Person changed (engage)", nil),
		sample("mixpanel", "group", "Account changed (groups)", nil),
		sample("mixpanel", "cohort", "Cohort webhook", nil),
	},
}

// mixpanelNames are Mixpanel's own events that are calls; every other name is kept.
var mixpanelNames = map[string]string{
	"$identify": callNames[Identify], "$create_alias": callNames[Alias], "$merge": callNames[Alias], "$mp_web_page_view": callNames[Page],
}

func readMixpanel(in Input) (Event, bool) {
	top := in.Top
	switch {
	case top.First("event") != "":
		return mixpanelEvent(top), true
	case top.First("$group_id") != "":
		return Event{Event: Group, Kind: Group, GroupID: top.First("$group_id"), Time: top.FirstPresent("$time")}, true
	case top.First("$distinct_id") != "":
		return mixpanelProfile(top), true
	case top.First("action") != "" && top["parameters"].IsObject():
		return mixpanelCohort(top), true
	}
	return Event{}, false
}

func mixpanelEvent(top payload.Object) Event {
	name := top.First("event")
	p := pick(top["properties"], "distinct_id", "$distinct_id", "$user_id", "$device_id", "$insert_id", "time", "email", "$email",
		"$group_id", "group_id", "groupId", "company_id", "$identified_id", "$anon_id", "$distinct_ids")
	e := Event{
		Event:       cmp.Or(mixpanelNames[name], name),
		Kind:        KindOf(name, ""),
		Email:       address(p.First("$email", "email")),
		UserID:      p.First("distinct_id", "$distinct_id", "$identified_id", "$user_id"),
		AnonymousID: p.First("$device_id", "$anon_id"),
		GroupID:     p.First("$group_id", "group_id", "groupId", "company_id"),
		MessageID:   p.FirstID("$insert_id"),
		Time:        p.FirstPresent("time"),
	}
	// "$device:" marks who is not known; a known user's id then stands beside it.
	if user := p.First("$user_id"); user != "" && strings.HasPrefix(e.UserID, "$device:") {
		e.UserID = user
	}
	if e.UserID == "" { // of a merge
		e.UserID = firstOf(p["$distinct_ids"]).Scalar()
	}
	return e
}

func mixpanelProfile(top payload.Object) Event {
	return Event{
		Event:  Identify,
		Kind:   Identify,
		Email:  address(emailOf(top["$set"]), emailOf(top["$set_once"])),
		UserID: top.First("$distinct_id"),
		Time:   top.FirstPresent("$time"),
	}
}

// mixpanelCohort reads a page of a cohort: about one person only when it holds one.
func mixpanelCohort(top payload.Object) Event {
	person := pick(only(member(top["parameters"], "members")), "mixpanel_distinct_id", "email", "$email")
	return Event{
		Event:  top.First("action"),
		Email:  address(person.First("email", "$email")),
		UserID: person.First("mixpanel_distinct_id"),
	}
}
