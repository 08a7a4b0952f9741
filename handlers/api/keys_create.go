package api

import (
	"cmp"
	"errors"
	"net/http"
	"strings"
	"time"

	"latchkey/internal/access"
	"latchkey/internal/fault"
	"latchkey/internal/keys"
	"latchkey/internal/mapping"
	"latchkey/models"
)

// keyForm is what a program chooses of a new key.
type keyForm struct {
	Name          string                `json:"name"`
	Environment   string                `json:"environment"`
	EndpointType  string                `json:"endpoint_type"`
	ExpiresAt     opt[time.Time]        `json:"expires_at"` // null: never
	WithSecret    bool                  `json:"with_secret"`
	Scopes        []access.Scope        `json:"scopes"`
	RateLimit     opt[int]              `json:"rate_limit"` // null: none
	OnLeak        string                `json:"on_leak"`
	AllowList     []string              `json:"allow_list"`
	AllowListMode string                `json:"allow_list_mode"`
	OnError       string                `json:"on_error"`
	TemplateID    opt[string]           `json:"template_id"`
	Template      opt[mapping.Template] `json:"template"`
	CaptureFirst  bool                  `json:"capture_first"`
}

func (f keyForm) create(nonce string) keys.CreateForm {
	out := keys.CreateForm{
		Name: f.Name, Environment: f.Environment, EndpointType: f.EndpointType, ExpiresAt: f.ExpiresAt.Value, WithSecret: f.WithSecret,
		Nonce: nonce, TemplateID: f.TemplateID.Value, CaptureFirst: f.CaptureFirst, OnError: f.OnError, Scopes: f.Scopes,
		RateLimit: f.RateLimit.Value, OnLeak: f.OnLeak, AllowList: strings.Join(f.AllowList, "\n"), AllowListMode: f.AllowListMode,
	}
	if f.Template.Given && !f.Template.Null {
		out.Template = &f.Template.Value
	}
	return out
}

// named gives the fields of a fault the names that they have in the body.
func (f keyForm) named(err error) error {
	var e *fault.Error
	if err = rowFault(err); !errors.As(err, &e) || len(e.Fields) == 0 {
		return err
	}
	named := fault.Fields{}
	for field, sentence := range e.Fields {
		switch {
		case strings.HasPrefix(field, "rows"):
			field = "template." + field
		case field == "template" && f.TemplateID.Value != "":
			field = "template_id"
		}
		named.Add(cmp.Or(members[field], field), sentence)
	}
	renamed := *e
	renamed.Fields = named
	return &renamed
}

// members are the names of what forms of the console call otherwise.
var members = map[string]string{"expires": "expires_at", "secret": "with_secret", "grace": "grace_seconds", "nonce": "Idempotency-Key"}

func createKey(c *call) error {
	var form keyForm
	if err := c.decode(&form); err != nil {
		return err
	}
	made, err := c.api.Keys.Create(c.ctx(), c.actor, form.create(c.nonce))
	return c.created(made, form.named(err))
}

func importKey(c *call) error {
	var form struct {
		keyForm
		SHA256 string `json:"sha256"`
		Prefix string `json:"prefix"`
	}
	if err := c.decode(&form); err != nil {
		return err
	}
	made, err := c.api.Keys.Import(c.ctx(), c.actor, keys.ImportForm{CreateForm: form.create(c.nonce), SHA256: form.SHA256, Prefix: form.Prefix})
	return c.created(made, form.named(err))
}

// created answers with a new key, and with its plaintexts this once. A key that an earlier try of
// the same call made is answered without.
func (c *call) created(made keys.Created, err error) error {
	var already keys.AlreadyMade
	if errors.As(err, &already) {
		return c.alreadyCreated(already.KeyID)
	}
	if err != nil {
		return err
	}
	out := keyAt(made.Key, models.Time{}, c.api.Now())
	out.Key, out.Secret = made.Value.Reveal(), made.Secret.Reveal()
	c.set("ETag", keyTag(made.Key))
	c.set("Location", c.below("/workspaces/"+c.workspace+"/api-keys/"+made.Key.ID))
	return c.json(http.StatusCreated, out)
}

func (c *call) alreadyCreated(id string) error {
	// A change of nothing: it reads the key for programs too that may write keys and not list them.
	item, err := c.api.Keys.Change(c.ctx(), c.actor, id, keys.Patch{}, -1)
	if err != nil {
		return err
	}
	c.set("Location", c.below("/workspaces/"+c.workspace+"/api-keys/"+id))
	c.set("Idempotent-Replayed", "true")
	return c.key(http.StatusCreated, item)
}
