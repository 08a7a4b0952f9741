package leaks_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"latchkey/internal/access"
	"latchkey/internal/database"
	"latchkey/internal/keys"
	"latchkey/internal/leaks"
	"latchkey/internal/notices"
	"latchkey/models"
)

// noon is where the clock of these tests begins.
var noon = time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)

// world is a workspace with an owner, another workspace, and a clock that stands still.
type world struct {
	t            *testing.T
	db           *database.DB
	now          time.Time
	keys         *keys.Service
	s            *leaks.Service
	owner, alien access.Actor
}

func newWorld(t *testing.T, db *database.DB) *world {
	t.Helper()
	w := &world{t: t, db: db, now: noon}
	clock := func() time.Time { return w.now }
	w.keys = keys.New(db, keys.Options{Now: clock})
	w.s = leaks.New(db, w.keys, clock)
	w.owner, w.alien = w.workspace("acme"), w.workspace("other")
	return w
}

func (w *world) insert(row any) {
	w.t.Helper()
	if err := w.db.Write.WithContext(w.t.Context()).Create(row).Error; err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) workspace(slug string) access.Actor {
	w.t.Helper()
	account := models.Account{
		ID: uuid.NewString(), Email: slug + "@example.com", Name: slug, PasswordHash: "none", Theme: "system", TimeZone: "UTC",
		PasswordChangedAt: models.At(noon), CreatedAt: models.At(noon), UpdatedAt: models.At(noon),
	}
	row := models.Workspace{
		ID: uuid.NewString(), Name: slug, Slug: slug, Plan: models.PlanTeam, RawRetentionDays: 30, RejectedRetentionDays: 7,
		CreatedAt: models.At(noon), UpdatedAt: models.At(noon),
	}
	w.insert(&account)
	w.insert(&row)
	return access.Actor{AccountID: account.ID, WorkspaceID: row.ID, Role: access.Owner, Label: account.Email}
}

func (w *world) create(name string, change ...func(*keys.CreateForm)) keys.Created {
	w.t.Helper()
	return w.createAs(w.owner, name, change...)
}

func (w *world) createAs(actor access.Actor, name string, change ...func(*keys.CreateForm)) keys.Created {
	w.t.Helper()
	f := keys.CreateForm{Name: name, Environment: models.Live, EndpointType: models.SignalStaging}
	for _, c := range change {
		c(&f)
	}
	made, err := w.keys.Create(w.t.Context(), actor, f)
	if err != nil {
		w.t.Fatalf("create %s: %v", name, err)
	}
	return made
}

func alertOnly(f *keys.CreateForm) { f.OnLeak = models.OnLeakAlert }

// imported is a key whose value has a format of its own.
func (w *world) imported(name, value, prefix string) models.APIKey {
	w.t.Helper()
	sum := fmt.Sprintf("%x", digestOf(value))
	made, err := w.keys.Import(w.t.Context(), w.owner, keys.ImportForm{
		CreateForm: keys.CreateForm{Name: name, Environment: models.Live, EndpointType: models.SignalStaging}, SHA256: sum, Prefix: prefix,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return made.Key
}

func (w *world) rotate(k models.APIKey, grace time.Duration) keys.Rotated {
	w.t.Helper()
	out, err := w.keys.Rotate(w.t.Context(), w.owner, k.ID, keys.RotateForm{Grace: grace, Base: -1})
	if err != nil {
		w.t.Fatal(err)
	}
	return out
}

func (w *world) report(r leaks.Reporter, values ...string) []leaks.Verdict {
	w.t.Helper()
	tokens := make([]leaks.Token, len(values))
	for i, v := range values {
		tokens[i] = leaks.Token{Value: v, Type: "latchkey_key", Source: "commit", URL: "https://git.example/acme/app/blob/1/.env"}
	}
	verdicts, err := w.s.Report(w.t.Context(), r, tokens)
	if err != nil {
		w.t.Fatal(err)
	}
	return verdicts
}

func (w *world) status(k models.APIKey) string {
	w.t.Helper()
	row, err := gorm.G[models.APIKey](w.db.Read).Where("id = ?", k.ID).Take(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	return row.State(w.now)
}

func (w *world) open() []notices.Item {
	w.t.Helper()
	items, err := notices.New(w.db, func() time.Time { return w.now }).Open(w.t.Context(), w.owner, 100)
	if err != nil {
		w.t.Fatal(err)
	}
	return items
}

// audited are the entries of one action about a key, with their after.
func (w *world) audited(k models.APIKey, action string) []map[string]any {
	w.t.Helper()
	rows, err := gorm.G[models.AuditEntry](w.db.Read).Where("target_id = ? AND action = ?", k.ID, action).Order("id").Find(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	var out []map[string]any
	for _, r := range rows {
		var after map[string]any
		if err := json.Unmarshal(r.After, &after); err != nil || r.ActorLabel != "system" {
			w.t.Errorf("entry %+v, %v", r, err)
		}
		out = append(out, after)
	}
	return out
}

// secretless fails the test when a value stands in what was stored or returned.
func secretless(t *testing.T, where, text string, values ...string) {
	t.Helper()
	for _, v := range values {
		if tail := v[len(v)-20:]; strings.Contains(text, tail) {
			t.Errorf("%s holds a secret", where)
		}
	}
}
