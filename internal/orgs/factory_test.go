package orgs_test

import (
	"crypto/sha256"
	"encoding/json"
	"testing"
	"time"

	"github.com/google/uuid"

	"latchkey/internal/access"
	"latchkey/internal/database"
	"latchkey/internal/orgs"
	"latchkey/models"
)

// noon is the clock of these tests.
var noon = time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)

// world is a database with two workspaces, a key in each, and a service over it.
type world struct {
	t     *testing.T
	db    *database.DB
	s     *orgs.Service
	mine  access.Actor
	other access.Actor
	key   string
	alien string
	count int
}

func newWorld(t *testing.T, db *database.DB) *world {
	t.Helper()
	w := &world{t: t, db: db, s: orgs.New(db, func() time.Time { return noon })}
	w.mine = access.Actor{WorkspaceID: w.workspace("mine"), Role: access.Editor, Label: "ed@mine.example"}
	w.other = access.Actor{WorkspaceID: w.workspace("other"), Role: access.Owner}
	w.key = w.apiKey(w.mine, "Billing", models.Live)
	w.alien = w.apiKey(w.other, "Alien", models.Live)
	return w
}

func (w *world) viewer() access.Actor {
	return access.Actor{WorkspaceID: w.mine.WorkspaceID, Role: access.Viewer}
}

func (w *world) create(row any) {
	w.t.Helper()
	if err := w.db.Write.WithContext(w.t.Context()).Create(row).Error; err != nil {
		w.t.Fatal(err)
	}
}

// id gives a greater identifier with each call.
func (w *world) id() string {
	w.count++
	id := uuid.MustParse("01990000-0000-7000-8000-000000000000")
	for i := range 4 {
		id[12+i] = byte(w.count >> (24 - 8*i))
	}
	return id.String()
}

func (w *world) workspace(slug string) string {
	id := uuid.Must(uuid.NewV7()).String()
	w.create(&models.Workspace{
		ID: id, Name: slug, Slug: slug, Plan: "enterprise", RawRetentionDays: 30, RejectedRetentionDays: 7,
		CreatedAt: models.At(noon), UpdatedAt: models.At(noon),
	})
	return id
}

func (w *world) apiKey(actor access.Actor, name, env string) string {
	id := uuid.Must(uuid.NewV7()).String()
	hash := sha256.Sum256([]byte(id))
	w.create(&models.APIKey{
		ID: id, WorkspaceID: actor.WorkspaceID, Name: name, Environment: env, EndpointType: models.ProductOrgs,
		KeyPrefix: "sk_" + env + "_a2f9", KeyHash: hash[:], Status: models.KeyActive, OnError: models.OnErrorReject,
		CreatedAt: models.At(noon), UpdatedAt: models.At(noon),
	})
	return id
}

// org stores an organisation of that id whose values are pairs of name and JSON; change may alter
// the row afterwards.
func (w *world) org(key string, values []string, change ...func(*models.ProductOrg)) models.ProductOrg {
	w.t.Helper()
	state := orgs.State{}
	set := map[string]json.RawMessage{}
	for i := 0; i < len(values); i += 2 {
		set[values[i]] = json.RawMessage(values[i+1])
	}
	state.Merge(set, orgs.From{At: noon.UnixMicro(), Update: w.id(), Key: w.key})
	o := models.ProductOrg{
		ID: w.id(), WorkspaceID: w.mine.WorkspaceID, Environment: models.Live, OrgKey: key, Fields: state.Encode(), Updates: 1,
		Name: state.Text("name"), Domain: state.Text("domain"), Plan: state.Text("plan"), TrialStatus: state.Text("trial_status"),
		LastEventAt: models.At(noon), CreatedAt: models.At(noon), UpdatedAt: models.At(noon),
	}
	var mrr float64
	if json.Unmarshal([]byte(state.Text("mrr")), &mrr) == nil {
		o.MRR = &mrr
	}
	var users int64
	if json.Unmarshal([]byte(state.Text("user_count")), &users) == nil {
		o.UserCount = &users
	}
	for _, c := range change {
		c(&o)
	}
	w.create(&o)
	return o
}

func changedAt(ago time.Duration) func(*models.ProductOrg) {
	return func(o *models.ProductOrg) { o.UpdatedAt = models.At(noon.Add(-ago)) }
}

// update stores an update of that key, as change says.
func (w *world) update(status string, change ...func(*models.ProductOrgUpdate)) models.ProductOrgUpdate {
	w.t.Helper()
	u := models.ProductOrgUpdate{
		ID: w.id(), WorkspaceID: w.mine.WorkspaceID, Environment: models.Live, APIKeyID: w.key, RequestID: w.id(), Status: status,
		TemplateVersion: 1, OccurredAt: models.At(noon), ReceivedAt: models.At(noon), Raw: []byte(`{"org":"acme"}`),
	}
	for _, c := range change {
		c(&u)
	}
	w.create(&u)
	return u
}

func of(o models.ProductOrg) func(*models.ProductOrgUpdate) {
	return func(u *models.ProductOrgUpdate) { u.OrgID, u.OrgKey = &o.ID, o.OrgKey }
}

func did(changes ...orgs.Change) func(*models.ProductOrgUpdate) {
	return func(u *models.ProductOrgUpdate) { u.Changes = orgs.EncodeChanges(changes) }
}

func change(field, before, after string) orgs.Change {
	c := orgs.Change{Field: field, After: json.RawMessage(after)}
	if before != "" {
		c.Before = json.RawMessage(before)
	}
	return c
}

func (w *world) list(f orgs.Filter) orgs.Page {
	w.t.Helper()
	if f.Environment == "" {
		f.Environment = models.Live
	}
	page, err := w.s.List(w.t.Context(), w.mine, f)
	if err != nil {
		w.t.Fatal(err)
	}
	return page
}

func keysOf(items []orgs.Item) []string {
	keys := []string{}
	for _, i := range items {
		keys = append(keys, i.OrgKey)
	}
	return keys
}
