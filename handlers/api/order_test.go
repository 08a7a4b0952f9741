package api_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"latchkey/internal/accounts"
	"latchkey/internal/apptest"
	"latchkey/internal/database"
	"latchkey/internal/keys"
	"latchkey/models"
)

func (w *world) limit(calls int) {
	w.t.Helper()
	ws, err := w.Accounts.Workspace(w.t.Context(), w.Owner)
	if err != nil {
		w.t.Fatal(err)
	}
	err = w.Accounts.ChangeSettings(w.t.Context(), w.Owner, accounts.WorkspaceSettings{
		Name: ws.Name, RawRetentionDays: ws.RawRetentionDays, RejectedRetentionDays: ws.RejectedRetentionDays, RateLimit: calls,
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

func TestTheLimitIsToldOnEveryAnswerAndFallsOneByOne(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		key, other := w.program("read:workspace"), w.program("keys:read")
		w.limit(4)
		for i, tc := range []struct {
			key    keys.Created
			method string
			path   string
			status int
		}{
			{key, "GET", "/me", 200},
			{other, "GET", w.here("/members"), 403}, // the workspace's limit, whichever key
			{key, "GET", "/workspaces/" + uuid.NewString() + "/members", 404},
			{key, "DELETE", w.here("/api-keys/" + key.Key.ID), 403},
			{key, "GET", "/me", 429},
			{other, "POST", w.here("/api-keys"), 429},
		} {
			r := w.as(tc.key, tc.method, tc.path, "").want(tc.status)
			left := max(0, 3-i)
			now := w.Clock.Now()
			reset, err := strconv.ParseInt(r.Header.Get("X-RateLimit-Reset"), 10, 64)
			if err != nil || reset < now.Unix() || reset > now.Unix()+61 {
				t.Errorf("%d: reset %q", i, r.Header.Get("X-RateLimit-Reset"))
			}
			if r.Header.Get("X-RateLimit-Limit") != "4" || r.Header.Get("X-RateLimit-Remaining") != strconv.Itoa(left) ||
				r.Header.Get("RateLimit-Policy") != `"default";q=4;w=60` || !strings.HasPrefix(r.Header.Get("RateLimit"), fmt.Sprintf(`"default";r=%d;t=`, left)) {
				t.Errorf("%d: %v", i, r.Header)
			}
			if again, _ := strconv.Atoi(r.Header.Get("Retry-After")); (tc.status == 429) != (again >= 1) {
				t.Errorf("%d: Retry-After %q", i, r.Header.Get("Retry-After"))
			}
		}
		w.Clock.Advance(time.Minute)
		w.as(key, "GET", "/me", "").want(200)
	})
}

func TestAScopeIsAskedForBeforeAnythingIsRead(t *testing.T) {
	w := newWorld(t, apptest.SQLite(t))
	none := w.program("")
	w.as(none, "GET", "/me", "").want(200)
	for _, tc := range []struct{ method, path, scope string }{
		{"GET", "/workspaces/me", "workspace:read"},
		{"GET", w.here("/api-keys?nonsense=1"), "keys:read"},
		{"GET", w.here("/api-keys/" + uuid.NewString()), "keys:read"},
		{"POST", w.here("/api-keys"), "keys:write"},
		{"DELETE", w.here("/api-keys/" + none.Key.ID), "keys:write"},
		{"GET", w.here("/audit"), "audit:read"},
	} {
		r := w.as(none, tc.method, tc.path, "")
		p := r.refused(403, "insufficient_scope")
		if got := r.Header.Get("WWW-Authenticate"); !strings.Contains(p.Detail, tc.scope) ||
			got != `Bearer realm="latchkey", error="insufficient_scope", scope="`+tc.scope+`"` {
			t.Errorf("%s %s: %s %s", tc.method, tc.path, got, p.Detail)
		}
	}
}

// Each step of the order is wrong in a call together with every later one: the earliest is told.
func TestChecksComeInTheOrderOfTheContract(t *testing.T) {
	w := newWorld(t, apptest.SQLite(t), behindProxy)
	key := w.program("read:workspace", func(f *keys.CreateForm) {
		f.AllowList, f.AllowListMode = "192.0.2.7", models.AllowListEnforce
	})
	type wrong struct{ key, address, plan, limit, header, id, scope, query, body bool }
	all := wrong{true, true, true, true, true, true, true, true, true}
	call := func(is wrong) reply {
		ws, err := w.Accounts.Workspace(t.Context(), w.Owner)
		if err != nil {
			t.Fatal(err)
		}
		plan := models.PlanTeam
		if is.plan {
			plan = models.PlanFree
		}
		if ws.Plan != plan {
			if err := w.Accounts.ChangePlan(t.Context(), w.Owner, accounts.PlanChange{From: ws.Plan, To: plan}); err != nil {
				t.Fatal(err)
			}
		}
		headers := []string{"Authorization", "Bearer " + key.Value.Reveal(), "X-Forwarded-For", "192.0.2.7", "Content-Type", "application/json"}
		if is.key {
			headers[1] = "Bearer nobody's"
		}
		if is.address {
			headers[3] = "192.0.2.8"
		}
		w.limit(1000)
		if is.limit {
			w.limit(1)
		}
		id, other := w.Owner.WorkspaceID, w.alien.WorkspaceID
		if is.id {
			id = other
		}
		if is.header {
			headers = append(headers, "X-Workspace-ID", uuid.NewString())
		}
		path, method := "/workspaces/"+id+"/api-keys", "GET"
		if is.scope {
			method = "POST"
		}
		if is.query {
			path += "?nonsense=1"
		}
		return w.call(method, path, "", headers...)
	}
	call(wrong{}).want(200)
	for _, step := range []struct {
		cure   func(*wrong)
		status int
		code   string
	}{
		{func(is *wrong) {}, 401, "invalid_token"},
		{func(is *wrong) { is.key = false }, 403, "ip_not_allowed"},
		{func(is *wrong) { is.address = false }, 403, "plan_required"},
		{func(is *wrong) { is.plan = false }, 429, "rate_limited"},
		{func(is *wrong) { is.limit = false }, 400, "workspace_mismatch"},
		{func(is *wrong) { is.header = false }, 404, "not_found"},
		{func(is *wrong) { is.id = false }, 403, "insufficient_scope"},
		{func(is *wrong) { is.scope = false }, 400, "unknown_parameter"},
	} {
		step.cure(&all)
		call(all).refused(step.status, step.code)
	}
}
