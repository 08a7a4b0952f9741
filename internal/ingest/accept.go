package ingest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

	"latchkey/internal/keys"
	"latchkey/internal/source"
	"latchkey/models"
)

const maxIdempotencyKey = 255

// Accept takes a request whose body fits in memory. It returns an outcome when the items were
// looked at, else a *Refusal.
func (s *Service) Accept(ctx context.Context, r *Request) (*Outcome, error) {
	cred, refusal := s.admit(ctx, r)
	if refusal != nil {
		return nil, s.refused(ctx, r, cred, nil, refusal)
	}
	body, held, refusal := s.readAll(r)
	defer s.writer.release(held)
	if refusal != nil {
		return nil, s.refused(ctx, r, cred, nil, refusal)
	}
	if refusal := s.checkSignature(r, cred, body); refusal != nil {
		// By the newest settings, if another instance changed them a moment ago.
		if cred, refusal = s.renew(ctx, r, cred, body); refusal != nil {
			return nil, s.refused(ctx, r, cred, body, refusal)
		}
	}
	split, refusal := s.itemsOf(r, body)
	if refusal != nil {
		return nil, s.refused(ctx, r, cred, body, refusal)
	}
	if !split.single {
		// The items of a list are copies of their own.
		if !s.writer.reserve(int64(len(body))) {
			return nil, s.refused(ctx, r, cred, nil, errOverloaded())
		}
		defer s.writer.release(int64(len(body)))
	}
	return s.settle(ctx, r, cred, body, split)
}

// tries is how often a request is looked at again because its key's settings changed meanwhile.
const tries = 4

// settle reads the items by the key's settings and stores them. The writer finds out inside its
// transaction when the settings have changed since; the items are then read again by the new ones.
func (s *Service) settle(ctx context.Context, r *Request, cred *keys.Credential, body []byte, split *bodyItems) (*Outcome, error) {
	for range tries {
		out, err := s.attempt(ctx, r, cred, body, split)
		if !errors.Is(err, errMoved) {
			return out, err
		}
		fresh, refusal := s.renew(ctx, r, cred, body)
		if refusal != nil {
			return nil, s.refused(ctx, r, cred, body, refusal)
		}
		cred = fresh
	}
	return nil, s.refused(ctx, r, cred, body, errOverloaded())
}

// renew reads the key's settings past what is in memory, and checks by them what was checked by the
// old ones.
func (s *Service) renew(ctx context.Context, r *Request, cred *keys.Credential, body []byte) (*keys.Credential, *Refusal) {
	fresh, err := s.keys.Renew(ctx, cred)
	r.found(fresh)
	if ended := stateRefusal(err); ended != nil {
		return cred, ended
	}
	if err == nil && fresh.TemplateID != "" {
		_, err = s.templates.Refresh(ctx, fresh.TemplateID)
	}
	if err != nil {
		return nil, errStorage(err)
	}
	if refusal := s.checkAddress(r, fresh); refusal != nil {
		return fresh, refusal
	}
	if r.Kind == Bulk && fresh.SignatureScheme != "" && !r.trusted {
		return nil, errUnsignedBulk()
	}
	if r.Kind == Bulk {
		return fresh, nil
	}
	return fresh, s.checkSignature(r, fresh, body)
}

func (s *Service) attempt(ctx context.Context, r *Request, cred *keys.Credential, body []byte, split *bodyItems) (*Outcome, error) {
	if r.Kind.endpointType() == models.ProductOrgs {
		out, err := s.acceptOrgs(ctx, r, cred, body, split)
		var refusal *Refusal
		if errors.As(err, &refusal) && refusal.Code != mappingFailed {
			return nil, s.refused(ctx, r, cred, body, refusal)
		}
		return out, err
	}
	p := s.parseAll(r, cred, split)
	refusal, err := s.store(ctx, r, cred, body, p)
	if err != nil {
		return nil, err
	}
	if refusal != nil {
		return nil, s.refused(ctx, r, cred, body, refusal)
	}
	return p.outcome, nil
}

// admit makes the checks that come before the body: key, state, secret, type, address, limit,
// room, headers.
func (s *Service) admit(ctx context.Context, r *Request) (*keys.Credential, *Refusal) {
	cred, err := s.credential(ctx, r)
	r.found(cred)
	if ended := stateRefusal(err); ended != nil {
		return cred, ended
	}
	switch {
	case errors.Is(err, keys.ErrSecretMissing):
		return cred, errSecretMissing()
	case errors.Is(err, keys.ErrSecretWrong):
		return cred, errSecretWrong()
	case err != nil:
		return nil, errStorage(err)
	case cred.EndpointType != r.Kind.endpointType():
		return cred, errWrongType(cred.EndpointType)
	case cred.SignatureScheme != "" && r.Kind == Bulk && !isTrusted(ctx):
		return cred, errUnsignedBulk()
	}
	cred, refusal := s.checkSender(ctx, r, cred)
	switch {
	case refusal != nil:
		return cred, refusal
	case r.Problem != nil:
		return cred, r.Problem
	case s.writer.full(s.expected(r)):
		return cred, errOverloaded()
	}
	if refusal := checkHeaders(r.Header, r.Kind); refusal != nil {
		return cred, refusal
	}
	if key := r.Header.Get("Idempotency-Key"); len(key) > maxIdempotencyKey {
		return cred, refuse(http.StatusBadRequest, "invalid_idempotency_key",
			fmt.Sprintf("The Idempotency-Key header is longer than %d characters.", maxIdempotencyKey))
	}
	return cred, nil
}

// checkSender makes the checks of where a request comes from and how often.
func (s *Service) checkSender(ctx context.Context, r *Request, cred *keys.Credential) (*keys.Credential, *Refusal) {
	cred, refusal := s.checkAddresses(ctx, r, cred)
	r.found(cred)
	if refusal != nil {
		return cred, refusal
	}
	s.watchAddress(r, cred)
	return cred, s.checkRate(ctx, r, cred)
}

// stateRefusal is the refusal of a key that is not there, or has ended; nil for anything else.
func stateRefusal(err error) *Refusal {
	switch {
	case errors.Is(err, keys.ErrUnknown):
		return errInvalidKey()
	case errors.Is(err, keys.ErrDeactivated):
		return errDeactivated()
	case errors.Is(err, keys.ErrExpired):
		return errExpired()
	}
	return nil
}

// expected is how much of the queue the request will need at first. What is over its own limit is
// refused as such when it is read.
func (s *Service) expected(r *Request) int64 {
	switch {
	case r.Kind == Bulk:
		return min(max(r.Length, 0), chunkBytes)
	case r.Length > s.limits.body(r):
		return 0
	default:
		return max(r.Length, 0)
	}
}

func (s *Service) itemsOf(r *Request, body []byte) (*bodyItems, *Refusal) {
	split, refusal := split(body, source.Lookup(r.Source))
	switch {
	case refusal != nil:
		return nil, refusal
	case split.single:
		// The whole body is the item, to the byte.
		split.items = []json.RawMessage{body}
		return split, nil
	case len(split.items) == 0:
		return nil, refuse(http.StatusBadRequest, "empty_batch", "The list holds no items.")
	case len(split.items) > s.limits.Items:
		return nil, refuse(http.StatusRequestEntityTooLarge, "too_many_items",
			fmt.Sprintf("The list holds %d items; at most %d are taken at once. Send several requests, or use the bulk URL.", len(split.items), s.limits.Items)).
			with("limit_items", s.limits.Items)
	}
	return split, nil
}

// parsed is a request whose items went through the rules.
type parsed struct {
	outcome *Outcome
	items   []*item // the good ones
	single  bool
}

func (s *Service) itemContext(r *Request) *itemContext {
	return &itemContext{
		source: cleanText(r.Source), receivedAt: r.ReceivedAt, limit: s.limits.Item,
		header: r.Header, vendor: source.Lookup(r.Source),
	}
}

// withoutIDs are the headers for the items of a list: the delivery's own id is not theirs.
func withoutIDs(h http.Header) http.Header {
	h = h.Clone()
	for _, name := range append([]string{"X-Shopify-Event-Id"}, vendorIDs...) {
		h.Del(name)
	}
	return h
}

// vendorIDs are headers in which senders put a delivery's own id.
var vendorIDs = []string{"Webhook-Id", "Svix-Id", "X-Github-Delivery", "X-Shopify-Webhook-Id"}

func headerID(h http.Header) string {
	if id := strings.TrimSpace(h.Get("Idempotency-Key")); id != "" {
		return id
	}
	for _, name := range vendorIDs {
		if id := strings.TrimSpace(h.Get(name)); id != "" && len(id) <= maxIdempotencyKey {
			return id
		}
	}
	return ""
}

func (s *Service) parseAll(r *Request, cred *keys.Credential, split *bodyItems) *parsed {
	ic := s.itemContext(r)
	ic.checked, ic.envelope = true, split.envelope
	if split.single {
		ic.messageID = headerID(r.Header)
		if ic.lenient() {
			// A vendor's payload is one item, however large its URL lets it be.
			ic.limit = s.limits.SourceBody
		}
	} else {
		ic.derive, ic.header = headerID(r.Header), withoutIDs(r.Header)
	}
	if split.single && s.now().Sub(r.ReceivedAt) < idsTogether {
		ic.id = r.ID
	}
	raw := split.items
	out := &parsed{single: split.single, outcome: &Outcome{Single: split.single, ReceivedAt: r.ReceivedAt, Results: make([]ItemResult, len(raw))}}
	for i := range raw {
		result := &out.outcome.Results[i]
		result.Index = i
		it, refused := ic.parse(raw[i], i)
		if refused != nil {
			result.Status, result.Err = Rejected, refused
			out.outcome.Rejected++
			continue
		}
		bind(it, r, cred, result)
		out.items = append(out.items, it)
	}
	return out
}

// idsTogether is how long after its arrival a request's id may become that of its event. Of a body that
// took longer to come the event gets an id of its own, since events are told and listed by their ids,
// in the order in which they were stored.
const idsTogether = time.Second

// bind gives a parsed item its id and its place.
func bind(it *item, r *Request, cred *keys.Credential, result *ItemResult) {
	if it.signal.ID == "" {
		it.signal.ID = uuid.Must(uuid.NewV7()).String()
	}
	it.signal.APIKeyID, it.signal.RequestID = cred.ID, r.ID
	it.scope(cred.WorkspaceID, cred.Environment)
	it.result = result
	result.MessageID = it.signal.MessageID
}

// store hands the good items to the writer; an outcome without any is logged as refused.
// The error is errMoved; a refusal is for the sender.
func (s *Service) store(ctx context.Context, r *Request, cred *keys.Credential, body []byte, p *parsed) (*Refusal, error) {
	out := p.outcome
	if p.single && out.Rejected == 1 {
		e := out.Results[0].Err
		return &Refusal{Status: http.StatusBadRequest, Code: e.Code, Message: e.Message, Field: e.Field}, nil
	}
	if r.Atomic && out.Rejected > 0 {
		s.holdBack(p)
	}
	if len(p.items) == 0 {
		if ended := stateRefusal(s.keys.Recheck(ctx, cred)); ended != nil {
			return ended, nil
		}
		s.logOutcome(r, cred, body, p)
		return nil, nil
	}
	line := s.line(r, cred, body)
	describe(line, p)
	j := &job{cred: cred, items: p.items, request: line, started: r.ReceivedAt, bytes: int64(len(body))}
	if err := s.writer.submit(j); err != nil {
		if errors.Is(err, errMoved) {
			return nil, err
		}
		return asRefusal(err), nil
	}
	s.answers.add(Accepted)
	out.Accepted, out.Duplicates = j.accepted, j.repeated
	s.usage.Used(cred, r.seen(), r.ReceivedAt)
	s.usage.Count(cred, 0, 0, int64(out.Rejected), r.ReceivedAt)
	return nil, nil
}

// holdBack turns the good items of an atomic request into refused ones.
func (s *Service) holdBack(p *parsed) {
	for _, it := range p.items {
		it.result.Status, it.result.MessageID = Rejected, ""
		it.result.Err = errHeldBack()
		p.outcome.Rejected++
	}
	p.items, p.outcome.Atomic = nil, true
}

func errHeldBack() *ItemError {
	return &ItemError{Code: "atomic_rejected", Message: "This item is fine, but another one is not, and the request asked for all or nothing."}
}

func asRefusal(err error) *Refusal {
	var r *Refusal
	if errors.As(err, &r) {
		return r
	}
	return errStorage(err)
}

// Status is the HTTP status of an outcome.
func (o *Outcome) Status() int {
	switch {
	case o.Rejected == 0:
		return http.StatusOK
	case o.Accepted+o.Duplicates == 0:
		return http.StatusBadRequest
	default:
		return http.StatusMultiStatus
	}
}
