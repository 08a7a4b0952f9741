package outbox

import (
	"bytes"
	"time"
	"unicode/utf8"

	"latchkey/models"
)

// SignalBody is the body of a signal.received message. It is written by hand, since the gateway
// makes one for each signal while its writer holds a transaction open.
func SignalBody(s *models.Signal) []byte {
	payload := payloadOf(s.Raw)
	dst := make([]byte, 0, len(payload)+len(s.Event)+len(s.Email)+len(s.UserID)+len(s.AnonymousID)+len(s.GroupID)+len(s.MessageID)+640)
	dst = OpenBody(dst, SignalReceived, s.ReceivedAt.Time)
	dst = append(append(append(dst, `{"id":"`...), s.ID...), '"')
	dst = appendMember(dst, "environment", s.Environment)
	dst = appendMember(dst, "source", s.Source)
	dst = appendMember(dst, "kind", s.Kind)
	dst = appendMember(dst, "event", s.Event)
	dst = appendMember(dst, "email", s.Email)
	dst = appendMember(dst, "user_id", s.UserID)
	dst = appendMember(dst, "anonymous_id", s.AnonymousID)
	dst = appendMember(dst, "group_id", s.GroupID)
	dst = appendMember(dst, "message_id", s.MessageID)
	dst = appendInstant(dst, "occurred_at", s.OccurredAt.Time)
	dst = appendInstant(dst, "received_at", s.ReceivedAt.Time)
	dst = appendMember(dst, "api_key_id", s.APIKeyID)
	dst = appendMember(dst, "request_id", s.RequestID)
	dst = append(append(dst, `,"payload":`...), payload...)
	return append(dst, '}', '}')
}

func appendInstant(dst []byte, name string, at time.Time) []byte {
	dst = append(append(append(dst, ',', '"'), name...), '"', ':', '"')
	return append(at.UTC().AppendFormat(dst, stampLayout), '"')
}

// payloadOf is the JSON that was sent, to the byte, but for what may stand around it and for bytes
// that are no UTF-8, which receivers could not read.
func payloadOf(raw []byte) []byte {
	text := bytes.Trim(bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf")), " \t\r\n")
	if !utf8.Valid(text) {
		return bytes.ToValidUTF8(text, []byte("\uFFFD"))
	}
	return text
}
