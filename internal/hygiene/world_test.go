package hygiene_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"latchkey/internal/access"
	"latchkey/internal/database"
	"latchkey/internal/hygiene"
	"latchkey/internal/keys"
	"latchkey/internal/notices"
	"latchkey/models"
)

// noon is where the clock of these tests begins.
var noon = time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)

const day = 24 * time.Hour

// world is a workspace on the plan enterprise with an owner, and a clock that stands still.
type world struct {
	t     *testing.T
	db    *database.DB
	now   time.Time
	keys  *keys.Service
	s     *hygiene.Service
	owner access.Actor
}

func newWorld(t *testing.T, db *database.DB) *world {
	t.Helper()
	w := &world{t: t, db: db, now: noon}
	clock := func() time.Time { return w.now }
	w.keys = keys.New(db, keys.Options{Now: clock})
	w.s = hygiene.New(db, w.keys, clock)
	w.owner = w.workspace("acme")
	return w
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

func (w *world) workspace(slug string) access.Actor {
	w.t.Helper()
	row := models.Workspace{
		ID: uuid.NewString(), Name: slug, Slug: slug, Plan: models.PlanEnterprise, RawRetentionDays: 30, RejectedRetentionDays: 7,
		CreatedAt: models.At(noon), UpdatedAt: models.At(noon),
	}
	w.insert(&row)
	return w.member(row.ID, slug)
}

// member is a new owner of a workspace.
func (w *world) member(workspaceID, name string) access.Actor {
	w.t.Helper()
	account := models.Account{
		ID: uuid.NewString(), Email: name + "@example.com", Name: name, PasswordHash: "none", Theme: "system", TimeZone: "UTC",
		PasswordChangedAt: models.At(noon), CreatedAt: models.At(noon), UpdatedAt: models.At(noon),
	}
	w.insert(&account)
	w.insert(&models.Membership{WorkspaceID: workspaceID, AccountID: account.ID, Role: "owner", CreatedAt: models.At(noon)})
	return access.Actor{AccountID: account.ID, WorkspaceID: workspaceID, Role: access.Owner, Label: account.Email}
}

// form is a key that nothing is to be said of while it is young: it ends in a year.
func (w *world) form(name string) keys.CreateForm {
	return keys.CreateForm{Name: name, Environment: models.Live, EndpointType: models.SignalStaging, ExpiresAt: w.now.Add(365 * day)}
}

func (w *world) create(name string, change ...func(*keys.CreateForm)) keys.Created {
	w.t.Helper()
	f := w.form(name)
	for _, c := range change {
		c(&f)
	}
	made, err := w.keys.Create(w.t.Context(), w.owner, f)
	if err != nil {
		w.t.Fatalf("create %s: %v", name, err)
	}
	return made
}

func forever(f *keys.CreateForm) { f.ExpiresAt = time.Time{} }

func granting(scopes ...access.Scope) func(*keys.CreateForm) {
	return func(f *keys.CreateForm) { f.EndpointType, f.Scopes = models.APIAccess, scopes }
}

// used writes when a key was last used.
func (w *world) used(k models.APIKey, at time.Time) {
	w.t.Helper()
	w.exec("INSERT INTO key_last_used (api_key_id, last_used_at) VALUES (?, ?) ON CONFLICT (api_key_id) DO UPDATE SET last_used_at = excluded.last_used_at",
		k.ID, models.At(at))
}

func (w *world) seen(k models.APIKey, column string, at time.Time) {
	w.t.Helper()
	w.used(k, at)
	w.exec("UPDATE key_last_used SET "+column+" = ? WHERE api_key_id = ?", models.At(at), k.ID)
}

func (w *world) policy(days int, expiry, secret bool) {
	w.t.Helper()
	w.exec("UPDATE workspaces SET policy_max_age_days = ?, policy_require_expiry = ?, policy_require_secret = ? WHERE id = ?",
		days, expiry, secret, w.owner.WorkspaceID)
}

func (w *world) list(f hygiene.Filter) hygiene.Page {
	w.t.Helper()
	page, err := w.s.List(w.t.Context(), w.owner, f)
	if err != nil {
		w.t.Fatal(err)
	}
	return page
}

// kinds are the kinds of findings about a key.
func (w *world) kinds(k models.APIKey) []string {
	w.t.Helper()
	kinds := []string{}
	for _, f := range w.list(hygiene.Filter{Limit: 100}).Findings {
		if f.Key.ID == k.ID {
			kinds = append(kinds, f.Kind)
		}
	}
	return kinds
}

func (w *world) wantKinds(k models.APIKey, want ...string) {
	w.t.Helper()
	if got := w.kinds(k); !slices.Equal(got, want) && len(got)+len(want) > 0 {
		w.t.Errorf("%s: findings %v, want %v", k.Name, got, want)
	}
}

// finding is the one finding of a kind.
func (w *world) finding(kind string) hygiene.Finding {
	w.t.Helper()
	list := w.list(hygiene.Filter{Kind: kind}).Findings
	if len(list) != 1 {
		w.t.Fatalf("%d findings of %s, want one", len(list), kind)
	}
	return list[0]
}

func (w *world) fix(fix string, k models.APIKey) (string, error) {
	return w.s.Fix(w.t.Context(), w.owner, fix, k.ID)
}

func (w *world) stored(k models.APIKey) models.APIKey {
	w.t.Helper()
	row, err := gorm.G[models.APIKey](w.db.Read).Where("id = ?", k.ID).Take(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	return row
}

// audited are the actions that the log holds about a key, oldest first.
func (w *world) audited(k models.APIKey) []string {
	w.t.Helper()
	var actions []string
	err := w.db.Read.WithContext(w.t.Context()).Raw("SELECT action FROM audit_entries WHERE target_id = ? ORDER BY id", k.ID).Scan(&actions).Error
	if err != nil {
		w.t.Fatal(err)
	}
	return actions
}

func (w *world) open() []notices.Item {
	w.t.Helper()
	items, err := notices.New(w.db, func() time.Time { return w.now }).Open(w.t.Context(), w.owner, 100)
	if err != nil {
		w.t.Fatal(err)
	}
	return items
}
