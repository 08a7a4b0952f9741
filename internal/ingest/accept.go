package ingest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/google/uuid"

	"latchkey/internal/keys"
	"latchkey/internal/token"
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
	out := s.parseAll(r, cred, split)
	if refusal := s.store(ctx, r, cred, body, out); refusal != nil {
		return nil, s.refused(ctx, r, cred, body, refusal)
	}
	return out.outcome, nil
}

// admit makes the checks that come before the body: key, state, secret, type, room, headers.
func (s *Service) admit(ctx context.Context, r *Request) (*keys.Credential, *Refusal) {
	cred, err := s.keys.Authenticate(ctx, r.Key, r.Secret)
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
	split, refusal := split(body)
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
	return &itemContext{source: cleanText(r.Source), receivedAt: r.ReceivedAt, limit: s.limits.Item}
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
		ic.derive = headerID(r.Header)
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

// bind gives a parsed item its id and its place.
func bind(it *item, r *Request, cred *keys.Credential, result *ItemResult) {
	it.signal.ID = uuid.Must(uuid.NewV7()).String()
	it.signal.APIKeyID, it.signal.RequestID = cred.ID, r.ID
	it.scope(cred.WorkspaceID, cred.Environment)
	it.result = result
	result.MessageID = it.signal.MessageID
}

// store hands the good items to the writer; an outcome without any is logged as refused.
func (s *Service) store(ctx context.Context, r *Request, cred *keys.Credential, body []byte, p *parsed) *Refusal {
	out := p.outcome
	if p.single && out.Rejected == 1 {
		e := out.Results[0].Err
		return &Refusal{Status: http.StatusBadRequest, Code: e.Code, Message: e.Message, Field: e.Field}
	}
	if r.Atomic && out.Rejected > 0 {
		s.holdBack(p)
	}
	if len(p.items) == 0 {
		if ended := stateRefusal(s.keys.Recheck(ctx, cred)); ended != nil {
			return ended
		}
		s.logOutcome(r, cred, body, p)
		return nil
	}
	line := s.line(r, cred, body)
	describe(line, p)
	j := &job{cred: cred, items: p.items, request: line, started: r.ReceivedAt, bytes: int64(len(body))}
	if err := s.writer.submit(j); err != nil {
		return asRefusal(err)
	}
	s.answers.add(Accepted)
	out.Accepted, out.Duplicates = j.accepted, j.repeated
	s.usage.used(cred, r.seen(), r.ReceivedAt)
	s.usage.rejected(cred, out.Rejected, r.ReceivedAt)
	return nil
}

// holdBack turns the good items of an atomic request into refused ones.
func (s *Service) holdBack(p *parsed) {
	for _, it := range p.items {
		it.result.Status, it.result.MessageID = Rejected, ""
		it.result.Err = &ItemError{Code: "atomic_rejected", Message: "This item is fine, but another one is not, and the request asked for all or nothing."}
		p.outcome.Rejected++
	}
	p.items, p.outcome.Atomic = nil, true
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

func (r *Request) seen() seen {
	h := r.Header
	// A page of this very origin can only be the console, which sends a test event for its reader.
	console := h.Get("Sec-Fetch-Site") == "same-origin"
	return seen{
		ip: r.IP, userAgent: r.userAgent(),
		browser: !console && (h.Get("Origin") != "" || h.Get("Sec-Fetch-Mode") != "" || h.Get("Sec-Fetch-Site") != ""),
	}
}

// userAgent is what the sender calls itself, without a secret that strayed into it.
func (r *Request) userAgent() string { return token.Mask(cleanText(r.Header.Get("User-Agent"))) }

// cleanText makes a header's text fit for a column and a log line.
func cleanText(text string) string {
	it := &item{}
	text = strings.Map(func(c rune) rune {
		if c < ' ' || c == 0x7f {
			return ' '
		}
		return c
	}, text)
	return it.keep(text, maxText)
}
