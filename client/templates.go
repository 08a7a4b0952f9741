package client

import (
	"context"
	"encoding/json"
	"iter"
	"net/http"
	"net/url"
	"time"
)

// Template is a payload template: what the newest of its versions says.
type Template struct {
	ID          string        `json:"id"`
	WorkspaceID string        `json:"workspace_id"`
	Name        string        `json:"name"`    // empty: it belongs to one key alone
	Version     int           `json:"version"` // 0: there is none yet, and payloads wait
	Rows        []TemplateRow `json:"rows"`
	Note        string        `json:"note"`
	SavedBy     string        `json:"saved_by"`
	SavedAt     time.Time     `json:"saved_at"`
	KeysCount   int           `json:"keys_count"`
	CreatedBy   string        `json:"created_by"`
	CreatedAt   time.Time     `json:"created_at"`
	UpdatedAt   time.Time     `json:"updated_at"`

	ETag string `json:"-"` // for UpdateTemplate; only of a template that was read, made or changed alone
}

// TemplateRow says what one target is taken from.
type TemplateRow struct {
	Target    string          `json:"target"`
	From      []string        `json:"from,omitempty"`
	Value     json.RawMessage `json:"value,omitempty"`
	Transform []string        `json:"transform,omitempty"`
	Default   json.RawMessage `json:"default,omitempty"`
	Required  bool            `json:"required,omitempty"`
}

// TemplateVersion is one version, as it was saved.
type TemplateVersion struct {
	Version   int           `json:"version"`
	Rows      []TemplateRow `json:"rows"`
	Note      string        `json:"note"`
	SavedBy   string        `json:"saved_by"`
	CreatedBy string        `json:"created_by"`
	CreatedAt time.Time     `json:"created_at"`
}

// Templates goes over the templates of the workspace. It needs templates:read.
func (c *Client) Templates(ctx context.Context) iter.Seq2[Template, error] {
	return list[Template](ctx, c, url.Values{}, "templates")
}

// Template reads one template.
func (c *Client) Template(ctx context.Context, id string) (Template, error) {
	return c.template(ctx, call{method: http.MethodGet}, "templates", id)
}

// TemplateVersions goes over the versions of a template, the newest first.
func (c *Client) TemplateVersions(ctx context.Context, id string) iter.Seq2[TemplateVersion, error] {
	return list[TemplateVersion](ctx, c, url.Values{}, "templates", id, "versions")
}

// CreateTemplate is what a new template is made of.
type CreateTemplate struct {
	Name string        `json:"name"`
	Rows []TemplateRow `json:"rows"`
	Note string        `json:"note,omitempty"`
}

// CreateTemplate makes a named template. It needs templates:write.
func (c *Client) CreateTemplate(ctx context.Context, f CreateTemplate) (Template, error) {
	return c.template(ctx, call{method: http.MethodPost, body: f}, "templates")
}

// UpdateTemplate is a change: what is nil stays. With an ETag it is refused with the code
// precondition_failed when the template is not that version any more.
type UpdateTemplate struct {
	Name *string        `json:"name,omitempty"`
	Rows *[]TemplateRow `json:"rows,omitempty"`
	Note string         `json:"note,omitempty"`
	ETag string         `json:"-"`
}

// UpdateTemplate renames a template or saves a new version of it. It needs templates:write.
func (c *Client) UpdateTemplate(ctx context.Context, id string, f UpdateTemplate) (Template, error) {
	return c.template(ctx, call{method: http.MethodPatch, body: f, match: f.ETag}, "templates", id)
}

// DeleteTemplate deletes a template that no key uses. It needs templates:write.
func (c *Client) DeleteTemplate(ctx context.Context, id string) error {
	path, err := c.path(ctx, "templates", id)
	if err != nil {
		return err
	}
	_, err = c.do(ctx, call{method: http.MethodDelete, path: path})
	return err
}

func (c *Client) template(ctx context.Context, q call, parts ...string) (Template, error) {
	var t Template
	path, err := c.path(ctx, parts...)
	if err != nil {
		return t, err
	}
	q.path, q.into = path, &t
	a, err := c.do(ctx, q)
	if err != nil {
		return Template{}, err
	}
	t.ETag = a.header.Get("ETag")
	return t, nil
}
