package payload

import (
	"strconv"
	"strings"
	"time"
)

// layouts accept unpadded months, days and hours, as Go's parser does for the digit forms.
var layouts = []string{
	time.RFC3339Nano,
	"2006-1-2T15:4:5.999999999Z0700",
	"2006-1-2T15:4:5.999999999Z07:00",
	"2006-1-2T15:4:5.999999999Z07",
	"2006-1-2T15:4:5.999999999",
	"2006-1-2T15:4Z07:00",
	"2006-1-2T15:4",
	"2006-1-2 15:4:5.999999999 Z07:00",
	"2006-1-2 15:4:5.999999999 Z0700",
	"2006-1-2 15:4:5.999999999Z07:00",
	"2006-1-2 15:4:5.999999999Z0700",
	"2006-1-2 15:4:5.999999999 MST",
	"2006-1-2 15:4:5.999999999",
	"2006-1-2 15:4",
	"2006-1-2",
	time.RFC1123Z,
	time.RFC1123,
	"Mon Jan 2 2006 15:04:05 GMT-0700",
}

var (
	earliest = time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC)
	latest   = time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)
)

// ParseTime reads RFC 3339, ISO 8601 without zone (UTC) or with +0530, unpadded parts, and epochs
// in seconds, milliseconds, microseconds or nanoseconds, told apart by their size.
func ParseTime(text string) (time.Time, bool) {
	text = strings.TrimSpace(text)
	if text == "" {
		return time.Time{}, false
	}
	at, ok := parseEpoch(text)
	for i := 0; !ok && i < len(layouts); i++ {
		parsed, err := time.Parse(layouts[i], text)
		at, ok = parsed.UTC(), err == nil && knownZone(parsed)
	}
	if !ok || at.Before(earliest) || at.After(latest) {
		return time.Time{}, false
	}
	return at, true
}

// knownZone is false for a zone's abbreviation that Go only guesses to be UTC, such as EST.
func knownZone(t time.Time) bool {
	name, offset := t.Zone()
	return offset != 0 || name == "" || name == "UTC" || name == "GMT" || name == "Z"
}

func parseEpoch(text string) (time.Time, bool) {
	if strings.ContainsAny(text, ":TZ") { // a date, which the number parser would quote in an error
		return time.Time{}, false
	}
	if strings.ContainsAny(text, "eE") {
		return parseExponent(text)
	}
	whole, fraction, dotted := strings.Cut(text, ".")
	n, err := strconv.ParseInt(whole, 10, 64)
	if err != nil {
		return time.Time{}, false
	}
	switch {
	case n < 0:
		return time.Time{}, false
	case n < 1e11:
		at := time.Unix(n, 0)
		if dotted {
			nanos, err := strconv.ParseFloat("0."+fraction, 64)
			if err != nil {
				return time.Time{}, false
			}
			at = at.Add(time.Duration(nanos * 1e9).Round(time.Microsecond))
		}
		return at.UTC(), true
	case n < 1e14:
		return time.UnixMilli(n).UTC(), true
	case n < 1e17:
		return time.UnixMicro(n).UTC(), true
	default:
		return time.Unix(0, n).UTC(), true
	}
}

// parseExponent reads numbers such as 1.7e9 that some encoders make of large integers.
func parseExponent(text string) (time.Time, bool) {
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || f < 0 || f >= 1e19 {
		return time.Time{}, false
	}
	return parseEpoch(strconv.FormatFloat(f, 'f', 6, 64))
}
