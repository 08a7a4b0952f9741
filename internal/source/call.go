package source

import (
	"cmp"

	"latchkey/internal/payload"
)

// readCall reads one call of the Segment spec, which RudderStack and Customer.io's data pipelines
// write as well: https://segment.com/docs/connections/spec/common/.
func readCall(in Input) (Event, bool) {
	top := in.Top
	kind := callType(top)
	if kind == "" {
		return Event{}, false
	}
	about := top["context"]
	if about.IsNull() {
		about = in.Envelope["context"] // what a batch says once for all its calls
	}
	context := pick(about, "groupId", "traits", "anonymousId")
	traits, details := pick(top["traits"], whoNames...), pick(top["properties"], whoNames...)
	known := pick(context["traits"], whoNames...)
	e := Event{
		Event:       callNames[kind],
		Kind:        kind,
		Email:       address(traits.First("email"), known.First("email"), details.First("email"), top.First("email")),
		UserID:      cmp.Or(top.First("userId", "user_id"), traits.First("userId"), known.First("userId")),
		AnonymousID: cmp.Or(top.First("anonymousId", "anonymous_id"), context.First("anonymousId"), top.First("previousId")),
		GroupID:     cmp.Or(top.First("groupId", "group_id"), context.First("groupId"), details.First("groupId"), known.First("groupId")),
		MessageID:   top.FirstID("messageId", "message_id"),
		Time:        top.FirstPresent("timestamp", "originalTimestamp"),
	}
	if kind == Track {
		e.Event = top.First("event")
	}
	return e, true
}

var whoNames = []string{"email", "userId", "groupId"}

// callType is the kind of call: as it says itself, else, as in a body of Segment's HTTP API whose
// URL said it, by the members that only one kind has.
func callType(top payload.Object) string {
	if typ := top.First("type", "action"); typ != "" {
		return kinds[typ]
	}
	switch {
	case top.First("event") != "":
		return Track
	case top.First("previousId") != "":
		return Alias
	case !top["traits"].IsObject():
		return ""
	case top.First("groupId") != "":
		return Group
	case top.First("userId", "anonymousId") != "":
		return Identify
	}
	return ""
}
