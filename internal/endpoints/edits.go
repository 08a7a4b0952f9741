package endpoints

import (
	"slices"

	"latchkey/internal/audit"
	"latchkey/internal/egress"
	"latchkey/internal/fault"
	"latchkey/internal/outbox"
	"latchkey/models"
)

// edits collects what a change of an endpoint writes, and what the audit log says of it.
type edits struct {
	sets          []string
	args          []any
	before, after audit.Values

	elsewhere bool // requests go elsewhere, or look different
}

func (e *edits) none() bool { return len(e.sets) == 0 }

func (e *edits) set(column string, value any) {
	e.sets, e.args = append(e.sets, column+" = ?"), append(e.args, value)
}

// edit notes a column that gets another value, and tells whether it does.
func edit[T comparable](e *edits, column string, before T, after *T) bool {
	if after == nil || before == *after {
		return false
	}
	e.before[column], e.after[column] = before, *after
	e.set(column, *after)
	return true
}

func (s *Service) edits(p Patch, have models.Endpoint) (*edits, error) {
	e := &edits{before: audit.Values{}, after: audit.Values{}}
	e.elsewhere = edit(e, "url", have.URL, p.URL)
	edit(e, "description", have.Description, p.Description)
	if p.EventTypes != nil {
		types := outbox.Patterns(*p.EventTypes).String()
		edit(e, "event_types", have.EventTypes, &types)
	}
	edit(e, "source", have.Source, p.Source)
	if p.APIKeyID != nil && *p.APIKeyID != orEmpty(have.APIKeyID) {
		e.before["api_key_id"], e.after["api_key_id"] = orEmpty(have.APIKeyID), *p.APIKeyID
		e.set("api_key_id", optional(*p.APIKeyID))
	}
	edit(e, "ordered", have.Ordered, p.Ordered)
	edit(e, "concurrency", have.Concurrency, p.Concurrency)
	edit(e, "rate_limit", have.RateLimit, p.RateLimit)
	return e, s.editHeaders(e, p, have)
}

// editHeaders says which headers there are, never with what values.
func (s *Service) editHeaders(e *edits, p Patch, have models.Endpoint) error {
	if p.Headers == nil {
		return nil
	}
	wanted := tidyHeaders(*p.Headers)
	had, problem := s.openHeaders(have)
	wanted = keepValues(wanted, had)
	if problem == nil && slices.Equal(had, wanted) {
		return nil
	}
	if problem != nil && slices.ContainsFunc(wanted, func(h egress.Header) bool { return h.Value == "" }) {
		return errSealed(problem)
	}
	fields := fault.Fields{}
	if err := checkHeaders(fields, wanted); err != nil {
		return err
	}
	if err := fields.Err(); err != nil {
		return err
	}
	if s.box == nil && len(wanted) > 0 {
		return errNoBox
	}
	e.before["headers"], e.after["headers"] = headerNames(had), headerNames(wanted)
	if headerNames(had) == headerNames(wanted) {
		e.before["header_values"], e.after["header_values"] = "set", "changed"
	}
	e.set("headers", s.sealHeaders(have.ID, wanted))
	e.elsewhere = true
	return nil
}
