package console

import (
	"strconv"
	"strings"

	"latchkey/internal/access"
	"latchkey/internal/outbox"
	"latchkey/internal/signals"
	"latchkey/views"
)

// toldAbout bounds of how many things of a request the deliveries are looked up.
const toldAbout = 20

// subject is a thing that messages tell of; its id is the message's.
type subject struct{ id, label string }

// telling lists where things were told to; nothing for those who may not see endpoints.
func (s *server) telling(c Ctx, subjects ...subject) (views.TellingView, error) {
	v := visit(c)
	p := views.TellingView{Many: len(subjects) > 1, Text: "Your endpoints that are told of it."}
	if !v.Actor.Can(access.ManageEndpoints) {
		return p, nil
	}
	if p.Many {
		p.Text = "Your endpoints that are told of what it brought."
	}
	for _, one := range subjects[:min(len(subjects), toldAbout)] {
		found, err := s.Deliveries.OfMessage(c.Request().Context(), v.Actor, one.id)
		if err != nil {
			return p, err
		}
		for _, d := range found {
			row := views.ToldRow{
				About: one.label, Endpoint: shortAddress(d.Endpoint.Address()), Description: d.Endpoint.Description, Attempts: strconv.Itoa(d.Attempts), Answer: lastAnswer(d.Delivery),
				Href: v.path(endpointsPath, d.EndpointID, tabDeliveries, outbox.PublicID(d.MessageID)),
			}
			row.Status, row.Note, row.Next = s.deliveryWords(c, d.Delivery)
			p.Rows = append(p.Rows, row)
		}
	}
	return p, nil
}

// subjectsOf are the request itself, when something of it was refused, and what it brought.
func subjectsOf(d signals.RequestDetail, p views.RequestView) []subject {
	var out []subject
	if d.Code != "" {
		out = append(out, subject{d.ID, "The rejection"})
	}
	for _, item := range d.Signals {
		out = append(out, subject{item.ID, orText(item.Event, "A signal")})
	}
	for _, u := range p.Updates {
		out = append(out, subject{u.Update.ID, orText(u.Update.Org, "An update")})
	}
	return out
}

// shortAddress is a URL without the part that most have in common.
func shortAddress(address string) string { return strings.TrimPrefix(address, "https://") }
