package outbox

import "time"

const stampLayout = "2006-01-02T15:04:05.000000Z"

// Body is what is sent: fixed when the message is written, the same bytes on every attempt. Data is
// a JSON object.
func Body(t Type, at time.Time, data []byte) []byte {
	return append(append(OpenBody(make([]byte, 0, len(data)+96), t, at), data...), '}')
}

// OpenBody begins a body up to the data; the caller appends the object and a closing brace.
func OpenBody(dst []byte, t Type, at time.Time) []byte {
	dst = append(append(append(dst, `{"type":"`...), t...), `","timestamp":"`...)
	return append(at.UTC().AppendFormat(dst, stampLayout), `","data":`...)
}
