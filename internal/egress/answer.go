package egress

import (
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"
)

const maxRetryAfter = 24 * time.Hour

func isSignature(name string) bool { return strings.HasPrefix(name, "Webhook-") }

// judge tells what an answer's status and header say; its body says nothing.
func judge(r *http.Response, now time.Time) Result {
	result := Result{Status: r.StatusCode, RetryAfter: retryAfter(r.Header, now)}
	status := statusText(r.StatusCode)
	switch code := r.StatusCode; {
	case code >= 200 && code < 300:
	case code >= 300 && code < 400:
		result.Error, result.Detail = Redirected, "The receiver answered "+status+leads(r.Header.Get("Location"))+". Redirects are never followed: enter the final URL."
	case code == http.StatusGone:
		result.Error, result.Gone = Gone, true
		result.Detail = "The receiver answered 410 Gone: it wants no more messages."
	default:
		result.Error, result.Detail = HTTPError, "The receiver answered "+status+"."
	}
	return result
}

// statusText is "404 Not Found"; of a code without a name only the number.
func statusText(code int) string {
	return strings.TrimSpace(strconv.Itoa(code) + " " + http.StatusText(code))
}

// leads shows where a redirect points, as text of bounded length.
func leads(location string) string {
	const most = 200
	location = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, location)
	if runes := []rune(location); len(runes) > most {
		location = string(runes[:most]) + "…"
	}
	if location == "" {
		return ""
	}
	return ", which points to " + location
}

// retryAfter reads Retry-After, seconds or a date. A date is compared with the receiver's own clock
// when it tells its time, so that a clock that is wrong does no harm.
func retryAfter(h http.Header, now time.Time) time.Duration {
	text := strings.TrimSpace(h.Get("Retry-After"))
	if text == "" {
		return 0
	}
	if strings.Trim(text, "0123456789") == "" {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n > int64(maxRetryAfter/time.Second) {
			return maxRetryAfter
		}
		return time.Duration(n) * time.Second
	}
	until, err := http.ParseTime(text)
	if err != nil {
		return 0
	}
	if theirs, err := http.ParseTime(h.Get("Date")); err == nil {
		now = theirs
	}
	return min(max(0, until.Sub(now)), maxRetryAfter)
}
