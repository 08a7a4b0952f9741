package console_test

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"latchkey/internal/access"
	"latchkey/internal/apptest"
	"latchkey/internal/database"
	"latchkey/internal/keys"
	"latchkey/internal/mapping"
	"latchkey/models"
)

// group is a payload in the shape of Segment's group call.
const group = `{"type":"group","groupId":"org_1042","messageId":"m-7f3a","traits":{"name":"Initech","plan":"enterprise","user_count":329,"mrr":830}}`

const groupRows = "org_id=groupId name=traits.name plan=traits.plan user_count=traits.user_count mrr=traits.mrr"

// editorRows reads the rows that a page's editor shows: target=path|path:transform.
func editorRows(t *testing.T, s *apptest.Screen) string {
	t.Helper()
	root, err := html.Parse(strings.NewReader(s.Body))
	if err != nil {
		t.Fatal(err)
	}
	rows, order := map[string]*[3]string{}, []string{}
	for n := range root.Descendants() {
		name := ""
		for _, a := range n.Attr {
			if a.Key == "name" {
				name = a.Val
			}
		}
		number, field, ok := strings.Cut(name, "_")
		if !ok || !regexp.MustCompile(`^row\d+$`).MatchString(number) {
			continue
		}
		if rows[number] == nil {
			rows[number], order = &[3]string{}, append(order, number)
		}
		value := fieldValue(n)
		switch at := rows[number]; {
		case field == "target":
			at[0] = value
		case field == "custom" && at[0] == "custom":
			at[0] += "." + value
		case field == "path" && at[1] != "":
			at[1] += "|" + value
		case field == "path":
			at[1] = value
		case field == "transform" && value != "", field == "argument" && value != "":
			at[2] += ":" + value
		}
	}
	var out []string
	for _, number := range order {
		r := rows[number]
		out = append(out, r[0]+"="+r[1]+r[2])
	}
	return strings.Join(out, " ")
}

func fieldValue(n *html.Node) string {
	for o := range n.Descendants() {
		if o.Type != html.ElementNode || o.Data != "option" {
			continue
		}
		chosen, value := false, ""
		for _, a := range o.Attr {
			chosen = chosen || a.Key == "selected"
			if a.Key == "value" {
				value = a.Val
			}
		}
		if chosen {
			return value
		}
	}
	for _, a := range n.Attr {
		if a.Key == "value" {
			return a.Val
		}
	}
	return ""
}

func wantRows(t *testing.T, s *apptest.Screen, want string) *apptest.Screen {
	t.Helper()
	if got := editorRows(t, s.Want(http.StatusOK)); got != want {
		t.Errorf("rows %q, want %q", got, want)
	}
	return s
}

// mapped makes a Product org key whose template has these rows.
func mapped(t *testing.T, a *apptest.App, name string, rows ...mapping.Row) keys.Created {
	t.Helper()
	rows = append([]mapping.Row{{Target: "org_id", From: []string{"groupId"}, Required: true}}, rows...)
	return a.NewKey(t, called(name), func(f *keys.CreateForm) {
		f.EndpointType, f.Template = models.ProductOrgs, &mapping.Template{Rows: rows}
	})
}

func from(target string, paths ...string) mapping.Row {
	return mapping.Row{Target: target, From: paths}
}

func templatePage(k keys.Created) string { return keyPage(k) + "/template" }

const newOrgKey = keyList + "/new?type=product_orgs"

func TestAKeyIsMadeFromAPastedPayloadWithoutScript(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		a := apptest.Start(t, db)
		b := member(t, a, access.Editor)
		s := b.Get(newOrgKey).Want(http.StatusOK).
			Submit("Suggest from sample", map[string]string{"Name": "Segment groups", "JSON of one payload": group})
		wantRows(t, s, groupRows).Shows("Segment groups", "org_1042", "Initech", "329", "830")
		made := s.Submit("Create key", map[string]string{"on_error": "quarantine"}).Want(http.StatusOK).
			Shows("Key created: Segment groups", "/api/product-orgs/webhook/sk_live_", `"groupId":"org_1042"`)
		k := only(t, a)
		found, key, err := a.Templates.ForKey(t.Context(), a.Owner, k.ID)
		if err != nil || found.Template.Version != 1 || len(found.Rows.Rows) != 5 || key.OnError != models.OnErrorQuarantine {
			t.Fatalf("stored %+v, %s, %v", found, key.OnError, err)
		}
		if got := a.Post(t, "/api/product-orgs/webhook/"+made.Value("new-key"), group); got.Status != http.StatusOK {
			t.Errorf("the payload of the sample: %d %s", got.Status, got.Body)
		}
		wantRows(t, b.Get(keyList+"/"+k.ID+"/template"), groupRows).Shows("Version 1", "Last payload received", "Initech").
			Hides(made.Value("new-key"))
		wantRows(t, b.Get(keyList+"/new?like="+k.ID), groupRows)
	})
}

func TestRowsComeGoAndMoveByPlainButtons(t *testing.T) {
	a := app(t)
	b := signIn(t, a, ownerEmail)
	k := mapped(t, a, "Shop", from("name", "traits.name"), from("plan", "traits.plan"))
	s := wantRows(t, b.Get(templatePage(k)), "org_id=groupId name=traits.name plan=traits.plan")
	s = wantRows(t, s.Submit("Move up row 3", nil), "org_id=groupId plan=traits.plan name=traits.name")
	s = wantRows(t, s.Submit("Move down row 1", nil), "plan=traits.plan org_id=groupId name=traits.name")
	s = wantRows(t, s.Submit("Remove row 3", nil), "plan=traits.plan org_id=groupId")
	s = wantRows(t, s.Submit("Add row", nil), "plan=traits.plan org_id=groupId =")
	s = wantRows(t, s.Submit("Test mapping", map[string]string{
		"Row 3: target": "mrr", "Row 3: path": "amount", "Row 3: transform": "divide", "Row 3: argument of the transform": "100",
	}), "plan=traits.plan org_id=groupId mrr=amount:divide:100")
	s = wantRows(t, s.Submit("or another path, row 3", nil), "plan=traits.plan org_id=groupId mrr=amount|:divide:100")
	s = wantRows(t, s.Submit("Load sample", map[string]string{
		"Where the sample comes from": "Pasted JSON", "JSON of one payload": `{"groupId":"g","amount":4900,"odd name":[{"x.y":1}]}`,
	}), "plan=traits.plan org_id=groupId mrr=amount|:divide:100").Shows("49", "traits.plan isn't in this sample.")
	s = wantRows(t, s.Submit(`Use ['odd name'][0]['x.y']: x.y 1`, nil), "plan=traits.plan org_id=groupId mrr=amount|:divide:100 custom.x_y=['odd name'][0]['x.y']")
	s.Submit("Save template", nil).At(templatePage(k)).Shows("Template saved as version 2.")
	if found, _, err := a.Templates.ForKey(t.Context(), a.Owner, k.Key.ID); err != nil || len(found.Rows.Rows) != 4 {
		t.Errorf("stored %+v, %v", found.Rows, err)
	}
	b.Get(templatePage(k)).Submit("Save template", nil).At(templatePage(k)).Shows("Nothing changed: version 2 stays.")
}

func TestNothingIsSavedWhileARowIsWrongAndTheRowsStay(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		a := apptest.Start(t, db)
		b := signIn(t, a, ownerEmail)
		k := mapped(t, a, "Shop", from("plan", "traits.plan"))
		s := b.Get(templatePage(k)).Submit("Save template", map[string]string{"Row 2: path": "traits[", "What changed": "Tiers"}).
			Want(http.StatusUnprocessableEntity).Shows("Not saved. 1 problem in the rows:", "Row 2: ", "Tiers", "It can't be saved like this.")
		if got := editorRows(t, s); got != "org_id=groupId plan=traits[" {
			t.Errorf("the rows are now %s", got)
		}
		if found, _, _ := a.Templates.ForKey(t.Context(), a.Owner, k.Key.ID); found.Template.Version != 1 {
			t.Errorf("version %d was saved", found.Template.Version)
		}
		s.Submit("Save template", map[string]string{"Row 2: path": "traits.tier"}).At(templatePage(k)).Shows("saved as version 2")
		b.Get(templatePage(k)+"/versions").Shows("Tiers", "Version 1", "Version 2", "In use", "plan differs")
		refused := b.Get(newOrgKey).Submit("Create key", map[string]string{"Name": "No rows"}).Want(http.StatusUnprocessableEntity)
		refused.Shows("org_id", "No rows")
		only(t, a)
	})
}

func TestWarningsStandAtTheirRowAndDoNotKeepFromSaving(t *testing.T) {
	a := app(t)
	b := signIn(t, a, ownerEmail)
	k := mapped(t, a, "Shop", from("mrr", "mrr"), from("plan", "org.plan.tier"))
	s := b.Get(templatePage(k)).Submit("Load sample", map[string]string{
		"Where the sample comes from": "Pasted JSON", "JSON of one payload": `{"mrr":"49 USD","plan":"pro"}`,
	}).Want(http.StatusOK)
	s.Shows("org.plan.tier isn't in this sample.", `"49 USD"`, "This payload would be refused.", "Missing. Nothing can be stored without it.")
	s.Submit("Save template", map[string]string{"Row 3: default": "free"}).At(templatePage(k)).Shows("saved as version 2")
	b.Get(templatePage(k)).Submit("Load sample", map[string]string{
		"Where the sample comes from": "Pasted JSON", "JSON of one payload": "{\n  \"groupId\": 7,\n  plan\n}",
	}).Shows("This is not valid JSON. Line 3, column 3")
}

func TestWhatIsTypedIsTriedWithoutTouchingTheFields(t *testing.T) {
	a := app(t)
	b := signIn(t, a, ownerEmail)
	k := mapped(t, a, "Shop", from("plan", "traits.plan"))
	values := url.Values{
		"rows": {"2"}, "sample": {"paste"}, "sample_text": {group}, "base": {"1"},
		"row1_target": {"org_id"}, "row1_path": {"groupId"}, "row2_target": {"plan"}, "row2_path": {"traits.tier", "traits.plan"},
	}
	s := b.Post(templatePage(k), values, "HX-Request", "true").Want(http.StatusOK).Shows("enterprise", "org_1042")
	s.Hides("<html", "<input", "<select", "<textarea")
	values.Set("row2_path", "traits.tier")
	b.Post(templatePage(k), values, "HX-Request", "true").Shows("traits.tier isn't in this sample.")
	values.Set("do", "up:2")
	s = b.Post(templatePage(k), values, "HX-Request", "true").Want(http.StatusOK)
	if s.Hides("<html"); editorRows(t, s) != "plan=traits.tier org_id=groupId" {
		t.Errorf("the rows are now %s", editorRows(t, s))
	}
	create := url.Values{"endpoint_type": {"product_orgs"}, "rows": {"0"}, "sample": {"paste"}, "sample_text": {group}, "do": {"suggest"}}
	wantRows(t, b.Post(keyList, create, "HX-Request", "true"), groupRows).Hides("<html")
	create.Set("sample_text", "")
	b.Post(keyList, create, "HX-Request", "true").Want(http.StatusOK).Shows("Load a sample first")
	create.Set("sample_text", `{"zzz":{}}`)
	b.Post(keyList, create, "HX-Request", "true").Want(http.StatusOK).Shows("No name in this sample tells what it is.")
	if got := len(editorRows(t, b.Post(templatePage(k), url.Values{"rows": {"100000"}}))); got > 2000 {
		t.Error("the number of rows is not bounded")
	}
}

func TestATemplateWaitsForTheFirstPayloadAndIsMadeFromIt(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		a := apptest.Start(t, db)
		b := signIn(t, a, ownerEmail)
		made := b.Get(newOrgKey).Submit("Create key", map[string]string{"Name": "Shop", "template_from": "capture"}).Want(http.StatusOK)
		page := keyList + "/" + only(t, a).ID + "/template"
		b.Get(page).Shows("Waiting for a sample…", "Look again", "No version yet", a.URL+"/api/product-orgs/webhook/{key}").Hides("Save template")
		b.Get(page+"?start=1").Shows("Save template", "No rows yet.")
		if got := a.Post(t, "/api/product-orgs/webhook/"+made.Value("new-key"), group); got.Status != http.StatusOK {
			t.Fatalf("the first payload: %d %s", got.Status, got.Body)
		}
		s := wantRows(t, b.Get(page), groupRows).Shows("These rows are suggested by the names in the sample.", "Initech")
		s.Submit("Save template", nil).At(page).Shows("Template saved as version 1.", "1 payload of this key waits.", "Preview and replay")
	})
}

func TestAStreamTellsThatTheFirstPayloadArrived(t *testing.T) {
	a := app(t)
	b := signIn(t, a, ownerEmail)
	k := a.NewKey(t, func(f *keys.CreateForm) { f.EndpointType, f.CaptureFirst = models.ProductOrgs, true })
	lines := streamAt(t, a, b, templatePage(k)+"/live")
	a.Post(t, "/api/product-orgs/webhook/"+k.Value.Reveal(), group)
	until(t, lines, "The first payload arrived.")
	until(t, lines, "event: done")
	b.Get(templatePage(k) + "/live").At(templatePage(k))
}

func TestVersionsAreComparedAndRestored(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		a := apptest.Start(t, db)
		b := signIn(t, a, ownerEmail)
		k := mapped(t, a, "Shop", from("plan", "traits.plan"))
		page := templatePage(k)
		b.Get(page).Submit("Save template", map[string]string{"Row 2: path": "traits.tier", "What changed": "Tiers"}).At(page)
		s := b.Get(page+"/versions").Submit("Compare versions", map[string]string{"Compare": "Version 2", "with": "Version 1"}).At(page + "/versions/1")
		s.Shows("Version 1 compared with version 2", "plan differs", "traits.plan", "traits.tier", "Differs")
		b.Get(page+"/versions").Follow("Version 2").Shows("Version 2 compared with version 1", "Tiers", "by owner@acme.example").
			Submit("Restore version 1", nil).At(page+"/versions").Shows("Version 1 restored as version 3.", "Version 1 restored")
		wantRows(t, b.Get(page), "org_id=groupId plan=traits.plan")
		for _, n := range []string{"0", "9", "x"} {
			b.Get(page + "/versions/" + n).Want(http.StatusNotFound)
		}
	})
}

func TestTheJSONOfATemplateIsReviewedAndReplaced(t *testing.T) {
	a := app(t)
	b := signIn(t, a, ownerEmail)
	k := mapped(t, a, "Shop", from("plan", "traits.plan"))
	page := templatePage(k)
	s := b.Get(page+"/json").Shows(`"target": "plan"`, "traits.plan")
	s.Submit("Replace with this JSON", map[string]string{"json": `{"rows":[{"target":"plan","path":"x"}]}`}).
		Want(http.StatusUnprocessableEntity).Shows("Not replaced.", `no member "path"`)
	s.Submit("Replace with this JSON", map[string]string{"json": "{"}).Want(http.StatusUnprocessableEntity)
	edited := s.Submit("Replace with this JSON", map[string]string{"json": `{"rows":[{"target":"org_id","from":["id"]},{"target":"plan","value":"free"},{"target":"custom.tier","from":["t","u"],"transform":["trim","lower"],"default":5}]}`})
	wantRows(t, edited, "org_id=id plan= custom.tier=t|u:trim:lower").Shows("These are the pasted rows.", "free", "5")
	edited.Submit("Save template", nil).At(page).Shows("saved as version 2")
	found, _, err := a.Templates.ForKey(t.Context(), a.Owner, k.Key.ID)
	if err != nil || len(found.Rows.Rows) != 3 || string(found.Rows.Rows[1].Value) != `"free"` || string(found.Rows.Rows[2].Default) != "5" {
		t.Errorf("stored %s, %v", found.Rows.JSON(), err)
	}
}

func TestWhoIsSlowerKeepsTheirRowsAndChooses(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		a := apptest.Start(t, db)
		b := signIn(t, a, ownerEmail)
		k := mapped(t, a, "Shop", from("plan", "traits.plan"))
		page := templatePage(k)
		mine, theirs := b.Get(page), member(t, a, access.Editor).Get(page)
		theirs.Submit("Save template", map[string]string{"Row 2: path": "theirs"}).At(page)
		s := mine.Submit("Save template", map[string]string{"Row 2: path": "mine"}).Want(http.StatusConflict)
		s.Shows("Not saved: the template was changed meanwhile.", "editor@acme.example saved version 2 while you edited version 1.", "Drop my rows, load version 2")
		if got := editorRows(t, s); got != "org_id=groupId plan=mine" {
			t.Errorf("my rows are now %s", got)
		}
		wantRows(t, b.Get(page), "org_id=groupId plan=theirs")
		s.Submit("Save my rows as version 3", nil).At(page).Shows("saved as version 3")
		wantRows(t, b.Get(page), "org_id=groupId plan=mine")
	})
}

func TestATemplateUnderANameServesSeveralKeys(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		a := apptest.Start(t, db)
		b := signIn(t, a, ownerEmail)
		const list = "/w/acme/settings/templates"
		b.Get(list).Shows("No saved templates yet.")
		k, other := mapped(t, a, "Shop", from("plan", "traits.plan")), mapped(t, a, "Café")
		s := b.Get(templatePage(k))
		s.Submit("Save under this name", map[string]string{"Save under a name": ""}).Want(http.StatusUnprocessableEntity).Shows("Give the template a name")
		s.Submit("Save under this name", map[string]string{"Save under a name": "Groups"}).At(templatePage(k)).Shows("Template saved under a name.", "Saved as Groups")
		b.Get(templatePage(other)).Submit("Use this template", map[string]string{"Use another saved template": "Groups"}).
			At(templatePage(other)).Shows("The key uses the saved template now.", "2 keys use this template.")
		saved := b.Get(list).Shows("Groups", "Shop", "Café", "org_id, plan").Follow("Groups").Shows("Payload template: Groups", "Used by")
		saved.Hides("Delete template")
		path := saved.URL.Path
		b.Post(path+"/deletion", nil).Want(http.StatusConflict)
		saved.Submit("Rename template", map[string]string{"Name": "Segment"}).At(path).Shows("Template renamed.", "Payload template: Segment")
		b.Get(path).Submit("Save template", map[string]string{"Row 2: path": "traits.tier"}).At(path).Shows("saved as version 2")
		wantRows(t, b.Get(templatePage(other)), "org_id=groupId plan=traits.tier").
			Submit("Make an own copy", nil).At(templatePage(other)).Shows("The key has a copy of its own now.", "Version 1")
		made := b.Get(newOrgKey).Submit("Create key", map[string]string{"Name": "Third", "template_from": "saved", "Saved template": "Segment"})
		made.Want(http.StatusOK).Shows("Key created: Third")
		for _, row := range mustKeys(t, a) {
			if row.Name != "Café" {
				b.Post(keyList+"/"+row.ID+"/template/settings", url.Values{"do": {"detach"}}).Want(http.StatusOK)
			}
		}
		b.Get(path).Follow("Delete template").Submit("Delete template", nil).At(list).Shows("Template deleted.", "No saved templates yet.")
	})
}

func mustKeys(t *testing.T, a *apptest.App) []keys.Item {
	t.Helper()
	page, err := a.Keys.List(t.Context(), a.Owner, keys.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	return page.Items
}

func TestWhatHappensToPayloadsThatCannotBeMappedIsAChoice(t *testing.T) {
	a := app(t)
	b := signIn(t, a, ownerEmail)
	k := mapped(t, a, "Shop")
	b.Get(templatePage(k)).Shows("422 mapping_failed", "gets 200").
		Submit("Save choice", map[string]string{"on_error": "quarantine"}).At(templatePage(k)).Shows("payloads that cannot be mapped are quarantined")
	if item, err := a.Keys.Get(t.Context(), a.Owner, k.Key.ID); err != nil || item.OnError != models.OnErrorQuarantine {
		t.Errorf("%s, %v", item.OnError, err)
	}
	b.Post(templatePage(k)+"/settings", url.Values{"do": {"on_error"}, "on_error": {"drop"}}).Want(http.StatusUnprocessableEntity).Shows("Choose reject or quarantine.")
	b.Post(templatePage(k)+"/settings", url.Values{"do": {"nonsense"}}).Want(http.StatusUnprocessableEntity)
}

func TestSamplesComeFromRequestsAndVendors(t *testing.T) {
	a := app(t)
	b := signIn(t, a, ownerEmail)
	k := mapped(t, a, "Shop", from("plan", "traits.plan"))
	sent := a.Post(t, "/api/product-orgs/webhook/"+k.Value.Reveal(), strings.Replace(group, "enterprise", "gold", 1))
	id := sent.Header.Get("X-Request-Id")
	a.Logged(t, id)
	b.Get(templatePage(k)+"?sample=request:"+id).Want(http.StatusOK).Shows("Request "+id, "gold")
	b.Get(newOrgKey+"&sample=request:"+id).Want(http.StatusOK).Shows("gold").
		Submit("Suggest from sample", nil).Shows("gold")
	b.Get(templatePage(k) + "?sample=vendor:nobody/nothing").Want(http.StatusOK).Shows("There is no such payload any more.")
	b.Get(templatePage(k)).Submit("Load sample", map[string]string{"Where the sample comes from": "Pasted JSON", "JSON of one payload": `[` + group + `,{}]`}).
		Shows("The sample holds 2 items; this is the first one.", "Initech")
}

func TestTemplatesOfAnotherWorkspaceAreNotFound(t *testing.T) {
	a := app(t)
	theirs := elsewhere(t, a)
	b := signIn(t, a, ownerEmail)
	signals := a.NewKey(t)
	for _, page := range []string{templatePage(theirs), templatePage(signals), "/w/acme/settings/templates/" + theirs.Key.ID} {
		for _, path := range []string{"", "/json", "/versions", "/versions/1"} {
			b.Get(page + path).Want(http.StatusNotFound).Hides("Alien key")
		}
		for _, path := range []string{"", "/json", "/versions/1/restoration"} {
			b.Post(page+path, url.Values{"do": {"save"}}).Want(http.StatusNotFound).Hides("Alien key")
		}
	}
	k := mapped(t, a, "Shop")
	found, _, _ := a.Templates.ForKey(t.Context(), a.Owner, k.Key.ID)
	b.Get(fmt.Sprintf("/w/acme/settings/templates/%s", found.Template.ID)).Want(http.StatusNotFound)
	viewer := member(t, a, access.Viewer)
	for _, path := range []string{templatePage(k), "/w/acme/settings/templates"} {
		viewer.Get(path).Want(http.StatusForbidden).Hides("groupId")
	}
}
