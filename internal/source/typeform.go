package source

import "latchkey/internal/payload"

var typeform = Vendor{
	Name:    "typeform",
	Title:   "Typeform",
	Expects: "Submitted forms; the first answer of the type email is the address, and hidden fields may name the user.",
	Where:   "In Typeform, open the form, Connect, Webhooks, Add a webhook, and paste the URL as the endpoint.",
	Docs:    "https://www.typeform.com/developers/webhooks/example-payload/",
	Scheme:  "typeform",
	read:    readTypeform,
	Samples: []Sample{
		sample("typeform", "form-response", "Form submitted", nil),
	},
}

func readTypeform(in Input) (Event, bool) {
	top := in.Top
	form := pick(top["form_response"], "hidden", "answers", "submitted_at", "landed_at", "token")
	if form == nil {
		return Event{}, false
	}
	hidden := pick(form["hidden"], "email", "user_id", "userId", "userid", "uid", "group_id", "groupId", "account_id",
		"company_id", "org_id", "organization_id")
	return Event{
		Event:     top.First("event_type"),
		Email:     address(answeredEmail(form["answers"]), hidden.First("email")),
		UserID:    hidden.First("user_id", "userId", "userid", "uid"),
		GroupID:   hidden.First("group_id", "groupId", "account_id", "organization_id", "org_id", "company_id"),
		MessageID: top.FirstID("event_id"),
		Time:      form.FirstPresent("submitted_at", "landed_at"),
	}, true
}

func answeredEmail(answers payload.Value) (email string) {
	each(answers, func(answer payload.Value) bool {
		a := pick(answer, "type", "email")
		if a.First("type") == "email" {
			email = address(a.First("email"))
		}
		return email == ""
	})
	return email
}
