package client

import (
	"context"
	"net/http"
	"time"
)

// Rotation is one that is under way: the value before the present one is still valid.
type Rotation struct {
	EndsAt time.Time `json:"ends_at"` // of the value before
}

// RotateKey says how long the value before stays valid.
type RotateKey struct {
	Grace time.Duration // whole seconds; 0: as long as the instance chooses, 24 hours
	None  bool          // the value before ends at once
	ETag  string        // of the key that was read; it is refused when the key was changed since
}

// RotateKey gives a key a new value, which is in Key.Key. It needs keys:write.
func (c *Client) RotateKey(ctx context.Context, id string, f RotateKey) (Key, error) {
	body := map[string]any{}
	switch {
	case f.None:
		body["grace_seconds"] = 0
	case f.Grace != 0:
		body["grace_seconds"] = int64(f.Grace / time.Second)
	}
	k, replayed, err := c.key(ctx, call{method: http.MethodPost, body: body, match: f.ETag}, "api-keys", id, "rotate")
	if err == nil && replayed && k.Key == "" {
		err = ErrValueLost
	}
	return k, err
}

// ExtendRotation lets the value before be valid until another time, and says which one it became:
// never after the key's own end. It needs keys:write.
func (c *Client) ExtendRotation(ctx context.Context, id string, until time.Time) (Rotation, error) {
	var r Rotation
	path, err := c.path(ctx, "api-keys", id, "rotation")
	if err != nil {
		return r, err
	}
	_, err = c.do(ctx, call{method: http.MethodPatch, path: path, body: map[string]time.Time{"ends_at": until.UTC()}, into: &r})
	return r, err
}

// FinishRotation ends the value before now. It needs keys:write.
func (c *Client) FinishRotation(ctx context.Context, id string) error {
	path, err := c.path(ctx, "api-keys", id, "rotation")
	if err != nil {
		return err
	}
	_, err = c.do(ctx, call{method: http.MethodDelete, path: path})
	return err
}
