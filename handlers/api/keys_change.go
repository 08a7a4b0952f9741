package api

import (
	"net/http"
	"time"

	"latchkey/internal/access"
	"latchkey/internal/keys"
)

// changeForm is what a program may change of a key.
type changeForm struct {
	Name          opt[string]        `json:"name" null:"no"`
	ExpiresAt     opt[time.Time]     `json:"expires_at"` // null: never
	Scopes        opt[access.Scopes] `json:"scopes" null:"no"`
	RateLimit     opt[int]           `json:"rate_limit"` // null: none
	OnLeak        opt[string]        `json:"on_leak" null:"no"`
	AllowList     opt[[]string]      `json:"allow_list" null:"no"`
	AllowListMode opt[string]        `json:"allow_list_mode" null:"no"`
	OnError       opt[string]        `json:"on_error" null:"no"`
	TemplateID    opt[string]        `json:"template_id" null:"no"`
}

func (f changeForm) patch() keys.Patch {
	return keys.Patch{
		Name: f.Name.pointer(), ExpiresAt: f.ExpiresAt.pointer(), Scopes: f.Scopes.pointer(), RateLimit: f.RateLimit.pointer(),
		OnLeak: f.OnLeak.pointer(), AllowList: f.AllowList.pointer(), AllowListMode: f.AllowListMode.pointer(),
		OnError: f.OnError.pointer(), TemplateID: f.TemplateID.pointer(),
	}
}

func changeKey(c *call) error {
	var form changeForm
	if err := c.decode(&form); err != nil {
		return err
	}
	base, err := c.seenVersion()
	if err != nil {
		return err
	}
	item, err := c.api.Keys.Change(c.ctx(), c.actor, c.param("keyId"), form.patch(), base)
	if err != nil {
		return moved(keyForm{TemplateID: form.TemplateID}.named(err), base)
	}
	return c.key(http.StatusOK, item)
}
