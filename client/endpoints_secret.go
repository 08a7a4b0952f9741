package client

import (
	"context"
	"net/http"
	"time"
)

// SigningSecrets are the secrets that sign the messages to an endpoint.
type SigningSecrets struct {
	Secret         Secret    `json:"secret"`
	Previous       Secret    `json:"previous_secret,omitempty"` // while it signs too
	PreviousEndsAt time.Time `json:"previous_secret_ends_at"`   // zero: one secret signs
}

// RotateEndpointSecret says how a secret is replaced.
type RotateEndpointSecret struct {
	Grace  time.Duration // for how long both sign; whole seconds; 0: as long as the instance chooses, 24 hours
	None   bool          // the secret before ends at once
	Secret Secret        // your own, whsec_...; empty: a new one
}

// RotateEndpointSecret gives an endpoint a new secret. It needs endpoints:write.
func (c *Client) RotateEndpointSecret(ctx context.Context, id string, f RotateEndpointSecret) (SigningSecrets, error) {
	body := map[string]any{}
	switch {
	case f.None:
		body["grace_seconds"] = 0
	case f.Grace != 0:
		body["grace_seconds"] = int64(f.Grace / time.Second)
	}
	if f.Secret != "" {
		body["secret"] = f.Secret
	}
	return c.secrets(ctx, body, id, "rotate")
}

// RevealEndpointSecret shows the secrets; the audit log says that it did. It needs endpoints:write.
func (c *Client) RevealEndpointSecret(ctx context.Context, id string) (SigningSecrets, error) {
	return c.secrets(ctx, nil, id, "reveal")
}

// EndPreviousEndpointSecret ends the secret before the present one now. It needs endpoints:write.
func (c *Client) EndPreviousEndpointSecret(ctx context.Context, id string) error {
	return c.remove(ctx, "endpoints", id, "secret", "previous")
}

func (c *Client) secrets(ctx context.Context, body any, id, what string) (SigningSecrets, error) {
	var s SigningSecrets
	path, err := c.path(ctx, "endpoints", id, "secret", what)
	if err != nil {
		return s, err
	}
	if _, err = c.do(ctx, call{method: http.MethodPost, path: path, body: body, into: &s}); err != nil {
		return SigningSecrets{}, err
	}
	if s.Secret == "" {
		return s, ErrSecretLost
	}
	return s, nil
}
