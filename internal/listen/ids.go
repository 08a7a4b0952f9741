package listen

import (
	"time"

	"github.com/google/uuid"
)

// clock is the time by which ids are made, whatever the service's clock says.
func clock() time.Time { return timeOf(uuid.Must(uuid.NewV7())) }

// timeOf is when an id was made, to the millisecond.
func timeOf(id uuid.UUID) time.Time {
	var ms int64
	for _, b := range id[:6] {
		ms = ms<<8 | int64(b)
	}
	return time.UnixMilli(ms)
}

// idAt is before every id of that instant and later, and after those before.
func idAt(t time.Time) uuid.UUID {
	ms := max(t.UnixMilli(), 0)
	var id uuid.UUID
	for i := range 6 {
		id[i] = byte(ms >> (40 - 8*i))
	}
	id[6], id[8] = 0x70, 0x80
	return id
}
