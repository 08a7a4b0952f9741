package console

import (
	"strings"
	"time"

	"latchkey/internal/orgs"
)

// lastPayload is the newest payload that a key received, whatever became of it; nil when there is
// none yet.
func (s *server) lastPayload(c Ctx, keyID string) (raw []byte, id string, at time.Time, err error) {
	p, err := s.Orgs.LastPayload(c.Request().Context(), visit(c).Actor, keyID)
	if err != nil || p == nil {
		return nil, "", time.Time{}, err
	}
	return p.Raw, p.UpdateID, p.ReceivedAt.Time, nil
}

// payloadOf is the payload of an update of an organisation.
func (s *server) payloadOf(c Ctx, updateID string) ([]byte, error) {
	p, err := s.Orgs.Payload(c.Request().Context(), visit(c).Actor, updateID)
	if err != nil {
		return nil, err
	}
	return p.Raw, nil
}

// requestPayload is the body of a kept request, or the first payload that it brought.
func (s *server) requestPayload(c Ctx, requestID string) ([]byte, error) {
	v, ctx := visit(c), c.Request().Context()
	d, err := s.Signals.Request(ctx, v.Actor, requestID)
	if err != nil || d.Body != nil {
		return d.Body, err
	}
	brought, _, err := s.Orgs.UpdateOfRequest(ctx, v.Actor, requestID)
	if err != nil || len(brought) == 0 {
		return nil, err
	}
	return s.payloadOf(c, brought[0].ID)
}

// waitingPayloads is what was kept of a key because it could not be mapped.
func (s *server) waitingPayloads(c Ctx, keyID string) orgs.KeyWaiting {
	waiting, err := s.Orgs.WaitingCount(c.Request().Context(), visit(c).Actor, keyID)
	if err != nil {
		s.log(c, err, "waiting payloads not counted")
	}
	return waiting
}

// afterColon is the part of a name like "request:id" behind its kind.
func afterColon(name string) string {
	_, after, _ := strings.Cut(name, ":")
	return after
}
