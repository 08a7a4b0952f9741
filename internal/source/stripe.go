package source

import (
	"cmp"

	"latchkey/internal/payload"
)

var stripe = Vendor{
	Name:    "stripe",
	Title:   "Stripe",
	Expects: "Events as Stripe's webhooks send them, of every type; the customer's id is the account.",
	Where:   "In Stripe, open Developers, Webhooks (Event destinations), Add destination, choose Webhook endpoint, and paste the URL as the endpoint URL.",
	Docs:    "https://docs.stripe.com/api/events/object",
	Scheme:  "stripe",
	read:    readStripe,
	Samples: []Sample{
		sample("stripe", "subscription-updated", "Subscription changed", nil),
		sample("stripe", "customer-created", "Customer created", nil),
		sample("stripe", "checkout-completed", "Checkout completed", nil),
		sample("stripe", "invoice-paid", "Invoice paid", nil),
	},
}

func readStripe(in Input) (Event, bool) {
	top := in.Top
	object := pick(member(top["data"], "object"), "id", "object", "customer", "customer_account", "email", "customer_email",
		"customer_details", "billing_details", "receipt_email", "owner", "client_reference_id", "metadata")
	if object == nil && top.First("object") != "v2.core.event" && top.First("object") != "event" {
		return Event{}, false
	}
	customer := pick(object["customer"], "id", "email")
	e := Event{
		Event: top.First("type"),
		Email: address(object.First("email"), object.First("customer_email"), emailOf(object["customer_details"]),
			emailOf(object["billing_details"]), object.First("receipt_email"), customer.First("email"), emailOf(object["owner"])),
		UserID:    cmp.Or(object.First("client_reference_id"), pick(object["metadata"], "user_id", "userId").First("user_id", "userId")),
		GroupID:   cmp.Or(object.First("customer"), customer.First("id"), object.First("customer_account")),
		MessageID: top.FirstID("id"),
		Time:      top.FirstPresent("created"),
	}
	switch object.First("object") {
	case "customer", "account", "v2.core.account":
		e.GroupID = object.First("id")
	}
	if e.GroupID == "" {
		e.GroupID = relatedCustomer(top["related_object"])
	}
	return e, true
}

// relatedCustomer is what a thin event is about, when that is a customer:
// https://docs.stripe.com/event-destinations#thin-events.
func relatedCustomer(v payload.Value) string {
	related := pick(v, "id", "type")
	switch related.First("type") {
	case "customer", "account", "v2.core.account":
		return related.First("id")
	}
	return ""
}
