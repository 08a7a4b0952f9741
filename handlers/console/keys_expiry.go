package console

import (
	"strconv"
	"strings"
	"time"

	"latchkey/views"
	"latchkey/views/ui"
)

// The choices of an expiration; expiryAt goes with a date and time of its own.
const (
	expiry30Days = "30d"
	expiry90Days = "90d"
	expiryYear   = "1y"
	expiryAt     = "at"
	expiryNever  = "never"
)

var expiryChoices = []ui.Option{
	{Value: expiry30Days, Label: "30 days"},
	{Value: expiry90Days, Label: "90 days"},
	{Value: expiryYear, Label: "1 year"},
	{Value: expiryAt, Label: "At a date and time"},
	{Value: expiryNever, Label: "Never"},
}

// expiryDays is how long the choices last at most.
var expiryDays = map[string]int{expiry30Days: 30, expiry90Days: 90, expiryYear: 366}

const inputTime = "2006-01-02T15:04"

// expiryOf reads the fields expires and expires_at, the latter in the reader's zone; zero means
// never. What cannot be read becomes an instant long past, which every use-case refuses.
func expiryOf(choice, at string, now time.Time, zone *time.Location) time.Time {
	switch choice {
	case expiryNever:
		return time.Time{}
	case expiryYear:
		return now.UTC().AddDate(1, 0, 0)
	case expiryAt:
		for _, layout := range []string{inputTime, inputTime + ":05"} {
			if t, err := time.ParseInLocation(layout, at, zone); err == nil {
				return t
			}
		}
	}
	if days, ok := strings.CutSuffix(choice, "d"); ok {
		if n, err := strconv.Atoi(days); err == nil && n > 0 && n < 100_000 {
			return now.Add(time.Duration(n) * 24 * time.Hour)
		}
	}
	return time.Unix(0, 0)
}

// atField moves what is wrong with the expiration to the field that was filled in.
func atField(f views.Form) views.Form {
	if text := f.Errors["expires"]; text != "" && f.Values["expires"] == expiryAt {
		delete(f.Errors, "expires")
		f.Errors["expires_at"] = text
	}
	return f
}
