package source

import (
	"cmp"

	"latchkey/internal/payload"
)

var chargebee = Vendor{
	Name:    "chargebee",
	Title:   "Chargebee",
	Expects: "Events of every type (subscription_created, payment_failed ...); the customer's id is the account.",
	Where:   "In Chargebee, open Settings, Configure Chargebee, Webhooks, Add webhook, and paste the URL as the webhook URL.",
	Docs:    "https://apidocs.chargebee.com/docs/api/webhooks",
	Scheme:  "basic",
	read:    readChargebee,
	Samples: []Sample{
		sample("chargebee", "subscription-changed", "Subscription changed", nil),
		sample("chargebee", "customer-created", "Customer created", nil),
	},
}

// chargebeeObjects may stand in content; all but the customer name theirs in customer_id.
var chargebeeObjects = []string{"subscription", "invoice", "credit_note", "transaction", "card", "payment_source", "quote",
	"unbilled_charge", "hierarchy", "gift", "order", "virtual_bank_account", "payment_intent", "payment_voucher", "promotional_credit",
	"usage", "contact"}

func readChargebee(in Input) (Event, bool) {
	top := in.Top
	if !top["content"].IsObject() {
		return Event{}, false
	}
	content := pick(top["content"], append([]string{"customer"}, chargebeeObjects...)...)
	customer := pick(content["customer"], "id", "email", "billing_address")
	e := Event{
		Event:     top.First("event_type"),
		Email:     address(customer.First("email"), emailOf(content["contact"]), emailOf(customer["billing_address"])),
		GroupID:   customer.First("id"),
		MessageID: top.FirstID("id"),
		Time:      top.FirstPresent("occurred_at"),
	}
	for _, name := range chargebeeObjects {
		e.GroupID = cmp.Or(e.GroupID, customerID(content[name]))
	}
	return e, true
}

func customerID(v payload.Value) string { return pick(v, "customer_id").First("customer_id") }
