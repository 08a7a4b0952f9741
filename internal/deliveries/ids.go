package deliveries

import (
	"time"

	"github.com/google/uuid"
)

// idAt is the smallest identifier of an instant (UUID version 7, RFC 9562: 48 bits of Unix
// milliseconds first). Times before 1970 count as 1970.
func idAt(t time.Time) string {
	ms := max(t.UnixMilli(), 0)
	var id uuid.UUID
	for i := range 6 {
		id[i] = byte(ms >> (40 - 8*i))
	}
	id[6], id[8] = 0x70, 0x80
	return id.String()
}

// timeOf is when an identifier was made, to the millisecond.
func timeOf(id string) time.Time {
	parsed, err := uuid.Parse(id)
	if err != nil {
		return time.Time{}
	}
	var ms int64
	for i := range 6 {
		ms = ms<<8 | int64(parsed[i])
	}
	return time.UnixMilli(ms).UTC()
}
