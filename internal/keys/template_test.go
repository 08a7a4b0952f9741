package keys_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"latchkey/internal/access"
	"latchkey/internal/apptest"
	"latchkey/internal/database"
	"latchkey/internal/fault"
	"latchkey/internal/keys"
	"latchkey/internal/mapping"
	"latchkey/internal/templates"
	"latchkey/models"
)

func orgs(f *keys.CreateForm) { f.EndpointType = models.ProductOrgs }

func capturing(f *keys.CreateForm) { f.CaptureFirst = true }

func goingBy(templateID string) func(*keys.CreateForm) {
	return func(f *keys.CreateForm) { f.TemplateID = templateID }
}

// mapping is a choice of the form: rows of the key's own, which read org_id from path.
func mappingFrom(path string) func(*keys.CreateForm) {
	return func(f *keys.CreateForm) {
		f.Template = &mapping.Template{Rows: []mapping.Row{{Target: "org_id", From: []string{path}, Required: true}}}
	}
}

func (w *world) templates() *templates.Service {
	return templates.New(w.db, func() time.Time { return w.now })
}

// namedTemplate is one that several keys can use; its first key has it too.
func (w *world) namedTemplate(actor access.Actor, name string) (id string, first models.APIKey) {
	w.t.Helper()
	first = w.createAs(actor, named("Key of "+name), orgs, mappingFrom("id")).Key
	if err := w.templates().Name(w.t.Context(), actor, *first.TemplateID, name); err != nil {
		w.t.Fatal(err)
	}
	return *first.TemplateID, first
}

func (w *world) template(id string) templates.View {
	w.t.Helper()
	v, err := w.templates().Get(w.t.Context(), w.owner, id)
	if err != nil {
		w.t.Fatal(err)
	}
	return v
}

// authenticated is what the gateway of this instance goes by.
func (w *world) authenticated(made keys.Created) *keys.Credential {
	w.t.Helper()
	c, err := w.s.Authenticate(w.t.Context(), made.Value.Reveal(), "")
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

func TestAProductOrgKeyBeginsWithOneTemplate(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		shared, _ := w.namedTemplate(w.owner, "Shared")
		for name, c := range map[string]struct {
			choose  func(*keys.CreateForm)
			version int
			said    string
		}{
			"rows of its own":  {mappingFrom("org.id"), 1, "its own, version 1"},
			"a named template": {goingBy(shared), 1, "Shared, version 1"},
			"capture first":    {capturing, 0, "its own, without rows yet"},
		} {
			t.Run(name, func(t *testing.T) {
				made := w.create(orgs, c.choose)
				row := w.stored(made.Key.ID)
				if row.TemplateID == nil || *row.TemplateID != *made.Key.TemplateID || row.OnError != models.OnErrorReject {
					t.Fatalf("stored %+v", row)
				}
				if v := w.template(*row.TemplateID); v.Template.Version != c.version || len(v.Rows.Rows) != c.version {
					t.Errorf("template %+v", v)
				}
				cred := w.authenticated(made)
				if cred.TemplateID != *row.TemplateID || cred.EndpointType != models.ProductOrgs || cred.OnError != models.OnErrorReject {
					t.Errorf("credential %+v", cred)
				}
				if after := string(w.audit(row.ID)[0].After); !strings.Contains(after, c.said) {
					t.Errorf("audit: %s", after)
				}
			})
		}
	})
}

func TestCreateSaysWhatIsWrongWithTheTemplate(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		alien, _ := w.namedTemplate(w.alien, "Theirs")
		nameless := *w.create(orgs, mappingFrom("id")).Key.TemplateID
		stored := func() (keys, templates int64) {
			k, err := gorm.G[models.APIKey](db.Read).Count(t.Context(), "id")
			if err != nil {
				t.Fatal(err)
			}
			n, err := gorm.G[models.Template](db.Read).Count(t.Context(), "id")
			if err != nil {
				t.Fatal(err)
			}
			return k, n
		}
		keysBefore, templatesBefore := stored()
		both := func(f *keys.CreateForm) { capturing(f); mappingFrom("id")(f) }
		for name, c := range map[string]struct {
			change []func(*keys.CreateForm)
			fields []string
		}{
			"none":                    {nil, []string{"template"}},
			"two":                     {[]func(*keys.CreateForm){both}, []string{"template"}},
			"another workspace's":     {[]func(*keys.CreateForm){goingBy(alien)}, []string{"template"}},
			"unknown":                 {[]func(*keys.CreateForm){goingBy(uuid.NewString())}, []string{"template"}},
			"no id":                   {[]func(*keys.CreateForm){goingBy("x'")}, []string{"template"}},
			"another key's":           {[]func(*keys.CreateForm){goingBy(nameless)}, []string{"template"}},
			"on error":                {[]func(*keys.CreateForm){capturing, onError("ignore")}, []string{"on_error"}},
			"several":                 {[]func(*keys.CreateForm){named(""), mappingFrom("a[")}, []string{"name", "template"}},
			"does not compile":        {[]func(*keys.CreateForm){mappingFrom("a[")}, []string{"template"}},
			"signal key, template":    {[]func(*keys.CreateForm){signals, capturing}, []string{"template"}},
			"signal key, on error":    {[]func(*keys.CreateForm){signals, onError("reject")}, []string{"on_error"}},
			"signal key, named":       {[]func(*keys.CreateForm){signals, goingBy(nameless)}, []string{"template"}},
			"signal key, broken rows": {[]func(*keys.CreateForm){signals, mappingFrom("a[")}, []string{"template"}},
		} {
			t.Run(name, func(t *testing.T) {
				_, err := w.s.Create(t.Context(), w.owner, form(append([]func(*keys.CreateForm){orgs}, c.change...)...))
				want(t, err, fault.Invalid, c.fields...)
				compiled := strings.Contains(name, "compile") || name == "several"
				if found := templates.FindingsOf(err); compiled != (len(found) == 1 && found[0].Target == "org_id") {
					t.Errorf("findings: %+v", found)
				}
			})
		}
		if k, n := stored(); k != keysBefore || n != templatesBefore {
			t.Errorf("refused forms left %d keys and %d templates", k-keysBefore, n-templatesBefore)
		}
	})
}

func signals(f *keys.CreateForm) { f.EndpointType = models.SignalStaging }

func onError(what string) func(*keys.CreateForm) {
	return func(f *keys.CreateForm) { f.OnError = what }
}

func TestAFormSentTwiceLeavesOneTemplate(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		f := form(orgs, mappingFrom("id"), func(f *keys.CreateForm) { f.Nonce = "n-1" })
		made, err := w.s.Create(t.Context(), w.owner, f)
		if err != nil {
			t.Fatal(err)
		}
		var before keys.AlreadyMade
		if _, err := w.s.Create(t.Context(), w.owner, f); !errors.As(err, &before) || before.KeyID != made.Key.ID {
			t.Errorf("the second time: %v", err)
		}
		if n, err := gorm.G[models.Template](db.Read).Count(t.Context(), "id"); n != 1 || err != nil {
			t.Errorf("%d templates, %v", n, err)
		}
	})
}

func TestAKeyMovesToANamedTemplateAndBackToACopy(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		shared, _ := w.namedTemplate(w.owner, "Shared")
		made := w.create(orgs, mappingFrom("org.id"))
		id := made.Key.ID
		if c := w.authenticated(made); c.TemplateID != *made.Key.TemplateID {
			t.Fatalf("credential %+v", c)
		}
		w.now = noon.Add(time.Minute)
		for range 2 { // the second time changes nothing
			if err := w.s.UseTemplate(t.Context(), w.owner, id, shared); err != nil {
				t.Fatal(err)
			}
		}
		if c := w.authenticated(made); c.TemplateID != shared || c.SettingsVersion != 1 {
			t.Errorf("the gateway still goes by %+v", c)
		}
		for range 2 {
			if err := w.s.DetachTemplate(t.Context(), w.owner, id); err != nil {
				t.Fatal(err)
			}
		}
		row := w.stored(id)
		if row.SettingsVersion != 2 || *row.TemplateID == shared || !row.UpdatedAt.Equal(w.now) {
			t.Fatalf("stored %+v", row)
		}
		v := w.template(*row.TemplateID)
		if v.Template.Name != "" || v.Template.Version != 1 || v.Note != "Copied from Shared, version 1" || len(v.Keys) != 1 ||
			fmt.Sprint(v.Rows) != fmt.Sprint(w.template(shared).Rows) {
			t.Errorf("copy %+v", v)
		}
		if n := len(w.template(shared).Keys); n != 1 {
			t.Errorf("%d keys use the named template", n)
		}
		log := w.audit(id)
		if len(log) != 3 || log[1].Action != "api_key.template_changed" || !strings.Contains(string(log[1].After), "Shared, version 1") ||
			!strings.Contains(string(log[2].Before), "Shared, version 1") || !strings.Contains(string(log[2].After), "its own, version 1") {
			t.Errorf("audit %+v", log)
		}
	})
}

func TestAKeyTakesOnlyItsWorkspacesNamedTemplates(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		alien, _ := w.namedTemplate(w.alien, "Theirs")
		nameless := *w.create(orgs, mappingFrom("id")).Key.TemplateID
		k := w.create(orgs, capturing).Key
		for _, id := range []string{alien, nameless, uuid.NewString(), "x'"} {
			want(t, w.s.UseTemplate(t.Context(), w.owner, k.ID, id), fault.Invalid, "template")
		}
		if row := w.stored(k.ID); *row.TemplateID != *k.TemplateID || row.SettingsVersion != 0 {
			t.Errorf("stored %+v", row)
		}
	})
}

func TestSettingsReachEveryInstanceThatRenews(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		elsewhere := w.instance()
		made := w.create(orgs, capturing)
		old, err := elsewhere.Authenticate(t.Context(), made.Value.Reveal(), "")
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := w.s.SetOnError(t.Context(), w.owner, made.Key.ID, models.OnErrorQuarantine); err != nil {
				t.Fatal(err)
			}
		}
		if c := w.authenticated(made); c.OnError != models.OnErrorQuarantine || c.SettingsVersion != 1 {
			t.Errorf("here: %+v", c)
		}
		renewed, err := elsewhere.Renew(t.Context(), old)
		if err != nil || renewed.OnError != models.OnErrorQuarantine || renewed.SettingsVersion != 1 || old.SettingsVersion != 0 {
			t.Errorf("elsewhere: %+v, %v", renewed, err)
		}
		want(t, w.s.SetOnError(t.Context(), w.owner, made.Key.ID, "ignore"), fault.Invalid, "on_error")
		if log := w.audit(made.Key.ID); len(log) != 2 || log[1].Action != "api_key.on_error_changed" {
			t.Errorf("audit %+v", log)
		}
	})
}

func TestASourceSignatureIsKeptSealedAndNeverLogged(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		made := w.create()
		set := func(scheme, sealed string) {
			t.Helper()
			if err := w.s.SetSignature(t.Context(), w.owner, made.Key.ID, scheme, []byte(sealed)); err != nil {
				t.Fatal(err)
			}
		}
		set("", "") // nothing to remove
		set("github", "sealed-once")
		set("github", "sealed-again")
		if c := w.authenticated(made); c.SignatureScheme != "github" || string(c.SignatureSecret) != "sealed-again" || c.SettingsVersion != 2 {
			t.Errorf("credential %+v", c)
		}
		set("", "")
		if row := w.stored(made.Key.ID); row.SignatureScheme != "" || row.SignatureSecret != nil || row.SettingsVersion != 3 {
			t.Errorf("stored %+v", row)
		}
		for _, c := range [][2]string{{"github", ""}, {"", "sealed"}} {
			want(t, w.s.SetSignature(t.Context(), w.owner, made.Key.ID, c[0], []byte(c[1])), fault.Invalid, "secret")
		}
		log := w.audit(made.Key.ID)
		text, err := json.Marshal(log)
		if err != nil || len(log) != 4 || log[1].Action != "api_key.signature_changed" || !strings.Contains(string(log[1].After), "github") {
			t.Errorf("audit %+v, %v", log, err)
		}
		for _, e := range log {
			if strings.Contains(string(e.Before)+string(e.After), "sealed") {
				t.Errorf("the secret is in the log: %s", text)
			}
		}
	})
}

func TestSettingsOfADeactivatedKeyStay(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		shared, _ := w.namedTemplate(w.owner, "Shared")
		k := w.create(orgs, capturing).Key
		if _, err := w.s.Revoke(t.Context(), w.owner, k.ID); err != nil {
			t.Fatal(err)
		}
		for name, err := range map[string]error{
			"UseTemplate":    w.s.UseTemplate(t.Context(), w.owner, k.ID, shared),
			"DetachTemplate": w.s.DetachTemplate(t.Context(), w.owner, k.ID),
			"SetOnError":     w.s.SetOnError(t.Context(), w.owner, k.ID, models.OnErrorQuarantine),
			"SetSignature":   w.s.SetSignature(t.Context(), w.owner, k.ID, "github", []byte("sealed")),
		} {
			if !fault.Is(err, fault.Conflict) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if row := w.stored(k.ID); row.SettingsVersion != 1 { // its end
			t.Errorf("stored %+v", row)
		}
	})
}

func TestOnlyProductOrgKeysHaveTemplates(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		shared, _ := w.namedTemplate(w.owner, "Shared")
		k := w.create().Key
		want(t, w.s.UseTemplate(t.Context(), w.owner, k.ID, shared), fault.NotFound)
		want(t, w.s.DetachTemplate(t.Context(), w.owner, k.ID), fault.NotFound)
		want(t, w.s.SetOnError(t.Context(), w.owner, k.ID, models.OnErrorQuarantine), fault.NotFound)
		if row := w.stored(k.ID); row.TemplateID != nil || row.SettingsVersion != 0 {
			t.Errorf("stored %+v", row)
		}
	})
}

func TestAViewerChangesNoSettings(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		shared, k := w.namedTemplate(w.owner, "Shared")
		viewer := w.owner
		viewer.Role = access.Viewer
		for name, err := range map[string]error{
			"UseTemplate":    w.s.UseTemplate(t.Context(), viewer, k.ID, shared),
			"DetachTemplate": w.s.DetachTemplate(t.Context(), viewer, k.ID),
			"SetOnError":     w.s.SetOnError(t.Context(), viewer, k.ID, models.OnErrorQuarantine),
			"SetSignature":   w.s.SetSignature(t.Context(), viewer, k.ID, "github", []byte("sealed")),
		} {
			if !fault.Is(err, fault.Forbidden) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}
