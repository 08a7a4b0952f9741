package api_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"latchkey/handlers/api"
	"latchkey/internal/access"
	"latchkey/internal/apptest"
	"latchkey/internal/database"
	"latchkey/models"
)

func TestFollowingTheLinksShowsEachItemOnce(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		w.unlimited()
		h := w.fill(w.Owner, 7)
		w.fill(w.alien, 3)
		p := w.Program(t, access.AdminFull)
		for path, c := range map[string]struct {
			id   string
			want int
		}{
			"/signals?": {"id", 7}, "/signals?email=ADA@example.com&": {"id", 7}, "/signals?q=step&": {"id", 7}, "/signals?environment=test&": {"id", 0},
			"/product-orgs?": {"id", 7}, "/product-orgs?sort=mrr&order=asc&": {"id", 7}, "/product-orgs?sort=users&": {"id", 7}, "/product-orgs?q=org&": {"id", 7},
			"/product-orgs/" + h.org + "/updates?": {"id", 8}, "/requests?": {"id", 21}, "/requests?api_key_id=" + h.key + "&": {"id", 7},
			"/requests?status=rejected&": {"id", 0}, "/uploads?": {"id", 7}, "/uploads?status=running&": {"id", 0}, "/uploads?status=cut_off&": {"id", 7}, "/templates?": {"id", 8}, "/templates/" + h.template + "/versions?": {"version", 7},
			"/members?": {"account_id", 8}, "/endpoints?": {"id", 7}, "/endpoints?environment=test&": {"id", 0}, "/endpoints?q=hook&": {"id", 7},
			"/endpoints/" + h.endpoint + "/deliveries?": {"id", 7}, "/endpoints/" + h.endpoint + "/deliveries?status=delivered&type=webhook.test&": {"id", 7},
			"/endpoints/" + h.endpoint + "/deliveries?status=failed&": {"id", 0}, "/audit?action=template.created&": {"id", 7}, "/api-keys?": {"id", 3},
		} {
			seen := map[any]bool{}
			for _, item := range p.Pages(w.InWorkspace(path + "limit=3")) {
				if seen[item[c.id]] {
					t.Errorf("%s: %v comes twice", path, item[c.id])
				}
				seen[item[c.id]] = true
				if ws, there := item["workspace_id"]; there && ws != w.Owner.WorkspaceID {
					t.Errorf("%s shows another workspace's: %v", path, item)
				}
			}
			if len(seen) != c.want {
				t.Errorf("%s: %d items, want %d", path, len(seen), c.want)
			}
		}
	})
}

func TestACursorOfAnotherListIsRefused(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		w.fill(w.Owner, 3)
		p := w.Program(t, access.AdminFull)
		next := p.Get(w.InWorkspace("/product-orgs?sort=mrr&limit=1")).Header.Get("Link")
		_, cursor, found := strings.Cut(next, "cursor=")
		cursor, _, _ = strings.Cut(strings.TrimSuffix(cursor, `>; rel="next"`), "&")
		if !found {
			t.Fatalf("no cursor in %q", next)
		}
		for _, path := range []string{
			"/product-orgs?cursor=" + cursor, "/product-orgs?sort=users&cursor=" + cursor, "/product-orgs?sort=mrr&order=asc&cursor=" + cursor,
			"/signals?cursor=" + cursor, "/templates?cursor=" + cursor, "/members?cursor=x", "/audit?cursor=",
			"/endpoints?cursor=" + cursor,
		} {
			if r := p.Get(w.InWorkspace(path)); r.Status != 422 || strings.Join(r.ProblemFields(), " ") != "cursor" {
				t.Errorf("%s: %d %s", path, r.Status, r.Body)
			}
		}
	})
}

// blind takes the request id out of a problem, the one thing that differs from call to call.
func blind(t *testing.T, r apptest.Reply) []byte {
	t.Helper()
	return bytes.ReplaceAll(r.Body, []byte(r.Header.Get("X-Request-Id")), []byte("id"))
}

func TestAnotherWorkspacesThingsAreToldLikeNone(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		w.unlimited()
		mine, theirs := w.fill(w.Owner, 1), w.fill(w.alien, 1)
		p := w.Program(t, access.AdminFull)
		none := nothing(mine.workspace).ids()
		before := apptest.Digests(t, db)
		for _, r := range api.Routes() {
			if r.Public || !strings.Contains(r.Path, ":") {
				continue
			}
			foreign, elsewhere := theirs.ids(), theirs.ids()
			foreign["id"] = mine.workspace
			body := w.bodyNow(r.Operation)
			if strings.Count(r.Path, ":") > 1 {
				unknown := p.Do(r.Method, pathOf(r, none), body)
				if r := p.Do(r.Method, pathOf(r, foreign), body); r.Status != http.StatusNotFound || !bytes.Equal(blind(t, r), blind(t, unknown)) {
					t.Errorf("another workspace's thing: %d %s, an unknown one: %d %s", r.Status, r.Body, unknown.Status, unknown.Body)
				}
			}
			other, nowhere := p.Do(r.Method, pathOf(r, elsewhere), body), none
			nowhere["id"] = unknownID
			missing := p.Do(r.Method, pathOf(r, nowhere), body)
			none["id"] = mine.workspace
			if other.Status != http.StatusNotFound || !bytes.Equal(blind(t, other), blind(t, missing)) {
				t.Errorf("%s below another workspace: %d %s, below an unknown one: %s", r.Operation, other.Status, other.Body, missing.Body)
			}
		}
		for _, path := range []string{"/usage?api_key_id=" + theirs.key, "/usage?api_key_id=" + unknownID} {
			if r := p.Get(w.InWorkspace(path)); r.Status != http.StatusNotFound {
				t.Errorf("%s: %d", path, r.Status)
			}
		}
		for _, path := range []string{"/signals?api_key_id=", "/requests?api_key_id=", "/signals?request_id="} {
			if r := p.Get(w.InWorkspace(path + theirs.key)); r.Status != 200 || strings.TrimSpace(string(r.Body)) != "[]" {
				t.Errorf("%s: %d %s", path, r.Status, r.Body)
			}
		}
		same(t, before, apptest.Digests(t, db))
	})
}

const unknownID = "01990000-0000-7000-8000-00000000beef"

func TestTheWorkspaceHasExactlyTheDocumentedMembers(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		w.members(w.Owner, 2)
		for _, base := range []string{"/api/v1", "/v1"} {
			p := w.Program(t, access.WorkspaceRead)
			p.Base = base
			var got map[string]any
			if err := json.Unmarshal(p.Get("/workspaces/me").Body, &got); err != nil {
				t.Fatal(err)
			}
			if len(got) != 5 || got["id"] != w.Owner.WorkspaceID || got["name"] != "Acme" || got["plan"] != models.PlanEnterprise ||
				got["members_count"] != 3.0 || got["created_at"] == "" {
				t.Errorf("%s/workspaces/me: %v", base, got)
			}
		}
	})
}
