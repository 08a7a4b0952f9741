package listen_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"latchkey/internal/access"
	"latchkey/internal/database"
	"latchkey/internal/keys"
	"latchkey/internal/listen"
	"latchkey/internal/outbox"
	"latchkey/models"
)

// noon is where the clock of these tests begins.
var noon = time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)

// world is two workspaces, two instances over one database, and a clock that stands still.
type world struct {
	t      *testing.T
	db     *database.DB
	now    time.Time
	keys   *keys.Service
	s, too *listen.Service
	dev    access.Actor // a program of the workspace that the tests are about
	alien  access.Actor // ... of another one
}

func newWorld(t *testing.T, db *database.DB) *world {
	t.Helper()
	w := &world{t: t, db: db, now: noon}
	clock := func() time.Time { return w.now }
	w.keys = keys.New(db, keys.Options{Now: clock})
	w.s, w.too = listen.New(db, w.keys, clock), listen.New(db, keys.New(db, keys.Options{Now: clock}), clock)
	w.dev, w.alien = w.program("acme"), w.program("other")
	return w
}

func (w *world) program(slug string) access.Actor {
	w.t.Helper()
	row := models.Workspace{
		ID: uuid.NewString(), Name: slug, Slug: slug, Plan: models.PlanEnterprise, RawRetentionDays: 30, RejectedRetentionDays: 7,
		CreatedAt: models.At(noon), UpdatedAt: models.At(noon),
	}
	if err := w.db.Write.WithContext(w.t.Context()).Create(&row).Error; err != nil {
		w.t.Fatal(err)
	}
	return access.Actor{WorkspaceID: row.ID, Label: slug, KeyID: uuid.NewString(), Scopes: access.Scopes{access.EventsListen}}
}

func (w *world) open(actor access.Actor, change ...func(*listen.Filter)) *listen.Session {
	w.t.Helper()
	s, err := w.tryOpen(actor, change...)
	if err != nil {
		w.t.Fatalf("open: %v", err)
	}
	return s
}

func (w *world) tryOpen(actor access.Actor, change ...func(*listen.Filter)) (*listen.Session, error) {
	f := listen.Filter{Environment: models.Live}
	for _, c := range change {
		c(&f)
	}
	return w.s.Open(w.t.Context(), actor, f)
}

func types(patterns ...string) func(*listen.Filter) {
	return func(f *listen.Filter) { f.Patterns = patterns }
}

func after(id string) func(*listen.Filter) {
	return func(f *listen.Filter) { f.After = id }
}

// event is something to tell in the workspace of the tests; change may alter it.
func (w *world) event(change ...func(*outbox.Event)) outbox.Event {
	e := outbox.Event{
		ID: uuid.Must(uuid.NewV7()).String(), WorkspaceID: w.dev.WorkspaceID, Environment: models.Live, Type: outbox.SignalReceived, At: w.now,
		Data: map[string]any{"event": "x"},
	}
	for _, c := range change {
		c(&e)
	}
	return e
}

// emit writes events, each in a transaction of its own, and returns the last one's id.
func (w *world) emit(events ...outbox.Event) (id string) {
	w.t.Helper()
	for _, e := range events {
		id = e.ID
		if err := w.db.Tx(w.t.Context(), func(tx *gorm.DB) error { return outbox.Emit(w.t.Context(), tx, e) }); err != nil {
			w.t.Fatal(err)
		}
	}
	return id
}

func (w *world) written() int64 {
	w.t.Helper()
	n, err := gorm.G[models.Message](w.db.Read).Count(w.t.Context(), "*")
	if err != nil {
		w.t.Fatal(err)
	}
	return n
}

// looks is how often a session looks at most until it has found what is there.
const looks = 12

// all is what a session gets in as many looks as it may take.
func (w *world) all(s *listen.Session) []string {
	w.t.Helper()
	ids := []string{}
	for range looks {
		for {
			list, err := s.Next(w.t.Context())
			if err != nil {
				w.t.Fatalf("next: %v", err)
			}
			if len(list) == 0 {
				break
			}
			for _, m := range list {
				ids = append(ids, m.ID)
			}
		}
	}
	return ids
}

// oldID is an id that was made some time ago.
func oldID(ago time.Duration) string {
	id := uuid.Must(uuid.NewV7())
	ms := time.Now().Add(-ago).UnixMilli()
	for i := range 6 {
		id[i] = byte(ms >> (40 - 8*i))
	}
	return id.String()
}
