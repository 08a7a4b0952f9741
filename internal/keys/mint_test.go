package keys_test

import (
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"

	"latchkey/internal/access"
	"latchkey/internal/apptest"
	"latchkey/internal/database"
	"latchkey/internal/fault"
	"latchkey/internal/keys"
	"latchkey/models"
)

// program makes the form one of an API-access key.
func program(scopes ...access.Scope) func(*keys.CreateForm) {
	return func(f *keys.CreateForm) { f.EndpointType, f.Scopes = models.APIAccess, scopes }
}

// caller is what the API knows of a key that is presented to it.
func (w *world) caller(value string) *keys.Caller {
	w.t.Helper()
	c, err := w.s.AuthenticateAPI(w.t.Context(), value)
	if err != nil {
		w.t.Fatalf("authenticate: %v", err)
	}
	return c
}

// programWith acts with a new key of these scopes.
func (w *world) programWith(scopes ...access.Scope) access.Actor {
	w.t.Helper()
	return w.caller(w.create(program(scopes...)).Value.Reveal()).Actor(access.Origin{IP: "192.0.2.9"})
}

func (w *world) keyCount() int64 {
	w.t.Helper()
	n, err := gorm.G[models.APIKey](w.db.Read).Count(w.t.Context(), "id")
	if err != nil {
		w.t.Fatal(err)
	}
	return n
}

func as(actor access.Actor, role access.Role) access.Actor {
	actor.Role = role
	return actor
}

func TestAnAPIAccessKeyHasTheScopesThatWereChosenAndNoOthers(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		none := w.create(program())
		if row := w.stored(none.Key.ID); row.Scopes != "" || row.EndpointType != models.APIAccess {
			t.Errorf("stored %+v", row)
		}
		actor := w.caller(none.Value.Reveal()).Actor(access.Origin{})
		for _, action := range []access.Action{access.ReadData, access.ReadKeys, access.ManageKeys, access.ReadAPIKeys, access.ManageAPIKeys, access.ReadMembers} {
			if actor.Can(action) {
				t.Errorf("a key without scopes may %s", action)
			}
		}
		if _, err := w.s.List(t.Context(), actor, keys.Filter{}); !fault.Is(err, fault.Forbidden) {
			t.Errorf("a key without scopes lists keys: %v", err)
		}
		some := w.create(program(access.SignalsRead, access.KeysRead, access.SignalsRead))
		if row := w.stored(some.Key.ID); row.Scopes != "keys:read signals:read" {
			t.Errorf("stored scopes %q", row.Scopes)
		}
		if after := string(w.audit(some.Key.ID)[0].After); !strings.Contains(after, "keys:read signals:read") {
			t.Errorf("audit %s", after)
		}
	})
}

func TestCreateRefusesWhatAKeyOfThisTypeDoesNotHave(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		before := w.keyCount()
		limited := func(f *keys.CreateForm) { f.RateLimit = 60 }
		for name, c := range map[string]struct {
			change []func(*keys.CreateForm)
			fields []string
		}{
			"unknown scopes":         {[]func(*keys.CreateForm){program("signals:write", "root")}, []string{"scopes"}},
			"scopes of a signal key": {[]func(*keys.CreateForm){program(access.KeysRead), signals}, []string{"scopes"}},
			"secret":                 {[]func(*keys.CreateForm){program(), withSecret}, []string{"secret"}},
			"limit":                  {[]func(*keys.CreateForm){program(), limited}, []string{"rate_limit"}},
			"template":               {[]func(*keys.CreateForm){program(), capturing}, []string{"template"}},
			"limit out of range":     {[]func(*keys.CreateForm){func(f *keys.CreateForm) { f.RateLimit = -1 }}, []string{"rate_limit"}},
			"on leak":                {[]func(*keys.CreateForm){func(f *keys.CreateForm) { f.OnLeak = "shrug" }}, []string{"on_leak"}},
			"list mode":              {[]func(*keys.CreateForm){func(f *keys.CreateForm) { f.AllowListMode = "maybe" }}, []string{"allow_list_mode"}},
			"mode without a list":    {[]func(*keys.CreateForm){func(f *keys.CreateForm) { f.AllowListMode = models.AllowListEnforce }}, []string{"allow_list"}},
			"list":                   {[]func(*keys.CreateForm){func(f *keys.CreateForm) { f.AllowList = "192.0.2.0/33" }}, []string{"allow_list"}},
		} {
			t.Run(name, func(t *testing.T) {
				_, err := w.s.Create(t.Context(), w.owner, form(c.change...))
				want(t, err, fault.Invalid, c.fields...)
			})
		}
		if n := w.keyCount(); n != before {
			t.Errorf("refused forms left %d keys", n-before)
		}
	})
}

func TestAKeyIsCreatedWithItsProtection(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		made := w.create(func(f *keys.CreateForm) {
			f.RateLimit, f.OnLeak = 120, models.OnLeakAlert
			f.AllowList, f.AllowListMode = "192.0.2.7, 198.51.100.0/24\n2001:db8::/32 192.0.2.7", models.AllowListWatch
		})
		row := w.stored(made.Key.ID)
		if row.RateLimit != 120 || row.OnLeak != models.OnLeakAlert || row.AllowList != "192.0.2.7/32 198.51.100.0/24 2001:db8::/32" ||
			row.AllowListMode != models.AllowListWatch || !row.AllowListSince.Equal(noon) || !row.ValueSince.Equal(noon) {
			t.Errorf("stored %+v", row)
		}
		if plain := w.stored(w.create().Key.ID); plain.RateLimit != 0 || plain.OnLeak != models.OnLeakDeactivate ||
			plain.AllowListMode != models.AllowListOff || !plain.AllowListSince.IsZero() {
			t.Errorf("by default %+v", plain)
		}
		if c := w.authenticated(made); c.RateLimit != 120 || c.OnLeak != models.OnLeakAlert || len(c.AllowList) != 3 || c.AllowListMode != models.AllowListWatch {
			t.Errorf("credential %+v", c)
		}
	})
}

func TestOnlyOwnersAndAdminsGrantAdminFull(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		for role, may := range map[access.Role]bool{access.Owner: true, access.Admin: true, access.Developer: false} {
			_, err := w.s.Create(t.Context(), as(w.owner, role), form(program(access.AdminFull)))
			if may && err != nil {
				t.Errorf("%s: %v", role, err)
			}
			if !may {
				want(t, err, fault.Forbidden, "scopes")
			}
		}
		_, err := w.s.Create(t.Context(), as(w.owner, access.Developer), form(program(access.MembersRead)))
		want(t, err, fault.Forbidden, "scopes")
		_, err = w.s.Create(t.Context(), as(w.owner, access.Editor), form(program()))
		want(t, err, fault.Forbidden)
	})
}

func TestAProgramMakesNoKeyThatIsWiderOrLivesLongerThanItself(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		end := noon.Add(48 * time.Hour)
		made := w.create(named("CI"), program(access.KeysWrite, access.KeysRead, access.SignalsRead), expiring(end))
		ci := w.caller(made.Value.Reveal()).Actor(access.Origin{})
		before := w.keyCount()
		try := func(change ...func(*keys.CreateForm)) error {
			_, err := w.s.Create(t.Context(), ci, form(change...))
			return err
		}
		for _, wider := range []access.Scope{access.AdminFull, access.ReadWorkspace, access.AuditRead, "signals:*x"} {
			if err := try(program(wider), expiring(end)); err == nil {
				t.Errorf("it granted %s", wider)
			}
		}
		want(t, try(program(access.OrgsRead), expiring(end)), fault.Forbidden, "scopes")
		for _, at := range []time.Time{{}, end.Add(time.Second)} {
			want(t, try(program(access.SignalsRead), expiring(at)), fault.Invalid, "expires")
			want(t, try(expiring(at)), fault.Invalid, "expires")
		}
		if n := w.keyCount(); n != before {
			t.Fatalf("refused calls left %d keys", n-before)
		}
		child, err := w.s.Create(t.Context(), ci, form(program(access.SignalsRead, "keys:*"), expiring(end)))
		if err != nil {
			t.Fatal(err)
		}
		row := w.get(child.Key.ID)
		if *row.CreatedBy != w.owner.AccountID || *row.CreatedByKey != made.Key.ID || row.CreatedByName != "Olive Owner" || row.CreatedByKeyName != "CI" {
			t.Errorf("made by %+v", row)
		}
		if e := w.audit(child.Key.ID)[0]; e.ActorKeyID == nil || *e.ActorKeyID != made.Key.ID || e.ActorAccountID != nil || !strings.HasPrefix(e.ActorLabel, "CI (sk_live_") {
			t.Errorf("audit %+v", e)
		}
	})
}

func TestAProgramMakesTemplatesOnlyWithTheScopeForThem(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		without, with := w.programWith(access.KeysWrite), w.programWith(access.KeysWrite, access.TemplatesWrite)
		_, err := w.s.Create(t.Context(), without, form(orgs, mappingFrom("id")))
		want(t, err, fault.Forbidden)
		if _, err := w.s.Create(t.Context(), with, form(orgs, mappingFrom("id"))); err != nil {
			t.Error(err)
		}
	})
}

func TestTheFreePlanHasNoAPIAccess(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		w.setWorkspace("plan", models.PlanFree)
		_, err := w.s.Create(t.Context(), w.owner, form(program()))
		want(t, err, fault.Forbidden)
		if !strings.Contains(err.Error(), "plan") || w.keyCount() != 0 {
			t.Errorf("%v; %d keys", err, w.keyCount())
		}
		w.create() // webhook keys it has
		w.setWorkspace("plan", models.PlanTeam)
		w.create(program())
	})
}

func (w *world) setWorkspace(column string, value any) {
	w.t.Helper()
	if err := w.db.Write.Exec("UPDATE workspaces SET "+column+" = ? WHERE id = ?", value, w.owner.WorkspaceID).Error; err != nil {
		w.t.Fatal(err)
	}
}

func TestTheKeyPolicyHoldsWhenKeysAreMadeAndWhenTheirExpiryChanges(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		old := w.create().Key // before there was a policy
		w.setWorkspace("policy_max_age_days", 90)
		w.setWorkspace("policy_require_expiry", true)
		w.setWorkspace("policy_require_secret", true)
		limit := noon.AddDate(0, 0, 90)
		refused := func(fields []string, change ...func(*keys.CreateForm)) {
			t.Helper()
			_, err := w.s.Create(t.Context(), w.owner, form(change...))
			want(t, err, fault.Invalid, fields...)
		}
		refused([]string{"expires"}, withSecret)
		refused([]string{"expires"}, withSecret, expiring(limit.Add(time.Second)))
		refused([]string{"secret"}, expiring(limit))
		refused([]string{"expires"}, program())
		_, err := w.s.Import(t.Context(), w.owner, keys.ImportForm{CreateForm: form(), SHA256: hexOf("imported-value")})
		want(t, err, fault.Invalid, "expires", "secret")
		w.create(program(), expiring(limit)) // which takes no secret
		made := w.create(withSecret, expiring(limit)).Key

		w.now = noon.AddDate(0, 0, 30)
		for _, at := range []time.Time{{}, limit.Add(time.Second)} {
			want(t, w.s.ChangeExpiry(t.Context(), w.owner, made.ID, at), fault.Invalid, "expires")
		}
		if err := w.s.ChangeExpiry(t.Context(), w.owner, made.ID, w.now.Add(time.Hour)); err != nil {
			t.Errorf("shorter: %v", err)
		}
		if err := w.s.ChangeExpiry(t.Context(), w.owner, made.ID, limit); err != nil {
			t.Errorf("back to the limit: %v", err)
		}
		if err := w.s.ChangeExpiry(t.Context(), w.owner, old.ID, noon.AddDate(1, 0, 0)); err != nil {
			t.Errorf("an expiry for a key that had none: %v", err)
		}
		w.setWorkspace("plan", models.PlanTeam)
		w.create() // a policy is of the enterprise plan
	})
}
