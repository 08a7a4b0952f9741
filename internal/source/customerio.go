package source

import (
	"cmp"

	"latchkey/internal/payload"
)

var customerio = Vendor{
	Name:    "customerio",
	Title:   "Customer.io",
	Expects: "Reporting webhooks (email opened, customer subscribed and so on), and the calls of its data pipelines.",
	Where:   "In Customer.io, open Data & Integrations, Integrations, Reporting Webhooks, Add reporting webhook, and paste the URL as the webhook endpoint.",
	Docs:    "https://docs.customer.io/journeys/webhooks/",
	Scheme:  "customerio",
	read:    readCustomerIO,
	Samples: []Sample{
		sample("customerio", "email-opened", "Email opened", nil),
		sample("customerio", "customer-unsubscribed", "Customer unsubscribed", nil),
		sample("customerio", "group", "Account changed (data pipelines)", nil),
	},
}

func readCustomerIO(in Input) (Event, bool) {
	top := in.Top
	switch {
	case top.First("metric") != "":
		name := top.First("metric")
		if object := top.First("object_type"); object != "" {
			name = object + "_" + name
		}
		return customerioReport(top, name), true
	case top.First("event_type") != "": // the first version of reporting webhooks
		return customerioReport(top, top.First("event_type")), true
	case top["identifiers"].IsObject() && top.First("action") != "":
		return customerioEntity(top), true
	}
	return readCall(in)
}

func customerioReport(top payload.Object, name string) Event {
	data := pick(top["data"], "customer_id", "identifiers", "email_address", "recipient", "email_id")
	who := pick(data["identifiers"], "id", "email")
	return Event{
		Event:     name,
		Email:     address(data.First("email_address"), data.First("recipient"), who.First("email")),
		UserID:    cmp.Or(data.First("customer_id"), who.First("id")),
		MessageID: top.FirstID("event_id"),
		Time:      top.FirstPresent("timestamp"),
	}
}

// customerioEntity reads a call of the Track API's second version:
// https://docs.customer.io/integrations/api/track/#tag/trackv2.
func customerioEntity(top payload.Object) Event {
	who, object := pick(top["identifiers"], "id", "email", "object_id"), top.First("type") == "object"
	e := Event{
		Event:     top.First("action"),
		Email:     address(who.First("email"), emailOf(top["attributes"])),
		UserID:    who.First("id"),
		GroupID:   who.First("object_id"),
		MessageID: top.FirstID("id"),
		Time:      top.FirstPresent("timestamp"),
	}
	switch {
	case e.Event == "event":
		e.Event = cmp.Or(top.First("name"), e.Event)
	case e.Event == Identify && object:
		e.Event, e.Kind = Group, Group
	case e.Event == Identify, e.Event == Page, e.Event == Screen:
		e.Event, e.Kind = callNames[e.Event], e.Event
	}
	return e
}
