package console

import (
	"net/http"
	"strconv"
	"time"

	"latchkey/internal/dispatch"
	"latchkey/models"
	"latchkey/views/ui"
)

// deliveryBadge is a status as icon and word.
func deliveryBadge(d models.Delivery) ui.BadgeProps {
	switch {
	case d.Status == models.DeliveryDelivered:
		return ui.BadgeProps{Label: "Delivered", Tone: ui.ToneOK}
	case d.Status == models.DeliveryFailed:
		return ui.BadgeProps{Label: "Failed", Tone: ui.ToneDanger}
	case d.Status == models.DeliverySkipped:
		return ui.BadgeProps{Label: "Skipped", Icon: ui.IconBan}
	case d.Step > 0:
		return ui.BadgeProps{Label: "Waiting to retry", Tone: ui.ToneWarn, Icon: ui.IconClock}
	default:
		return ui.BadgeProps{Label: "Waiting", Tone: ui.ToneInfo, Icon: ui.IconClock}
	}
}

// atOnce is so soon that no page counts down to it.
const atOnce = 10 * time.Second

// deliveryWords are a status with what comes next.
func (s *server) deliveryWords(c Ctx, d models.Delivery) (badge ui.BadgeProps, note string, next *ui.TimeProps) {
	badge = deliveryBadge(d)
	if d.Status != models.DeliveryPending || d.NextAttemptAt.IsZero() {
		return badge, "", nil
	}
	note = nextNumber(d)
	if d.NextAttemptAt.Sub(s.Now()) < atOnce {
		return badge, note + " is due", nil
	}
	at := s.time(c, d.NextAttemptAt.Time, "")
	return badge, note, &at
}

// nextNumber is the attempt to come, within the schedule: "Attempt 3 of 8".
func nextNumber(d models.Delivery) string {
	place := strconv.Itoa(d.Step+1) + " of " + strconv.Itoa(len(dispatch.Schedule))
	if d.Attempts != d.Step { // it was put on the schedule once more
		return "Attempt " + strconv.Itoa(d.Attempts+1) + " (" + place + " since it was sent again)"
	}
	return "Attempt " + place
}

// lastAnswer is the last attempt in a word: a status, or why there was none.
func lastAnswer(d models.Delivery) string {
	if d.LastStatus == 0 {
		return d.LastError
	}
	return strconv.Itoa(d.LastStatus)
}

// attemptBadge is the outcome of one request.
func attemptBadge(status int, code string) ui.BadgeProps {
	badge := ui.BadgeProps{Tone: ui.ToneDanger, Label: attemptErrors[code].label}
	if code == "" {
		badge.Tone = ui.ToneOK
	}
	switch {
	case status > 0 && (badge.Label == "" || code == "http_error"):
		badge.Label = statusText(status)
	case status > 0:
		badge.Label = statusText(status) + ", " + lowerFirst(badge.Label)
	case badge.Label == "":
		badge.Label = code
	}
	return badge
}

func statusText(status int) string {
	if text := http.StatusText(status); text != "" {
		return strconv.Itoa(status) + " " + text
	}
	return strconv.Itoa(status)
}

func lowerFirst(text string) string {
	if len(text) > 1 && text[0] >= 'A' && text[0] <= 'Z' && (text[1] < 'A' || text[1] > 'Z') {
		return string(text[0]+'a'-'A') + text[1:]
	}
	return text
}

// attemptErrors are the codes of internal/egress: what happened in two words, and what to do. What
// exactly happened stands in the attempt's own sentence.
var attemptErrors = map[string]struct{ label, fix string }{
	"blocked_address": {"Address not allowed", "For a receiver in a private network, the operator of this instance sets LATCHKEY_WEBHOOK_ALLOW_CIDRS to its network, for example 10.20.0.0/16, and starts Latchkey again. Otherwise give the endpoint a public address."},
	"insecure_url":    {"Not https", "Change the endpoint's URL to https."},
	"invalid_header":  {"Header not usable", ""},
	"invalid_url":     {"URL not usable", "Edit the endpoint and enter its URL again."},
	"dns_failed":      {"Host not found", "Look for a typing error in the host name, and see that its DNS record is there."},
	"connect_failed":  {"No connection", "See that the receiver runs and listens on this port, and that no firewall stands between."},
	"tls_failed":      {"TLS failed", "See that the certificate is of this host name, not expired, and sent with its whole chain."},
	"timeout":         {"Timed out", "Answer 2xx sooner: store the message first, answer, and do the work afterwards."},
	"answer_too_slow": {"Answer too slow", "Answer 2xx with a short body, or none."},
	"connection_lost": {"Connection lost", "The receiver's log at this time says more."},
	"bad_answer":      {"Not HTTP", "See that the port is that of a web server."},
	"redirected":      {"Redirected", ""},
	"http_error":      {"Refused", ""},
	"gone":            {"Gone", "410 Gone disables an endpoint as soon as a message of the queue gets it. Enable the endpoint once its receiver answers 2xx."},
	"canceled":        {"Stopped", ""},
}

// attemptFix says what to do about an attempt that failed; empty when only the receiver knows.
func attemptFix(status int, code string) string {
	if code != "http_error" {
		return attemptErrors[code].fix
	}
	switch {
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return "The receiver refuses the request. See that it verifies with this endpoint's signing secret, over the bytes of the body as they came, and that its clock is right."
	case status == http.StatusNotFound || status == http.StatusMethodNotAllowed:
		return "See that the path of the URL is right, and that it takes POST."
	case status == http.StatusRequestEntityTooLarge:
		return "The receiver takes no body of this size. Raise its limit."
	case status == http.StatusTooManyRequests:
		return "The receiver asks for fewer requests. Set a rate limit for the endpoint; Retry-After is kept to."
	case status >= http.StatusInternalServerError:
		return "The receiver failed. Its log for this message ID says why; the message is the same on every attempt."
	default:
		return "Only 2xx counts as delivered. Look at the receiver's answer and its log."
	}
}

// attemptCauses say why an attempt was made, where it was not the schedule.
var attemptCauses = map[string]string{
	models.CauseRetry:  "sent again by hand",
	models.CauseReplay: "sent again by a run",
	models.CauseTest:   "test",
}
