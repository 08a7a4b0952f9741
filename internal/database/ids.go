package database

import (
	"time"

	"github.com/google/uuid"
)

// FirstID is the smallest identifier of an instant (UUID version 7, RFC 9562: 48 bits of Unix
// milliseconds first). Times before 1970 count as 1970.
func FirstID(t time.Time) uuid.UUID {
	ms := max(t.UnixMilli(), 0)
	var id uuid.UUID
	for i := range 6 {
		id[i] = byte(ms >> (40 - 8*i))
	}
	id[6], id[8] = 0x70, 0x80
	return id
}

// IDTime is when an identifier was made, to the millisecond.
func IDTime(id uuid.UUID) time.Time {
	var ms int64
	for _, b := range id[:6] {
		ms = ms<<8 | int64(b)
	}
	return time.UnixMilli(ms).UTC()
}

// IDTextTime is IDTime of a text; the zero time when it is no identifier.
func IDTextTime(text string) time.Time {
	id, err := uuid.Parse(text)
	if err != nil {
		return time.Time{}
	}
	return IDTime(id)
}
