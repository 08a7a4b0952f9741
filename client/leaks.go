package client

import (
	"context"
	"net/http"
)

// RevokeLeaked ends the keys among what was found where no key should be: having them is the proof,
// and no scope is needed. The instance does not tell which of them were keys.
func (c *Client) RevokeLeaked(ctx context.Context, found ...Secret) error {
	_, err := c.do(ctx, call{method: http.MethodPost, path: "/credentials/revoke", body: append([]Secret{}, found...)})
	return err
}
