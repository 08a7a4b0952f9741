package source

import (
	"cmp"
	"strings"

	"latchkey/internal/payload"
)

var clerk = Vendor{
	Name:    "clerk",
	Title:   "Clerk",
	Expects: "Events of users, sessions, organizations and memberships, delivered by Svix.",
	Where:   "In Clerk, open Configure, Webhooks, Add endpoint, and paste the URL as the endpoint URL.",
	Docs:    "https://clerk.com/docs/webhooks/overview",
	Scheme:  "standard-webhooks",
	read:    readClerk,
	Samples: []Sample{
		sample("clerk", "user-created", "User created", map[string]string{"svix-id": "msg_2example0000000000000001"}),
		sample("clerk", "organization-updated", "Organization changed", map[string]string{"svix-id": "msg_2example0000000000000002"}),
		sample("clerk", "membership-created", "Member joined", map[string]string{"svix-id": "msg_2example0000000000000003"}),
	},
}

func readClerk(in Input) (Event, bool) {
	top, typ := in.Top, in.Top.First("type")
	if !top["data"].IsObject() {
		return Event{}, false
	}
	data := pick(top["data"], "id", "email_addresses", "primary_email_address_id", "created_by", "organization", "organization_id",
		"public_user_data", "user_id", "email_address", "to_email_address", "payer", "created_at", "updated_at", "user")
	person, payer := pick(data["public_user_data"], "user_id", "identifier"), pick(data["payer"], "user_id", "organization_id", "email")
	e := Event{
		Event: typ,
		Email: address(clerkPrimary(data), person.First("identifier"), data.First("email_address", "to_email_address"),
			payer.First("email")),
		UserID:    cmp.Or(person.First("user_id"), data.First("user_id"), payer.First("user_id")),
		GroupID:   cmp.Or(pick(data["organization"], "id").First("id"), data.First("organization_id"), payer.First("organization_id")),
		MessageID: cmp.Or(in.Header.Get("svix-id"), in.Header.Get("webhook-id")),
		Time:      top.FirstPresent("timestamp"),
	}
	object, what, _ := strings.Cut(typ, ".")
	switch object {
	case "user":
		e.UserID = data.First("id")
	case "organization":
		e.GroupID = data.First("id")
		if what == "created" { // who created it is not who changes it later
			e.UserID = data.First("created_by")
		}
	}
	if e.Time == nil && what == "created" {
		e.Time = data.FirstPresent("created_at")
	}
	if e.Time == nil {
		e.Time = data.FirstPresent("updated_at", "created_at")
	}
	return e, typ != ""
}

// clerkPrimary is a user's primary address, else the first.
func clerkPrimary(data payload.Object) string {
	primary, chosen := data.First("primary_email_address_id"), ""
	each(data["email_addresses"], func(v payload.Value) bool {
		a := pick(v, "id", "email_address")
		if chosen == "" || primary != "" && a.First("id") == primary {
			chosen = a.First("email_address")
		}
		return primary == "" || a.First("id") != primary
	})
	return chosen
}
