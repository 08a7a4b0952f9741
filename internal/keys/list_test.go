package keys_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"latchkey/internal/access"
	"latchkey/internal/apptest"
	"latchkey/internal/database"
	"latchkey/internal/keys"
	"latchkey/models"
)

func (w *world) list(f keys.Filter) keys.Page {
	w.t.Helper()
	page, err := w.s.List(w.t.Context(), w.owner, f)
	if err != nil {
		w.t.Fatalf("list: %v", err)
	}
	return page
}

func names(page keys.Page) []string {
	out := []string{}
	for _, k := range page.Items {
		out = append(out, k.Name)
	}
	return out
}

// fill makes a key of every state, oldest first: Plain, Soon, Over, Ended, Trial (a test key).
func (w *world) fill() map[string]keys.Created {
	w.t.Helper()
	made := map[string]keys.Created{
		"Plain": w.create(named("Plain")),
		"Soon":  w.create(named("Soon"), expiring(noon.Add(72*time.Hour))),
		"Over":  w.create(named("Over"), expiring(noon.Add(time.Minute))),
		"Ended": w.create(named("Ended")),
		"Trial": w.create(named("Trial"), func(f *keys.CreateForm) { f.Environment = models.Test }),
	}
	if _, err := w.s.Revoke(w.t.Context(), w.owner, made["Ended"].Key.ID); err != nil {
		w.t.Fatal(err)
	}
	w.now = noon.Add(time.Hour)
	w.createAs(w.alien, named("Alien"))
	return made
}

func TestTabsListAndCountKeysByState(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		w.fill()
		for status, expected := range map[string][]string{
			"": {"Ended", "Over", "Soon", "Plain"}, "active": {"Soon", "Plain"}, "expiring": {"Soon"},
			"expired": {"Over"}, "deactivated": {"Ended"}, "unheard of": {"Ended", "Over", "Soon", "Plain"},
		} {
			page := w.list(keys.Filter{Environment: models.Live, Status: status})
			got := names(page)
			slices.Sort(got)
			slices.Sort(expected)
			if !slices.Equal(got, expected) {
				t.Errorf("tab %q lists %v, want %v", status, got, expected)
			}
			want := map[string]int{"": 4, "active": 2, "expiring": 1, "expired": 1, "deactivated": 1}
			if fmt.Sprint(page.Counts) != fmt.Sprint(want) {
				t.Errorf("tab %q counts %v, want %v", status, page.Counts, want)
			}
		}
	})
}

func TestLiveAndTestKeysAreListedApart(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		w.fill()
		page := w.list(keys.Filter{Environment: models.Test})
		if got := names(page); !slices.Equal(got, []string{"Trial"}) || page.Counts[""] != 1 {
			t.Errorf("test keys: %v, %v", got, page.Counts)
		}
	})
}

func TestSearchFindsNamePrefixAndWholeKey(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		made := w.fill()
		plain := made["Plain"]
		for search, expected := range map[string]string{
			"pLAi": "Plain", " Over ": "Over", plain.Key.KeyPrefix: "Plain", plain.Value.Reveal(): "Plain",
			"%": "", "Pl_in": "", `Plain\`: "", "no such": "", plain.Value.Reveal() + "x": "",
		} {
			page := w.list(keys.Filter{Environment: models.Live, Search: search})
			got := names(page)
			if expected == "" && len(got) != 0 || expected != "" && !slices.Contains(got, expected) {
				t.Errorf("search %q found %v, want %q", search, got, expected)
			}
			if page.Counts[""] != len(got) {
				t.Errorf("search %q: %d counted, %d listed", search, page.Counts[""], len(got))
			}
		}
		id, err := w.s.Find(t.Context(), w.owner, "\t"+plain.Value.Reveal()+"\n")
		if err != nil || id != plain.Key.ID {
			t.Errorf("Find = %q, %v", id, err)
		}
	})
}

func TestTypesNarrowTheList(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		w.fill()
		if n := len(w.list(keys.Filter{Type: models.SignalStaging}).Items); n != 5 {
			t.Errorf("%d signal keys, want 5", n)
		}
		if n := len(w.list(keys.Filter{Type: models.ProductOrgs}).Items); n != 0 {
			t.Errorf("%d product org keys, want none", n)
		}
	})
}

func TestPagesLeadOnAndBackWithoutGapsOrRepeats(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		var expected []string
		for i := range 7 {
			w.create(named(fmt.Sprint("k", i)))
			expected = append([]string{fmt.Sprint("k", i)}, expected...)
		}
		first := w.list(keys.Filter{Limit: 3})
		second := w.list(keys.Filter{Limit: 3, Before: first.Next})
		third := w.list(keys.Filter{Limit: 3, Before: second.Next})
		if got := slices.Concat(names(first), names(second), names(third)); !slices.Equal(got, expected) {
			t.Errorf("pages list %v, want %v", got, expected)
		}
		if first.Previous != "" || third.Next != "" || first.Counts[""] != 7 || third.Counts[""] != 7 {
			t.Errorf("first %+v, third %+v", first, third)
		}
		back := w.list(keys.Filter{Limit: 3, After: third.Previous})
		if !slices.Equal(names(back), names(second)) || back.Next == "" || back.Previous == "" {
			t.Errorf("back from the third page: %v (%q, %q)", names(back), back.Next, back.Previous)
		}
		start := w.list(keys.Filter{Limit: 3, After: back.Previous})
		if !slices.Equal(names(start), names(first)) || start.Previous != "" {
			t.Errorf("back to the first page: %v (%q)", names(start), start.Previous)
		}
	})
}

func TestListSaysWhoMadeAndEndedAKeyAndWhenItWasUsed(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		made := w.create()
		w.arrived(made.Key, noon, 1, 0)
		operator := access.CommandLine(w.owner.WorkspaceID)
		fromShell := w.createAs(operator, named("Shell"))
		if _, err := w.s.Revoke(t.Context(), w.owner, fromShell.Key.ID); err != nil {
			t.Fatal(err)
		}
		k := w.get(made.Key.ID)
		if k.CreatedByName != "Olive Owner" || k.DeactivatedBy != "" || !k.LastUsed.LastUsedAt.Equal(noon) || k.LastUsed.IP != "10.0.4.7" {
			t.Errorf("item = %+v", k)
		}
		if k := w.get(fromShell.Key.ID); k.CreatedByName != "" || k.DeactivatedBy != "Olive Owner" {
			t.Errorf("made by %q, ended by %q", k.CreatedByName, k.DeactivatedBy)
		}
		if err := w.db.Write.Exec("DELETE FROM accounts WHERE id = ?", w.owner.AccountID).Error; err != nil {
			t.Fatal(err)
		}
		if k := w.get(made.Key.ID); k.CreatedByName != "a former member" {
			t.Errorf("made by %q", k.CreatedByName)
		}
	})
}

func TestAttentionNamesKeysThatExpireSoonAndThoseThatAreIdle(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		idle, busy := w.create(named("Idle")), w.create(named("Busy"))
		w.create(named("Far"), expiring(noon.AddDate(0, 0, 80)))
		w.createAs(w.alien, named("Alien"))
		w.arrived(idle.Key, noon, 1, 0)
		w.now = noon.AddDate(0, 0, 40)
		w.arrived(busy.Key, w.now, 1, 0)
		w.create(named("Soon"), expiring(w.now.AddDate(0, 0, 13)))
		soon, unused, err := w.s.Attention(t.Context(), w.owner, models.Live, 30*24*time.Hour, 10)
		if err != nil {
			t.Fatal(err)
		}
		if got := names(keys.Page{Items: soon}); !slices.Equal(got, []string{"Soon"}) {
			t.Errorf("expiring: %v", got)
		}
		if got := names(keys.Page{Items: unused}); !slices.Equal(got, []string{"Idle", "Far"}) {
			t.Errorf("idle: %v", got)
		}
	})
}
