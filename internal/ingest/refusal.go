package ingest

import (
	"fmt"
	"net/http"
	"time"

	"latchkey/models"
)

// Refusal is an answer other than success, as the HTTP contract names it.
type Refusal struct {
	Status     int
	Code       string
	Message    string
	Field      string
	Details    map[string]any
	RetryAfter time.Duration
	cause      error
}

func (r *Refusal) Error() string {
	if r.cause != nil {
		return r.Code + ": " + r.cause.Error()
	}
	return r.Code + ": " + r.Message
}

func (r *Refusal) Unwrap() error { return r.cause }

func refuse(status int, code, message string) *Refusal {
	return &Refusal{Status: status, Code: code, Message: message}
}

func (r *Refusal) with(name string, value any) *Refusal {
	if r.Details == nil {
		r.Details = map[string]any{}
	}
	r.Details[name] = value
	return r
}

const deactivatedCode = "deactivated_api_key"

// The refusals that need no detail. Each call makes a fresh value: callers add to it.
func errInvalidKey() *Refusal {
	return refuse(http.StatusUnauthorized, "invalid_api_key", "This is not a valid key. Check that the whole key was copied.")
}

func errDeactivated() *Refusal {
	return refuse(http.StatusUnauthorized, deactivatedCode, "This key was deactivated. Use another key of the workspace.")
}

func errExpired() *Refusal {
	return refuse(http.StatusUnauthorized, "expired_api_key", "This key has expired. Use another key of the workspace.")
}

func errSecretMissing() *Refusal {
	return refuse(http.StatusUnauthorized, "missing_api_secret", "This key requires its shared secret in the X-Api-Secret header.")
}

func errSecretWrong() *Refusal {
	return refuse(http.StatusUnauthorized, "invalid_api_secret", "The X-Api-Secret header does not hold this key's shared secret.")
}

func errOverloaded() *Refusal {
	r := refuse(http.StatusServiceUnavailable, "overloaded", "The server has more to write than it can hold. Nothing of this request was stored. Send it again.")
	r.RetryAfter = time.Second
	return r
}

func errStopping() *Refusal {
	r := refuse(http.StatusServiceUnavailable, "stopping", "The server is stopping. Send the rest of the upload again, from the line that the answer names.")
	r.RetryAfter = 5 * time.Second
	return r
}

func errStorage(cause error) *Refusal {
	r := refuse(http.StatusServiceUnavailable, "storage_unavailable", "The database did not answer. Send the request again.")
	r.RetryAfter = 5 * time.Second
	r.cause = cause
	return r
}

func errTooLarge(limit int64) *Refusal {
	return refuse(http.StatusRequestEntityTooLarge, "payload_too_large",
		fmt.Sprintf("The body is larger than the %d bytes that this URL takes. Send less at once, or use the bulk URL.", limit)).
		with("limit_bytes", limit)
}

func errTimeout() *Refusal {
	return refuse(http.StatusRequestTimeout, "request_timeout", "The body stopped arriving. Send the request again.")
}

var rightURL = map[string]string{
	models.SignalStaging: "/api/signal-staging/webhook/{key}",
	models.ProductOrgs:   "/api/product-orgs/webhook/{key}",
	models.APIAccess:     "/api/v1",
}

func errWrongType(have string) *Refusal {
	return refuse(http.StatusForbidden, "endpoint_type_mismatch",
		fmt.Sprintf("This key is for %s. Its URL is %s.", have, rightURL[have])).
		with("endpoint_type", have).with("url", rightURL[have])
}
