// Package source knows how the usual vendors write their events: what the event is called, whom it
// is about, when it happened and which id tells a repeated delivery, found where that vendor puts
// them; and how each signs what it sends. Pure: it reads what it is given and stores nothing.
package source

import (
	"net/http"
	"slices"
	"strings"

	"latchkey/internal/payload"
)

// Vendor is one product whose own payloads are understood, and what a person needs to know to
// connect it. Immutable.
type Vendor struct {
	Name    string   // as in the URL: lower case
	Title   string   // as the vendor writes its name
	Expects string   // a sentence: what it sends
	Where   string   // a sentence: where to paste the URL in the vendor's product
	Docs    string   // the vendor's page that describes the format
	Scheme  string   // the name of its signature scheme; "" when it signs nothing we know
	List    string   // the member in which it sends several events, beside batch and events; "" for none
	Samples []Sample // of our own making, the most typical first

	read func(in Input) (Event, bool)
}

// Sample is a delivery as the vendor would make it, with invented people.
type Sample struct {
	Name    string // unique within the vendor
	Title   string
	Headers map[string]string
	Body    string // JSON, indented
}

// Input is one item of a delivery. The adapters only read it.
type Input struct {
	Header   http.Header
	Top      payload.Object // the item's members
	Envelope payload.Object // the members of the batch around it; nil when it came alone
	Raw      []byte         // the item's bytes
}

// Event is what an adapter found. An empty field was not in the vendor's payload.
type Event struct {
	Event       string // the vendor's own name
	Kind        string // one of Kinds
	Email       string
	UserID      string
	AnonymousID string
	GroupID     string
	MessageID   string
	Time        payload.Value // as it was sent; nil: none
	Warnings    []string
}

// Vendors are sorted by title. The slice is the caller's, the vendors are not.
func Vendors() []*Vendor { return slices.Clone(vendors) }

// Lookup finds a vendor by its name in the URL; nil for any other source.
func Lookup(name string) *Vendor { return byName[name] }

// Normalise reads one item as this vendor writes it. False: it has not the vendor's shape, and the
// universal rules apply. Never panics, whatever the JSON.
func (v *Vendor) Normalise(in Input) (Event, bool) {
	if len(in.Raw) > maxScalar {
		in.Top = short(in.Top)
	}
	event, ok := v.read(in)
	event.Event = strings.TrimSpace(event.Event)
	if !ok || event.Event == "" {
		return Event{}, false
	}
	if event.Kind == "" {
		event.Kind = Track
	}
	return event, true
}

var vendors = sorted(
	&auth0, &calendly, &chargebee, &clerk, &customerio, &github, &hubspot, &intercom, &launchdarkly, &mailjet,
	&mixpanel, &paddle, &posthog, &rudderstack, &segment, &sendgrid, &shopify, &stripe, &typeform,
)

var byName = index(vendors)

func sorted(all ...*Vendor) []*Vendor {
	slices.SortFunc(all, func(a, b *Vendor) int {
		return strings.Compare(strings.ToLower(a.Title), strings.ToLower(b.Title))
	})
	return all
}

func index(all []*Vendor) map[string]*Vendor {
	m := make(map[string]*Vendor, len(all))
	for _, v := range all {
		m[v.Name] = v
	}
	return m
}
