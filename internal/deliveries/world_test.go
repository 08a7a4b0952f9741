package deliveries_test

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
	"latchkey/internal/deliveries"
	"latchkey/internal/egress"
	"latchkey/internal/endpoints"
	"latchkey/internal/fault"
	"latchkey/internal/keys"
	"latchkey/models"
)

var noon = time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)

const day = 24 * time.Hour

// world is a database with two workspaces, and the services over it with a clock that stands still.
type world struct {
	t         *testing.T
	db        *database.DB
	s         *deliveries.Service
	endpoints *endpoints.Service
	now       time.Time
	owner     access.Actor // of the workspace that the tests are about
	alien     access.Actor // owner of another workspace
}

func newWorld(t *testing.T, db *database.DB) *world {
	t.Helper()
	w := &world{t: t, db: db, now: noon}
	w.s = deliveries.New(db, w.clock, nil)
	w.endpoints = endpoints.New(endpoints.Options{
		DB: db, Keys: keys.New(db, keys.Options{Now: w.clock}), Now: w.clock, Secrets: apptest.Secrets(t),
		Client: egress.New(egress.Options{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}),
	})
	w.owner, w.alien = w.newOwner("acme"), w.newOwner("other")
	return w
}

func (w *world) clock() time.Time { return w.now }

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

// endpoint makes one that subscribes to everything.
func (w *world) endpoint(description string) endpoints.Item {
	w.t.Helper()
	made, err := w.endpoints.Create(w.t.Context(), w.owner, endpoints.Form{
		URL: "http://127.0.0.1:9/hook", Environment: models.Live, EventTypes: []string{"*"}, Description: description,
	})
	if err != nil {
		w.t.Fatalf("create endpoint: %v", err)
	}
	return made.Item
}

// id is a UUID version 7 of an instant.
func id(at time.Time) string {
	u := uuid.Must(uuid.NewV7())
	ms := at.UnixMilli()
	for i := range 6 {
		u[i] = byte(ms >> (40 - 8*i))
	}
	return u.String()
}

// message writes one of an instant.
func (w *world) message(ago time.Duration) models.Message {
	w.t.Helper()
	at := w.now.Add(-ago)
	m := models.Message{
		ID: id(at), WorkspaceID: w.owner.WorkspaceID, Environment: models.Live, EventType: "signal.received", Body: []byte(`{"type":"signal.received"}`), CreatedAt: models.At(at),
	}
	w.insert(&m)
	return m
}

// delivery writes one of a message, with an attempt when it is not pending.
func (w *world) delivery(e endpoints.Item, m models.Message, status string, change ...func(*models.Delivery)) models.Delivery {
	w.t.Helper()
	d := models.Delivery{
		EndpointID: e.ID, MessageID: m.ID, WorkspaceID: m.WorkspaceID, EventType: m.EventType, Status: status, CreatedAt: m.CreatedAt, Step: 8, Attempts: 1,
	}
	if status == models.DeliveryPending {
		d.NextAttemptAt = m.CreatedAt
	} else {
		d.FinishedAt = m.CreatedAt
	}
	for _, c := range change {
		c(&d)
	}
	w.insert(&d)
	w.insert(&models.DeliveryAttempt{EndpointID: e.ID, MessageID: m.ID, Number: 1, StartedAt: m.CreatedAt, Cause: models.CauseSchedule, Status: 500, Error: "http_error"})
	return d
}

func (w *world) row(d models.Delivery) models.Delivery {
	w.t.Helper()
	row, err := gorm.G[models.Delivery](w.db.Read).Where("endpoint_id = ? AND message_id = ?", d.EndpointID, d.MessageID).Take(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	return row
}

func (w *world) count(sql string, args ...any) (n int) {
	w.t.Helper()
	if err := w.db.Read.Raw("SELECT COUNT(*) FROM "+sql, args...).Scan(&n).Error; err != nil {
		w.t.Fatal(err)
	}
	return n
}

// said is the last entry of the audit log.
func (w *world) said() (entry models.AuditEntry, after map[string]any) {
	w.t.Helper()
	entry, err := gorm.G[models.AuditEntry](w.db.Read).Order("id DESC").Take(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	if entry.After != nil {
		if err := json.Unmarshal(entry.After, &after); err != nil {
			w.t.Fatal(err)
		}
	}
	return entry, after
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
