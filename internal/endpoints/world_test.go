package endpoints_test

import (
	"encoding/json"
	"net/netip"
	"testing"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"latchkey/internal/access"
	"latchkey/internal/apptest"
	"latchkey/internal/database"
	"latchkey/internal/egress"
	"latchkey/internal/endpoints"
	"latchkey/internal/fault"
	"latchkey/internal/keys"
	"latchkey/models"
)

var noon = time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)

// world is a database with two workspaces, and the services over it with a clock that stands still.
type world struct {
	t     *testing.T
	db    *database.DB
	s     *endpoints.Service
	keys  *keys.Service
	now   time.Time
	owner access.Actor // of the workspace that the tests are about
	alien access.Actor // owner of another workspace
}

func newWorld(t *testing.T, db *database.DB) *world {
	t.Helper()
	w := &world{t: t, db: db, now: noon}
	w.keys = keys.New(db, keys.Options{Now: w.clock})
	w.s = w.instance(func(*endpoints.Options) {})
	w.owner, w.alien = w.newOwner("acme"), w.newOwner("other")
	return w
}

func (w *world) clock() time.Time { return w.now }

// instance is the service of one more server on the same database.
func (w *world) instance(change func(*endpoints.Options)) *endpoints.Service {
	o := endpoints.Options{DB: w.db, Keys: w.keys, Now: w.clock, Secrets: apptest.Secrets(w.t), Client: egress.New(egress.Options{
		Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
	})}
	change(&o)
	return endpoints.New(o)
}

func (w *world) insert(row any) {
	w.t.Helper()
	if err := w.db.Write.WithContext(w.t.Context()).Create(row).Error; err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) exec(sql string, args ...any) {
	w.t.Helper()
	if err := w.db.Write.WithContext(w.t.Context()).Exec(sql, args...).Error; err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) newOwner(slug string) access.Actor {
	w.t.Helper()
	account := models.Account{
		ID: uuid.NewString(), Email: slug + "@example.com", Name: "Owner of " + slug, PasswordHash: "none", Theme: "system", TimeZone: "UTC",
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

// program acts with a key of the owner that has these scopes.
func (w *world) program(scopes ...access.Scope) access.Actor {
	w.t.Helper()
	key := w.key(w.owner, models.Live, func(f *keys.CreateForm) {
		f.Name, f.EndpointType, f.Scopes = "Deployer", models.APIAccess, scopes
	})
	return access.Actor{
		WorkspaceID: w.owner.WorkspaceID, Label: "Deployer", KeyID: key.ID, KeyMaker: w.owner.AccountID, Scopes: scopes,
	}
}

func (w *world) key(actor access.Actor, environment string, change ...func(*keys.CreateForm)) models.APIKey {
	w.t.Helper()
	f := keys.CreateForm{Name: "Website", Environment: environment, EndpointType: models.SignalStaging}
	for _, c := range change {
		c(&f)
	}
	made, err := w.keys.Create(w.t.Context(), actor, f)
	if err != nil {
		w.t.Fatalf("create key: %v", err)
	}
	return made.Key
}

// form is what most tests make.
func form(change ...func(*endpoints.Form)) endpoints.Form {
	f := endpoints.Form{URL: "http://127.0.0.1:9/hook", Environment: models.Live, EventTypes: []string{"signal.received"}}
	for _, c := range change {
		c(&f)
	}
	return f
}

func (w *world) create(change ...func(*endpoints.Form)) endpoints.Created {
	w.t.Helper()
	made, err := w.s.Create(w.t.Context(), w.owner, form(change...))
	if err != nil {
		w.t.Fatalf("create endpoint: %v", err)
	}
	return made
}

func (w *world) get(id string) endpoints.Item {
	w.t.Helper()
	item, err := w.s.Get(w.t.Context(), w.owner, id)
	if err != nil {
		w.t.Fatalf("get: %v", err)
	}
	return item
}

func (w *world) row(id string) models.Endpoint {
	w.t.Helper()
	row, err := gorm.G[models.Endpoint](w.db.Read).Where("id = ?", id).Take(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	return row
}

// delivery writes one, with a message of its own; change may alter it.
func (w *world) delivery(e endpoints.Item, change ...func(*models.Delivery)) models.Delivery {
	w.t.Helper()
	d := models.Delivery{
		EndpointID: e.ID, MessageID: uuid.Must(uuid.NewV7()).String(), WorkspaceID: e.WorkspaceID, EventType: "signal.received",
		Status: models.DeliveryPending, Ordered: e.Ordered, NextAttemptAt: models.At(w.now), CreatedAt: models.At(w.now),
	}
	for _, c := range change {
		c(&d)
	}
	w.insert(&d)
	return d
}

func (w *world) statuses(endpointID string) map[string]int {
	w.t.Helper()
	rows, err := gorm.G[models.Delivery](w.db.Read).Where("endpoint_id = ?", endpointID).Find(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	found := map[string]int{}
	for _, r := range rows {
		found[r.Status]++
	}
	return found
}

func (w *world) version() (n int64) {
	w.t.Helper()
	if err := w.db.Read.Raw("SELECT version FROM outbox_state").Scan(&n).Error; err != nil {
		w.t.Fatal(err)
	}
	return n
}

// said is what the audit log says of an endpoint, oldest first: the actions and the last one's values.
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

func ptr[T any](v T) *T { return &v }
