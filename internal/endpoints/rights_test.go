package endpoints_test

import (
	"testing"
	"time"

	"latchkey/internal/access"
	"latchkey/internal/apptest"
	"latchkey/internal/database"
	"latchkey/internal/endpoints"
	"latchkey/internal/fault"
)

// calls are the use-cases on one endpoint.
func calls(w *world, actor access.Actor, id string) (reads, changes map[string]func() error) {
	ctx := w.t.Context()
	reads = map[string]func() error{
		"Get":   func() error { _, err := w.s.Get(ctx, actor, id); return err },
		"Chart": func() error { _, err := w.s.Chart(ctx, actor, id, time.Hour); return err },
	}
	changes = map[string]func() error{
		"Change": func() error {
			_, err := w.s.Change(ctx, actor, id, endpoints.Patch{Description: ptr("x")}, -1)
			return err
		},
		"Disable":           func() error { return w.s.Disable(ctx, actor, id) },
		"Enable":            func() error { return w.s.Enable(ctx, actor, id) },
		"Reveal":            func() error { _, err := w.s.Reveal(ctx, actor, id); return err },
		"RotateSecret":      func() error { _, _, err := w.s.RotateSecret(ctx, actor, id, time.Hour, ""); return err },
		"EndPreviousSecret": func() error { return w.s.EndPreviousSecret(ctx, actor, id) },
		"Delete":            func() error { return w.s.Delete(ctx, actor, id) },
	}
	return reads, changes
}

func TestViewersAndEditorsSeeAndChangeNoEndpoint(t *testing.T) {
	w := newWorld(t, apptest.SQLite(t))
	made := w.create()
	for _, role := range []access.Role{access.Viewer, access.Editor} {
		actor := w.owner
		actor.Role = role
		reads, changes := calls(w, actor, made.ID)
		changes["Create"] = func() error { _, err := w.s.Create(t.Context(), actor, form()); return err }
		reads["List"] = func() error { _, err := w.s.List(t.Context(), actor, endpoints.Filter{}); return err }
		for _, group := range []map[string]func() error{reads, changes} {
			for name, call := range group {
				if err := call(); !fault.Is(err, fault.Forbidden) {
					t.Errorf("%s as %s: %v", name, role, err)
				}
			}
		}
	}
}

func TestEndpointsOfAnotherWorkspaceAndDeletedOnesDoNotExist(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		made, gone := w.create(), w.create()
		if err := w.s.Delete(t.Context(), w.owner, gone.ID); err != nil {
			t.Fatal(err)
		}
		for name, c := range map[string]struct {
			actor access.Actor
			id    string
		}{
			"another workspace's": {w.alien, made.ID}, "deleted": {w.owner, gone.ID}, "no id": {w.owner, "x'; --"}, "unknown": {w.owner, w.owner.AccountID},
		} {
			reads, changes := calls(w, c.actor, c.id)
			for _, group := range []map[string]func() error{reads, changes} {
				for call, do := range group {
					if err := do(); !fault.Is(err, fault.NotFound) {
						t.Errorf("%s of one that is %s: %v", call, name, err)
					}
				}
			}
		}
		page, err := w.s.List(t.Context(), w.alien, endpoints.Filter{})
		if err != nil || len(page.Items) != 0 || page.Counts[""] != 0 {
			t.Errorf("list of another workspace: %+v, %v", page, err)
		}
		page, err = w.s.List(t.Context(), w.owner, endpoints.Filter{})
		if err != nil || len(page.Items) != 1 || page.Counts[""] != 1 {
			t.Errorf("list: %+v, %v", page, err)
		}
		if actions, _, _ := w.said(made.ID); len(actions) != 1 {
			t.Errorf("refused calls left %v in the log", actions)
		}
	})
}

func TestAProgramDoesWhatItsScopesSay(t *testing.T) {
	w := newWorld(t, apptest.SQLite(t))
	made := w.create()
	reader, writer := w.program(access.EndpointsRead), w.program(access.EndpointsWrite)
	reads, changes := calls(w, reader, made.ID)
	for name, call := range reads {
		if err := call(); err != nil {
			t.Errorf("%s with endpoints:read: %v", name, err)
		}
	}
	for name, call := range changes {
		if err := call(); !fault.Is(err, fault.Forbidden) {
			t.Errorf("%s with endpoints:read: %v", name, err)
		}
	}
	_, changes = calls(w, writer, made.ID)
	for _, name := range []string{"Change", "RotateSecret", "Reveal", "EndPreviousSecret", "Disable", "Enable", "Delete"} {
		if err := changes[name](); err != nil {
			t.Errorf("%s with endpoints:write: %v", name, err)
		}
	}
	if _, err := w.s.Create(t.Context(), w.program(access.KeysWrite), form()); !fault.Is(err, fault.Forbidden) {
		t.Errorf("with keys:write: %v", err)
	}
}
