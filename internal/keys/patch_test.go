package keys_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"latchkey/internal/access"
	"latchkey/internal/apptest"
	"latchkey/internal/database"
	"latchkey/internal/fault"
	"latchkey/internal/keys"
	"latchkey/models"
)

func (w *world) patch(actor access.Actor, id string, p keys.Patch) error {
	w.t.Helper()
	_, err := w.s.Change(w.t.Context(), actor, id, p, -1)
	return err
}

func TestSeveralThingsChangeAtOnceOrNone(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		shared, _ := w.namedTemplate(w.owner, "Shared")
		k := w.create(orgs, capturing).Key
		w.now = noon.Add(time.Minute)
		end := noon.Add(time.Hour)
		all := keys.Patch{
			Name: new(" Shop "), ExpiresAt: &end, RateLimit: new(60), OnLeak: new(models.OnLeakAlert),
			AllowList: &[]string{"192.0.2.7", "::ffff:198.51.100.1"}, AllowListMode: new(models.AllowListEnforce),
			OnError: new(models.OnErrorQuarantine), TemplateID: &shared,
		}
		broken := all
		broken.RateLimit = new(-1)
		want(t, w.patch(w.owner, k.ID, broken), fault.Invalid, "rate_limit")
		broken = all
		broken.TemplateID = new("none")
		want(t, w.patch(w.owner, k.ID, broken), fault.Invalid, "template")
		broken = all
		broken.Scopes = &access.Scopes{access.KeysRead}
		want(t, w.patch(w.owner, k.ID, broken), fault.Invalid, "scopes")
		if row := w.stored(k.ID); row.SettingsVersion != 0 || row.Name != "Website" || len(w.audit(k.ID)) != 1 {
			t.Fatalf("a refused change left %+v", row)
		}
		item, err := w.s.Change(t.Context(), w.owner, k.ID, all, 0)
		if err != nil {
			t.Fatal(err)
		}
		row := w.stored(k.ID)
		if row.Name != "Shop" || !row.ExpiresAt.Equal(end) || row.RateLimit != 60 || row.OnLeak != models.OnLeakAlert ||
			row.AllowList != "192.0.2.7/32 198.51.100.1/32" || row.AllowListMode != models.AllowListEnforce || !row.AllowListSince.Equal(w.now) ||
			row.OnError != models.OnErrorQuarantine || *row.TemplateID != shared || row.SettingsVersion != 1 || !row.UpdatedAt.Equal(w.now) {
			t.Errorf("stored %+v", row)
		}
		if item.Name != "Shop" || item.SettingsVersion != 1 || item.CreatedByName != "Olive Owner" {
			t.Errorf("item %+v", item)
		}
		log := w.audit(k.ID)
		if len(log) != 2 || log[1].Action != "api_key.changed" || log[1].TargetLabel != "Shop" || !strings.Contains(string(log[1].Before), `"name":"Website"`) ||
			!strings.Contains(string(log[1].After), `"rate_limit":60`) || !strings.Contains(string(log[1].After), "Shared, version 1") {
			t.Errorf("audit %+v", log)
		}
		if _, err := w.s.Change(t.Context(), w.owner, k.ID, all, 1); err != nil {
			t.Errorf("the same again: %v", err)
		}
		if row := w.stored(k.ID); row.SettingsVersion != 1 || len(w.audit(k.ID)) != 2 {
			t.Errorf("the same again left %+v", row)
		}
		off := keys.Patch{AllowListMode: new(models.AllowListOff)}
		if err := w.patch(w.owner, k.ID, off); err != nil {
			t.Fatal(err)
		}
		if row := w.stored(k.ID); !row.AllowListSince.IsZero() || row.AllowList == "" {
			t.Errorf("switched off: %+v", row)
		}
	})
}

func TestAChangeOfWhatHasChangedSinceIsRefused(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		k := w.create().Key
		if err := w.s.Rename(t.Context(), w.owner, k.ID, "First"); err != nil {
			t.Fatal(err)
		}
		_, err := w.s.Change(t.Context(), w.owner, k.ID, keys.Patch{Name: new("Second")}, k.SettingsVersion)
		if !errors.Is(err, keys.ErrMoved) || !fault.Is(err, fault.Conflict) {
			t.Errorf("error = %v", err)
		}
		if got := w.get(k.ID); got.Name != "First" || got.SettingsVersion != 1 {
			t.Errorf("item %+v", got)
		}
	})
}

func TestAChangeRefusesWhatAKeyOfThisTypeDoesNotHave(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		hook, api := w.create().Key, w.create(program()).Key
		for name, c := range map[string]struct {
			id    string
			p     keys.Patch
			field string
		}{
			"scopes of a webhook key": {hook.ID, keys.Patch{Scopes: &access.Scopes{access.KeysRead}}, "scopes"},
			"on error":                {hook.ID, keys.Patch{OnError: new(models.OnErrorReject)}, "on_error"},
			"template":                {hook.ID, keys.Patch{TemplateID: new("x")}, "template"},
			"limit of an API key":     {api.ID, keys.Patch{RateLimit: new(5)}, "rate_limit"},
			"unknown scope":           {api.ID, keys.Patch{Scopes: &access.Scopes{"root"}}, "scopes"},
			"name":                    {api.ID, keys.Patch{Name: new(" ")}, "name"},
			"on leak":                 {api.ID, keys.Patch{OnLeak: new("")}, "on_leak"},
			"list":                    {api.ID, keys.Patch{AllowList: &[]string{"10.0.0.5/8"}}, "allow_list"},
			"mode without list":       {api.ID, keys.Patch{AllowListMode: new(models.AllowListWatch)}, "allow_list"},
			"mode":                    {api.ID, keys.Patch{AllowListMode: new("on")}, "allow_list_mode"},
			"past":                    {api.ID, keys.Patch{ExpiresAt: &noon}, "expires"},
		} {
			t.Run(name, func(t *testing.T) { want(t, w.patch(w.owner, c.id, c.p), fault.Invalid, c.field) })
		}
	})
}

func TestNobodyWidensOrProlongsAKeyBeyondWhatTheyMayMake(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		developer := as(w.owner, access.Developer)
		end := noon.Add(48 * time.Hour)
		ci := w.create(program(access.KeysRead, access.KeysWrite), expiring(end))
		bot := w.caller(ci.Value.Reveal()).Actor(access.Origin{})
		full := w.create(program(access.AdminFull), expiring(end)).Key
		later, sooner := noon.Add(72*time.Hour), noon.Add(24*time.Hour)
		wide, listed := access.Scopes{access.AdminFull}, []string{"192.0.2.0/24"}

		want(t, w.patch(developer, ci.Key.ID, keys.Patch{Scopes: &wide}), fault.Forbidden, "scopes")
		want(t, w.patch(bot, ci.Key.ID, keys.Patch{Scopes: &access.Scopes{access.KeysRead, access.AuditRead}}), fault.Forbidden, "scopes")
		want(t, w.patch(bot, ci.Key.ID, keys.Patch{ExpiresAt: &later}), fault.Invalid, "expires")
		want(t, w.patch(bot, ci.Key.ID, keys.Patch{ExpiresAt: &time.Time{}}), fault.Invalid, "expires")
		for _, p := range []keys.Patch{{ExpiresAt: &later}, {OnLeak: new(models.OnLeakAlert)}, {AllowList: &listed}} {
			want(t, w.patch(developer, full.ID, p), fault.Forbidden, "scopes")
		}
		if row := w.stored(full.ID); row.SettingsVersion != 0 {
			t.Errorf("stored %+v", row)
		}
		for name, err := range map[string]error{
			"a Developer renames it":      w.patch(developer, full.ID, keys.Patch{Name: new("Root")}),
			"a Developer narrows it":      w.patch(developer, full.ID, keys.Patch{Scopes: &access.Scopes{access.MembersRead}}),
			"a key narrows itself":        w.patch(bot, ci.Key.ID, keys.Patch{Scopes: &access.Scopes{access.KeysWrite}}),
			"a key shortens its life":     w.patch(bot, ci.Key.ID, keys.Patch{ExpiresAt: &sooner}),
			"an Owner widens it":          w.patch(w.owner, ci.Key.ID, keys.Patch{Scopes: &wide}),
			"an Owner prolongs it":        w.patch(w.owner, ci.Key.ID, keys.Patch{ExpiresAt: &later}),
			"a Developer limits webhooks": w.patch(developer, w.create().Key.ID, keys.Patch{RateLimit: new(10)}),
		} {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

func TestOnlyTheNameOfADeactivatedKeyChanges(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		k := w.create(program(access.KeysRead)).Key
		if _, err := w.s.Revoke(t.Context(), w.owner, k.ID); err != nil {
			t.Fatal(err)
		}
		want(t, w.patch(w.owner, k.ID, keys.Patch{Scopes: &access.Scopes{}}), fault.Conflict)
		want(t, w.patch(w.owner, k.ID, keys.Patch{Name: new("Both"), OnLeak: new(models.OnLeakAlert)}), fault.Conflict)
		if err := w.patch(w.owner, k.ID, keys.Patch{Name: new("Gone")}); err != nil {
			t.Error(err)
		}
	})
}

func TestReadingScopesChangeNothing(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		made := w.create()
		w.rotate(made.Key.ID, time.Hour)
		reader := w.programWith(access.ReadWorkspace)
		before, entries := w.stored(made.Key.ID), len(w.audit(made.Key.ID))
		for name, try := range map[string]func() error{
			"Create": func() error { _, err := w.s.Create(t.Context(), reader, form()); return err },
			"Import": func() error {
				_, err := w.s.Import(t.Context(), reader, keys.ImportForm{CreateForm: form(), SHA256: hexOf("imported-value")})
				return err
			},
			"Change": func() error { return w.patch(reader, made.Key.ID, keys.Patch{Name: new("Mine")}) },
			"Rotate": func() error {
				_, err := w.s.Rotate(t.Context(), reader, made.Key.ID, keys.RotateForm{Base: -1})
				return err
			},
			"Extend": func() error {
				_, err := w.s.ExtendRotation(t.Context(), reader, made.Key.ID, noon.Add(2*time.Hour))
				return err
			},
			"Finish":   func() error { return w.s.FinishRotation(t.Context(), reader, made.Key.ID) },
			"Revoke":   func() error { _, err := w.s.Revoke(t.Context(), reader, made.Key.ID); return err },
			"SetError": func() error { return w.s.SetOnError(t.Context(), reader, made.Key.ID, models.OnErrorReject) },
		} {
			t.Run(name, func(t *testing.T) { want(t, try(), fault.Forbidden) })
		}
		if after := w.stored(made.Key.ID); after.SettingsVersion != before.SettingsVersion || len(w.audit(made.Key.ID)) != entries || w.keyCount() != 2 {
			t.Errorf("stored %+v", after)
		}
		for name, err := range map[string]error{
			"List": func() error { _, err := w.s.List(t.Context(), reader, keys.Filter{NoCounts: true}); return err }(),
			"Get":  func() error { _, err := w.s.Get(t.Context(), reader, made.Key.ID); return err }(),
			"Usage": func() error {
				_, err := w.s.Usage(t.Context(), reader, made.Key.ID, keys.Spans[0])
				return err
			}(),
		} {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}
