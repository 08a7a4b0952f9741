package source

import (
	"cmp"
	"strings"
)

var paddle = Vendor{
	Name:    "paddle",
	Title:   "Paddle",
	Expects: "Notifications of Paddle Billing of every type; the customer's id is the account.",
	Where:   "In Paddle, open Developer tools, Notifications, New destination, and paste the URL as the webhook URL.",
	Docs:    "https://developer.paddle.com/webhooks/overview",
	Scheme:  "paddle",
	read:    readPaddle,
	Samples: []Sample{
		sample("paddle", "subscription-updated", "Subscription changed", nil),
		sample("paddle", "customer-created", "Customer created", nil),
	},
}

func readPaddle(in Input) (Event, bool) {
	top := in.Top
	if name := top.First("alert_name"); name != "" { // Paddle Classic, turned into JSON on the way
		return Event{
			Event:     name,
			Email:     address(top.First("email")),
			GroupID:   top.First("user_id"),
			MessageID: top.FirstID("alert_id"),
			Time:      top.FirstPresent("event_time"),
		}, true
	}
	if !top["data"].IsObject() {
		return Event{}, false
	}
	data := pick(top["data"], "id", "email", "customer_id", "customer")
	customer := pick(data["customer"], "id", "email")
	e := Event{
		Event:     top.First("event_type"),
		Email:     address(data.First("email"), customer.First("email")),
		GroupID:   cmp.Or(data.First("customer_id"), customer.First("id")),
		MessageID: top.FirstID("event_id", "notification_id"),
		Time:      top.FirstPresent("occurred_at"),
	}
	if strings.HasPrefix(e.Event, "customer.") {
		e.GroupID = cmp.Or(data.First("id"), e.GroupID)
	}
	return e, true
}
