package hygiene_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"gorm.io/gorm"

	"latchkey/internal/access"
	"latchkey/internal/apptest"
	"latchkey/internal/database"
	"latchkey/internal/hygiene"
	"latchkey/internal/keys"
	"latchkey/internal/notices"
	"latchkey/models"
)

func (w *world) remind() {
	w.t.Helper()
	if err := w.s.Remind(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

func endingIn(w *world, d time.Duration) func(*keys.CreateForm) {
	return func(f *keys.CreateForm) { f.ExpiresAt = w.now.Add(d) }
}

// told are the reminders of a key in the log: the days of api_key.expiring, and 0 for its end.
func (w *world) told(k models.APIKey) []int {
	w.t.Helper()
	rows, err := gorm.G[models.AuditEntry](w.db.Read).
		Where("target_id = ? AND action IN (?, ?)", k.ID, notices.Expiring, notices.Expired).Order("id").Find(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	days := []int{}
	for _, r := range rows {
		var after struct {
			ExpiresAt time.Time `json:"expires_at"`
			Days      int
		}
		if err := json.Unmarshal(r.After, &after); err != nil || after.ExpiresAt.IsZero() || r.ActorLabel != "system" || *r.WorkspaceID != k.WorkspaceID {
			w.t.Errorf("entry %+v, %v", r, err)
		}
		days = append(days, after.Days)
	}
	return days
}

func TestAnExpiryIsToldOfOnceAThresholdAndAtItsEnd(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		k := w.create("Ending", endingIn(w, 40*day)).Key
		for _, step := range []struct {
			left time.Duration
			told []int
		}{
			{40 * day, []int{}},
			{30*day + time.Minute, []int{}},
			{30 * day, []int{30}},
			{8 * day, []int{30}},
			{7 * day, []int{30, 7}},
			{2 * day, []int{30, 7}},
			{day, []int{30, 7, 1}},
			{time.Minute, []int{30, 7, 1}},
			{0, []int{30, 7, 1, 0}},
			{-30 * day, []int{30, 7, 1, 0}},
		} {
			w.now = noon.Add(40*day - step.left)
			for range 2 {
				w.remind()
			}
			if got := w.told(k); !slices.Equal(got, step.told) {
				t.Fatalf("with %v left: told %v, want %v", step.left, got, step.told)
			}
			if open := w.open(); len(open) != min(len(step.told), 1) {
				t.Errorf("with %v left: %d notices are open", step.left, len(open))
			}
		}
		if open := w.open()[0]; open.Kind != notices.Expired || !open.ExpiresAt().Equal(noon.Add(40*day)) || open.KeyName != "Ending" {
			t.Errorf("open %+v", open)
		}
	})
}

func TestOnlyTheNearestThresholdIsToldOf(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		five, hours, far := w.create("Five", endingIn(w, 5*day)).Key, w.create("Hours", endingIn(w, 20*time.Hour)).Key, w.create("Far").Key
		ended := w.create("Ended", endingIn(w, 5*day)).Key
		if _, err := w.keys.Revoke(t.Context(), w.owner, ended.ID); err != nil {
			t.Fatal(err)
		}
		w.remind()
		for _, c := range []struct {
			key  models.APIKey
			want []int
		}{{five, []int{7}}, {hours, []int{1}}, {far, []int{}}, {ended, []int{}}} {
			if got := w.told(c.key); !slices.Equal(got, c.want) {
				t.Errorf("%s: told %v, want %v", c.key.Name, got, c.want)
			}
		}
	})
}

func TestAnExpiryThatWasMovedIsToldOfAgain(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		k := w.create("Moved", endingIn(w, 5*day)).Key
		w.remind()
		if err := w.keys.ChangeExpiry(t.Context(), w.owner, k.ID, noon.Add(60*day)); err != nil {
			t.Fatal(err)
		}
		w.remind()
		if open := w.open(); len(open) != 0 {
			t.Errorf("the notice of the old expiry is still open: %+v", open)
		}
		w.now = noon.Add(54 * day)
		w.remind()
		if got := w.told(k); !slices.Equal(got, []int{7, 7}) || len(w.open()) != 1 {
			t.Errorf("told %v, %d open", got, len(w.open()))
		}
	})
}

func TestKeysThatEndedLongAgoAreNotToldOf(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		k := w.create("Old", endingIn(w, day)).Key
		w.now = noon.Add(9 * day)
		w.remind()
		if got := w.told(k); len(got) != 0 {
			t.Errorf("told %v", got)
		}
	})
}

func TestKeysThatAProgramMakesForADayAreLoggedAndPutBeforeNobody(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		program := w.owner
		program.AccountID, program.KeyID, program.KeyMaker = "", w.create("CI").Key.ID, w.owner.AccountID
		program.Scopes = access.Scopes{access.KeysRead, access.KeysWrite}
		form := w.form("An hour")
		form.ExpiresAt = noon.Add(time.Hour)
		made, err := w.keys.Create(t.Context(), program, form)
		if err != nil {
			t.Fatal(err)
		}
		w.remind()
		w.now = noon.Add(time.Hour)
		w.remind()
		if got := w.told(made.Key); !slices.Equal(got, []int{1, 0}) || len(w.open()) != 0 {
			t.Errorf("told %v, %d open", got, len(w.open()))
		}
	})
}

func TestManyInstancesTellOnce(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		const n = 150 // more than a batch
		made := make([]models.APIKey, n)
		for i := range made {
			made[i] = w.create(fmt.Sprint("Key ", i), endingIn(w, 5*day)).Key
		}
		var work sync.WaitGroup
		for range 6 {
			instance := hygiene.New(db, w.keys, func() time.Time { return w.now })
			work.Go(func() {
				if err := instance.Remind(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		work.Wait()
		for _, k := range made {
			if got := w.told(k); !slices.Equal(got, []int{7}) {
				t.Errorf("%s: told %v", k.Name, got)
			}
		}
		if open := w.open(); len(open) != 100 {
			t.Errorf("%d of the first 100 notices are open", len(open))
		}
	})
}
