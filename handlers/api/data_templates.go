package api

import (
	"errors"
	"net/http"
	"strconv"

	"latchkey/internal/fault"
	"latchkey/internal/mapping"
	"latchkey/internal/templates"
)

type templateJSON struct {
	ID          string        `json:"id"`
	WorkspaceID string        `json:"workspace_id"`
	Name        *string       `json:"name"`
	Version     int           `json:"version"`
	Rows        []mapping.Row `json:"rows"`
	Note        *string       `json:"note"`
	SavedBy     *string       `json:"saved_by"`
	SavedAt     *string       `json:"saved_at"`
	KeysCount   int           `json:"keys_count"`
	CreatedBy   *string       `json:"created_by"`
	CreatedAt   string        `json:"created_at"`
	UpdatedAt   string        `json:"updated_at"`
}

func templateOf(v templates.View) templateJSON {
	t := v.Template
	return templateJSON{
		ID: t.ID, WorkspaceID: t.WorkspaceID, Name: nullable(t.Name), Version: t.Version, Rows: rowsOf(v.Rows), Note: nullable(v.Note),
		SavedBy: nullable(v.SavedBy), SavedAt: instantOrNull(v.SavedAt), KeysCount: len(v.Keys), CreatedBy: t.CreatedBy,
		CreatedAt: instant(t.CreatedAt.Time), UpdatedAt: instant(t.UpdatedAt.Time),
	}
}

// rowsOf is never nil.
func rowsOf(t mapping.Template) []mapping.Row { return append([]mapping.Row{}, t.Rows...) }

func listTemplates(c *call) error {
	q := c.query()
	before, limit := q.cursorID(), q.limit()
	if err := q.err(); err != nil {
		return err
	}
	views, next, err := c.api.Templates.List(c.ctx(), c.actor, before, limit)
	if err != nil {
		return err
	}
	return c.list(each(views, templateOf), next)
}

func getTemplate(c *call) error {
	v, err := c.api.Templates.Get(c.ctx(), c.actor, c.param("templateId"))
	if err != nil {
		return err
	}
	return c.template(http.StatusOK, v)
}

func (c *call) template(status int, v templates.View) error {
	c.set("ETag", `"`+v.Tag()+`"`)
	return c.json(status, templateOf(v))
}

func createTemplate(c *call) error {
	var form struct {
		Name string        `json:"name"`
		Rows []mapping.Row `json:"rows"`
		Note string        `json:"note"`
	}
	if err := c.decode(&form); err != nil {
		return err
	}
	v, err := c.api.Templates.Create(c.ctx(), c.actor, form.Name, mapping.Template{Rows: form.Rows}, form.Note)
	if err != nil {
		return rowFault(err)
	}
	c.set("Location", c.below("/workspaces/"+c.workspace+"/templates/"+v.Template.ID))
	return c.template(http.StatusCreated, v)
}

func updateTemplate(c *call) error {
	var form struct {
		Name opt[string]        `json:"name" null:"no"`
		Rows opt[[]mapping.Row] `json:"rows" null:"no"`
		Note string             `json:"note"`
	}
	if err := c.decode(&form); err != nil {
		return err
	}
	base, err := c.ifMatch()
	if err != nil {
		return err
	}
	p := templates.Patch{Name: form.Name.pointer(), Note: form.Note, Base: base}
	if form.Rows.Given {
		p.Rows = &mapping.Template{Rows: form.Rows.Value}
	}
	v, err := c.api.Templates.Change(c.ctx(), c.actor, c.param("templateId"), p)
	if errors.Is(err, templates.ErrMoved) {
		return newProblem(http.StatusPreconditionFailed, codePreconditionFailed, templates.ErrMoved.Message)
	}
	if err != nil {
		return rowFault(err)
	}
	return c.template(http.StatusOK, v)
}

func deleteTemplate(c *call) error {
	if err := c.empty(); err != nil {
		return err
	}
	if err := c.api.Templates.Delete(c.ctx(), c.actor, c.param("templateId")); err != nil {
		return err
	}
	return c.json(http.StatusOK, map[string]string{"status": "deleted"})
}

type versionJSON struct {
	Version   int           `json:"version"`
	Rows      []mapping.Row `json:"rows"`
	Note      *string       `json:"note"`
	SavedBy   *string       `json:"saved_by"`
	CreatedBy *string       `json:"created_by"`
	CreatedAt string        `json:"created_at"`
}

func listTemplateVersions(c *call) error {
	q := c.query()
	before, limit := 0, q.limit()
	if at := q.cursor(); at != "" {
		var err error
		if before, err = strconv.Atoi(at); err != nil || before < 1 || before > 1<<31-1 {
			q.badCursor()
		}
	}
	if err := q.err(); err != nil {
		return err
	}
	versions, next, err := c.api.Templates.History(c.ctx(), c.actor, c.param("templateId"), before, limit)
	if err != nil {
		return err
	}
	at := ""
	if next > 0 {
		at = strconv.Itoa(next)
	}
	return c.list(each(versions, versionOf), at)
}

func versionOf(v templates.Saved) versionJSON {
	return versionJSON{v.Version, rowsOf(v.Rows), nullable(v.Note), nullable(v.CreatedLabel), v.CreatedBy, instant(v.CreatedAt.Time)}
}

// rowFault names the members of the rows that were wrong, instead of the template as a whole.
func rowFault(err error) error {
	findings := templates.FindingsOf(err)
	if len(findings) == 0 {
		return err
	}
	fields := fault.Fields{}
	for _, f := range findings {
		at := "rows"
		if f.Row >= 0 {
			at += "[" + strconv.Itoa(f.Row) + "]"
			if f.Field != "" {
				at += "." + f.Field
			}
		}
		fields.Add(at, f.Problem)
	}
	return fields.Err()
}
