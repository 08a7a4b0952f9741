package source

import (
	"cmp"
	"encoding/json"
	"strings"
)

var shopify = Vendor{
	Name:    "shopify",
	Title:   "Shopify",
	Expects: "Webhooks of every topic as JSON, named by the header X-Shopify-Topic: customers/create, orders/paid, app/uninstalled.",
	Where:   "In Shopify, open Settings, Notifications, Webhooks, Create webhook, choose JSON, and paste the URL.",
	Docs:    "https://shopify.dev/docs/api/webhooks",
	Scheme:  "shopify",
	read:    readShopify,
	Samples: []Sample{
		sample("shopify", "customers-create", "Customer created", map[string]string{"X-Shopify-Topic": "customers/create", "X-Shopify-Webhook-Id": "b1946ac9-2f4d-4c5a-9a1e-000000000001"}),
		sample("shopify", "orders-paid", "Order paid", map[string]string{"X-Shopify-Topic": "orders/paid", "X-Shopify-Webhook-Id": "b1946ac9-2f4d-4c5a-9a1e-000000000002"}),
		sample("shopify", "app-uninstalled", "App uninstalled", map[string]string{"X-Shopify-Topic": "app/uninstalled", "X-Shopify-Shop-Domain": "acme-supplies.myshopify.com", "X-Shopify-Webhook-Id": "b1946ac9-2f4d-4c5a-9a1e-000000000003"}),
	},
}

func readShopify(in Input) (Event, bool) {
	top, topic := in.Top, in.Header.Get("X-Shopify-Topic")
	customer := pick(top["customer"], "id", "email")
	e := Event{
		Event:     topic,
		Email:     address(top.First("email"), top.First("contact_email"), customer.First("email"), top.First("customer_email")),
		UserID:    cmp.Or(customer.First("id"), top.First("customer_id")),
		GroupID:   cmp.Or(pick(top["company"], "id").First("id"), in.Header.Get("X-Shopify-Shop-Domain"), top.First("shop_domain")),
		MessageID: cmp.Or(in.Header.Get("X-Shopify-Webhook-Id"), in.Header.Get("X-Shopify-Event-Id")),
		Time:      top.FirstPresent("updated_at", "created_at"),
	}
	switch object, _, _ := strings.Cut(topic, "/"); object {
	case "customers":
		e.UserID = cmp.Or(e.UserID, top.First("id"))
	case "companies":
		e.GroupID = cmp.Or(top.First("id"), e.GroupID)
	case "app", "shop":
		e.GroupID = cmp.Or(e.GroupID, top.First("myshopify_domain", "domain"))
	}
	if triggered := in.Header.Get("X-Shopify-Triggered-At"); e.Time == nil && triggered != "" {
		e.Time, _ = json.Marshal(triggered)
	}
	return e, topic != ""
}
