package api

import (
	"strings"
	"time"

	"latchkey/internal/access"
	"latchkey/internal/keys"
	"latchkey/models"
)

// keyJSON is a key as programs see it. key and secret are in the one answer that shows them and
// nowhere else; every other member is always there.
type keyJSON struct {
	ID          string  `json:"id"`
	WorkspaceID string  `json:"workspace_id"`
	Name        string  `json:"name"`
	Key         string  `json:"key,omitempty"` // plaintext
	KeyPrefix   string  `json:"key_prefix"`
	Status      string  `json:"status"` // active, revoked or expired
	CreatedBy   *string `json:"created_by"`
	CreatedAt   string  `json:"created_at"`
	UpdatedAt   string  `json:"updated_at"`

	Environment    string         `json:"environment"`
	EndpointType   string         `json:"endpoint_type"`
	Scopes         []string       `json:"scopes"`
	ExpiresAt      *string        `json:"expires_at"`
	LastUsedAt     *string        `json:"last_used_at"`
	HasSecret      bool           `json:"has_secret"`
	Secret         string         `json:"secret,omitempty"` // plaintext
	TemplateID     *string        `json:"template_id"`
	OnError        *string        `json:"on_error"`   // product_orgs only
	RateLimit      *int           `json:"rate_limit"` // null: none of its own
	OnLeak         string         `json:"on_leak"`
	AllowList      []string       `json:"allow_list"`
	AllowListMode  string         `json:"allow_list_mode"`
	Imported       bool           `json:"imported"`
	CreatedByKeyID *string        `json:"created_by_key_id"`
	Rotation       *keyRotateJSON `json:"rotation"` // null: one value only is valid
}

// keyRotateJSON is a rotation that is under way: until when the value before works.
type keyRotateJSON struct {
	EndsAt string `json:"ends_at"`
}

// withheld is the key without its plaintexts.
func (k keyJSON) withheld() any {
	k.Key, k.Secret = "", ""
	return k
}

func (c *call) keyOf(i keys.Item) keyJSON { return keyAt(i.APIKey, i.LastUsed.LastUsedAt, c.api.Now()) }

func keyAt(k models.APIKey, used models.Time, now time.Time) keyJSON {
	out := keyJSON{
		ID: k.ID, WorkspaceID: k.WorkspaceID, Name: k.Name, KeyPrefix: k.KeyPrefix, Status: statusOf(k, now),
		CreatedBy: k.CreatedBy, CreatedAt: instant(k.CreatedAt.Time), UpdatedAt: instant(k.UpdatedAt.Time),
		Environment: k.Environment, EndpointType: k.EndpointType, Scopes: access.ParseScopes(k.Scopes).Strings(),
		ExpiresAt: optionalInstant(k.ExpiresAt), LastUsedAt: optionalInstant(used), HasSecret: k.SecretHash != nil,
		TemplateID: k.TemplateID, OnLeak: k.OnLeak, AllowList: append([]string{}, strings.Fields(k.AllowList)...),
		AllowListMode: k.AllowListMode, Imported: k.Imported, CreatedByKeyID: k.CreatedByKey,
	}
	if k.EndpointType == models.ProductOrgs {
		out.OnError = &k.OnError
	}
	if k.RateLimit > 0 {
		out.RateLimit = &k.RateLimit
	}
	if k.RotatingAt(now) {
		out.Rotation = &keyRotateJSON{instant(k.PreviousEndsAt.Time)}
	}
	return out
}

// statusOf calls deactivated revoked, as programs know it.
func statusOf(k models.APIKey, now time.Time) string {
	if state := k.State(now); state != models.KeyDeactivated {
		return state
	}
	return revoked
}

const revoked = "revoked"
