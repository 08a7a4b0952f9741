package keys_test

import (
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"testing"
	"time"

	"latchkey/internal/access"
	"latchkey/internal/apptest"
	"latchkey/internal/database"
	"latchkey/internal/fault"
	"latchkey/internal/keys"
)

func TestAValueIsFoundByItsHashForGood(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		made := w.create(named("Shop"))
		old := sha256.Sum256([]byte(made.Value.Reveal()))
		find := func(actor access.Actor, hash [32]byte) *keys.Found {
			t.Helper()
			found, err := w.s.FindHash(t.Context(), actor, hash)
			if err != nil {
				t.Fatal(err)
			}
			return found
		}
		if f := find(w.owner, old); f == nil || f.Value != keys.ValuePresent || f.ID != made.Key.ID || f.Name != "Shop" || !f.RetiredAt.IsZero() {
			t.Errorf("found %+v", f)
		}
		r := w.rotate(made.Key.ID, time.Hour)
		if f := find(w.owner, old); f == nil || f.Value != keys.ValuePrevious || !f.RetiredAt.Equal(noon) || !f.Rotating {
			t.Errorf("found %+v", f)
		}
		w.now = noon.Add(time.Hour)
		if f := find(w.owner, old); f == nil || f.Value != keys.ValueRetired || f.Rotating {
			t.Errorf("found %+v", f)
		}
		if f := find(w.owner, sha256.Sum256([]byte(r.Value.Reveal()))); f == nil || f.Value != keys.ValuePresent {
			t.Errorf("found %+v", f)
		}
		for name, actor := range map[string]access.Actor{"another workspace": w.alien, "a Viewer": as(w.owner, access.Viewer)} {
			if f := find(actor, old); f != nil {
				t.Errorf("%s found %+v", name, f)
			}
		}
		api := w.create(program())
		if f := find(as(w.owner, access.Editor), sha256.Sum256([]byte(api.Value.Reveal()))); f != nil {
			t.Errorf("an Editor found the API-access key %+v", f)
		}
	})
}

func TestAPrefixIsFoundPresentOrNot(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		made := w.create(named("Shop"))
		w.create(named("Other"))
		w.createAs(w.alien, named("Alien"))
		r := w.rotate(made.Key.ID, 0)
		old, present := made.Key.KeyPrefix, r.Key.KeyPrefix
		for _, text := range []string{old, " " + present + " ", old[len("sk_live_"):], present[len("sk_live_"):], made.Value.Reveal()[:30], r.Value.Reveal()} {
			items, err := w.s.FindPrefix(t.Context(), w.owner, text)
			if err != nil || !slices.Equal(names(keys.Page{Items: items}), []string{"Shop"}) {
				t.Errorf("%q: %v, %v", text, names(keys.Page{Items: items}), err)
			}
		}
		for _, text := range []string{"", "%", "____", "sk_live_", "sk_live_%%%%", "live"} {
			if items, err := w.s.FindPrefix(t.Context(), w.owner, text); err != nil || len(items) != 0 {
				t.Errorf("%q: %v, %v", text, names(keys.Page{Items: items}), err)
			}
		}
		_, err := w.s.FindPrefix(t.Context(), as(w.owner, access.Viewer), old)
		want(t, err, fault.Forbidden)
	})
}

func TestSearchFindsTheHashOfAValue(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		made := w.create(named("Shop"))
		w.create(named("Other"))
		r := w.rotate(made.Key.ID, 0)
		for _, text := range []string{
			hexOf(made.Value.Reveal()), hexOf(r.Value.Reveal()), made.Value.Reveal(), base64.StdEncoding.EncodeToString(digest(r.Value.Reveal())),
		} {
			if page := w.list(keys.Filter{Search: text}); !slices.Equal(names(page), []string{"Shop"}) {
				t.Errorf("%q found %v", text, names(page))
			}
		}
	})
}

func TestListLeavesTheCountsOutWhenNobodyNeedsThem(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		w.create()
		if page := w.list(keys.Filter{NoCounts: true}); len(page.Items) != 1 || page.Counts != nil {
			t.Errorf("page %+v", page)
		}
	})
}

func TestAPIAccessKeysAreListedOnlyForThoseWhoMayReadThem(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		w.create(named("Hook"))
		api := w.create(named("CI"), program())
		editor := as(w.owner, access.Editor)
		page, err := w.s.List(t.Context(), editor, keys.Filter{})
		if err != nil || !slices.Equal(names(page), []string{"Hook"}) || page.Counts[""] != 1 {
			t.Errorf("an Editor lists %v, %v", names(page), err)
		}
		_, err = w.s.Get(t.Context(), editor, api.Key.ID)
		want(t, err, fault.NotFound)
		_, err = w.s.Revoke(t.Context(), editor, api.Key.ID)
		want(t, err, fault.NotFound)
	})
}
