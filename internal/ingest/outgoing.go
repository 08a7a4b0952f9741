package ingest

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"latchkey/internal/outbox"
	"latchkey/models"
)

// subscriptions is what a store remembers of who gets what. It proves inside each transaction that
// nothing has changed since, so that an endpoint which was made on another instance gets the very
// next signal. Only the store's one writer uses it.
type subscriptions struct {
	known *outbox.Snapshot // nil: nothing was read yet
	bell  *outbox.Bell
}

// reload reads who gets what, in a transaction that holds off changes.
func (s *subscriptions) reload(ctx context.Context, q outbox.Querier) error {
	known, err := outbox.Load(ctx, q)
	if err != nil {
		return err
	}
	s.known = known
	return nil
}

// outgoing is what a group of requests tells other systems: messages, and who gets them.
type outgoing struct {
	who        *outbox.Snapshot // nil: nobody is told, as in a preview
	now        models.Time      // of the commit
	messages   []message
	deliveries []delivery
	err        error // of a body that could not be made
}

type message struct {
	models.Message
	key string
}

type delivery struct {
	message int // of messages
	to      outbox.Subscriber
}

func newOutgoing(who *outbox.Snapshot, now time.Time) *outgoing {
	return &outgoing{who: who, now: models.At(now)}
}

// audience tells who gets a message; false when nobody does, so that no body is made.
func (o *outgoing) audience(workspaceID, environment string, t outbox.Type, source, key string) (outbox.Audience, bool) {
	if o == nil || o.who == nil || o.who.Empty() {
		return outbox.Audience{}, false
	}
	who := o.who.For(workspaceID, environment, t, source, key)
	return who, !who.Empty()
}

func (o *outgoing) add(who outbox.Audience, t outbox.Type, m message) {
	m.EventType, m.CreatedAt = string(t), o.now
	for _, to := range who.Endpoints {
		o.deliveries = append(o.deliveries, delivery{len(o.messages), to})
	}
	o.messages = append(o.messages, m)
}

// signals tells of signals that are to be inserted.
func (o *outgoing) signals(rows []*item) {
	if o.who.Empty() {
		return
	}
	for _, it := range rows {
		s := &it.signal
		if who, any := o.audience(s.WorkspaceID, s.Environment, outbox.SignalReceived, s.Source, s.APIKeyID); any {
			o.add(who, outbox.SignalReceived, message{key: s.APIKeyID, Message: models.Message{
				ID: s.ID, WorkspaceID: s.WorkspaceID, Environment: s.Environment, Source: s.Source, Body: outbox.SignalBody(s),
			}})
		}
	}
}

// refusals tells of the log lines of requests that were refused, whole or in part, and came with a
// known key. The log keeps so many a second, so that this is no flood either. What another
// Latchkey sent, or this one, is not told: the answer to a message would make the next.
func (o *outgoing) refusals(rows []*models.GatewayRequest) {
	if o.who.Empty() {
		return
	}
	for _, l := range rows {
		if l.Code == "" || l.APIKeyID == nil || strings.HasPrefix(l.UserAgent, "Latchkey") {
			continue
		}
		who, any := o.audience(l.WorkspaceID, l.Environment, outbox.IngestRejected, l.Source, *l.APIKeyID)
		if !any {
			continue
		}
		o.add(who, outbox.IngestRejected, message{key: *l.APIKeyID, Message: models.Message{
			ID: l.ID, WorkspaceID: l.WorkspaceID, Environment: l.Environment, Source: l.Source,
			Body: o.encode(outbox.IngestRejected, l.ReceivedAt.Time, rejectedData(l)),
		}})
	}
}

func (o *outgoing) encode(t outbox.Type, at time.Time, data any) []byte {
	body, err := outbox.Encode(t, at, data)
	if err != nil && o.err == nil {
		o.err = fmt.Errorf("tell other systems: %w", err)
	}
	return body
}

// maxToldErrors is how many refused items a message lists.
const maxToldErrors = 20

func rejectedData(l *models.GatewayRequest) outbox.RejectedData {
	data := outbox.RejectedData{
		RequestID: l.ID, Environment: l.Environment, APIKeyID: *l.APIKeyID, Route: l.Route, Source: optional(l.Source), Status: l.Status,
		Code: l.Code, Message: l.Message, Accepted: l.Accepted, Duplicates: l.Duplicates, Rejected: l.Rejected,
		ReceivedAt: outbox.Stamp{Time: l.ReceivedAt.Time}, Errors: []outbox.RefusedItem{},
	}
	var refused []struct {
		Index int       `json:"index"`
		Error ItemError `json:"error"`
	}
	_ = json.Unmarshal(l.Results, &refused) // there may be none
	for _, r := range refused[:min(len(refused), maxToldErrors)] {
		data.Errors = append(data.Errors, outbox.RefusedItem{Index: r.Index, Code: r.Error.Code, Message: r.Error.Message, Field: optional(r.Error.Field)})
	}
	return data
}

func optional(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// endpoints are those that have something to send once the group is committed.
func (o *outgoing) endpoints() []string {
	var ids []string
	seen := map[string]bool{}
	for _, d := range o.deliveries {
		if d.to.Enabled && !seen[d.to.EndpointID] {
			seen[d.to.EndpointID] = true
			ids = append(ids, d.to.EndpointID)
		}
	}
	return ids
}
