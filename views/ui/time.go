package ui

import (
	"strconv"
	"time"
)

// NewTime fills TimeProps for t as seen at now in the reader's zone. A zero t reads as the fallback, e.g. "Never".
func NewTime(t, now time.Time, zone *time.Location, fallback string) TimeProps {
	if t.IsZero() {
		return TimeProps{Relative: fallback, Absolute: fallback}
	}
	return TimeProps{
		DateTime: t.UTC().Format(time.RFC3339),
		Relative: Relative(t, now),
		Absolute: Absolute(t, zone),
	}
}

// Absolute writes a moment in the reader's zone and, where that differs, in UTC.
func Absolute(t time.Time, zone *time.Location) string {
	utc := t.UTC().Format("2006-01-02 15:04:05 UTC")
	if zone == nil || zone == time.UTC || zone.String() == "UTC" {
		return utc
	}
	return t.In(zone).Format("2006-01-02 15:04:05 MST") + " (" + t.UTC().Format("15:04 UTC") + ")"
}

// Relative writes the distance from now to t, rounded down, as static/app.js does when it refreshes the page.
func Relative(t, now time.Time) string {
	d := now.Sub(t)
	future := d < 0
	if future {
		d = -d
	}
	seconds := int(d / time.Second)
	if seconds < 10 {
		return "just now"
	}
	text := relativeUnit(seconds)
	if future {
		return "in " + text
	}
	return text + " ago"
}

func relativeUnit(seconds int) string {
	switch {
	case seconds < 60:
		return plural(seconds, "second")
	case seconds < 3600:
		return plural(seconds/60, "minute")
	case seconds < 86400:
		return plural(seconds/3600, "hour")
	case seconds < 60*86400:
		return plural(seconds/86400, "day")
	case seconds < 730*86400:
		// Rounded: a key made for 90 days has 89 days and some hours left, which nobody calls 2 months.
		return plural((seconds+15*86400)/(30*86400), "month")
	default:
		return plural(seconds/(365*86400), "year")
	}
}

func plural(n int, unit string) string {
	if n == 1 {
		return "1 " + unit
	}
	return strconv.Itoa(n) + " " + unit + "s"
}
