package templates_test

import (
	"context"
	"encoding/json"
	"sync"
	"testing"

	"github.com/google/uuid"

	"latchkey/internal/apptest"
	"latchkey/internal/database"
	"latchkey/internal/fault"
	"latchkey/internal/mapping"
	"latchkey/internal/templates"
)

func compiled(t *testing.T, get func(context.Context, string) (*templates.Compiled, error), id string) *templates.Compiled {
	t.Helper()
	c, err := get(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestASavedVersionIsAppliedAtOnceHereAndAfterARefreshElsewhere(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		elsewhere := w.instance()
		id := *w.key("Website", nil).TemplateID
		for _, s := range []*templates.Service{w.s, elsewhere} {
			if c := compiled(t, s.Compiled, id); c.Version != 0 || c.Program != nil || c.TemplateID != id {
				t.Errorf("before the first version: %+v", c)
			}
		}
		w.save(id, 0, rows("plan"))
		if c := compiled(t, w.s.Compiled, id); c.Version != 1 || c.Program == nil {
			t.Errorf("here: %+v", c)
		}
		if c := compiled(t, elsewhere.Compiled, id); c.Version != 0 {
			t.Errorf("elsewhere, from memory: %+v", c)
		}
		if c := compiled(t, elsewhere.Refresh, id); c.Version != 1 || c.Program == nil {
			t.Errorf("elsewhere, refreshed: %+v", c)
		}
		payload, err := mapping.Decode([]byte(`{"id":"o1","plan":"pro"}`))
		if err != nil {
			t.Fatal(err)
		}
		got := compiled(t, elsewhere.Compiled, id).Program.Apply(payload)
		if got.OrgID != "o1" || string(got.Values["plan"]) != `"pro"` {
			t.Errorf("applied: %+v", got)
		}
	})
}

func TestManyWhoAskAtOnceGetOneProgram(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		id := w.template("Website")
		s := w.instance()
		var wg sync.WaitGroup
		programs := make(chan *mapping.Program, 50)
		for range cap(programs) {
			wg.Go(func() {
				c, err := s.Compiled(t.Context(), id)
				if err != nil {
					t.Error(err)
					return
				}
				programs <- c.Program
			})
		}
		wg.Wait()
		close(programs)
		first := compiled(t, s.Compiled, id).Program
		for p := range programs {
			if p != first {
				t.Fatal("a template was compiled twice")
			}
		}
	})
}

func TestAnImpatientSenderDoesNotSpoilTheLookUpOfOthers(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		id := w.template("Website")
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		s := w.instance()
		_, _ = s.Compiled(gone, id)
		if c := compiled(t, s.Compiled, id); c.Version != 1 {
			t.Errorf("compiled: %+v", c)
		}
	})
}

func TestATemplateThatIsNotThereIsNotFound(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		for _, id := range []string{uuid.NewString(), "", "x'"} {
			_, err := w.s.Compiled(t.Context(), id)
			want(t, err, fault.NotFound)
			_, err = w.s.Refresh(t.Context(), id)
			want(t, err, fault.NotFound)
		}
	})
}

// A later release may refuse what an earlier one stored.
func TestPayloadsOfAStoredTemplateThatNoLongerCompilesWait(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		id := w.template("Website")
		body, err := json.Marshal(broken())
		if err != nil {
			t.Fatal(err)
		}
		if err := db.Write.Exec("UPDATE template_versions SET body = ? WHERE template_id = ?", body, id).Error; err != nil {
			t.Fatal(err)
		}
		if c := compiled(t, w.s.Compiled, id); c.Version != 1 || c.Program != nil {
			t.Errorf("compiled: %+v", c)
		}
		w.save(id, 1, rows("plan"))
		if c := compiled(t, w.s.Compiled, id); c.Version != 2 || c.Program == nil {
			t.Errorf("after a better version: %+v", c)
		}
	})
}
