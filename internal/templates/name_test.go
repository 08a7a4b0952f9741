package templates_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"latchkey/internal/apptest"
	"latchkey/internal/database"
	"latchkey/internal/fault"
	"latchkey/internal/keys"
)

func TestANamedTemplateServesSeveralKeys(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		id := w.named("Segment groups")
		w.named("billing")
		k := w.keyAs(w.owner, keys.CreateForm{Name: "Second", TemplateID: id})
		list, err := w.s.Named(t.Context(), w.owner)
		if err != nil || len(list) != 2 {
			t.Fatalf("named: %+v, %v", list, err)
		}
		if list[0].Template.Name != "billing" || list[1].Label() != "Segment groups" || len(list[1].Keys) != 2 ||
			len(list[1].Rows.Rows) != 2 || list[1].SavedBy != w.owner.Label || !list[1].SavedAt.Equal(noon) {
			t.Errorf("named: %+v", list)
		}
		v, key, err := w.s.ForKey(t.Context(), w.owner, k.ID)
		if err != nil || key.ID != k.ID || v.Template.ID != id || len(v.Keys) != 2 {
			t.Errorf("for the key: %+v, %v", v, err)
		}
		if others, err := w.s.Named(t.Context(), w.alien); err != nil || len(others) != 0 {
			t.Errorf("another workspace sees %+v, %v", others, err)
		}
	})
}

func TestNamesOfTemplatesAreUniqueVisibleAndShort(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		w.named("Größe")
		id, waiting := w.template("Website"), *w.key("New", nil).TemplateID
		for _, name := range []string{"größe", " Größe "} {
			want(t, w.s.Name(t.Context(), w.owner, id, name), fault.Conflict, "name")
		}
		for _, name := range []string{"a\x00b", "a\xff", strings.Repeat("ä", 101)} {
			want(t, w.s.Name(t.Context(), w.owner, id, name), fault.Invalid, "name")
		}
		want(t, w.s.Name(t.Context(), w.owner, waiting, "Too early"), fault.Conflict)
		if err := w.s.Name(t.Context(), w.owner, id, strings.Repeat("ä", 100)); err != nil {
			t.Errorf("100 letters: %v", err)
		}
		own := rows()
		alien := w.keyAs(w.alien, keys.CreateForm{Name: "Alien", Template: &own})
		if err := w.s.Name(t.Context(), w.alien, *alien.TemplateID, "Größe"); err != nil {
			t.Errorf("the same name in another workspace: %v", err)
		}
	})
}

func TestOfTwoWhoTakeANameOneIsTold(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		const takers = 4
		ids := make([]string, takers)
		for i := range ids {
			ids[i] = w.template(fmt.Sprint("Key ", i))
		}
		var wg sync.WaitGroup
		answers := make(chan error, takers)
		for _, id := range ids {
			wg.Go(func() { answers <- w.s.Name(t.Context(), w.owner, id, "Wanted") })
		}
		wg.Wait()
		close(answers)
		won := 0
		for err := range answers {
			if err == nil {
				won++
				continue
			}
			want(t, err, fault.Conflict, "name")
		}
		if won != 1 {
			t.Errorf("%d took the name", won)
		}
	})
}

func TestANameStaysWhileSeveralKeysUseIt(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		id := w.named("Shared")
		k := w.keyAs(w.owner, keys.CreateForm{Name: "Second", TemplateID: id})
		want(t, w.s.Name(t.Context(), w.owner, id, ""), fault.Conflict)
		if err := w.s.Name(t.Context(), w.owner, id, "Renamed"); err != nil {
			t.Fatal(err)
		}
		if err := w.keys.DetachTemplate(t.Context(), w.owner, k.ID); err != nil {
			t.Fatal(err)
		}
		if err := w.s.Name(t.Context(), w.owner, id, ""); err != nil {
			t.Errorf("with one key left: %v", err)
		}
		actions, before, after := w.said(id)
		if diff := cmp.Diff([]string{"template.named", "template.named", "template.named"}, actions); diff != "" {
			t.Error(diff)
		}
		if before["name"] != "Renamed" || after["name"] != "" {
			t.Errorf("audit: %v -> %v", before, after)
		}
	})
}

func TestOnlyATemplateThatNoKeyUsesIsDeleted(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		old, shared := w.named("Old"), w.named("Shared")
		k := w.get(old).Keys[0]
		want(t, w.s.Delete(t.Context(), w.owner, old), fault.Conflict)
		if err := w.keys.UseTemplate(t.Context(), w.owner, k.ID, shared); err != nil {
			t.Fatal(err)
		}
		if _, err := w.s.Compiled(t.Context(), old); err != nil {
			t.Fatal(err)
		}
		if err := w.s.Delete(t.Context(), w.owner, old); err != nil {
			t.Fatal(err)
		}
		want(t, w.s.Delete(t.Context(), w.owner, old), fault.NotFound)
		_, err := w.s.Compiled(t.Context(), old)
		want(t, err, fault.NotFound)
		if actions, before, _ := w.said(old); actions[len(actions)-1] != "template.deleted" || before["name"] != "Old" {
			t.Errorf("audit: %v, %v", actions, before)
		}
	})
}

func TestATemplateIsNeverUnnamedWhileAKeyTakesIt(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		for i := range 8 {
			id := w.named(fmt.Sprint("Template ", i))
			var wg sync.WaitGroup
			wg.Go(func() { _ = w.s.Name(t.Context(), w.owner, id, "") })
			wg.Go(func() {
				_, _ = w.keys.Create(t.Context(), w.owner, keys.CreateForm{
					Name: "Late", Environment: "live", EndpointType: "product_orgs", TemplateID: id,
				})
			})
			wg.Wait()
			if v := w.get(id); v.Template.Name == "" && len(v.Keys) > 1 {
				t.Errorf("a template without a name serves %d keys", len(v.Keys))
			}
		}
	})
}
