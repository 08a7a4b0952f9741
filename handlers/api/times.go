package api

import (
	"time"

	"latchkey/models"
)

// timeFormat is RFC 3339 with milliseconds, in UTC.
const timeFormat = "2006-01-02T15:04:05.000Z07:00"

const timeProblem = "Use a time like 2026-01-31T12:00:00Z (RFC 3339)."

// instant is a time as answers write it.
func instant(t time.Time) string { return t.UTC().Format(timeFormat) }

// optionalInstant is null for what has not happened.
func optionalInstant(t models.Time) *string { return instantOrNull(t.Time) }

func instantOrNull(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	text := instant(t)
	return &text
}

// nullable is null for an empty text.
func nullable(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// parseTime reads RFC 3339, of the years that the database can hold and answers can write.
func parseTime(text string) (time.Time, bool) {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil || t.UTC().Year() < 1970 || t.UTC().Year() > 9999 {
		return time.Time{}, false
	}
	return t.UTC(), true
}
