package egress

import "time"

// Code names why an attempt failed.
type Code string

// The codes; stored with the attempt.
const (
	BlockedAddress Code = "blocked_address" // the host leads to an address that must not be reached
	InsecureURL    Code = "insecure_url"    // plain http for a live endpoint
	InvalidURL     Code = "invalid_url"     // not a URL that may be sent to
	InvalidHeader  Code = "invalid_header"  // a header that cannot be sent
	DNSFailed      Code = "dns_failed"
	ConnectFailed  Code = "connect_failed"
	TLSFailed      Code = "tls_failed"
	Timeout        Code = "timeout"         // no answer within the attempt's time
	AnswerTooSlow  Code = "answer_too_slow" // an answer began, and did not end in time
	ConnectionLost Code = "connection_lost"
	BadAnswer      Code = "bad_answer" // an answer that is not HTTP, or with too much header
	Redirected     Code = "redirected"
	HTTPError      Code = "http_error"
	Gone           Code = "gone"     // 410
	Canceled       Code = "canceled" // by us: the process stops
)

// Result is what one attempt brought.
type Result struct {
	Status     int    // 0 without an answer
	Error      Code   // empty: delivered
	Detail     string // a sentence for people
	Response   []byte // the beginning of the answer's body, at most MaxResponse
	Truncated  bool   // there was more
	Started    time.Time
	Duration   time.Duration
	RetryAfter time.Duration // the receiver asks to wait so long, at most 24 h; 0: it does not
	Gone       bool          // it wants no more messages
	Cause      error         // for the log; it may name addresses that people outside should not see
}
