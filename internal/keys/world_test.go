package keys_test

import (
	"crypto/sha256"
	"testing"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"latchkey/internal/access"
	"latchkey/internal/database"
	"latchkey/internal/fault"
	"latchkey/internal/keys"
	"latchkey/models"
)

// noon is where the clock of these tests begins.
var noon = time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)

// world is a database with two workspaces, and the service over it with a clock that stands still.
type world struct {
	t     *testing.T
	db    *database.DB
	s     *keys.Service
	now   time.Time
	owner access.Actor // of the workspace that the tests are about
	alien access.Actor // owner of another workspace
}

func newWorld(t *testing.T, db *database.DB) *world {
	t.Helper()
	w := &world{t: t, db: db, now: noon}
	w.s = w.instance()
	w.owner = w.newOwner("acme", "Olive Owner")
	w.alien = w.newOwner("other", "Al Ien")
	return w
}

// instance is the service of one more server on the same database, with a memory of its own.
func (w *world) instance() *keys.Service {
	return keys.New(w.db, keys.Options{Now: func() time.Time { return w.now }})
}

func (w *world) insert(row any) {
	w.t.Helper()
	if err := w.db.Write.WithContext(w.t.Context()).Create(row).Error; err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) newOwner(slug, name string) access.Actor {
	w.t.Helper()
	account := models.Account{
		ID: uuid.NewString(), Email: slug + "@example.com", Name: name, PasswordHash: "none", Theme: "system", TimeZone: "UTC",
		PasswordChangedAt: models.At(noon), CreatedAt: models.At(noon), UpdatedAt: models.At(noon),
	}
	workspace := models.Workspace{
		ID: uuid.NewString(), Name: slug, Slug: slug, Plan: "enterprise", RawRetentionDays: 30, RejectedRetentionDays: 7,
		CreatedAt: models.At(noon), UpdatedAt: models.At(noon),
	}
	w.insert(&account)
	w.insert(&workspace)
	return access.Actor{
		AccountID: account.ID, WorkspaceID: workspace.ID, Role: access.Owner, Label: account.Email,
		Origin: access.Origin{IP: "192.0.2.7", RequestID: uuid.NewString()},
	}
}

// create makes a live signal key; change may alter the form.
func (w *world) create(change ...func(*keys.CreateForm)) keys.Created {
	w.t.Helper()
	return w.createAs(w.owner, change...)
}

func (w *world) createAs(actor access.Actor, change ...func(*keys.CreateForm)) keys.Created {
	w.t.Helper()
	made, err := w.s.Create(w.t.Context(), actor, form(change...))
	if err != nil {
		w.t.Fatalf("create key: %v", err)
	}
	return made
}

func form(change ...func(*keys.CreateForm)) keys.CreateForm {
	f := keys.CreateForm{Name: "Website", Environment: models.Live, EndpointType: models.SignalStaging}
	for _, c := range change {
		c(&f)
	}
	return f
}

func named(name string) func(*keys.CreateForm) {
	return func(f *keys.CreateForm) { f.Name = name }
}

func expiring(at time.Time) func(*keys.CreateForm) {
	return func(f *keys.CreateForm) { f.ExpiresAt = at }
}

func withSecret(f *keys.CreateForm) { f.WithSecret = true }

func (w *world) get(id string) keys.Item {
	w.t.Helper()
	k, err := w.s.Get(w.t.Context(), w.owner, id)
	if err != nil {
		w.t.Fatalf("get key: %v", err)
	}
	return k
}

func (w *world) stored(id string) models.APIKey {
	w.t.Helper()
	row, err := gorm.G[models.APIKey](w.db.Read).Where("id = ?", id).Take(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	return row
}

// audit is what the log says about a key, oldest first.
func (w *world) audit(id string) []models.AuditEntry {
	w.t.Helper()
	rows, err := gorm.G[models.AuditEntry](w.db.Read).Where("target_id = ?", id).Order("id").Find(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	return rows
}

// arrived counts events of a key as the gateway does, and says when it was last used.
func (w *world) arrived(k models.APIKey, at time.Time, accepted, rejected int64) {
	w.t.Helper()
	w.insert(&models.KeyUsageMinute{
		APIKeyID: k.ID, Minute: at.Unix() / 60, WorkspaceID: k.WorkspaceID, Environment: k.Environment, Accepted: accepted, Rejected: rejected,
	})
	done := w.db.Write.WithContext(w.t.Context()).Exec(
		"INSERT INTO key_last_used (api_key_id, last_used_at, ip) VALUES (?, ?, '10.0.4.7') ON CONFLICT (api_key_id) DO UPDATE SET last_used_at = excluded.last_used_at",
		k.ID, models.At(at))
	if done.Error != nil {
		w.t.Fatal(done.Error)
	}
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

func digest(text string) []byte {
	sum := sha256.Sum256([]byte(text))
	return sum[:]
}
