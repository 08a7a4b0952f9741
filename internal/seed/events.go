package seed

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"time"

	"latchkey/models"
)

// signal is what a sender says: the columns as the gateway would read them, and the bytes.
type signal = models.Signal

type maker func(r *rand.Rand, p person, at time.Time) signal

func pick[T any](r *rand.Rand, from ...T) T { return from[r.IntN(len(from))] }

// raw encodes a payload; maps of strings and numbers always encode.
func raw(payload map[string]any) []byte {
	b, _ := json.Marshal(payload)
	return b
}

// sent is when the sender says that it happened: a moment before it arrived.
func sent(r *rand.Rand, at time.Time) time.Time {
	return at.Add(-time.Duration(100+r.IntN(2500)) * time.Millisecond).Truncate(time.Millisecond)
}

func stamp(t time.Time) string { return t.Format("2006-01-02T15:04:05.000Z07:00") }

// websiteEvent is what a marketing site's server sends: many page views, some forms.
func websiteEvent(r *rand.Rand, p person, at time.Time) signal {
	occurred := sent(r, at)
	switch n := r.IntN(100); {
	case n < 78:
		path := pick(r, "/", "/", "/pricing", "/pricing", "/docs/quickstart", "/customers", "/blog/keys-that-expire", "/integrations", "/security")
		s := signal{Event: "Page Viewed", OccurredAt: models.At(occurred)}
		payload := map[string]any{"event": s.Event, "timestamp": stamp(occurred), "properties": map[string]any{
			"path": path, "referrer": pick(r, "", "https://search.example/", "https://news.example/", "https://social.example/"),
		}}
		if n < 4 {
			// Some visitors refuse to be recognised.
			s.Warnings, s.Raw = "no_identity", raw(payload)
			return s
		}
		s.AnonymousID = p.anonymousID
		payload["anonymousId"] = p.anonymousID
		s.Raw = raw(payload)
		return s
	default:
		form := pick(r, "demo_request", "demo_request", "newsletter", "contact", "whitepaper")
		return signal{
			Event: "Form Submitted", Email: p.email, AnonymousID: p.anonymousID, OccurredAt: models.At(occurred),
			Raw: raw(map[string]any{
				"event": "Form Submitted", "email": p.email, "anonymousId": p.anonymousID, "timestamp": stamp(occurred),
				"properties": map[string]any{"form": form, "name": p.name, "company": p.company, "consent": true},
			}),
		}
	}
}

// productEvent is what a product's backend sends, with ids of its own.
func productEvent(r *rand.Rand, p person, at time.Time) signal {
	occurred := sent(r, at)
	event, properties := "", map[string]any{}
	switch n := r.IntN(100); {
	case n < 55:
		event = "Feature Used"
		properties["feature"] = pick(r, "boards", "boards", "search", "exports", "automations", "comments")
		properties["duration_ms"] = 40 + r.IntN(4000)
	case n < 78:
		event = "Report Exported"
		properties["format"], properties["rows"] = pick(r, "csv", "xlsx", "pdf"), 10+r.IntN(50000)
	case n < 90:
		event = "Invite Sent"
		properties["role"] = pick(r, "member", "guest")
	case n < 96:
		event = "Trial Started"
		properties["plan"], properties["seats"] = pick(r, "team", "business"), 1+r.IntN(40)
	default:
		event = "Plan Upgraded"
		properties["plan"], properties["mrr_cents"] = pick(r, "team", "business"), 4900*(1+r.IntN(20))
	}
	id := fmt.Sprintf("evt_%016x", r.Uint64())
	return signal{
		Event: event, Email: p.email, UserID: p.userID, GroupID: p.groupID, MessageID: id, OccurredAt: models.At(occurred),
		Raw: raw(map[string]any{
			"event": event, "messageId": id, "userId": p.userID, "groupId": p.groupID, "email": p.email,
			"timestamp": stamp(occurred), "properties": properties,
		}),
	}
}

// segmentEvent is a track call as a customer data platform forwards it.
func segmentEvent(r *rand.Rand, p person, at time.Time) signal {
	occurred := sent(r, at)
	event := pick(r, "Product Searched", "Product Viewed", "Checkout Started", "Order Completed", "Email Opened")
	id := fmt.Sprintf("ajs-%016x", r.Uint64())
	return signal{
		Event: event, Email: p.email, UserID: p.userID, AnonymousID: p.anonymousID, MessageID: id, OccurredAt: models.At(occurred),
		Raw: raw(map[string]any{
			"type": "track", "event": event, "messageId": id, "userId": p.userID, "anonymousId": p.anonymousID,
			"timestamp": stamp(occurred), "context": map[string]any{"traits": map[string]any{"email": p.email}, "library": map[string]any{"name": "analytics.js"}},
			"properties": map[string]any{"sku": fmt.Sprintf("JL-%03d", r.IntN(400)), "value": float64(r.IntN(20000)) / 100},
		}),
	}
}

// crmEvent is what a CRM's workflow sends.
func crmEvent(r *rand.Rand, p person, at time.Time) signal {
	occurred := sent(r, at)
	event := pick(r, "contact.creation", "contact.propertyChange", "contact.propertyChange", "deal.creation")
	return signal{
		Event: event, Email: p.email, OccurredAt: models.At(occurred),
		Raw: raw(map[string]any{
			"event": event, "email": p.email, "timestamp": occurred.UnixMilli(),
			"properties": map[string]any{"lifecyclestage": pick(r, "lead", "opportunity", "customer"), "company": p.company},
		}),
	}
}
