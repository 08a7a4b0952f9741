package notices_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"latchkey/internal/access"
	"latchkey/internal/apptest"
	"latchkey/internal/database"
	"latchkey/internal/fault"
	"latchkey/internal/notices"
	"latchkey/models"
)

var noon = time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)

type world struct {
	t     *testing.T
	db    *database.DB
	s     *notices.Service
	owner access.Actor
}

func newWorld(t *testing.T, db *database.DB) *world {
	w := &world{t: t, db: db, s: notices.New(db, func() time.Time { return noon })}
	w.owner = w.workspace("acme")
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
		ID: uuid.NewString(), Name: slug, Slug: slug, Plan: "team", RawRetentionDays: 30, RejectedRetentionDays: 7,
		CreatedAt: models.At(noon), UpdatedAt: models.At(noon),
	}
	w.insert(&account)
	w.insert(&row)
	return access.Actor{AccountID: account.ID, WorkspaceID: row.ID, Role: access.Owner, Label: account.Email}
}

func (w *world) key(endpointType string, expires time.Time) models.APIKey {
	w.t.Helper()
	hash := make([]byte, 32)
	id := uuid.New()
	copy(hash, id[:])
	row := models.APIKey{
		ID: id.String(), WorkspaceID: w.owner.WorkspaceID, Name: "Website", Environment: models.Live, EndpointType: endpointType,
		KeyPrefix: "sk_live_a2f9", KeyHash: hash, Status: models.KeyActive, OnError: models.OnErrorReject,
		ExpiresAt: models.At(expires), CreatedAt: models.At(noon), UpdatedAt: models.At(noon),
	}
	w.insert(&row)
	return row
}

func (w *world) raise(n notices.Notice) (created bool) {
	w.t.Helper()
	err := w.db.Tx(w.t.Context(), func(tx *gorm.DB) (err error) {
		created, err = notices.Raise(w.t.Context(), tx, noon, n)
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return created
}

func (w *world) leaked(key models.APIKey) notices.Notice {
	return notices.Notice{
		WorkspaceID: key.WorkspaceID, Kind: notices.Leaked, Dedup: "leak:" + key.ID, APIKeyID: key.ID,
		Data: map[string]any{"url": "https://git.example/a", "reporter": "GitHub"},
	}
}

func (w *world) expiring(key models.APIKey, days int) notices.Notice {
	return notices.Notice{
		WorkspaceID: key.WorkspaceID, Kind: notices.Expiring, APIKeyID: key.ID,
		Dedup: notices.ExpiryDedup(notices.Expiring, key.ID, key.ExpiresAt, days),
		Data:  map[string]any{"days": days, "expires_at": key.ExpiresAt.Format(time.RFC3339)},
	}
}

func (w *world) open(actor access.Actor) []notices.Item {
	w.t.Helper()
	items, err := w.s.Open(w.t.Context(), actor, 50)
	if err != nil {
		w.t.Fatal(err)
	}
	return items
}

func (w *world) exec(sql string, args ...any) {
	w.t.Helper()
	if err := w.db.Write.WithContext(w.t.Context()).Exec(sql, args...).Error; err != nil {
		w.t.Fatal(err)
	}
}

func TestANoticeIsRaisedOnceThoughManyInstancesRaiseIt(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		key := w.key(models.SignalStaging, time.Time{})
		var created sync.Map
		var work sync.WaitGroup
		for i := range 20 {
			work.Go(func() {
				if w.raise(w.leaked(key)) {
					created.Store(i, true)
				}
			})
		}
		work.Wait()
		n := 0
		created.Range(func(any, any) bool { n++; return true })
		if open := w.open(w.owner); n != 1 || len(open) != 1 {
			t.Errorf("%d of 20 said that they created it; %d are open", n, len(open))
		}
	})
}

func TestOpenShowsTheNoticeWithItsKeyAndOnlyToThoseWhoMayManageIt(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		w.raise(w.leaked(w.key(models.SignalStaging, time.Time{})))
		w.raise(w.leaked(w.key(models.APIAccess, time.Time{})))
		alien := w.workspace("other")
		for actor, want := range map[string]int{"owner": 2, "editor": 1, "viewer": 0, "alien": 0} {
			who := w.owner
			switch actor {
			case "editor", "viewer":
				who.Role = access.Role(actor)
			case "alien":
				who = alien
			}
			if got := w.open(who); len(got) != want {
				t.Errorf("%s sees %d notices, want %d", actor, len(got), want)
			}
		}
		item := w.open(w.owner)[0]
		if item.KeyName != "Website" || item.KeyPrefix != "sk_live_a2f9" || item.KeyEnvironment != models.Live || item.Text("url") != "https://git.example/a" || item.Text("none") != "" {
			t.Errorf("item %+v", item)
		}
	})
}

func TestANoticeOfAnExpiryIsGoneWhenTheExpiryMovesOrTheKeyEnds(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		moved, ended, stays := w.key(models.SignalStaging, noon.Add(time.Hour)), w.key(models.SignalStaging, noon.Add(2*time.Hour)), w.key(models.SignalStaging, noon.Add(3*time.Hour))
		for _, key := range []models.APIKey{moved, ended, stays} {
			w.raise(w.expiring(key, 7))
			w.raise(w.expiring(key, 1))
		}
		if open := w.open(w.owner); len(open) != 6 {
			t.Fatalf("%d open, want 6", len(open))
		}
		w.exec("UPDATE api_keys SET expires_at = NULL WHERE id = ?", moved.ID)
		w.exec("UPDATE api_keys SET status = 'deactivated' WHERE id = ?", ended.ID)
		err := notices.Supersede(t.Context(), db.Write, noon, notices.Expiring, stays.ID, w.expiring(stays, 1).Dedup)
		open := w.open(w.owner)
		if err != nil || len(open) != 1 || *open[0].APIKeyID != stays.ID || open[0].Days() != 1 || !open[0].ExpiresAt().Equal(noon.Add(3*time.Hour)) {
			t.Errorf("open %+v, %v; want the 1-day notice of the key that stays", open, err)
		}
		if n, err := w.s.DismissAll(t.Context(), w.owner); n != 1 || err != nil {
			t.Errorf("dismissed %d, %v; want the one that was to be seen", n, err)
		}
	})
}

func TestDismissingClosesForEveryoneOnceWithAnAuditEntry(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		w.raise(w.leaked(w.key(models.SignalStaging, time.Time{})))
		id := w.open(w.owner)[0].ID
		viewer, alien := w.owner, w.workspace("other")
		viewer.Role = access.Viewer
		for _, c := range []struct {
			who  access.Actor
			id   string
			kind fault.Kind
		}{{viewer, id, fault.Forbidden}, {alien, id, fault.NotFound}, {w.owner, uuid.NewString(), fault.NotFound}, {w.owner, "x", fault.NotFound}} {
			if err := w.s.Dismiss(t.Context(), c.who, c.id); !fault.Is(err, c.kind) {
				t.Errorf("dismiss %s: %v, want kind %d", c.id, err, c.kind)
			}
		}
		for range 2 {
			if err := w.s.Dismiss(t.Context(), w.owner, id); err != nil {
				t.Fatal(err)
			}
		}
		if open := w.open(w.owner); len(open) != 0 {
			t.Errorf("still open: %v", open)
		}
		entries, err := gorm.G[models.AuditEntry](db.Read).Where("action = 'notice.dismissed'").Find(t.Context())
		if err != nil || len(entries) != 1 || entries[0].TargetLabel != "Website" {
			t.Errorf("audit %+v, %v", entries, err)
		}
	})
}

func TestAnAPIKeysNoticeIsNotDismissedByThoseWhoCannotSeeIt(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		w.raise(w.leaked(w.key(models.APIAccess, time.Time{})))
		editor := w.owner
		editor.Role = access.Editor
		if err := w.s.Dismiss(t.Context(), editor, w.open(w.owner)[0].ID); !fault.Is(err, fault.NotFound) {
			t.Errorf("an Editor: %v", err)
		}
		if n, err := w.s.DismissAll(t.Context(), editor); n != 0 || err != nil || len(w.open(w.owner)) != 1 {
			t.Errorf("an Editor dismissed %d, %v", n, err)
		}
	})
}

func TestAnAmendedNoticeIsOpenAgainWithItsNewData(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		n := w.leaked(w.key(models.SignalStaging, time.Time{}))
		n.Silent = true
		w.raise(n)
		if open := w.open(w.owner); len(open) != 0 {
			t.Fatalf("a silent notice is shown: %v", open)
		}
		n.Data = map[string]any{"outcome": "ended"}
		if err := notices.Amend(t.Context(), db.Write, n); err != nil {
			t.Fatal(err)
		}
		if open := w.open(w.owner); len(open) != 1 || open[0].Text("outcome") != "ended" {
			t.Errorf("open %+v", open)
		}
	})
}

func TestOpenIsNewestFirstAndLimited(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		for i := range 5 {
			w.raise(notices.Notice{WorkspaceID: w.owner.WorkspaceID, Kind: "test", Dedup: fmt.Sprint(i), Data: map[string]any{"n": fmt.Sprint(i)}})
		}
		items, err := w.s.Open(t.Context(), w.owner, 2)
		if err != nil || len(items) != 2 || items[0].Text("n") != "4" || items[1].Text("n") != "3" {
			t.Errorf("%+v, %v", items, err)
		}
	})
}
