package source

import (
	"cmp"
	"strings"

	"latchkey/internal/payload"
)

var hubspot = Vendor{
	Name:    "hubspot",
	Title:   "HubSpot",
	Expects: "Lists of CRM notifications: contact.creation, company.propertyChange, deal.deletion and so on.",
	Where:   "In HubSpot, open your app under Development (or Private apps), Webhooks, and paste the URL as the target URL.",
	Docs:    "https://developers.hubspot.com/docs/guides/api/app-management/webhooks",
	Scheme:  "hubspot",
	read:    readHubSpot,
	Samples: []Sample{
		sample("hubspot", "company-property-change", "Company changed", nil),
		sample("hubspot", "contact-creation", "Contact created", nil),
		sample("hubspot", "contact-email-change", "Contact's email changed", nil),
	},
}

// hubspotObjects are the type ids that generic subscriptions give instead of a name:
// https://developers.hubspot.com/docs/guides/crm/understanding-the-crm.
var hubspotObjects = map[string]string{"0-1": "contact", "0-2": "company"}

func readHubSpot(in Input) (Event, bool) {
	top := in.Top
	name := top.First("subscriptionType", "eventType")
	e := Event{
		Event:     name,
		MessageID: top.FirstID("eventId"),
		Time:      top.FirstPresent("occurredAt"),
	}
	object, what, _ := strings.Cut(name, ".")
	if known, ok := hubspotObjects[top.First("objectTypeId", "fromObjectTypeId")]; ok && object == "object" {
		object = known
	}
	if strings.EqualFold(what, "associationChange") {
		e.UserID, e.GroupID = hubspotAssociation(top, object)
		return e, name != ""
	}
	id := top.First("objectId", "primaryObjectId")
	switch object {
	case "contact":
		e.UserID = id
		if top.First("propertyName") == "email" {
			e.Email = address(top.First("propertyValue"))
		}
	case "company":
		e.GroupID = id
	}
	return e, name != ""
}

// hubspotAssociation tells the contact and the company that are now, or no longer, associated.
func hubspotAssociation(top payload.Object, object string) (contact, company string) {
	from, to := top.First("fromObjectId"), top.First("toObjectId")
	kind := strings.ToUpper(top.First("associationType"))
	other := hubspotObjects[top.First("toObjectTypeId")]
	switch {
	case object == "contact":
		contact = cmp.Or(from, top.First("objectId"))
		if other == "company" || strings.HasPrefix(kind, "CONTACT_TO_COMPANY") {
			company = to
		}
	case object == "company":
		company = cmp.Or(from, top.First("objectId"))
		if other == "contact" || strings.HasPrefix(kind, "COMPANY_TO_CONTACT") {
			contact = to
		}
	case other == "contact":
		contact = to
	case other == "company":
		company = to
	}
	return contact, company
}
