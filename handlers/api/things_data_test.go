package api_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"latchkey/internal/access"
	"latchkey/internal/apptest"
	"latchkey/internal/database"
)

func TestOneThingShowsWhatItsListDoesNot(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		h := w.fill(w.Owner, 2)
		p := w.Program(t, access.ReadWorkspace)
		signal := p.Get(w.InWorkspace("/signals/" + h.signal)).Body
		if !bytes.Contains(signal, []byte(`"payload":{"event":"step 1","email":"ada@example.com","properties":{"n":1.50,"t":"\ufffd"}}`)) {
			t.Errorf("the payload is not what was sent, made safe: %s", signal)
		}
		var request struct {
			Body, BodyEncoding string
			Headers            map[string]string
		}
		body := p.Get(w.InWorkspace("/requests/" + h.request)).Body
		if err := json.Unmarshal(body, &request); err != nil || !strings.Contains(request.Body, `"step 1"`) || len(request.Headers) == 0 {
			t.Errorf("request: %v %s", err, body)
		}
		for _, value := range request.Headers {
			if strings.Contains(value, "sk_live_") && len(value) > 30 {
				t.Errorf("a header shows a key: %s", value)
			}
		}
		var org struct {
			Values  map[string]json.RawMessage
			Origins map[string]struct {
				RequestID string `json:"request_id"`
			}
		}
		body = p.Get(w.InWorkspace("/product-orgs/" + h.org)).Body
		if err := json.Unmarshal(body, &org); err != nil || string(org.Values["name"]) != `"Name 1"` || org.Origins["name"].RequestID == "" {
			t.Errorf("org: %v %s", err, body)
		}
	})
}

func TestUsageHasAPointForEachStep(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		h := w.fill(w.Owner, 3)
		p := w.Program(t, access.AnalyticsRead)
		sum := func(path string) (points int, accepted float64) {
			var list []map[string]any
			if r := p.Get(w.InWorkspace(path)); json.Unmarshal(r.Body, &list) != nil {
				t.Fatalf("%s: %d %s", path, r.Status, r.Body)
			}
			for i, point := range list {
				accepted += point["accepted"].(float64)
				if i > 0 && list[i-1]["start"].(string) >= point["start"].(string) {
					t.Errorf("%s: point %d is not after the one before", path, i)
				}
			}
			return len(list), accepted
		}
		for path, want := range map[string][2]float64{
			"/usage?api_key_id=" + h.key: {24, 3}, "/usage?step=minute&api_key_id=" + h.key: {60, 3}, "/usage?step=day&environment=live": {30, 9},
			"/usage?environment=test": {24, 0}, "/usage?step=hour&from=2020-01-01T00:00:00Z&to=2020-01-01T02:00:01Z": {3, 0},
		} {
			if n, accepted := sum(path); float64(n) != want[0] || accepted != want[1] {
				t.Errorf("%s: %d points with %v, want %v", path, n, accepted, want)
			}
		}
		for path, field := range map[string]string{
			"/usage?step=minute&from=2020-01-01T00:00:00Z": "from", "/usage?from=2020-01-02T00:00:00Z&to=2020-01-01T00:00:00Z": "to",
			"/usage?step=week": "step", "/usage?from=yesterday": "from", "/usage?api_key_id=1": "api_key_id",
		} {
			if r := p.Get(w.InWorkspace(path)); r.Status != 422 || strings.Join(r.ProblemFields(), " ") != field {
				t.Errorf("%s: %d %s", path, r.Status, r.Body)
			}
		}
	})
}

func TestTemplatesAreMadeChangedAndDeletedByPrograms(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		p := w.Program(t, access.TemplatesWrite, access.TemplatesRead)
		made := p.Post(w.InWorkspace("/templates"), `{"name":"Billing","rows":[{"target":"org_id","from":["$.id"]}],"note":"first"}`)
		var template struct {
			ID      string
			Version int
			Name    string
		}
		read := func(r apptest.Reply) {
			t.Helper()
			if err := json.Unmarshal(r.Body, &template); err != nil || r.Status > 299 {
				t.Fatalf("%d %s", r.Status, r.Body)
			}
		}
		read(made)
		path := w.InWorkspace("/templates/" + template.ID)
		if made.Status != 201 || !strings.HasSuffix(made.Header.Get("Location"), path) {
			t.Errorf("created with %d at %q", made.Status, made.Header.Get("Location"))
		}
		tag := made.Header.Get("ETag")
		changed := p.Patch(path, `{"name":"Invoices","rows":[{"target":"org_id","from":["$.org"],"required":true}],"note":"second"}`, "If-Match", tag)
		if read(changed); template.Version != 2 || template.Name != "Invoices" || changed.Header.Get("ETag") == tag {
			t.Errorf("changed: %s", changed.Body)
		}
		before := apptest.Digests(t, db)
		if r := p.Patch(path, `{"name":"Late"}`, "If-Match", tag); r.Status != 412 || r.ProblemCode() != "precondition_failed" {
			t.Errorf("a change of what is not there any more: %d %s", r.Status, r.Body)
		}
		same(t, before, apptest.Digests(t, db))
		renamed := p.Patch(path, `{"name":"Bills"}`, "If-Match", changed.Header.Get("ETag"))
		if read(renamed); template.Name != "Bills" || template.Version != 2 || renamed.Header.Get("ETag") == changed.Header.Get("ETag") {
			t.Errorf("renamed: %s", renamed.Body)
		}
		if got := p.Get(path).Header.Get("ETag"); got != renamed.Header.Get("ETag") {
			t.Errorf("ETag %s, after the change %s", got, renamed.Header.Get("ETag"))
		}
		if r := p.Delete(path); r.Status != 200 || strings.TrimSpace(string(r.Body)) != `{"status":"deleted"}` {
			t.Errorf("deleted: %d %s", r.Status, r.Body)
		}
		if r := p.Get(path); r.Status != 404 {
			t.Errorf("after its end: %d", r.Status)
		}
	})
}

func TestATemplateIsRefusedByTheNameOfWhatIsWrong(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		h := w.fill(w.Owner, 1)
		p := w.Program(t, access.ReadWriteWorkspace)
		before := apptest.Digests(t, db)
		for body, want := range map[string]string{
			`{"rows":[{"target":"org_id","from":["$.id"]}]}`: "422 validation_failed name",
			`{"name":"A"}`: "422 validation_failed rows",
			`{"name":"A","rows":[{"target":"org_id","from":["$.id"]},{"target":"plna"}]}`:            "422 validation_failed rows[1].target rows[1].from",
			`{"name":"A","rows":[{"target":"org_id","from":["$.id"],"transfrom":[]}]}`:               "422 unknown_member rows[0].transfrom",
			`{"name":"A","rows":[{"target":"org_id","from":["$.id"]}],"created_by":"` + h.key + `"}`: "422 unknown_member created_by",
			`{"name":1,"rows":{}}`: "422 validation_failed name rows",
			`{"name":"Template 0","rows":[{"target":"org_id","from":["$.id"]}]}`: "409 conflict name",
			`{"name":"A\u0000","rows":[]}`:                                       "422 validation_failed name",
			`[]`:                                                                 "400 invalid_json ",
			`{"name":"A","name":"B"}`:                                            "400 invalid_json name",
		} {
			r := p.Post(w.InWorkspace("/templates"), body)
			got := fmt.Sprintf("%d %s %s", r.Status, r.ProblemCode(), strings.Join(r.ProblemFields(), " "))
			if got != want && !sameWords(got, want) {
				t.Errorf("%s: %s, want %s", body, got, want)
			}
		}
		same(t, before, apptest.Digests(t, db))
	})
}

func TestProgramsAreInTheAuditLogByTheirKey(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		key := w.NewAPIKey(t, access.AdminFull)
		p := w.ProgramWith(t, key.Value.Reveal())
		p.Post(w.InWorkspace("/templates"), `{"name":"Billing","rows":[{"target":"org_id","from":["$.id"]}]}`)
		var entries []struct {
			Actor struct{ Type, ID string }
			After map[string]any
		}
		for _, query := range []string{"action=template.created", "actor=" + key.Key.ID, "target=billing", "from=" + time.Now().Add(-time.Hour).UTC().Format(time.RFC3339)} {
			body := p.Get(w.InWorkspace("/audit?limit=1&" + query)).Body
			if err := json.Unmarshal(body, &entries); err != nil || len(entries) != 1 || entries[0].Actor.Type != "api_key" || entries[0].Actor.ID != key.Key.ID {
				t.Errorf("%s: %v %s", query, err, body)
			}
		}
	})
}
