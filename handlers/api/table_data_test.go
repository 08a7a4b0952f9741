package api_test

import (
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"latchkey/handlers/api"
	"latchkey/internal/access"
	"latchkey/internal/apptest"
	"latchkey/internal/database"
	"latchkey/internal/fault"
	"latchkey/internal/keys"
	"latchkey/models"
)

func same(t *testing.T, before, after map[string]string) {
	t.Helper()
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("something was written:\n%s", diff)
	}
}

func sameWords(a, b string) bool {
	x, y := strings.Fields(a), strings.Fields(b)
	slices.Sort(x)
	slices.Sort(y)
	return slices.Equal(x, y)
}

// pathOf is a route's path with these ids in it, and the parameters that it cannot do without.
func pathOf(r api.Route, ids map[string]string) string {
	path := parameter.ReplaceAllStringFunc(r.Path, func(name string) string { return ids[name[1:]] })
	if r.Operation == "planReplay" {
		path += "?kind=failed"
	}
	return path
}

// bodies are what the mutating routes take.
var bodies = map[string]string{
	"createApiKey":         `{"name":"By a program","environment":"live","endpoint_type":"signal_staging"}`,
	"importApiKey":         `{"name":"Imported","environment":"live","endpoint_type":"signal_staging","sha256":"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"}`,
	"updateApiKey":         `{"name":"Renamed"}`,
	"rotateApiKey":         `{"grace_seconds":3600}`,
	"extendApiKeyRotation": `{"ends_at":"%s"}`,
	"createTemplate":       `{"name":"By a program","rows":[{"target":"org_id","from":["$.id"]}]}`,
	"updateTemplate":       `{"name":"Renamed"}`,
	"createEndpoint":       `{"url":"http://127.0.0.1:1/hook","environment":"test","event_types":["webhook.test"]}`,
	"updateEndpoint":       `{"description":"Renamed"}`,
	"rotateEndpointSecret": `{"grace_seconds":3600}`,
	"testEndpoint":         `{"type":"webhook.test"}`,
	"startReplay":          `{"kind":"failed","rate":1000}`,
}

// allScopes are every scope that there is, with one resource:*.
func allScopes() []access.Scope {
	var out []access.Scope
	for _, list := range [][]access.ScopeInfo{access.Presets, access.FineScopes} {
		for _, s := range list {
			out = append(out, s.Scope)
		}
	}
	return append(out, "keys:*", "templates:*", "endpoints:*", "events:*")
}

// TestRoutesScopesAndRolesAreThePublishedTable is the golden of who may do what: which role may grant
// a scope, and what a key with that scope alone gets from each route.
func TestRoutesScopesAndRolesAreThePublishedTable(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		w.unlimited()
		h := w.fill(w.Owner, 1)
		got := w.grants() + "\n" + w.calls(h)
		if os.Getenv("UPDATE_GOLDEN") != "" {
			apptest.WriteFile(t, golden, got)
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got); diff != "" {
			t.Errorf("the table is another; if that is meant, set UPDATE_GOLDEN=1:\n%s", diff)
		}
	})
}

const golden = "testdata/scopes.golden"

// grants lists which roles make a key with a scope.
func (w *world) grants() string {
	w.t.Helper()
	out := "# A scope, and the roles that may grant it.\n"
	for _, scope := range allScopes() {
		var roles []string
		for _, role := range access.Roles {
			actor := w.Owner
			actor.Role = role
			_, err := w.Keys.Create(w.t.Context(), actor, keys.CreateForm{
				Name: "Granted", Environment: models.Live, EndpointType: models.APIAccess, Scopes: access.Scopes{scope},
			})
			if err == nil {
				roles = append(roles, string(role))
			} else if !fault.Is(err, fault.Forbidden) {
				w.t.Errorf("%s grants %s: %v", role, scope, err)
			}
		}
		out += fmt.Sprintf("%-21s %s\n", scope, strings.Join(roles, " "))
	}
	return out
}

// calls lists what each route answers to a key with one scope. What a call would change it names
// by an id that is not there, so that an allowed one is 404, or by no body at all: 400.
func (w *world) calls(h things) string {
	w.t.Helper()
	ids := h.ids()
	none := nothing(h.workspace).ids()
	programs := map[access.Scope]*apptest.API{}
	for _, scope := range allScopes() {
		programs[scope] = w.Program(w.t, scope)
	}
	programs["none"] = w.Program(w.t)
	out := "# A route, the scope that it needs, and the scopes of which one alone lets a key pass. Others get 403.\n"
	for _, r := range api.Routes() {
		if r.Public {
			out += fmt.Sprintf("%s %s needs no key\n", r.Method, r.Path)
			continue
		}
		var pass []string
		for _, scope := range append(allScopes(), "none") {
			method, path, allowed := r.Method, pathOf(r, ids), http.StatusOK
			switch {
			case r.Operation == "streamEvents":
				method = http.MethodHead // GET does not end
			case r.Method == http.MethodPost && strings.HasPrefix(bodies[r.Operation], "{") && !strings.HasPrefix(r.Operation, "rotate"):
				allowed = http.StatusUnsupportedMediaType
			case r.Method == http.MethodPatch:
				allowed = http.StatusUnsupportedMediaType
			case r.Method != http.MethodGet:
				path, allowed = pathOf(r, none), http.StatusNotFound
			}
			switch reply := programs[scope].Do(method, path, ""); reply.Status {
			case allowed:
				pass = append(pass, string(scope))
			case http.StatusForbidden:
				if !strings.Contains(reply.Header.Get("WWW-Authenticate"), `error="insufficient_scope", scope="`+string(r.Scope)+`"`) {
					w.t.Errorf("%s %s with %s: the challenge is %q", r.Method, path, scope, reply.Header.Get("WWW-Authenticate"))
				}
			default:
				w.t.Errorf("%s %s with %s: %d %s", r.Method, path, scope, reply.Status, reply.Body)
			}
		}
		needs := string(r.Scope)
		if r.Any {
			needs = "any"
		}
		out += fmt.Sprintf("%s %s (%s): %s\n", r.Method, r.Path, needs, strings.Join(pass, " "))
	}
	return out
}

func TestEveryMutatingRouteRefusesReadWorkspaceAndWritesNothing(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		w.unlimited()
		h := w.fill(w.Owner, 1)
		reader, writer := w.Program(t, access.ReadWorkspace), w.Program(t, access.ReadWriteWorkspace)
		for _, r := range api.Routes() {
			if r.Public || r.Method == http.MethodGet {
				continue
			}
			w.rotating(t, h.key, strings.HasSuffix(r.Operation, "Rotation"))
			w.settle()
			before := apptest.Digests(t, db)
			reply := reader.Do(r.Method, pathOf(r, h.ids()), w.bodyNow(r.Operation), "Idempotency-Key", "once")
			if reply.Status != http.StatusForbidden || reply.ProblemCode() != "insufficient_scope" {
				t.Errorf("%s: %d %s", r.Operation, reply.Status, reply.Body)
			}
			same(t, before, apptest.Digests(t, db))
			if r.Operation == "revokeApiKey" || r.Operation == "deleteTemplate" || r.Operation == "deleteEndpoint" {
				continue // so that the routes after these have something to change
			}
			switch r.Operation {
			case "startReplay":
				w.failed(w.Owner, h.endpoint, 2)
			case "stopReplay":
				h.replay = w.replaying(h.endpoint)
			}
			// The very same call does change something when the key may.
			if reply := writer.Do(r.Method, pathOf(r, h.ids()), w.bodyNow(r.Operation)); reply.Status > 299 {
				t.Errorf("%s with read:write:workspace: %d %s", r.Operation, reply.Status, reply.Body)
			}
			if after := apptest.Digests(t, db); maps.Equal(before, after) {
				t.Errorf("%s changed nothing with read:write:workspace, so this test proves nothing about it", r.Operation)
			}
		}
		for _, path := range []string{"/api-keys/" + h.key, "/templates/" + h.template, "/endpoints/" + h.endpoint} {
			if reply := writer.Delete(w.InWorkspace(path)); reply.Status != http.StatusOK {
				t.Errorf("DELETE %s: %d %s", path, reply.Status, reply.Body)
			}
		}
	})
}

// rotating makes the key rotate, or not.
func (w *world) rotating(t *testing.T, id string, want bool) {
	t.Helper()
	err := w.Keys.FinishRotation(t.Context(), w.Owner, id)
	if err != nil && !fault.Is(err, fault.Conflict) {
		t.Fatal(err)
	}
	if !want {
		return
	}
	if _, err := w.Keys.Rotate(t.Context(), w.Owner, id, keys.RotateForm{Grace: keys.DefaultGrace, Base: -1}); err != nil {
		t.Fatal(err)
	}
}

func (w *world) bodyNow(operation string) string {
	if body := bodies[operation]; strings.Contains(body, "%s") {
		return fmt.Sprintf(body, w.Clock.Now().Add(2*keys.DefaultGrace).UTC().Format("2006-01-02T15:04:05Z"))
	}
	return bodies[operation]
}
