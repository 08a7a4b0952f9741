package source

import (
	"cmp"

	"latchkey/internal/payload"
)

var auth0 = Vendor{
	Name:    "auth0",
	Title:   "Auth0",
	Expects: "Tenant logs of a custom webhook stream, named by their type code (ss, s, fp ...), and the events of event streams (user.created).",
	Where:   "In Auth0, open Monitoring, Streams, Create stream, Custom webhook, paste the URL as the payload URL, and choose JSON array.",
	Docs:    "https://auth0.com/docs/customize/log-streams/custom-log-streams",
	List:    "logs",
	Scheme:  "authorization",
	read:    readAuth0,
	Samples: []Sample{
		sample("auth0", "signup", "Successful signup (log stream)", nil),
		sample("auth0", "user-created", "User created (event stream)", nil),
	},
}

func readAuth0(in Input) (Event, bool) {
	top := in.Top
	if detail := pick(top["detail"], "data", "log_id"); detail != nil { // as EventBridge wraps it
		top = detail
	} else if logs := firstOf(top["logs"]); logs != nil { // the format "JSON object"
		top = pick(logs, "data", "log_id")
	}
	if event := pick(top["data"], "object"); event != nil && top.First("specversion", "spec_version", "a0tenant", "source") != "" {
		return auth0Event(top, event["object"]), true
	}
	log := pick(top["data"], "type", "date", "user_id", "user_name", "log_id", "organization_id", "details", "email")
	if log == nil {
		log = top
	}
	if log["date"].IsNull() && log.First("log_id") == "" && top.First("log_id") == "" {
		return Event{}, false
	}
	details := pick(log["details"], "body", "request")
	return Event{
		Event: log.First("type"),
		Email: address(log.First("user_name"), log.First("email"), emailOf(details["body"]),
			auth0Caller(details["request"], log.First("user_id"))),
		UserID:    log.First("user_id"),
		GroupID:   log.First("organization_id"),
		MessageID: cmp.Or(top.FirstID("log_id"), log.FirstID("log_id", "_id")),
		Time:      log.FirstPresent("date"),
	}, true
}

// auth0Caller is the address of who called the management API, when the log is about that user.
func auth0Caller(request payload.Value, userID string) string {
	user := pick(member(request, "auth", "user"), "user_id", "email")
	if user.First("user_id") != userID {
		return ""
	}
	return user.First("email")
}

// auth0Event reads an event stream's CloudEvent: https://auth0.com/docs/customize/events/event-types.
func auth0Event(top payload.Object, v payload.Value) Event {
	object := pick(v, "id", "user_id", "email", "organization", "user")
	user := pick(object["user"], "user_id", "email")
	e := Event{
		Event:     top.First("type"),
		Email:     address(object.First("email"), user.First("email")),
		UserID:    cmp.Or(object.First("user_id"), user.First("user_id")),
		GroupID:   pick(object["organization"], "id").First("id"),
		MessageID: top.FirstID("id"),
		Time:      top.FirstPresent("time"),
	}
	switch e.Event {
	case "organization.created", "organization.updated", "organization.deleted":
		e.GroupID = object.First("id")
	}
	return e
}
