package ingest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"latchkey/internal/apptest"
	"latchkey/internal/database"
	"latchkey/internal/keys"
	"latchkey/internal/mapping"
	"latchkey/internal/orgs"
	"latchkey/models"
)

// rows is a template; a pair of target and path each, "!" before a target that is required.
func rows(pairs ...string) *mapping.Template {
	t := &mapping.Template{}
	for i := 0; i < len(pairs); i += 2 {
		target, required := strings.CutPrefix(pairs[i], "!")
		t.Rows = append(t.Rows, mapping.Row{Target: target, Required: required, From: []string{pairs[i+1]}})
	}
	return t
}

var usual = rows("!org_id", "$.org", "plan", "$.plan", "user_count", "$.users", "mrr", "$.mrr", "feature_flags", "$.flags", "custom.n", "$.n", "occurred_at", "$.at")

func orgKey(t *testing.T, a *apptest.App, template *mapping.Template, change ...func(*keys.CreateForm)) keys.Created {
	t.Helper()
	return a.NewKey(t, append([]func(*keys.CreateForm){func(f *keys.CreateForm) {
		f.EndpointType, f.Template = models.ProductOrgs, template
	}}, change...)...)
}

func orgURL(k keys.Created) string { return "/api/product-orgs/webhook/" + k.Value.Reveal() }

// stateOf is what is known of an organisation, as JSON texts.
func stateOf(t *testing.T, a *apptest.App, key string) map[string]string {
	t.Helper()
	var row models.ProductOrg
	if err := a.DB.Read.Where("org_key = ?", key).Take(&row).Error; err != nil {
		t.Fatalf("organisation %s: %v", key, err)
	}
	state, err := orgs.Decode(row.Fields)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for name, f := range state {
		out[name] = string(f.Value)
	}
	return out
}

func updatesOf(t *testing.T, a *apptest.App) []models.ProductOrgUpdate {
	t.Helper()
	var out []models.ProductOrgUpdate
	if err := a.DB.Read.Order("id").Find(&out).Error; err != nil {
		t.Fatal(err)
	}
	return out
}

func names(v any) string {
	var out []string
	list, _ := v.([]any)
	for _, name := range list {
		out = append(out, fmt.Sprint(name))
	}
	return strings.Join(out, " ")
}

func TestAnUpdateIsAppliedAndItsAnswerNamesWhatWas(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		a := apptest.Start(t, db)
		k := orgKey(t, a, usual)
		const body = ` {"org":"acme","plan":"team","users":3,"mrr":49.50,"flags":{"beta":true},"n":12345678901234567890.5}`
		got := a.Post(t, orgURL(k), body)
		v := got.JSON(t)
		if got.Status != 200 || v["status"] != "accepted" || v["org_id"] != "acme" || v["template_version"] != json.Number("1") ||
			names(v["applied"]) != "custom.n feature_flags.beta mrr plan user_count" || names(v["stale"]) != "" {
			t.Fatalf("answer %d %s", got.Status, got.Body)
		}
		want := map[string]string{"plan": `"team"`, "user_count": "3", "mrr": "49.5", "feature_flags.beta": "true", "custom.n": "12345678901234567890.5"}
		state := stateOf(t, a, "acme")
		if custom := state["custom.n"]; custom == `"12345678901234567890.5"` { // a custom value of any type
			want["custom.n"] = custom
		}
		if diff := cmp.Diff(want, state); diff != "" {
			t.Errorf("state (-want +got):\n%s", diff)
		}
		u := updatesOf(t, a)
		if len(u) != 1 || u[0].ID != v["id"] || string(u[0].Raw) != body || u[0].Status != models.UpdateApplied || *u[0].UserCount != 3 {
			t.Errorf("updates %+v", u)
		}
		line := a.Logged(t, got.Header.Get("X-Request-Id"))
		if line.Status != 200 || line.Accepted != 1 || *line.SignalID != u[0].ID || line.Body != nil || line.Event != "acme" {
			t.Errorf("log line %+v", line)
		}
	})
}

func TestTheNewestEventTimeWinsFieldByField(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		a := apptest.Start(t, db)
		k := orgKey(t, a, usual)
		post := func(body string) map[string]any {
			t.Helper()
			got := a.Post(t, orgURL(k), body)
			if got.Status != 200 {
				t.Fatalf("answer %d %s", got.Status, got.Body)
			}
			return got.JSON(t)
		}
		post(`{"org":"acme","plan":"enterprise","at":"2026-01-03T00:00:00Z"}`)
		if v := post(`{"org":"acme","plan":"team","users":7,"at":"2026-01-02T00:00:00Z"}`); names(v["applied"]) != "user_count" || names(v["stale"]) != "plan" {
			t.Errorf("answer %v", v)
		}
		if v := post(`{"org":"acme","plan":"free","at":"2026-01-01T00:00:00Z"}`); names(v["applied"]) != "" || names(v["stale"]) != "plan" || v["status"] != "accepted" {
			t.Errorf("answer %v", v)
		}
		if diff := cmp.Diff(map[string]string{"plan": `"enterprise"`, "user_count": "7"}, stateOf(t, a, "acme")); diff != "" {
			t.Errorf("state (-want +got):\n%s", diff)
		}
		if u := updatesOf(t, a); len(u) != 3 || u[1].Status != models.UpdateApplied || u[2].Status != models.UpdateStale || *u[2].OrgID != *u[0].OrgID {
			t.Errorf("updates %+v", u)
		}
	})
}

func TestTheSameUpdateTwiceIsADuplicateOfTheFirst(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		a := apptest.Start(t, db)
		k := orgKey(t, a, usual)
		for name, body := range map[string]string{
			"by message id": `{"org":"o1","plan":"team","messageId":"m1"}`,
			"by its time":   `{"org":"o2","plan":"team","at":"2026-01-02T00:00:00Z"}`,
			"by its bytes":  `{"org":"o3","plan":"team"}`,
		} {
			t.Run(name, func(t *testing.T) {
				first := a.Post(t, orgURL(k), body).JSON(t)
				n := len(updatesOf(t, a))
				second := a.Post(t, orgURL(k), body).JSON(t)
				if second["status"] != "duplicate" || second["duplicate"] != true || second["id"] != first["id"] {
					t.Errorf("first %v, second %v", first, second)
				}
				if len(updatesOf(t, a)) != n {
					t.Error("the duplicate was stored")
				}
			})
		}
		a.Post(t, orgURL(k), `{"org":"o3","plan":"free"}`)
		if v := a.Post(t, orgURL(k), `{"org":"o3","plan":"team"}`).JSON(t); v["duplicate"] != false || names(v["applied"]) != "plan" {
			t.Errorf("going back to an earlier plan without a time is an update: %v", v)
		}
	})
}

func TestWhatCannotBeMappedIsKeptAndTold(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		a := apptest.Start(t, db)
		reject := orgKey(t, a, usual)
		got := a.Post(t, orgURL(reject), `{"id":"acme","plan":"team"}`)
		e, _ := got.JSON(t)["error"].(map[string]any)
		details, _ := e["details"].(map[string]any)
		if got.Status != 422 || e["code"] != "mapping_failed" || e["field"] != "org_id" || details["target"] != "org_id" || details["path"] != "$.org" || details["problem"] == "" {
			t.Fatalf("answer %d %s", got.Status, got.Body)
		}
		if line := a.Logged(t, got.Header.Get("X-Request-Id")); line.Status != 422 || line.Code != "mapping_failed" || line.Rejected != 1 || line.Accepted != 0 {
			t.Errorf("log line %+v", line)
		}
		keep := orgKey(t, a, usual, func(f *keys.CreateForm) { f.OnError = models.OnErrorQuarantine })
		got = a.Post(t, orgURL(keep), `{"id":"acme","plan":"team"}`)
		if v := got.JSON(t); got.Status != 200 || v["status"] != "quarantined" || names(v["warnings"]) != "mapping_failed" {
			t.Fatalf("answer %d %s", got.Status, got.Body)
		}
		u := updatesOf(t, a)
		if len(u) != 2 || u[0].Status != models.UpdateFailed || u[1].Status != models.UpdateQuarantined || len(u[0].Problems) == 0 {
			t.Errorf("updates %+v", u)
		}
	})
}

func TestAValueOfTheWrongTypeIsAWarningAndLeavesWhatIsKnown(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		a := apptest.Start(t, db)
		k := orgKey(t, a, usual)
		a.Post(t, orgURL(k), `{"org":"acme","plan":"team","mrr":49}`)
		v := a.Post(t, orgURL(k), `{"org":"acme","plan":"free","mrr":"49 USD"}`).JSON(t)
		if v["status"] != "accepted" || names(v["warnings"]) != "partly_mapped" || names(v["applied"]) != "plan" {
			t.Errorf("answer %v", v)
		}
		if diff := cmp.Diff(map[string]string{"plan": `"free"`, "mrr": "49"}, stateOf(t, a, "acme")); diff != "" {
			t.Errorf("state (-want +got):\n%s", diff)
		}
		if u := updatesOf(t, a); !strings.Contains(string(u[1].Problems), "49 USD") {
			t.Errorf("problems %s", u[1].Problems)
		}
		strict := &mapping.Template{Rows: append(slices.Clone(usual.Rows[:1]), mapping.Row{Target: "mrr", From: []string{"$.mrr"}, Required: true})}
		if got := a.Post(t, orgURL(orgKey(t, a, strict)), `{"org":"acme","mrr":"49 USD"}`); got.Status != 422 {
			t.Errorf("required: %d %s", got.Status, got.Body)
		}
	})
}

func TestABatchOfUpdatesAnswersItemByItem(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		a := apptest.Start(t, db)
		k := orgKey(t, a, usual)
		const batch = `[{"org":"a","plan":"team"},{"plan":"none"},7,{"org":"a","users":2},{"org":"b","plan":"free"}]`
		got := a.Post(t, orgURL(k)+"/batch", batch)
		v := got.JSON(t)
		list := v["results"].([]any)
		if got.Status != 207 || v["accepted"] != json.Number("3") || v["rejected"] != json.Number("2") || len(list) != 5 {
			t.Fatalf("answer %d %s", got.Status, got.Body)
		}
		for i, want := range []string{"accepted", "mapping_failed", "invalid_item", "accepted", "accepted"} {
			row := list[i].(map[string]any)
			code := row["status"]
			if e, ok := row["error"].(map[string]any); ok {
				code = e["code"]
			}
			if code != want {
				t.Errorf("result %d: %v, want %s", i, row, want)
			}
		}
		if diff := cmp.Diff(map[string]string{"plan": `"team"`, "user_count": "2"}, stateOf(t, a, "a")); diff != "" {
			t.Errorf("state (-want +got):\n%s", diff)
		}
		before := len(updatesOf(t, a))
		got = a.Post(t, "/api/product-orgs/webhook/batch?atomic=true", `[{"org":"c"},{"plan":"none"}]`, "X-Api-Key", k.Value.Reveal())
		if got.Status != 400 || len(updatesOf(t, a)) != before {
			t.Errorf("atomic: %d %s", got.Status, got.Body)
		}
	})
}

func TestBrokenTemplateThenFixedThenReplayed(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		a := apptest.Start(t, db)
		k := orgKey(t, a, rows("!org_id", "$.wrong", "plan", "$.plan"))
		for i := range 20 {
			if got := a.Post(t, orgURL(k), fmt.Sprintf(`{"org":"o%d","plan":"team","messageId":"m%d"}`, i, i)); got.Status != 422 {
				t.Fatalf("answer %d %s", got.Status, got.Body)
			}
		}
		ctx := t.Context()
		preview, err := a.Ingest.ReplayPreview(ctx, a.Owner, k.Key.ID)
		if err != nil || preview.Failing != 20 || len(preview.Reasons) != 1 || preview.Reasons[0].Count != 20 {
			t.Fatalf("preview %+v, %v", preview, err)
		}
		if _, err := a.Templates.Save(ctx, a.Owner, *k.Key.TemplateID, 1, *usual, ""); err != nil {
			t.Fatal(err)
		}
		// A sender that was refused sends one again: it is applied now, and its first copy is not.
		if got := a.Post(t, orgURL(k), `{"org":"o7","plan":"team","messageId":"m7"}`); got.Status != 200 {
			t.Fatalf("answer %d %s", got.Status, got.Body)
		}
		preview, err = a.Ingest.ReplayPreview(ctx, a.Owner, k.Key.ID)
		if err != nil || preview.Total != 20 || preview.WouldApply != 19 || preview.Duplicate != 1 || preview.Failing != 0 || len(preview.Sample) != 20 {
			t.Fatalf("preview %+v, %v", preview, err)
		}
		if n := len(preview.Sample[0].Changes); n != 1 {
			t.Errorf("the first would change %d fields", n)
		}
		done := replay(t, a, k)
		if done.Applied != 19 || done.Duplicates != 1 || done.Failed != 0 || done.Total != 20 {
			t.Errorf("replay %+v", done)
		}
		var n int64
		if a.DB.Read.Model(&models.ProductOrg{}).Where("plan = ? AND updates = 1", "team").Count(&n); n != 20 {
			t.Errorf("%d organisations were updated once", n)
		}
		if _, err := a.Ingest.StartReplay(ctx, a.Owner, k.Key.ID, ""); err == nil {
			t.Error("a second replay found something to do")
		}
	})
}

// replay runs one to its end.
func replay(t *testing.T, a *apptest.App, k keys.Created) models.OrgReplay {
	t.Helper()
	id, err := a.Ingest.StartReplay(t.Context(), a.Owner, k.Key.ID, "")
	if err != nil {
		t.Fatal(err)
	}
	var r models.OrgReplay
	apptest.Eventually(t, "the end of the replay", func() bool {
		if err := a.DB.Read.Where("id = ?", id).Take(&r).Error; err != nil {
			t.Fatal(err)
		}
		return r.Status == "finished"
	})
	return r
}

func TestOneUpdateIsReplayedAlone(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		a := apptest.Start(t, db)
		k := orgKey(t, a, nil, func(f *keys.CreateForm) { f.CaptureFirst = true })
		for _, id := range []string{"a", "b", "c"} {
			if got := a.Post(t, orgURL(k), `{"org":"`+id+`","plan":"team"}`); got.JSON(t)["status"] != "quarantined" {
				t.Fatalf("answer %d %s", got.Status, got.Body)
			}
		}
		if _, err := a.Templates.Save(t.Context(), a.Owner, *k.Key.TemplateID, 0, *usual, ""); err != nil {
			t.Fatal(err)
		}
		waiting := updatesOf(t, a)
		if _, err := a.Ingest.StartReplay(t.Context(), a.Owner, k.Key.ID, waiting[1].ID); err != nil {
			t.Fatal(err)
		}
		apptest.Eventually(t, "the replay", func() bool { return updatesOf(t, a)[1].Status == models.UpdateApplied })
		now := updatesOf(t, a)
		if now[0].Status != models.UpdateQuarantined || now[2].Status != models.UpdateQuarantined || now[1].ReplayedAt.IsZero() || string(now[1].Raw) != string(waiting[1].Raw) {
			t.Errorf("updates %+v", now)
		}
	})
}

// TestASavedTemplateMapsWhatIsPostedAfterwards on every instance, though each keeps templates and
// keys in memory.
func TestASavedTemplateMapsWhatIsPostedAfterwards(t *testing.T) {
	cfg := apptest.PostgresConfig(t)
	one, two := apptest.Start(t, open(t, cfg)), apptest.Start(t, open(t, cfg))
	k := orgKey(t, one, rows("!org_id", "$.org", "plan", "$.p1"))
	for version := 1; version <= 20; version++ {
		got := two.Post(t, orgURL(k), fmt.Sprintf(`{"org":"o","p%d":"plan-%d"}`, version, version)).JSON(t)
		if names(got["applied"]) != "plan" || got["template_version"] != json.Number(fmt.Sprint(version)) {
			t.Fatalf("version %d: %v", version, got)
		}
		next := rows("!org_id", "$.org", "plan", fmt.Sprintf("$.p%d", version+1))
		if _, err := one.Templates.Save(t.Context(), one.Owner, *k.Key.TemplateID, version, *next, ""); err != nil {
			t.Fatal(err)
		}
	}
	if err := one.Keys.SetOnError(t.Context(), one.Owner, k.Key.ID, models.OnErrorQuarantine); err != nil {
		t.Fatal(err)
	}
	if v := two.Post(t, orgURL(k), `{"no":"org"}`).JSON(t); v["status"] != "quarantined" {
		t.Errorf("the other instance goes on by the old settings: %v", v)
	}
}

func TestTwoInstancesUpdateTheSameOrganisationsAtOnce(t *testing.T) {
	cfg := apptest.PostgresConfig(t)
	one, two := apptest.Start(t, open(t, cfg)), apptest.Start(t, open(t, cfg))
	k := orgKey(t, one, usual)
	var wg sync.WaitGroup
	const senders, each = 8, 25
	for sender := range senders {
		a := []*apptest.App{one, two}[sender%2]
		wg.Go(func() {
			for i := range each {
				n := sender*each + i
				at := time.Date(2026, 1, 1, 0, 0, n, 0, time.UTC).Format(time.RFC3339)
				body := fmt.Sprintf(`[{"org":"x%d","users":%d,"at":%q},{"org":"y","users":%d,"at":%q}]`, i%3, n, at, n, at)
				if got := a.Post(t, orgURL(k), body); got.Status != http.StatusOK {
					t.Errorf("answer %d %s", got.Status, got.Body)
				}
			}
		})
	}
	wg.Wait()
	if got := stateOf(t, one, "y")["user_count"]; got != fmt.Sprint(senders*each-1) {
		t.Errorf("user_count %s, want that of the newest event, %d", got, senders*each-1)
	}
	if n := len(updatesOf(t, one)); n != 2*senders*each {
		t.Errorf("%d updates are kept of %d", n, 2*senders*each)
	}
}

func TestADeactivatedKeyUpdatesNothingButWhatWaitsCanBeReplayed(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		a := apptest.Start(t, db)
		k := orgKey(t, a, rows("!org_id", "$.wrong", "plan", "$.plan"))
		a.Post(t, orgURL(k), `{"org":"acme","plan":"team"}`)
		if _, err := a.Templates.Save(t.Context(), a.Owner, *k.Key.TemplateID, 1, *usual, ""); err != nil {
			t.Fatal(err)
		}
		if _, err := a.Keys.Revoke(t.Context(), a.Owner, k.Key.ID); err != nil {
			t.Fatal(err)
		}
		if got := a.Post(t, orgURL(k), `{"org":"acme","plan":"free"}`); got.Status != 401 || got.Code(t) != "deactivated_api_key" {
			t.Errorf("answer %d %s", got.Status, got.Body)
		}
		if done := replay(t, a, k); done.Applied != 1 || stateOf(t, a, "acme")["plan"] != `"team"` {
			t.Errorf("replay %+v", done)
		}
	})
}
