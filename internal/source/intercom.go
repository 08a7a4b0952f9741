package source

import "latchkey/internal/payload"

var intercom = Vendor{
	Name:    "intercom",
	Title:   "Intercom",
	Expects: "Notifications of every topic: contact.user.updated, conversation.admin.replied, company.created and so on.",
	Where:   "In Intercom's Developer Hub, open your app, Configure, Webhooks, and paste the URL as the endpoint URL.",
	Docs:    "https://developers.intercom.com/docs/webhooks/webhook-notifications",
	Scheme:  "intercom",
	read:    readIntercom,
	Samples: []Sample{
		sample("intercom", "contact-updated", "Contact changed", nil),
		sample("intercom", "company-created", "Company created", nil),
		sample("intercom", "conversation-replied", "Admin replied", nil),
	},
}

var intercomPerson = []string{"type", "id", "external_id", "user_id", "email", "companies"}

func readIntercom(in Input) (Event, bool) {
	top := in.Top
	item := pick(member(top["data"], "item"), "type", "id", "external_id", "user_id", "email", "companies", "company_id",
		"contact", "user", "lead", "contacts", "source", "company")
	person, company := item, pick(item["company"], "id", "company_id")
	switch item.First("type") {
	case "contact", "user", "lead", "visitor":
	case "company":
		person, company = nil, item
	case "event":
		person = payload.Object{"user_id": item["user_id"], "email": item["email"]}
	default:
		person = intercomAbout(item)
	}
	if companies := member(person["companies"], "data"); company == nil {
		company = pick(only(companies), "id", "company_id")
	}
	return Event{
		Event:     top.First("topic"),
		Email:     address(person.First("email")),
		UserID:    person.First("external_id", "user_id", "id"),
		GroupID:   company.First("company_id", "id"),
		MessageID: top.FirstID("id"),
		Time:      top.FirstPresent("created_at"),
	}, true
}

// intercomAbout is the contact that a conversation, ticket, tag or note is about. Whoever wrote the
// first message is an admin as often as a contact, and then only the list of contacts tells.
func intercomAbout(item payload.Object) payload.Object {
	for _, name := range []string{"contact", "user", "lead"} {
		if person := pick(item[name], intercomPerson...); person != nil {
			return person
		}
	}
	person := pick(firstOf(member(item["contacts"], "contacts")), intercomPerson...)
	author := pick(member(item["source"], "author"), intercomPerson...)
	switch author.First("type") {
	case "user", "lead", "contact":
	default:
		return person
	}
	if person == nil {
		return author
	}
	if author.First("id") == person.First("id") && person["email"].IsNull() {
		person["email"] = author["email"]
	}
	return person
}
