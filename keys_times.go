package main

import (
	"fmt"
	"regexp"
	"strconv"
	"time"
)

var days = regexp.MustCompile(`^([0-9]{1,4})d$`)

// parseExpiry reads a number of days or an RFC 3339 time; empty and never mean no end.
func parseExpiry(text string, now time.Time) (time.Time, error) {
	if text == "" || text == "never" {
		return time.Time{}, nil
	}
	if m := days.FindStringSubmatch(text); m != nil {
		n, err := strconv.Atoi(m[1])
		if err != nil {
			return time.Time{}, fmt.Errorf("--expires %q: %w", text, err)
		}
		return now.AddDate(0, 0, n), nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, fmt.Errorf("--expires %q is neither a number of days like 90d nor a time like 2030-01-31T00:00:00Z", text)
	}
	return at, nil
}

// parseGrace reads how long an old value works: 24h, 7d, or none.
func parseGrace(text string) (time.Duration, error) {
	if text == "none" {
		return 0, nil
	}
	d, ok := parseDuration(text)
	if !ok {
		return 0, fmt.Errorf("--grace %q is not a time like 24h or 7d; use none to end the old value now", text)
	}
	return d, nil
}

// parseUntil reads an end: from now on, or a time.
func parseUntil(text string, now time.Time) (time.Time, error) {
	if d, ok := parseDuration(text); ok {
		return now.Add(d), nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, fmt.Errorf("--until %q is neither a time from now on like 12h or 7d nor a time like 2030-01-31T00:00:00Z", text)
	}
	return at, nil
}

// parseDuration reads whole seconds of a time that is not over, with days too.
func parseDuration(text string) (time.Duration, bool) {
	if m := days.FindStringSubmatch(text); m != nil {
		n, err := strconv.Atoi(m[1])
		return time.Duration(n) * 24 * time.Hour, err == nil && n > 0
	}
	d, err := time.ParseDuration(text)
	return d, err == nil && d > 0 && d%time.Second == 0
}
