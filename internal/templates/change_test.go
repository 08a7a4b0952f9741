package templates_test

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"

	"latchkey/internal/access"
	"latchkey/internal/apptest"
	"latchkey/internal/database"
	"latchkey/internal/fault"
	"latchkey/internal/templates"
)

func TestOfManyChangesOfTheSameStateOneIsMade(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		made, err := w.s.Create(t.Context(), w.owner, " Billing ", rows("plan"), "")
		if err != nil || made.Template.Name != "Billing" || made.Template.Version != 1 {
			t.Fatalf("create: %v %v", made.Template, err)
		}
		var won, moved atomic.Int32
		var work sync.WaitGroup
		for i := range 10 {
			work.Go(func() {
				r := rows(fmt.Sprintf("plan%d", i))
				_, err := w.s.Change(t.Context(), w.owner, made.Template.ID, templates.Patch{Rows: &r, Base: made.Tag()})
				switch {
				case err == nil:
					won.Add(1)
				case errors.Is(err, templates.ErrMoved):
					moved.Add(1)
				default:
					t.Error(err)
				}
			})
		}
		work.Wait()
		if won.Load() != 1 || moved.Load() != 9 || w.get(made.Template.ID).Template.Version != 2 {
			t.Errorf("%d changes were made, %d refused", won.Load(), moved.Load())
		}
	})
}

func TestAChangeIsMadeWholeOrNotAtAll(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		w.named("Taken")
		id := w.named("Billing")
		taken, free, good, bad := "TAKEN", "Invoices", rows("subscription"), broken()
		for name, c := range map[string]struct {
			patch templates.Patch
			want  fault.Kind
		}{
			"a name that is taken": {templates.Patch{Name: &taken, Rows: &good}, fault.Conflict},
			"rows that are wrong":  {templates.Patch{Name: &free, Rows: &bad}, fault.Invalid},
			"a note without rows":  {templates.Patch{Name: &free, Note: "why"}, fault.Invalid},
			"another state":        {templates.Patch{Name: &free, Base: "1-1"}, fault.Conflict},
		} {
			if _, err := w.s.Change(t.Context(), w.owner, id, c.patch); !fault.Is(err, c.want) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if v := w.get(id); v.Template.Name != "Billing" || v.Template.Version != 1 {
			t.Errorf("something stayed: %+v", v.Template)
		}
		if v, err := w.s.Change(t.Context(), w.owner, id, templates.Patch{Name: &free, Rows: &good, Note: "why"}); err != nil || v.Template.Name != free || v.Template.Version != 2 || v.Note != "why" {
			t.Errorf("both at once: %+v %v", v, err)
		}
	})
}

func TestTemplatesFollowTheScopesOfPrograms(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		id := w.named("Billing")
		may := func(scope access.Scope) (read, change bool) {
			program := access.Actor{WorkspaceID: w.owner.WorkspaceID, KeyID: uuid.NewString(), Scopes: access.Scopes{scope}, Label: "program"}
			_, err := w.s.Get(t.Context(), program, id)
			_, _, listed := w.s.List(t.Context(), program, "", 5)
			r := rows("x" + string(scope[0]))
			_, changed := w.s.Change(t.Context(), program, id, templates.Patch{Rows: &r})
			if (err == nil) != (listed == nil) {
				t.Errorf("%s: get %v, list %v", scope, err, listed)
			}
			return err == nil, changed == nil
		}
		for scope, want := range map[access.Scope][2]bool{
			access.TemplatesRead: {true, false}, access.TemplatesWrite: {false, true}, access.KeysWrite: {false, false}, access.AdminFull: {true, true},
		} {
			if read, change := may(scope); read != want[0] || change != want[1] {
				t.Errorf("%s: read %v, change %v", scope, read, change)
			}
		}
	})
}
