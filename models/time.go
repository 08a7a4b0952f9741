package models

import (
	"database/sql/driver"
	"fmt"
	"time"
)

// Time is an instant stored as microseconds since the Unix epoch (BIGINT), NULL when zero.
//
// Instants are integers so that both databases compare them alike: a text time column on SQLite
// compared with <= silently misses rows when the zone differs.
type Time struct{ time.Time }

// At wraps t, in UTC and cut to the microsecond that the column keeps.
func At(t time.Time) Time {
	if t.IsZero() {
		return Time{}
	}
	return Time{t.UTC().Truncate(time.Microsecond)}
}

// Value implements driver.Valuer.
func (t Time) Value() (driver.Value, error) {
	if t.IsZero() {
		return nil, nil
	}
	return t.UnixMicro(), nil
}

// Scan implements sql.Scanner.
func (t *Time) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		*t = Time{}
	case int64:
		*t = Time{time.UnixMicro(v).UTC()}
	default:
		return fmt.Errorf("scan time: unexpected %T", src)
	}
	return nil
}

// GormDataType names the column type.
func (Time) GormDataType() string { return "bigint" }
