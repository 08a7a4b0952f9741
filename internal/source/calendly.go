package source

import (
	"cmp"
	"strings"

	"latchkey/internal/payload"
)

var calendly = Vendor{
	Name:    "calendly",
	Title:   "Calendly",
	Expects: "invitee.created, invitee.canceled, invitee_no_show.created and routing_form_submission.created.",
	Where:   "Calendly has no page for it: create a webhook subscription through its API with the URL as url.",
	Docs:    "https://developer.calendly.com/docs/api-guides/receive-data-from-scheduled-events-in-real-time-with-webhook-subscriptions",
	Scheme:  "calendly",
	read:    readCalendly,
	Samples: []Sample{
		sample("calendly", "invitee-created", "Meeting booked", nil),
		sample("calendly", "routing-form", "Routing form submitted", nil),
	},
}

func readCalendly(in Input) (Event, bool) {
	top := in.Top
	if !top["payload"].IsObject() {
		return Event{}, false
	}
	p := pick(top["payload"], "email", "uri", "invitee", "questions_and_answers", "submitter")
	invitee := pick(p["invitee"], "email", "uuid", "uri") // an object in the first version, a link in the second
	e := Event{
		Event: top.First("event"),
		Email: address(p.First("email"), invitee.First("email"), emailOf(p["submitter"])),
		Time:  top.FirstPresent("created_at", "time"),
	}
	// An invitee is booked once and cancelled once: told together with the event's name, the
	// invitee is the delivery's id. A no-show can be marked again.
	switch e.Event {
	case "invitee.created", "invitee.canceled", "routing_form_submission.created":
		e.MessageID = cmp.Or(p.FirstID("uri"), invitee.FirstID("uuid", "uri"))
	}
	if e.Email == "" {
		e.Email = questionedEmail(p["questions_and_answers"])
	}
	return e, true
}

// questionedEmail is the answer to a routing form's question for the address.
func questionedEmail(answers payload.Value) (email string) {
	each(answers, func(answer payload.Value) bool {
		a := pick(answer, "question", "answer")
		if strings.Contains(strings.ToLower(a.First("question")), "mail") {
			email = address(a.First("answer"))
		}
		return email == ""
	})
	return email
}
