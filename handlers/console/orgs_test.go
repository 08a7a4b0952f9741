package console_test

import (
	"net/http"
	"strings"
	"testing"

	"latchkey/internal/access"
	"latchkey/internal/apptest"
	"latchkey/internal/database"
	"latchkey/internal/keys"
	"latchkey/internal/orgs"
	"latchkey/models"
)

const (
	orgList = "/w/acme/product-orgs"
	orgURL  = "/api/product-orgs/webhook/"
)

// everything is a template over a flat payload.
func everything(t *testing.T, a *apptest.App, name string) keys.Created {
	t.Helper()
	return mapped(t, a, name, from("name", "name"), from("plan", "plan"), from("user_count", "users"), from("mrr", "mrr"), from("trial_status", "trial"),
		from("occurred_at", "at"), from("custom.region", "region"), from("feature_flags", "flags"))
}

// update sends a payload of a product org, which must be taken.
func update(t *testing.T, a *apptest.App, k keys.Created, body string) apptest.Reply {
	t.Helper()
	r := a.Post(t, orgURL+k.Value.Reveal(), body)
	if r.Status != http.StatusOK {
		t.Fatalf("%s: answer %d %s", body, r.Status, r.Body)
	}
	return r
}

// theOrg finds the page of an organisation by its own id.
func theOrg(t *testing.T, a *apptest.App, env, key string) string {
	t.Helper()
	found, err := a.Orgs.List(t.Context(), a.Owner, orgs.Filter{Environment: env, Search: key})
	if err != nil || len(found.Items) == 0 {
		t.Fatalf("%s is not known: %v", key, err)
	}
	return orgList + "/" + found.Items[0].ID
}

func TestTheListOfOrganisationsIsSearchedFilteredAndSorted(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		a := apptest.Start(t, db)
		k := everything(t, a, "Billing")
		update(t, a, k, `{"groupId":"org_1","name":"Initech","plan":"enterprise","users":329,"mrr":12345678901234567890.10,"trial":"converted","region":"eu"}`)
		update(t, a, k, `{"groupId":"org_2","name":"Hooli","plan":"team","users":12,"mrr":49,"trial":"active"}`)
		update(t, a, k, `{"groupId":"org_3"}`)
		b := member(t, a, access.Viewer)
		s := b.Get(orgList).Want(http.StatusOK).Shows("Initech", "Hooli", "org_3", "3 organisations.", "12,345,678,901,234,567,890.1", "All plans", "team", "converted", "region")
		s.Submit("Search", map[string]string{"q": "initech"}).Shows("Initech", "1 of 3 organisations.", "Clear filters").Hides("Hooli")
		s.Submit("Search", map[string]string{"Plan": "team"}).Shows("Hooli").Hides("Initech")
		s.Submit("Search", map[string]string{"Trial status": "converted"}).Shows("Initech").Hides("Hooli")
		s.Submit("Search", map[string]string{"q": "nobody"}).Shows("No product orgs match.", "Clear filters")
		inOrder(t, b.Get(orgList+"?sort=mrr-desc"), "Initech", "Hooli", "org_3")
		inOrder(t, b.Get(orgList+"?sort=mrr-asc"), "Hooli", "Initech", "org_3")
		inOrder(t, marked(t, b.Get(orgList+"?sort=users-asc"), `aria-sort="ascending"`), "Hooli", "Initech", "org_3")
		marked(t, b.Get(orgList+"?col=custom.region&col=name&col=custom.gone").Shows("eu").Hides(`data-label="name"`), `data-label="region"`, `data-label="gone"`)
		b.Get(orgList+"?env=test").Shows("No product orgs yet.", "curl", orgURL).Hides("Initech", "Create Product org key")
	})
}

// marked fails the test unless the page's markup holds each of the texts.
func marked(t *testing.T, s *apptest.Screen, texts ...string) *apptest.Screen {
	t.Helper()
	for _, text := range texts {
		if !strings.Contains(s.Want(http.StatusOK).Body, text) {
			t.Errorf("%s has no %q", s.URL, text)
		}
	}
	return s
}

func inOrder(t *testing.T, s *apptest.Screen, texts ...string) {
	t.Helper()
	body := s.Want(http.StatusOK).Body
	at := strings.Index(body, "<tbody")
	for _, text := range texts {
		i := strings.Index(body[at:], text)
		if i < 0 {
			t.Fatalf("%q does not stand after the one before it", text)
		}
		at += i
	}
}

func TestAnEditorIsLedFromTheEmptyListToTheFirstKey(t *testing.T) {
	a := app(t)
	b := member(t, a, access.Editor)
	b.Get(orgList + "?env=test").Want(http.StatusOK).Follow("Create Product org key").Want(http.StatusOK).At(keyList + "/new")
}

func TestASearchedKeyIsRepeatedNowhere(t *testing.T) {
	a := app(t)
	k := everything(t, a, "Billing")
	b := signIn(t, a, ownerEmail)
	b.Get(orgList + "?q=" + k.Value.Reveal()).Want(http.StatusOK).Shows("looked like a key").Hides(k.Value.Reveal())
}

func TestAnOrganisationTellsItsValuesAndTheHistoryOfEach(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		a := apptest.Start(t, db)
		k := everything(t, a, "Billing")
		update(t, a, k, `{"groupId":"acme","name":`+quoted(attack)+`,"plan":"team","mrr":830.10,"at":"2026-01-02T10:00:00Z","flags":{"beta":true}}`)
		last := update(t, a, k, `{"groupId":"acme","plan":"enterprise","mrr":900,"users":329,"region":"eu","at":"2026-01-03T10:00:00Z"}`)
		update(t, a, k, `{"groupId":"acme","plan":"free","mrr":1,"at":"2026-01-01T10:00:00Z"}`)
		b := signIn(t, a, ownerEmail)
		s := b.Get(theOrg(t, a, models.Live, "acme")).Want(http.StatusOK)
		s.Shows("acme", "enterprise", "900", "329", "feature_flags.beta", "custom.region", "830.1", "Billing",
			"Applied", "Stale", "Older than what was known: kept, not applied.", "was not applied: newer is", attack)
		marked(t, s, "2026-01-03", "/requests/"+last.Header.Get("X-Request-Id"))
		if strings.Contains(s.Body, "<script>alert") || strings.Contains(s.Body, "<img src=x") {
			t.Error("a name of a sender is markup")
		}
		if n := strings.Count(s.Body, `id="curve-mrr-title"`); n != 1 {
			t.Errorf("%d curves of MRR", n)
		}
		v := member(t, a, access.Viewer)
		v.Get(theOrg(t, a, models.Live, "acme")).Want(http.StatusOK).Shows("Billing").Hides(keyPage(k))
	})
}

func TestOrganisationsAreExportedByTheFilterOfTheList(t *testing.T) {
	a := app(t)
	k := everything(t, a, "Billing")
	update(t, a, k, `{"groupId":"o1","name":"=1+1","plan":"team","mrr":-5}`)
	update(t, a, k, `{"groupId":"o2","plan":"free"}`)
	b := member(t, a, access.Viewer)
	s := b.Get(orgList+"/export.csv?plan=team").Want(http.StatusOK).Shows("org_id,name", "'=1+1", ",-5,").Hides("o2")
	if got := s.Header.Get("Content-Disposition"); !strings.Contains(got, `attachment; filename="acme-product-orgs-live.csv"`) {
		t.Errorf("disposition %s", got)
	}
	b.Get(orgList+"/export.ndjson").Want(http.StatusOK).Shows(`"org_id":"o1"`, `"mrr":-5`, `"org_id":"o2"`)
	signIn(t, a, ownerEmail).Get("/w/acme/audit").Shows("exported product orgs")
}

func TestTheRequestOfAnUpdateTellsWhatItDid(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		a := apptest.Start(t, db)
		k := everything(t, a, "Billing")
		id := logged(t, a, update(t, a, k, `{"groupId":"acme","plan":"team","mrr":"no number"}`))
		b := signIn(t, a, ownerEmail)
		s := b.Get(requestList+"/"+id).Want(http.StatusOK).Shows("Mapped result", "acme", "Applied", "plan", "team", "Template version 1", "mrr",
			"Use as sample", "no number").Hides("Stored signals")
		marked(t, s, templatePage(k)+"?sample=request%3A"+id, theOrg(t, a, models.Live, "acme"))
		refused := a.Post(t, orgURL+k.Value.Reveal(), `{"plan":"team"}`)
		if refused.Status != http.StatusUnprocessableEntity {
			t.Fatalf("answer %d %s", refused.Status, refused.Body)
		}
		bad := logged(t, a, refused)
		b.Get(requestList+"/"+bad).Want(http.StatusOK).Shows("Why was this rejected?", "mapping_failed", "Mapped result", "Failed", "org_id", `team`)
		many := update(t, a, k, `[{"groupId":"a1"},{"groupId":"a2","plan":"x"}]`)
		marked(t, b.Get(requestList+"/"+logged(t, a, many)).Shows("Item 1", "Item 2", "a1", "a2"), "sample=update%3A")
		member(t, a, access.Viewer).Get(requestList + "/" + id).Want(http.StatusOK).Shows("Mapped result").Hides("Use as sample")
	})
}
