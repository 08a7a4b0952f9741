package ingest

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

	"latchkey/internal/keys"
	"latchkey/internal/mapping"
	"latchkey/internal/payload"
	"latchkey/internal/templates"
	"latchkey/models"
)

// Quarantined is the status of an item that was stored to wait for a better template.
const Quarantined = "quarantined"

const (
	mappingFailed = "mapping_failed"

	warnTooManyFields = "too_many_fields"
	warnWaiting       = "waiting_for_template"
	warnMappingFailed = mappingFailed
	warnPartlyMapped  = "partly_mapped"
	maxOrgKey         = 512 // bytes
	maxProblems       = 50  // of one item
)

// mapper turns the items of one request into updates.
type mapper struct {
	ic       *itemContext
	cred     *keys.Credential
	template *templates.Compiled
}

// acceptOrgs maps the items by the key's template and stores what came of each: values, or an item
// that waits for a better template.
func (s *Service) acceptOrgs(ctx context.Context, r *Request, cred *keys.Credential, body []byte, split *bodyItems) (*Outcome, error) {
	compiled, err := s.template(ctx, cred)
	if err != nil {
		return nil, err
	}
	updates, out := s.mapAll(r, cred, compiled, split)
	if r.Atomic && out.Rejected > 0 {
		holdBackUpdates(updates, out)
		updates = nil
	}
	if len(updates) == 0 {
		if ended := stateRefusal(s.keys.Recheck(ctx, cred)); ended != nil {
			return nil, ended
		}
		if split.single {
			e := out.Results[0].Err // it was not even kept: no JSON object, or too large
			return nil, &Refusal{Status: http.StatusBadRequest, Code: e.Code, Message: e.Message, Field: e.Field}
		}
		s.logOutcome(r, cred, body, &parsed{outcome: out})
		return out, nil
	}
	line := s.line(r, cred, body)
	describeOrgs(line, updates, out)
	j := &job{cred: cred, updates: updates, template: compiled, request: line, started: r.ReceivedAt, bytes: int64(len(body))}
	if err := s.orgWriter.submit(j); err != nil {
		return nil, err
	}
	s.usage.Used(cred, r.seen(), r.ReceivedAt)
	s.usage.Count(cred, 0, 0, int64(out.Rejected), r.ReceivedAt)
	if split.single && out.Rejected == 1 {
		s.answers.add(mappingFailed)
		return nil, mappingRefusal(out.Results[0])
	}
	out.Accepted, out.Duplicates = j.accepted, j.repeated
	s.answers.add(Accepted)
	return out, nil
}

// template is the compiled template of a key.
func (s *Service) template(ctx context.Context, cred *keys.Credential) (*templates.Compiled, error) {
	compiled, err := s.templates.Compiled(ctx, cred.TemplateID)
	if err != nil {
		return nil, errStorage(fmt.Errorf("template of key %s: %w", cred.ID, err))
	}
	return compiled, nil
}

// mappingRefusal tells a sender why its item could not be mapped. It is kept all the same.
func mappingRefusal(result ItemResult) *Refusal {
	e := result.Err
	r := &Refusal{Status: http.StatusUnprocessableEntity, Code: e.Code, Message: e.Message, Field: e.Field, Details: e.Details}
	return r.with("id", result.ID)
}

func (s *Service) mapAll(r *Request, cred *keys.Credential, compiled *templates.Compiled, split *bodyItems) ([]*update, *Outcome) {
	m := &mapper{ic: s.itemContext(r), cred: cred, template: compiled}
	m.ic.checked, m.ic.envelope = true, split.envelope
	if split.single {
		m.ic.messageID = headerID(r.Header)
	} else {
		m.ic.derive = headerID(r.Header)
	}
	out := &Outcome{Single: split.single, ReceivedAt: r.ReceivedAt, Results: make([]ItemResult, len(split.items))}
	updates := make([]*update, 0, len(split.items))
	for i, raw := range split.items {
		result := &out.Results[i]
		result.Index, result.Org = i, &OrgResult{}
		u, refused := m.read(raw, i)
		if refused != nil {
			result.Status, result.Err = Rejected, refused
			out.Rejected++
			continue
		}
		u.row.RequestID, u.row.ItemIndex, u.result = r.ID, i, result
		if u.waits == models.UpdateFailed {
			result.Status, result.Err = Rejected, u.problem(split.single)
			out.Rejected++
		}
		updates = append(updates, u)
	}
	return updates, out
}

// read applies the template to one item. An error means that it is nothing that could ever be
// mapped; what only this template cannot map is an update that waits.
func (m *mapper) read(raw []byte, index int) (*update, *ItemError) {
	text, refused := m.ic.check(raw)
	if refused != nil {
		return nil, refused
	}
	root, err := mapping.Decode(text)
	if err != nil {
		return nil, &ItemError{Code: "invalid_json", Message: "This item could not be read: " + err.Error()}
	}
	u := &update{payload: sha256.Sum256(text), row: models.ProductOrgUpdate{
		ID: uuid.Must(uuid.NewV7()).String(), WorkspaceID: m.cred.WorkspaceID, Environment: m.cred.Environment, APIKeyID: m.cred.ID,
		ReceivedAt: models.At(m.ic.receivedAt), Raw: raw,
	}}
	top := topOf(root)
	u.row.MessageID = m.messageID(u, top, index)
	m.apply(u, top, root)
	return u, nil
}

// looked are the members of the top level in which ids, times and the name of an event are found.
var looked = []string{
	"messageId", "message_id", "$insert_id", "event_id", "uuid",
	"event", "event_name", "eventName", "event_type", "eventType", "topic",
	"timestamp", "originalTimestamp", "occurred_at", "time", "created_at", "sentAt", "sent_at", "receivedAt",
}

// topOf gives the rules of signals the members that they look for, of an item that is decoded
// already.
func topOf(root any) payload.Object {
	tree, _ := root.(map[string]any)
	top := payload.Object{}
	for _, name := range looked {
		switch v := tree[name].(type) {
		case nil:
		case string:
			top[name] = appendJSON(nil, v)
		case json.Number:
			top[name] = payload.Value(v)
		default:
			top[name] = payload.Value("{}") // there, and nothing that could be read
		}
	}
	return top
}

// messageID is found by the rules of signals.
func (m *mapper) messageID(u *update, top payload.Object, index int) string {
	id := m.ic.messageID
	if id == "" {
		id = ownID(top)
	}
	if id == "" && m.ic.derive != "" {
		id = fmt.Sprintf("%s#%d#%x", m.ic.derive, index, u.payload[:8])
	}
	it := &item{}
	return it.keep(id, maxMessageID)
}

// ownID is found where signals have theirs, but for a uuid in what names no event: there it is most
// likely the organisation's.
func ownID(top payload.Object) string {
	if id := top.FirstID("messageId", "message_id", "$insert_id", "event_id"); id != "" || !tellsEvent(top) {
		return id
	}
	return top.FirstID("uuid")
}

func tellsEvent(top payload.Object) bool {
	return top.FirstID("event", "event_name", "eventName", "event_type", "eventType", "topic") != ""
}

// dropNameOfOrg forgets a message id of the payload that is the organisation's own id: a system that
// sends {"uuid": "<organisation>", "plan": ...} with each change would have its second change taken
// for a repetition of the first.
func (m *mapper) dropNameOfOrg(u *update, top payload.Object) {
	id := u.row.MessageID
	if m.ic.messageID == "" && id != "" && strings.EqualFold(id, u.row.OrgKey) && id == (&item{}).keep(ownID(top), maxMessageID) {
		u.row.MessageID = ""
	}
}

// orgTime is where signals have their time, but for created_at in what names no event: there it says
// when the organisation was made, which is the same in every update.
func orgTime(top payload.Object) payload.Value {
	if at := top.FirstPresent("timestamp", "originalTimestamp", "occurred_at", "time"); !at.IsNull() {
		return at
	}
	if !tellsEvent(top) {
		return nil
	}
	return top["created_at"]
}

// apply maps the item and decides what becomes of one that cannot be mapped.
func (m *mapper) apply(u *update, top payload.Object, root any) {
	u.row.TemplateVersion = m.template.Version
	u.row.TemplateID = &m.template.TemplateID
	u.row.OccurredAt = u.row.ReceivedAt
	u.found = nil
	if m.template.Program == nil {
		u.waits, u.found = models.UpdateQuarantined, []string{warnWaiting}
		return
	}
	found := m.template.Program.Apply(root)
	if len(found.Errors) > 0 {
		u.waits = models.UpdateFailed
		u.row.Problems = encodeFindings(found.Errors)
		if m.cred.OnError == models.OnErrorQuarantine {
			u.waits, u.found = models.UpdateQuarantined, []string{warnMappingFailed}
		}
		return
	}
	// What clashed is null: it says nothing, and must not wipe out what is known.
	maps.DeleteFunc(found.Values, func(_ string, value json.RawMessage) bool { return string(value) == "null" })
	u.waits, u.values, u.row.OrgKey = "", found.Values, found.OrgID
	if len(found.Warnings) > 0 {
		u.found = append(u.found, warnPartlyMapped)
		u.row.Problems = encodeFindings(found.Warnings)
	}
	m.setTime(u, top, found.OccurredAt)
}

// setTime takes the template's occurred_at, else finds the time where signals have it. Two updates
// with the same instant and bytes are one, even without a message id; a changed template is reason
// to look again.
func (m *mapper) setTime(u *update, top payload.Object, mapped time.Time) {
	it := &item{}
	m.dropNameOfOrg(u, top)
	explicit := !mapped.IsZero()
	if explicit {
		m.ic.keepTime(it, mapped)
	} else {
		m.ic.setTimeFrom(it, top, orgTime(top))
		explicit = !it.signal.OccurredAt.Equal(models.At(m.ic.receivedAt).Time)
	}
	u.found = append(u.found, it.warnings...)
	u.row.OccurredAt = it.signal.OccurredAt
	explicit = explicit && len(it.warnings) == 0
	switch {
	case u.row.MessageID != "":
		u.row.Digest = m.digest("orgs", u.row.MessageID)
	case explicit:
		u.row.Digest = m.digest("orgs-content", u.row.OrgKey, u.row.OccurredAt.Format(time.RFC3339Nano), string(u.payload[:]), fmt.Sprint(m.template.Version))
	default:
		u.row.Digest = nil
	}
}

// digest binds what tells two updates apart to where they go.
func (m *mapper) digest(parts ...string) []byte {
	h := sha256.New()
	for _, part := range append(parts, m.cred.WorkspaceID, m.cred.Environment) {
		fmt.Fprintf(h, "%d:%s", len(part), part)
	}
	return h.Sum(nil)
}

func encodeFindings(findings []mapping.Finding) []byte {
	encoded, err := json.Marshal(findings[:min(len(findings), maxProblems)])
	if err != nil {
		return nil // strings and numbers always encode
	}
	return encoded
}

// problem is what a sender is told of an item that its template cannot map: of a list, the first
// thing wrong with each.
func (u *update) problem(single bool) *ItemError {
	var findings []mapping.Finding
	if json.Unmarshal(u.row.Problems, &findings) != nil || len(findings) == 0 {
		return &ItemError{Code: mappingFailed, Message: "The payload template could not map this item."}
	}
	first := findings[0]
	e := &ItemError{Code: mappingFailed, Field: first.Target,
		Message: "The payload template of this key could not map the item: " + first.Problem + " It is kept and can be replayed when the template is corrected.",
		Details: map[string]any{"target": first.Target, "path": first.Path, "problem": first.Problem}}
	if single {
		e.Details["problems"] = findings
	}
	return e
}

// holdBackUpdates turns all items of an atomic request into refused ones, of which none is kept: a
// replay of one would do a part of what was to be done whole.
func holdBackUpdates(updates []*update, out *Outcome) {
	for _, u := range updates {
		if u.result.Err == nil {
			u.result.Status = Rejected
			u.result.Err = errHeldBack()
			out.Rejected++
		}
	}
	out.Atomic = true
}

// describeOrgs fills the log line: of product orgs the org stands where signals have their event.
func describeOrgs(l *models.GatewayRequest, updates []*update, out *Outcome) {
	describe(l, &parsed{outcome: out})
	l.Event = updates[0].row.OrgKey
	switch {
	case out.Rejected == 0:
		l.Status = http.StatusOK
	case out.Single:
		refusal := mappingRefusal(out.Results[0])
		l.Status, l.Code, l.Message, l.Results = refusal.Status, refusal.Code, cleanText(refusal.Message), nil
	case out.Rejected < len(out.Results):
		l.Status = http.StatusMultiStatus
	default:
		l.Status = http.StatusBadRequest
	}
}
