package api

import (
	"errors"
	"net/http"

	"latchkey/internal/endpoints"
)

// endpointForm is what a program chooses of a new endpoint.
type endpointForm struct {
	URL         string       `json:"url"`
	Environment string       `json:"environment"`
	EventTypes  []string     `json:"event_types"`
	Description string       `json:"description"`
	Source      opt[string]  `json:"source"`     // null: any
	APIKeyID    opt[string]  `json:"api_key_id"` // null: any
	Ordered     bool         `json:"ordered"`
	Concurrency opt[int]     `json:"concurrency" null:"no"`
	RateLimit   opt[int]     `json:"rate_limit"` // null: none
	Headers     []headerForm `json:"headers"`
	Secret      string       `json:"secret"`
}

// headerForm is a custom header. Its value may be left out in a change, and stays then.
type headerForm struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

func (f endpointForm) create(nonce string) endpoints.Form {
	out := endpoints.Form{
		URL: f.URL, Description: f.Description, Environment: f.Environment, EventTypes: f.EventTypes,
		Source: f.Source.Value, APIKeyID: f.APIKeyID.Value, Ordered: f.Ordered, Concurrency: atOnce(f.Concurrency),
		RateLimit: f.RateLimit.Value, Secret: f.Secret, Nonce: nonce,
	}
	for _, h := range f.Headers {
		out.Headers = append(out.Headers, struct{ Name, Value string }(h))
	}
	return out
}

// atOnce keeps a 0 that was sent from being taken for one that was not.
func atOnce(o opt[int]) int {
	if o.Given && o.Value == 0 {
		return -1
	}
	return o.Value
}

// endpointChange is what a program may change of an endpoint.
type endpointChange struct {
	URL         opt[string]       `json:"url" null:"no"`
	Description opt[string]       `json:"description" null:"no"`
	EventTypes  opt[[]string]     `json:"event_types" null:"no"`
	Source      opt[string]       `json:"source"`     // null: any
	APIKeyID    opt[string]       `json:"api_key_id"` // null: any
	Ordered     opt[bool]         `json:"ordered" null:"no"`
	Concurrency opt[int]          `json:"concurrency" null:"no"`
	RateLimit   opt[int]          `json:"rate_limit"` // null: none
	Headers     opt[[]headerForm] `json:"headers" null:"no"`
}

func (f endpointChange) patch() endpoints.Patch {
	p := endpoints.Patch{
		URL: f.URL.pointer(), Description: f.Description.pointer(), EventTypes: f.EventTypes.pointer(), Source: f.Source.pointer(),
		APIKeyID: f.APIKeyID.pointer(), Ordered: f.Ordered.pointer(), Concurrency: f.Concurrency.pointer(), RateLimit: f.RateLimit.pointer(),
	}
	if f.Headers.Given {
		all := endpointForm{Headers: f.Headers.Value}.create("").Headers
		p.Headers = &all
	}
	return p
}

// endpointMembers are the names of what forms of the console call otherwise.
var endpointMembers = map[string]string{"grace": "grace_seconds", "nonce": "Idempotency-Key"}

func createEndpoint(c *call) error {
	var form endpointForm
	if err := c.decode(&form); err != nil {
		return err
	}
	made, err := c.api.Endpoints.Create(c.ctx(), c.actor, form.create(c.nonce))
	var already endpoints.AlreadyMade
	if errors.As(err, &already) {
		return c.endpointMade(already.EndpointID)
	}
	if err != nil {
		return renamed(err, endpointMembers)
	}
	return c.createdEndpoint(made.Item, made.Secret.Reveal(), made.Warning)
}

// endpointMade answers with what an earlier try of the same call made, without its secret.
func (c *call) endpointMade(id string) error {
	item, err := c.endpointNow(id)
	if err != nil {
		return err
	}
	c.set("Idempotent-Replayed", "true")
	return c.createdEndpoint(item, "", "")
}

func (c *call) createdEndpoint(item endpoints.Item, secret, warning string) error {
	c.set("ETag", endpointTag(item))
	c.set("Location", c.below("/workspaces/"+c.workspace+"/endpoints/"+item.ID))
	return c.json(http.StatusCreated, createdEndpointJSON{endpointOf(item), secret, nullable(warning)})
}
