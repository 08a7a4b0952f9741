package client

import (
	"context"
	"errors"
	"iter"
	"net/http"
	"net/url"
	"time"
)

// Endpoint types: what a key is for.
const (
	SignalStaging = "signal_staging"
	ProductOrgs   = "product_orgs"
	APIAccess     = "api_access"
)

// Environments.
const (
	Live = "live"
	Test = "test"
)

// Statuses of a key. A revoked key is what the console calls deactivated.
const (
	Active  = "active"
	Expired = "expired"
	Revoked = "revoked"
)

// Key is a key of the workspace, without its value.
type Key struct {
	ID            string    `json:"id"`
	WorkspaceID   string    `json:"workspace_id"`
	Name          string    `json:"name"`
	KeyPrefix     string    `json:"key_prefix"` // what lists show, e.g. sk_live_a2f9
	Status        string    `json:"status"`     // Active, Expired or Revoked
	Environment   string    `json:"environment"`
	EndpointType  string    `json:"endpoint_type"`
	Scopes        []string  `json:"scopes"` // of APIAccess
	HasSecret     bool      `json:"has_secret"`
	Imported      bool      `json:"imported"`
	TemplateID    string    `json:"template_id"` // of ProductOrgs
	OnError       string    `json:"on_error"`    // of ProductOrgs: reject or quarantine
	RateLimit     int       `json:"rate_limit"`  // requests a minute; 0: no limit of its own
	OnLeak        string    `json:"on_leak"`     // deactivate or alert
	AllowList     []string  `json:"allow_list"`  // CIDRs
	AllowListMode string    `json:"allow_list_mode"`
	ExpiresAt     time.Time `json:"expires_at"`   // zero: never
	LastUsedAt    time.Time `json:"last_used_at"` // zero: never
	CreatedBy     string    `json:"created_by"`   // account
	CreatedByKey  string    `json:"created_by_key_id"`
	CreatedAt     time.Time `json:"created_at"`
	UpdatedAt     time.Time `json:"updated_at"`

	Rotation *Rotation `json:"rotation"` // nil: one value is valid

	// Key and Secret are in the answers to CreateKey and RotateKey alone, once.
	Key    Secret `json:"key,omitempty"`
	Secret Secret `json:"secret,omitempty"`

	ETag string `json:"-"` // for UpdateKey; only of a key that was read, made or changed alone
}

// KeyFilter chooses among keys; what is empty does not restrict.
type KeyFilter struct {
	Environment, EndpointType, Status, Search string
}

// Keys goes over the keys of the workspace, the newest first. It needs keys:read.
func (c *Client) Keys(ctx context.Context, f KeyFilter) iter.Seq2[Key, error] {
	q := url.Values{}
	set(q, "environment", f.Environment)
	set(q, "endpoint_type", f.EndpointType)
	set(q, "status", f.Status)
	set(q, "q", f.Search)
	return list[Key](ctx, c, q, "api-keys")
}

// Key reads one key.
func (c *Client) Key(ctx context.Context, id string) (Key, error) {
	k, _, err := c.key(ctx, call{method: http.MethodGet}, "api-keys", id)
	return k, err
}

// CreateKey is what a new key is made of; what is zero takes the instance's default.
type CreateKey struct {
	Name          string     `json:"name"`
	Environment   string     `json:"environment,omitempty"`
	EndpointType  string     `json:"endpoint_type,omitempty"`
	Scopes        []string   `json:"scopes,omitempty"`      // of APIAccess; none: none granted
	ExpiresAt     *time.Time `json:"expires_at,omitempty"`  // nil: never
	WithSecret    bool       `json:"with_secret,omitempty"` // also require a shared secret
	OnError       string     `json:"on_error,omitempty"`    // of ProductOrgs: reject or quarantine
	RateLimit     int        `json:"rate_limit,omitempty"`
	OnLeak        string     `json:"on_leak,omitempty"`
	AllowList     []string   `json:"allow_list,omitempty"`
	AllowListMode string     `json:"allow_list_mode,omitempty"` // off, watch or enforce

	// Of ProductOrgs, one of them: a template of the workspace, one of the key's own, or none yet;
	// then what arrives waits for one.
	TemplateID   string   `json:"template_id,omitempty"`
	Template     *Mapping `json:"template,omitempty"`
	CaptureFirst bool     `json:"capture_first,omitempty"`
}

// Mapping is the rows of a payload template.
type Mapping struct {
	Rows []TemplateRow `json:"rows"`
}

// ErrValueLost says that a key was made, or got a new value, by an attempt whose answer did not
// arrive: the value cannot be shown again. The Key that comes with it is right, without a value;
// rotate it to get one.
var ErrValueLost = errors.New("the new value was in an answer that got lost, and is not shown again; rotate the key to get another")

// CreateKey makes a key; its value is in Key.Key. It needs keys:write, and every scope that the new
// key gets.
func (c *Client) CreateKey(ctx context.Context, f CreateKey) (Key, error) {
	k, replayed, err := c.key(ctx, call{method: http.MethodPost, body: f}, "api-keys")
	if err == nil && replayed && k.Key == "" {
		err = ErrValueLost
	}
	return k, err
}

// ImportKey is a key whose value was made elsewhere and stays in use; the instance gets its hash.
type ImportKey struct {
	CreateKey
	SHA256 string `json:"sha256"`           // of the value, in hex or base64
	Prefix string `json:"prefix,omitempty"` // what lists show
}

// ImportKey takes in a key by its hash. It needs keys:write.
func (c *Client) ImportKey(ctx context.Context, f ImportKey) (Key, error) {
	k, _, err := c.key(ctx, call{method: http.MethodPost, body: f}, "api-keys", "import")
	return k, err
}

// UpdateKey is a change: what is nil stays. With an ETag it is refused with the code
// precondition_failed when the key was changed since.
type UpdateKey struct {
	Name          *string
	ExpiresAt     *time.Time // to the zero time: never
	Scopes        *[]string
	RateLimit     *int
	OnLeak        *string
	AllowList     *[]string
	AllowListMode *string
	OnError       *string
	TemplateID    *string
	ETag          string
}

// members are the members to send: absent, null and a value are three things here.
func (u UpdateKey) members() map[string]any {
	m := map[string]any{}
	give(m, "name", u.Name)
	give(m, "scopes", u.Scopes)
	give(m, "rate_limit", u.RateLimit)
	give(m, "on_leak", u.OnLeak)
	give(m, "allow_list", u.AllowList)
	give(m, "allow_list_mode", u.AllowListMode)
	give(m, "on_error", u.OnError)
	give(m, "template_id", u.TemplateID)
	if u.ExpiresAt != nil {
		m["expires_at"] = nil
		if !u.ExpiresAt.IsZero() {
			m["expires_at"] = u.ExpiresAt
		}
	}
	return m
}

func give[T any](m map[string]any, name string, v *T) {
	if v != nil {
		m[name] = *v
	}
}

// UpdateKey changes a key. It needs keys:write.
func (c *Client) UpdateKey(ctx context.Context, id string, f UpdateKey) (Key, error) {
	k, _, err := c.key(ctx, call{method: http.MethodPatch, body: f.members(), match: f.ETag}, "api-keys", id)
	return k, err
}

// RevokeKey deactivates a key for good; once more changes nothing. It needs keys:write.
func (c *Client) RevokeKey(ctx context.Context, id string) error {
	path, err := c.path(ctx, "api-keys", id)
	if err != nil {
		return err
	}
	_, err = c.do(ctx, call{method: http.MethodDelete, path: path})
	return err
}

// key makes a call that is answered with a key; replayed says that the answer is that of an earlier
// call with the same Idempotency-Key.
func (c *Client) key(ctx context.Context, q call, parts ...string) (k Key, replayed bool, err error) {
	if q.path, err = c.path(ctx, parts...); err != nil {
		return Key{}, false, err
	}
	q.into = &k
	a, err := c.do(ctx, q)
	if err != nil {
		return Key{}, false, err
	}
	k.ETag = a.header.Get("ETag")
	return k, a.header.Get("Idempotent-Replayed") == "true", nil
}
