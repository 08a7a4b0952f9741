package source

import "cmp"

var launchdarkly = Vendor{
	Name:    "launchdarkly",
	Title:   "LaunchDarkly",
	Expects: "Audit log entries, named by kind and action: flag.updateOn, environment.updateName.",
	Where:   "In LaunchDarkly, open Settings, Integrations, Webhooks, Add integration, and paste the URL.",
	Docs:    "https://launchdarkly.com/docs/api/webhooks",
	Scheme:  "launchdarkly",
	read:    readLaunchDarkly,
	Samples: []Sample{
		sample("launchdarkly", "flag-updated", "Flag turned on", nil),
	},
}

func readLaunchDarkly(in Input) (Event, bool) {
	top := in.Top
	if top.First("_id") == "" && top["accesses"].IsNull() {
		return Event{}, false
	}
	name := top.First("kind")
	if action := pick(firstOf(top["accesses"]), "action").First("action"); action != "" && name != "" {
		name += "." + action
	}
	member := pick(top["member"], "_id", "email")
	return Event{
		Event:     name,
		Email:     address(member.First("email")),
		UserID:    cmp.Or(member.First("_id"), pick(top["token"], "memberId").First("memberId")),
		MessageID: top.FirstID("_id"),
		Time:      top.FirstPresent("date"),
	}, true
}
