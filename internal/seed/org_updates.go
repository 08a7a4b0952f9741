package seed

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"latchkey/internal/ingest"
)

// customer is an organisation of the demo as it changes over the week.
type customer struct {
	id, name, domain, industry, plan string
	users                            int
	cents                            int // a month and user
	trial                            string
	flags                            map[string]bool
}

func customers() []*customer {
	return []*customer{
		{"org_101", "Alder & Sons", "alder.example", "Construction", "team", 34, 900, "", map[string]bool{"new_dashboard": true}},
		{"org_102", "Birchwood Clinics", "birchwood.example", "Healthcare", "enterprise", 412, 1400, "", map[string]bool{"new_dashboard": true, "sso": true}},
		{"org_103", "Cedar Logistics", "cedar.example", "Logistics", "enterprise", 268, 1250, "", map[string]bool{"sso": true}},
		{"org_104", "Dogwood Studio", "dogwood.example", "Design", "free", 4, 0, "active", map[string]bool{"new_dashboard": false}},
		{"org_105", "Elm Street Bakery", "elm.example", "Retail", "team", 12, 900, "converted", nil},
		{"org_106", "Fir Financial", "fir.example", "Finance", "enterprise", 730, 1600, "", map[string]bool{"sso": true, "audit_export": true}},
		{"org_107", "Ginkgo Games", "ginkgo.example", "Games", "team", 58, 900, "", map[string]bool{"new_dashboard": true}},
		{"org_108", "Hazel Hotels", "hazel.example", "Hospitality", "free", 9, 0, "active", nil},
		{"org_109", "Ivy Insurance", "ivy.example", "Insurance", "enterprise", 301, 1500, "", map[string]bool{"sso": true}},
		{"org_110", "Jacaranda Media", "jacaranda.example", "Media", "free", 3, 0, "ended", nil},
		{"org_111", "Kapok Energy", "kapok.example", "Energy", "team", 87, 950, "", map[string]bool{"audit_export": false}},
		{"org_112", "Linden Law", "linden.example", "Legal", "team", 21, 1100, "converted", nil},
	}
}

// group is the call that a customer data platform forwards when an organisation changes.
func (c *customer) group(id string, at time.Time) string {
	traits := map[string]any{
		"name": c.name, "website": c.domain, "industry": c.industry, "plan": c.plan, "employees": c.users,
		"monthlySpend": float64(c.users*c.cents) / 100, "owner": map[string]any{"email": "it@" + c.domain},
	}
	if c.trial != "" {
		traits["trial"] = map[string]any{"status": c.trial, "endsAt": stamp(at.Add(9 * 24 * time.Hour))}
	}
	if c.flags != nil {
		traits["features"] = c.flags
	}
	return string(raw(map[string]any{
		"type": "group", "messageId": id, "groupId": c.id, "userId": "user_1041", "traits": traits, "originalTimestamp": stamp(at),
	}))
}

// subscription is what the billing system sends.
func (c *customer) subscription(at time.Time) string {
	status := "active"
	if c.trial == "active" {
		status = "trialing"
	}
	return string(raw(map[string]any{
		"type": "subscription.updated", "account": map[string]any{"id": c.id}, "occurred_at": stamp(at),
		"subscription": map[string]any{"plan": c.plan, "status": status, "quantity": c.users + 5, "amount_cents": c.users * c.cents, "currency": "eur"},
	}))
}

// grow changes the customer a little, as a week does.
func (d *demo) grow(c *customer) {
	c.users = max(2, c.users+d.rnd.IntN(1+c.users/12+2)-c.users/40)
	if c.trial == "active" && d.rnd.IntN(6) == 0 {
		c.plan, c.cents, c.trial = "team", 900, "converted"
	}
	if c.flags != nil && d.rnd.IntN(5) == 0 {
		c.flags["new_dashboard"] = !c.flags["new_dashboard"]
	}
}

const orgUpdateCount = 160

// orgUpdates sends the week's updates of organisations through the gateway itself: most apply, some
// come late, a few cannot be mapped and wait.
func (d *demo) orgUpdates(ctx context.Context) error {
	all := customers()
	at := moments(d.rnd, orgUpdateCount, d.now.Add(-week), d.now.Add(-2*time.Minute))
	slices.SortFunc(at, time.Time.Compare)
	for i, when := range at {
		c := all[i%len(all)]
		d.grow(c)
		key, event := groupsKey, when
		if i%13 == 7 {
			event = when.Add(-26 * time.Hour) // a queue of the sender that was stuck
		}
		body := c.group(fmt.Sprintf("grp_%04d", i), event)
		if i%5 == 3 {
			key, body = billingKey, c.subscription(event)
		}
		switch i {
		case orgUpdateCount / 2, orgUpdateCount - 20: // a new version of the billing system without the plan's member
			key, body = billingKey, strings.Replace(c.subscription(event), `"plan":`, `"tier":`, 1)
		case orgUpdateCount - 31: // a group call without its group
			key, body = groupsKey, strings.Replace(c.group("grp_none", event), `"groupId":`, `"group":`, 1)
		}
		if err := d.postUpdate(ctx, when, key, body); err != nil {
			return err
		}
	}
	return nil
}

func (d *demo) postUpdate(ctx context.Context, at time.Time, key, body string) error {
	d.clock.set(at.Add(time.Duration(900+d.rnd.IntN(2700)) * time.Microsecond))
	sender, ip := "Segment.io/1.0", "198.51.100.180"
	if key == billingKey {
		sender, ip = "juniper-billing/3.0", "198.51.100.40"
	}
	_, err := d.ingest.Accept(ctx, &ingest.Request{
		ID: idAt(d.rnd, at), Kind: ingest.ProductOrgs, Route: "/api/product-orgs/webhook/{key}", Key: d.made[key].Value.Reveal(),
		Header: http.Header{"Content-Type": {"application/json"}, "User-Agent": {sender}}, IP: ip,
		Body: strings.NewReader(body), Length: int64(len(body)), ReceivedAt: at,
	})
	var refusal *ingest.Refusal
	if err != nil && (!errors.As(err, &refusal) || refusal.Status >= http.StatusInternalServerError) {
		return fmt.Errorf("update an organisation: %w", err)
	}
	return nil
}
