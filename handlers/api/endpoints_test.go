package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"latchkey/handlers/api"
	"latchkey/internal/access"
	"latchkey/internal/accounts"
	"latchkey/internal/apptest"
	"latchkey/internal/database"
	"latchkey/models"
)

// hook is a body that makes an endpoint at url.
func hook(url string) string {
	return fmt.Sprintf(`{"url":%q,"environment":"live","event_types":["webhook.test"]}`, url)
}

func TestTheLifeOfAnEndpoint(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		to := w.receiver()
		p := w.program("endpoints:write endpoints:read")
		made := w.as(p, "POST", w.here("/endpoints"), `{"url":"`+to.URL+`/hook","environment":"live","event_types":["webhook.test","api_key.*"],"description":"CRM",
			"headers":[{"name":"X-Team","value":"growth"}],"rate_limit":20}`).want(201)
		e := made.object()
		path := w.here("/endpoints/" + e["id"].(string))
		if !strings.HasSuffix(made.Header.Get("Location"), path) || made.Header.Get("ETag") != `"1"` || e["status"] != "enabled" || e["rate_limit"] != 20.0 ||
			fmt.Sprint(e["headers"]) != "[map[name:X-Team]]" || e["created_by_key_id"] != p.Key.ID {
			t.Errorf("made %v %v", made.Header, e)
		}
		read := w.as(p, "GET", path, "").want(200)
		if read.Header.Get("ETag") != `"1"` || read.member("description") != "CRM" {
			t.Errorf("read %s", read.Body)
		}
		changed := w.as(p, "PATCH", path, `{"description":"Sales","rate_limit":null,"headers":[{"name":"X-Team"},{"name":"X-More","value":"1"}]}`, "If-Match", `"1"`).want(200)
		if now := changed.object(); now["description"] != "Sales" || now["rate_limit"] != nil || changed.Header.Get("ETag") == `"1"` {
			t.Errorf("changed %v", now)
		}
		w.as(p, "PATCH", path, `{"description":"Late"}`, "If-Match", `"1"`).refused(412, "precondition_failed")
		same := w.as(p, "PATCH", path, `{"description":"Sales"}`, "If-Match", changed.Header.Get("ETag")).want(200)
		if same.Header.Get("ETag") != changed.Header.Get("ETag") {
			t.Errorf("a change of nothing changed the ETag to %s", same.Header.Get("ETag"))
		}
		w.as(p, "POST", path+"/test", `{"type":"webhook.test"}`).want(200)
		if h := to.all()[0].header; h.Get("X-Team") != "growth" || h.Get("X-More") != "1" {
			t.Errorf("a header without a value did not keep it: %v", h)
		}
		if off := w.as(p, "POST", path+"/disable", "").want(200).object(); off["status"] != "disabled" || off["disabled_reason"] != "manual" || off["disabled_at"] == nil {
			t.Errorf("disabled %v", off)
		}
		if on := w.as(p, "POST", path+"/enable", "").want(200).object(); on["status"] != "enabled" || on["disabled_reason"] != nil {
			t.Errorf("enabled %v", on)
		}
		if all := w.as(p, "GET", w.here("/endpoints?environment=live&status=enabled&q=sales"), "").want(200).list(); len(all) != 1 {
			t.Errorf("listed %v", all)
		}
		if gone := w.as(p, "DELETE", path, "").want(200); gone.member("status") != "deleted" {
			t.Errorf("deleted %s", gone.Body)
		}
		w.as(p, "GET", path, "").refused(404, "not_found")
		w.as(p, "DELETE", path, "").refused(404, "not_found")
	})
}

func TestAProgramThatMayOnlyWriteEndpointsCan(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		p := w.program("endpoints:write")
		path := w.here("/endpoints/" + w.as(p, "POST", w.here("/endpoints"), hook(w.receiver().URL)).want(201).member("id"))
		for _, what := range []string{"/disable", "/enable", "/secret/rotate", "/secret/reveal"} {
			w.as(p, "POST", path+what, "").want(200)
		}
		w.as(p, "PATCH", path, `{"description":"x"}`).want(200)
		w.as(p, "POST", path+"/test", `{"type":"webhook.test"}`).want(200)
		w.as(p, "GET", path, "").refused(403, "insufficient_scope")
	})
}

func TestASigningSecretIsInTheAnswersThatAreForItAndNowhereElse(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		p := w.program("admin:full")
		create := []string{"POST", w.here("/endpoints"), hook(w.receiver().URL)}
		made := w.as(p, create[0], create[1], create[2], "Idempotency-Key", "make").want(201)
		first := made.member("secret")
		path := w.here("/endpoints/" + made.member("id"))
		if !strings.HasPrefix(first, "whsec_") {
			t.Fatalf("made %s", made.Body)
		}
		replayed := w.as(p, create[0], create[1], create[2], "Idempotency-Key", "make").want(201)
		if replayed.member("id") != made.member("id") || replayed.Header.Get("Idempotent-Replayed") != "true" {
			t.Errorf("replayed %s", replayed.Body)
		}
		rotated := w.as(p, "POST", path+"/secret/rotate", `{"grace_seconds":3600}`, "Idempotency-Key", "rotate").want(200)
		second := rotated.member("secret")
		if second == first || rotated.member("previous_secret_ends_at") == "" {
			t.Errorf("rotated %s", rotated.Body)
		}
		shown := w.as(p, "POST", path+"/secret/reveal", "", "Idempotency-Key", "reveal").want(200)
		if shown.member("secret") != second || shown.member("previous_secret") != first {
			t.Errorf("revealed %s", shown.Body)
		}
		w.as(p, "POST", path+"/secret/rotate", "").refused(409, "conflict")
		for _, r := range []reply{
			replayed, w.as(p, "POST", path+"/secret/rotate", `{"grace_seconds":3600}`, "Idempotency-Key", "rotate").want(200),
			w.as(p, "POST", path+"/secret/reveal", "", "Idempotency-Key", "reveal").want(200),
			w.as(p, "GET", path, ""), w.as(p, "GET", w.here("/endpoints"), ""), w.as(p, "PATCH", path, `{"description":"x"}`), w.as(p, "GET", w.here("/audit"), ""),
			w.as(p, "POST", path+"/disable", ""), w.as(p, "POST", path+"/enable", ""),
		} {
			if strings.Contains(string(r.Body), "whsec_") || strings.Contains(string(r.Body), strings.TrimPrefix(second, "whsec_")) {
				t.Errorf("a secret is in %s", r.Body)
			}
		}
		if all := w.as(p, "GET", w.here("/audit?action=endpoint.secret_revealed"), "").list(); len(all) != 1 {
			t.Errorf("%d entries of one reveal", len(all))
		}
		w.as(p, "DELETE", path+"/secret/previous", "").want(200)
		w.as(p, "DELETE", path+"/secret/previous", "").refused(409, "conflict")
		own := "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
		if r := w.as(p, "POST", path+"/secret/rotate", `{"grace_seconds":0,"secret":"`+own+`"}`).want(200).object(); r["secret"] != own || r["previous_secret_ends_at"] != nil {
			t.Errorf("an own secret: %v", r)
		}
	})
}

func TestThePlanFreeHasNoEndpointsInTheAPI(t *testing.T) {
	w := newWorld(t, apptest.SQLite(t))
	h := w.fill(w.Owner, 1)
	p := w.program("admin:full")
	if err := w.Accounts.ChangePlan(t.Context(), w.Owner, accounts.PlanChange{From: models.PlanEnterprise, To: models.PlanFree}); err != nil {
		t.Fatal(err)
	}
	for _, r := range api.Routes() {
		if r.Scope != access.EndpointsRead && r.Scope != access.EndpointsWrite && r.Scope != access.EventsListen {
			continue
		}
		w.as(p, r.Method, pathOf(r, h.ids()), bodies[r.Operation]).refused(403, "plan_required")
	}
}

func TestEveryGetAnswersHead(t *testing.T) {
	w := newWorld(t, apptest.SQLite(t))
	w.unlimited()
	h := w.fill(w.Owner, 1)
	p := w.program("admin:full")
	for _, r := range api.Routes() {
		if r.Method != http.MethodGet {
			continue
		}
		path := pathOf(r, h.ids())
		if r := w.as(p, "HEAD", path, ""); r.Status != 200 || len(r.Body) != 0 || r.Header.Get("Content-Type") == "" {
			t.Errorf("HEAD %s: %d %v %s", path, r.Status, r.Header, r.Body)
		}
	}
}
