package signals_test

import (
	"crypto/sha256"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"latchkey/internal/access"
	"latchkey/internal/database"
	"latchkey/internal/signals"
	"latchkey/models"
)

// noon is the clock of these tests.
var noon = time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)

// world is a database with two workspaces, a key in each, and a service over it.
type world struct {
	t     *testing.T
	db    *database.DB
	s     *signals.Service
	now   time.Time
	mine  access.Actor
	other access.Actor
	key   string
	alien string
	count int
}

func newWorld(t *testing.T, db *database.DB) *world {
	t.Helper()
	w := &world{t: t, db: db, now: noon}
	w.s = signals.New(db, func() time.Time { return w.now })
	w.mine = access.Actor{WorkspaceID: w.workspace("mine"), Role: access.Viewer}
	w.other = access.Actor{WorkspaceID: w.workspace("other"), Role: access.Owner}
	w.key = w.apiKey(w.mine, "Production", models.Live)
	w.alien = w.apiKey(w.other, "Alien", models.Live)
	return w
}

func (w *world) create(row any) {
	w.t.Helper()
	if err := w.db.Write.WithContext(w.t.Context()).Create(row).Error; err != nil {
		w.t.Fatal(err)
	}
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
		ID: id, WorkspaceID: actor.WorkspaceID, Name: name, Environment: env, EndpointType: models.SignalStaging,
		KeyPrefix: "sk_" + env + "_a2f9", KeyHash: hash[:], Status: models.KeyActive, OnError: models.OnErrorReject, CreatedAt: models.At(noon), UpdatedAt: models.At(noon),
	})
	return id
}

// id is an identifier made at an instant; later calls give greater ones.
func (w *world) id(at time.Time) string {
	w.count++
	parsed := database.FirstID(at)
	for i := range 4 {
		parsed[12+i] = byte(w.count >> (24 - 8*i))
	}
	return parsed.String()
}

// request stores a line of the log that arrived some time before now, as change says.
func (w *world) request(ago time.Duration, change func(*models.GatewayRequest)) models.GatewayRequest {
	w.t.Helper()
	at := w.now.Add(-ago)
	r := models.GatewayRequest{
		ID: w.id(at), WorkspaceID: w.mine.WorkspaceID, Environment: models.Live, APIKeyID: &w.key,
		Route: "/api/signal-staging/webhook/:key", Status: 200, Accepted: 1, Event: "form_submitted", Email: "ada@example.com",
		Bytes: 120, DurationUS: 900, IP: "10.0.4.7", ReceivedAt: models.At(at),
	}
	if change != nil {
		change(&r)
	}
	w.create(&r)
	return r
}

func rejectedFor(code string, status int) func(*models.GatewayRequest) {
	return func(r *models.GatewayRequest) { r.Status, r.Code, r.Accepted, r.Rejected = status, code, 0, 1 }
}

// signal stores a signal that arrived some time before now, as change says.
func (w *world) signal(ago time.Duration, change func(*models.Signal)) models.Signal {
	w.t.Helper()
	at := w.now.Add(-ago)
	s := models.Signal{
		ID: w.id(at), WorkspaceID: w.mine.WorkspaceID, Environment: models.Live, APIKeyID: w.key, RequestID: w.id(at),
		Event: "form_submitted", Email: "ada@example.com", OccurredAt: models.At(at), ReceivedAt: models.At(at),
		Raw: []byte(`{"event":"form_submitted"}`),
	}
	if change != nil {
		change(&s)
	}
	w.create(&s)
	return s
}

func (w *world) requests(f signals.RequestFilter) signals.RequestPage {
	w.t.Helper()
	if f.Environment == "" {
		f.Environment = models.Live
	}
	page, err := w.s.Requests(w.t.Context(), w.mine, f)
	if err != nil {
		w.t.Fatal(err)
	}
	return page
}

func (w *world) signals(f signals.Filter) signals.Page {
	w.t.Helper()
	if f.Environment == "" {
		f.Environment = models.Live
	}
	page, err := w.s.Signals(w.t.Context(), w.mine, f)
	if err != nil {
		w.t.Fatal(err)
	}
	return page
}

func requestIDs(items []signals.RequestItem) []string {
	ids := []string{}
	for _, i := range items {
		ids = append(ids, i.ID)
	}
	return ids
}

func signalIDs(items []signals.SignalItem) []string {
	ids := []string{}
	for _, i := range items {
		ids = append(ids, i.ID)
	}
	return ids
}

func sameIDs(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%s:\n got %v\nwant %v", what, got, want)
	}
}

func countRows(t *testing.T, db *gorm.DB, table string) int64 {
	t.Helper()
	var n int64
	if err := db.Raw("SELECT COUNT(*) FROM " + table).Scan(&n).Error; err != nil {
		t.Fatal(err)
	}
	return n
}
