package templates_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"latchkey/internal/access"
	"latchkey/internal/database"
	"latchkey/internal/fault"
	"latchkey/internal/keys"
	"latchkey/internal/mapping"
	"latchkey/internal/templates"
	"latchkey/models"
)

var noon = time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)

// world is a database with two workspaces, and the services over it with a clock that stands still.
type world struct {
	t     *testing.T
	db    *database.DB
	s     *templates.Service
	keys  *keys.Service
	now   time.Time
	owner access.Actor // of the workspace that the tests are about
	alien access.Actor // owner of another workspace
}

func newWorld(t *testing.T, db *database.DB) *world {
	t.Helper()
	w := &world{t: t, db: db, now: noon}
	w.s = w.instance()
	w.keys = keys.New(db, keys.Options{Now: w.clock})
	w.owner, w.alien = w.newOwner("acme"), w.newOwner("other")
	return w
}

func (w *world) clock() time.Time { return w.now }

// instance is the service of one more server on the same database, with a memory of its own.
func (w *world) instance() *templates.Service { return templates.New(w.db, w.clock) }

func (w *world) insert(row any) {
	w.t.Helper()
	if err := w.db.Write.WithContext(w.t.Context()).Create(row).Error; err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) newOwner(slug string) access.Actor {
	w.t.Helper()
	account := models.Account{
		ID: uuid.NewString(), Email: slug + "@example.com", Name: slug, PasswordHash: "none", Theme: "system", TimeZone: "UTC",
		PasswordChangedAt: models.At(noon), CreatedAt: models.At(noon), UpdatedAt: models.At(noon),
	}
	workspace := models.Workspace{
		ID: uuid.NewString(), Name: slug, Slug: slug, Plan: "enterprise", RawRetentionDays: 30, RejectedRetentionDays: 7,
		CreatedAt: models.At(noon), UpdatedAt: models.At(noon),
	}
	w.insert(&account)
	w.insert(&workspace)
	return access.Actor{AccountID: account.ID, WorkspaceID: workspace.ID, Role: access.Owner, Label: account.Email}
}

// rows is a template that reads org_id and, with more paths, the plan.
func rows(plan ...string) mapping.Template {
	t := mapping.Template{Rows: []mapping.Row{{Target: "org_id", From: []string{"id"}, Required: true}}}
	if len(plan) > 0 {
		t.Rows = append(t.Rows, mapping.Row{Target: "plan", From: plan})
	}
	return t
}

// broken is a template that does not compile, for two reasons.
func broken() mapping.Template {
	t := rows("plan[")
	t.Rows = append(t.Rows, mapping.Row{Target: "colour", From: []string{"colour"}})
	return t
}

// key makes a product_orgs key with rows of its own, or without any.
func (w *world) key(name string, own *mapping.Template) models.APIKey {
	w.t.Helper()
	return w.keyAs(w.owner, keys.CreateForm{Name: name, Template: own, CaptureFirst: own == nil})
}

func (w *world) keyAs(actor access.Actor, f keys.CreateForm) models.APIKey {
	w.t.Helper()
	f.Environment, f.EndpointType = models.Live, models.ProductOrgs
	made, err := w.keys.Create(w.t.Context(), actor, f)
	if err != nil {
		w.t.Fatalf("create key: %v", err)
	}
	return made.Key
}

// template makes a template with one version, of a key called name; its id.
func (w *world) template(name string) string {
	t := rows("plan")
	return *w.key(name, &t).TemplateID
}

// named makes a named template that one key goes by.
func (w *world) named(name string) string {
	w.t.Helper()
	id := w.template("Key of " + name)
	if err := w.s.Name(w.t.Context(), w.owner, id, name); err != nil {
		w.t.Fatal(err)
	}
	return id
}

func (w *world) save(id string, base int, t mapping.Template) int {
	w.t.Helper()
	n, err := w.s.Save(w.t.Context(), w.owner, id, base, t, "")
	if err != nil {
		w.t.Fatalf("save: %v", err)
	}
	return n
}

func (w *world) get(id string) templates.View {
	w.t.Helper()
	v, err := w.s.Get(w.t.Context(), w.owner, id)
	if err != nil {
		w.t.Fatalf("get: %v", err)
	}
	return v
}

// said is what the audit log says of a target, oldest first: the actions and the last one's values.
func (w *world) said(id string) (actions []string, before, after map[string]any) {
	w.t.Helper()
	entries, err := gorm.G[models.AuditEntry](w.db.Read).Where("target_id = ?", id).Order("id").Find(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	for _, e := range entries {
		before, after = nil, nil
		actions = append(actions, e.Action)
		for text, to := range map[string]*map[string]any{string(e.Before): &before, string(e.After): &after} {
			if text != "" {
				if err := json.Unmarshal([]byte(text), to); err != nil {
					w.t.Fatal(err)
				}
			}
		}
	}
	return actions, before, after
}

// want fails the test unless err is a fault of that kind with a sentence for each of these fields,
// and no others.
func want(t *testing.T, err error, kind fault.Kind, fields ...string) {
	t.Helper()
	if !fault.Is(err, kind) {
		t.Fatalf("error = %v (kind %d), want kind %d", err, fault.KindOf(err), kind)
	}
	said := fault.FieldsOf(err)
	if len(said) != len(fields) {
		t.Errorf("sentences = %v, want one for each of %v", said, fields)
	}
	for _, f := range fields {
		if said[f] == "" {
			t.Errorf("no sentence for %s in %v", f, said)
		}
	}
}
