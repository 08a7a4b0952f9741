package source

import (
	"cmp"

	"latchkey/internal/payload"
)

var posthog = Vendor{
	Name:    "posthog",
	Title:   "PostHog",
	Expects: "Captured events, one or as a batch, as the capture API takes them, and what a webhook destination sends: event and person.",
	Where:   "In PostHog, open Data pipelines, Destinations, New destination, choose HTTP Webhook, and paste the URL as the webhook URL.",
	Docs:    "https://posthog.com/docs/api/capture",
	read:    readPostHog,
	Samples: []Sample{
		sample("posthog", "groupidentify", "Account changed ($groupidentify)", nil),
		sample("posthog", "capture", "Something happened", nil),
		sample("posthog", "identify", "Person known ($identify)", nil),
		sample("posthog", "webhook", "Webhook destination", nil),
		sample("posthog", "batch", "Two events in a batch", nil),
	},
}

// posthogNames are PostHog's own events that are calls; every other name is kept.
var posthogNames = map[string]string{
	"$pageview": callNames[Page], "$screen": callNames[Screen], "$identify": callNames[Identify],
	"$groupidentify": callNames[Group], "$create_alias": callNames[Alias], "$merge_dangerously": callNames[Alias],
}

// groupTypes in the order in which one is taken for the account, when an event names several.
var groupTypes = []string{"organization", "company", "account", "workspace", "customer", "team", "project", "instance"}

func readPostHog(in Input) (Event, bool) {
	top := in.Top
	person := pick(top["person"], "id", "distinct_id", "properties")
	if top["event"].IsObject() { // a webhook destination
		top = pick(top["event"], posthogMembers...)
	} else if top["hook"].IsObject() { // a REST hook
		top = pick(top["data"], posthogMembers...)
		person = pick(top["person"], "id", "distinct_id", "properties")
	}
	name := top.First("event")
	details := pick(top["properties"], "distinct_id", "$group_key", "$groups", "$set", "$set_once", "email", "$email",
		"$insert_id", "$anon_distinct_id", "$device_id", "timestamp")
	e := Event{
		Event: cmp.Or(posthogNames[name], name),
		Kind:  KindOf(name, ""),
		Email: address(emailOf(top["$set"]), emailOf(details["$set"]), details.First("email", "$email"),
			emailOf(person["properties"]), emailOf(details["$set_once"]), emailOf(top["$set_once"])),
		UserID: cmp.Or(top.First("distinct_id", "$distinct_id", "distinctId"), details.First("distinct_id"),
			person.First("distinct_id", "id")),
		AnonymousID: details.First("$anon_distinct_id", "$device_id"),
		MessageID:   cmp.Or(top.FirstID("uuid", "eventUuid"), details.FirstID("$insert_id")),
		Time:        top.FirstPresent("timestamp"),
	}
	if e.Time == nil {
		e.Time = details.FirstPresent("timestamp")
	}
	if name == "$groupidentify" {
		e.GroupID = details.First("$group_key")
	} else {
		e.GroupID = accountOf(details["$groups"])
	}
	return e, true
}

var posthogMembers = []string{"event", "uuid", "eventUuid", "distinct_id", "distinctId", "properties", "timestamp", "person", "$set", "$set_once"}

func emailOf(v payload.Value) string { return pick(v, "email", "$email").First("email", "$email") }

// accountOf takes the account out of {type: key}: of the usual types the first, else the one that
// comes first by name, so that the same event always belongs to the same account.
func accountOf(groups payload.Value) string {
	if id := pick(groups, groupTypes...).First(groupTypes...); id != "" {
		return id
	}
	var first, account string
	n := 0
	members(groups, func(quoted, id payload.Value) bool {
		typ, _ := quoted.Text()
		if key := id.Scalar(); key != "" && (account == "" || typ < first) {
			first, account = typ, key
		}
		n++
		return n < maxGroups
	})
	return account
}

// maxGroups is far above the five group types that PostHog allows a project.
const maxGroups = 50
