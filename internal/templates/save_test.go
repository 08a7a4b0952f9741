package templates_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"latchkey/internal/access"
	"latchkey/internal/apptest"
	"latchkey/internal/database"
	"latchkey/internal/fault"
	"latchkey/internal/keys"
	"latchkey/internal/templates"
)

func TestSavingMakesANewVersionAndKeepsTheOldOne(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		k := w.key("Website", nil)
		id := *k.TemplateID
		if v := w.get(id); !v.Waiting() || len(v.Rows.Rows) != 0 || !v.SavedAt.IsZero() {
			t.Errorf("before the first version: %+v", v)
		}
		w.now = noon.Add(time.Minute)
		if n := w.save(id, 0, rows()); n != 1 {
			t.Errorf("first version = %d", n)
		}
		n, err := w.s.Save(t.Context(), w.owner, id, 1, rows("plan"), "  reads the plan ")
		if err != nil || n != 2 {
			t.Fatalf("second version = %d, %v", n, err)
		}
		v := w.get(id)
		if v.Template.Version != 2 || len(v.Rows.Rows) != 2 || v.Note != "reads the plan" || v.SavedBy != w.owner.Label ||
			!v.SavedAt.Equal(w.now) || !v.Template.UpdatedAt.Equal(w.now) {
			t.Errorf("newest: %+v", v)
		}
		if len(v.Keys) != 1 || v.Keys[0] != (templates.KeyRef{ID: k.ID, Name: "Website", Environment: "live", Status: "active"}) {
			t.Errorf("keys: %+v", v.Keys)
		}
		first, err := w.s.Version(t.Context(), w.owner, id, 1)
		if err != nil || len(first.Rows.Rows) != 1 {
			t.Errorf("version 1: %+v, %v", first, err)
		}
		list, err := w.s.Versions(t.Context(), w.owner, id)
		if err != nil || len(list) != 2 || list[0].Version != 2 || list[1].Version != 1 {
			t.Errorf("versions: %+v, %v", list, err)
		}
		actions, before, after := w.said(id)
		if diff := cmp.Diff([]string{"template.saved", "template.saved"}, actions); diff != "" {
			t.Error(diff)
		}
		if before["version"] != 1.0 || after["version"] != 2.0 || !strings.Contains(fmt.Sprint(after["changes"]), "plan: ") ||
			after["note"] != "reads the plan" {
			t.Errorf("audit: %v -> %v", before, after)
		}
	})
}

func TestSavingTheSameRowsMakesNoVersion(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		id := w.template("Website")
		for _, base := range []int{1, 0} { // 0: the form was sent twice
			if n := w.save(id, base, rows("plan")); n != 1 {
				t.Errorf("base %d: version %d", base, n)
			}
		}
		if list, err := w.s.Versions(t.Context(), w.owner, id); err != nil || len(list) != 1 {
			t.Errorf("versions: %+v, %v", list, err)
		}
		if actions, _, _ := w.said(id); len(actions) != 0 {
			t.Errorf("audit: %v", actions)
		}
	})
}

func TestOfTwoWhoEditTheSameVersionOneIsTold(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		id := w.template("Website")
		const savers = 6
		var wg sync.WaitGroup
		answers := make(chan error, savers)
		for i := range savers {
			s := w.instance()
			wg.Go(func() {
				_, err := s.Save(t.Context(), w.owner, id, 1, rows(fmt.Sprintf("plan%d", i)), "")
				answers <- err
			})
		}
		wg.Wait()
		close(answers)
		won := 0
		for err := range answers {
			if err == nil {
				won++
				continue
			}
			want(t, err, fault.Conflict)
			if !strings.Contains(err.Error(), w.owner.Label) || !strings.Contains(err.Error(), "version 2") {
				t.Errorf("the loser is told %q", err)
			}
		}
		if list, err := w.s.Versions(t.Context(), w.owner, id); err != nil || won != 1 || len(list) != 2 {
			t.Errorf("%d won, versions %+v, %v", won, list, err)
		}
	})
}

func TestRowsThatDoNotCompileAreNotSaved(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		id := w.template("Website")
		_, err := w.s.Save(t.Context(), w.owner, id, 1, broken(), "")
		want(t, err, fault.Invalid, "template")
		if found := templates.FindingsOf(err); len(found) != 2 {
			t.Errorf("findings: %+v", found)
		}
		if said := fault.FieldsOf(err)["template"]; !strings.HasPrefix(said, "Row 2 (plan): ") || !strings.HasSuffix(said, "One more problem was found.") {
			t.Errorf("sentence: %q", said)
		}
		_, err = w.s.Save(t.Context(), w.owner, id, 1, rows("other"), strings.Repeat("n", 501))
		want(t, err, fault.Invalid, "note")
		_, err = w.s.Save(t.Context(), w.owner, id, 1, rows("other"), "a\x00b")
		want(t, err, fault.Invalid, "note")
		if v := w.get(id); v.Template.Version != 1 {
			t.Errorf("version = %d", v.Template.Version)
		}
	})
}

func TestRestoringMakesANewVersionOfOldRows(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		id := w.template("Website")
		w.save(id, 1, rows("tier"))
		if n, err := w.s.Restore(t.Context(), w.owner, id, 1); err != nil || n != 3 {
			t.Fatalf("restored as %d, %v", n, err)
		}
		if v := w.get(id); v.Note != "Version 1 restored" || v.Rows.Rows[1].From[0] != w.version(id, 1).Rows.Rows[1].From[0] {
			t.Errorf("newest: %+v", v)
		}
		if n, err := w.s.Restore(t.Context(), w.owner, id, 3); err != nil || n != 3 {
			t.Errorf("the newest restored: %d, %v", n, err)
		}
		actions, _, after := w.said(id)
		if diff := cmp.Diff([]string{"template.saved", "template.restored"}, actions); diff != "" || after["restored_version"] != 1.0 {
			t.Errorf("audit %v: %s", after, diff)
		}
		for _, n := range []int{0, 4, -1} {
			_, err := w.s.Restore(t.Context(), w.owner, id, n)
			want(t, err, fault.NotFound)
		}
	})
}

func (w *world) version(id string, n int) templates.Saved {
	w.t.Helper()
	v, err := w.s.Version(w.t.Context(), w.owner, id, n)
	if err != nil {
		w.t.Fatal(err)
	}
	return v
}

// attempts are every use-case on one template, or on a key's.
func (w *world) attempts(actor access.Actor) map[string]func(ctx context.Context, id string) error {
	return map[string]func(ctx context.Context, id string) error{
		"Get":      func(ctx context.Context, id string) error { _, err := w.s.Get(ctx, actor, id); return err },
		"Versions": func(ctx context.Context, id string) error { _, err := w.s.Versions(ctx, actor, id); return err },
		"Version":  func(ctx context.Context, id string) error { _, err := w.s.Version(ctx, actor, id, 1); return err },
		"Restore":  func(ctx context.Context, id string) error { _, err := w.s.Restore(ctx, actor, id, 1); return err },
		"Name":     func(ctx context.Context, id string) error { return w.s.Name(ctx, actor, id, "Mine") },
		"Delete":   func(ctx context.Context, id string) error { return w.s.Delete(ctx, actor, id) },
		"Save": func(ctx context.Context, id string) error {
			_, err := w.s.Save(ctx, actor, id, 1, rows("mine"), "")
			return err
		},
	}
}

func TestAnotherWorkspacesTemplateDoesNotExist(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		own := rows("plan")
		k := w.keyAs(w.alien, keys.CreateForm{Name: "Alien", Template: &own})
		for name, try := range w.attempts(w.owner) {
			theirs, unknown := try(t.Context(), *k.TemplateID), try(t.Context(), uuid.NewString())
			want(t, theirs, fault.NotFound)
			if theirs.Error() != unknown.Error() {
				t.Errorf("%s: theirs says %q, an unknown id %q", name, theirs, unknown)
			}
			want(t, try(t.Context(), "../etc'"), fault.NotFound)
		}
		for _, id := range []string{k.ID, uuid.NewString(), "x"} {
			_, _, err := w.s.ForKey(t.Context(), w.owner, id)
			want(t, err, fault.NotFound)
		}
		if v, err := w.s.Get(t.Context(), w.alien, *k.TemplateID); err != nil || v.Template.Version != 1 || v.Template.Name != "" {
			t.Errorf("the template changed: %+v, %v", v, err)
		}
	})
}

func TestAViewerSeesAndChangesNoTemplates(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		k := w.key("Website", nil)
		viewer := w.owner
		viewer.Role = access.Viewer
		for name, try := range w.attempts(viewer) {
			if err := try(t.Context(), *k.TemplateID); !fault.Is(err, fault.Forbidden) {
				t.Errorf("%s: %v", name, err)
			}
		}
		_, _, err := w.s.ForKey(t.Context(), viewer, k.ID)
		want(t, err, fault.Forbidden)
		_, err = w.s.Named(t.Context(), viewer)
		want(t, err, fault.Forbidden)
	})
}
