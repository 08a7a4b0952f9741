package ingest

import (
	"context"
	"fmt"
	"net/http"

	"latchkey/internal/keys"
)

const rateLimited = "rate_limited"

// checkRate counts a request against the key's own limit, if it has one. What this process itself
// sends for a person is not counted.
func (s *Service) checkRate(ctx context.Context, r *Request, cred *keys.Credential) *Refusal {
	if cred.RateLimit == 0 || r.trusted {
		return nil
	}
	d, err := s.rate.Take(ctx, "key:"+cred.ID, cred.RateLimit)
	if err != nil {
		return errOverloaded() // the sender has gone, and hears nothing of it
	}
	if d.Allowed {
		return nil
	}
	refusal := refuse(http.StatusTooManyRequests, rateLimited,
		fmt.Sprintf("This key takes %d requests a minute, and has taken them. Send the request again after the time that Retry-After names.", d.Limit)).
		with("limit_per_minute", d.Limit)
	refusal.RetryAfter = d.RetryAfter
	return refusal
}
