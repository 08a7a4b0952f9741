package signing

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strconv"
	"time"
)

// The headers of Standard Webhooks, in the form that Go's http.Header keys have.
const (
	HeaderID        = "Webhook-Id"
	HeaderTimestamp = "Webhook-Timestamp"
	HeaderSignature = "Webhook-Signature"
)

// Sign returns "v1,<base64> v1,<base64>": one signature a secret, in the order given. During a
// rotation both secrets sign, so a receiver verifies with the one that it knows.
func Sign(id string, at time.Time, body []byte, secrets ...Secret) string {
	head := id + "." + strconv.FormatInt(at.Unix(), 10) + "."
	var text []byte
	for _, s := range secrets {
		mac := hmac.New(sha256.New, []byte(s.key))
		mac.Write([]byte(head))
		mac.Write(body)
		if len(text) > 0 {
			text = append(text, ' ')
		}
		text = append(text, "v1,"...)
		text = base64.StdEncoding.AppendEncode(text, mac.Sum(nil))
	}
	return string(text)
}

// Headers are the three headers of one attempt: the id of the message, the instant of the attempt
// and the signatures.
func Headers(id string, at time.Time, body []byte, secrets ...Secret) http.Header {
	return http.Header{
		HeaderID:        {id},
		HeaderTimestamp: {strconv.FormatInt(at.Unix(), 10)},
		HeaderSignature: {Sign(id, at, body, secrets...)},
	}
}
