package api_test

import (
	"bytes"
	"net/http"
	"net/netip"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"latchkey/handlers"
	"latchkey/internal/accounts"
	"latchkey/internal/app"
	"latchkey/internal/apptest"
	"latchkey/internal/database"
	"latchkey/internal/keys"
	"latchkey/models"
)

func TestWithoutAKeyThereIsAPlainChallenge(t *testing.T) {
	w := newWorld(t, apptest.SQLite(t))
	for _, authorization := range []string{"", "Basic b2xpdmU6eA==", "Bearer", "Bearer ", "sk_live_a2f9"} {
		r := w.call("GET", "/me", "", "Authorization", authorization)
		r.refused(401, "invalid_token")
		if got := r.Header.Get("WWW-Authenticate"); got != `Bearer realm="latchkey"` {
			t.Errorf("%q: challenge %q", authorization, got)
		}
	}
	for _, path := range []string{"/me?access_token=", "/me?api_key="} {
		key := w.program("read:workspace")
		w.call("GET", path+key.Value.Reveal(), "").refused(401, "invalid_token")
	}
}

func TestAKeyThatIsNotValidIsToldWhyToItsHolderOnly(t *testing.T) {
	w := newWorld(t, apptest.SQLite(t))
	ended := w.program("read:workspace")
	if _, err := w.Keys.Revoke(t.Context(), w.Owner, ended.Key.ID); err != nil {
		t.Fatal(err)
	}
	old := w.program("read:workspace", func(f *keys.CreateForm) { f.ExpiresAt = w.Clock.Now().Add(time.Hour) })
	w.Clock.Advance(time.Hour)

	unknown := strings.Replace(ended.Value.Reveal(), "_live_", "_test_", 1)
	for sent, want := range map[string]string{
		unknown:              `Bearer realm="latchkey", error="invalid_token"`,
		"whatever":           `Bearer realm="latchkey", error="invalid_token"`,
		ended.Value.Reveal(): `Bearer realm="latchkey", error="invalid_token", error_description="The key was deactivated"`,
		old.Value.Reveal():   `Bearer realm="latchkey", error="invalid_token", error_description="The key expired"`,
	} {
		r := w.call("GET", w.here("/api-keys"), "", "Authorization", "bearer "+sent)
		r.refused(401, "invalid_token")
		if got := r.Header.Get("WWW-Authenticate"); got != want {
			t.Errorf("challenge %q, want %q", got, want)
		}
		if bytes.Contains(r.Body, []byte(sent)) {
			t.Error("the answer holds what was sent")
		}
	}
}

func TestOneAuthorizationHeaderOnly(t *testing.T) {
	w := newWorld(t, apptest.SQLite(t))
	key := "Bearer " + w.program("read:workspace").Value.Reveal()
	req, err := http.NewRequestWithContext(t.Context(), "GET", w.URL+"/v1/me", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header["Authorization"] = []string{key, key}
	res, err := w.Server.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != 400 || !strings.Contains(res.Header.Get("WWW-Authenticate"), `error="invalid_request"`) {
		t.Errorf("%d %v", res.StatusCode, res.Header)
	}
}

func TestBothBasesAnswerTheSame(t *testing.T) {
	w := newWorld(t, apptest.SQLite(t))
	key := w.program("read:workspace")
	p := w.ProgramWith(t, key.Value.Reveal())
	first := p.Get("/me")
	p.Base = "/v1"
	if second := p.Get("/me"); second.Status != 200 || !bytes.Equal(first.Body, second.Body) {
		t.Errorf("%s\n%s", first.Body, second.Body)
	}
	me := reply{first, t}.object()
	if me["key_id"] != key.Key.ID || me["key_prefix"] != key.Key.KeyPrefix || me["name"] != "Deploy" {
		t.Errorf("me %v", me)
	}
}

func TestAnswersForProgramsAreNeitherCachedNorPages(t *testing.T) {
	w := newWorld(t, apptest.SQLite(t))
	for _, path := range []string{"/api/v1/me", "/v1/me", "/v1", "/api/v1", "/v1/nothing"} {
		r := w.plain(path)
		if r.Header.Get("Cache-Control") != "no-store" || r.Header.Get("Content-Security-Policy") != "" || r.Header.Get("Access-Control-Allow-Origin") != "" ||
			r.Header.Get("Content-Type") != "application/problem+json" || r.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %v", path, r.Header)
		}
	}
}

func TestUnknownPathsAndMethodsAreProblems(t *testing.T) {
	w := newWorld(t, apptest.SQLite(t))
	key := w.program("admin:full")
	w.as(key, "GET", "/nothing", "").refused(404, "not_found")
	w.as(key, "GET", w.here("/nothing"), "").refused(404, "not_found")
	for _, tc := range []struct{ method, path, allow string }{
		{"DELETE", "/me", "GET, HEAD"},
		{"PUT", w.here("/api-keys"), "GET, HEAD, POST"},
		{"OPTIONS", w.here("/api-keys/" + key.Key.ID), "GET, HEAD, PATCH, DELETE"},
		{"GET", w.here("/api-keys/" + key.Key.ID + "/rotate"), "POST"},
		{"GET", "/credentials/revoke", "POST"},
		{"PROPFIND", w.here("/api-keys/" + key.Key.ID + "/rotation"), "PATCH, DELETE"},
	} {
		r := w.as(key, tc.method, tc.path, "")
		r.refused(405, "method_not_allowed")
		if got := r.Header.Get("Allow"); got != tc.allow {
			t.Errorf("%s %s: Allow %q", tc.method, tc.path, got)
		}
	}
	if r := w.as(key, "HEAD", "/me", ""); r.Status != 200 || len(r.Body) != 0 {
		t.Errorf("HEAD: %d %s", r.Status, r.Body)
	}
}

var requestIDs = regexp.MustCompile(`"request_id":"[^"]+"`)

func TestAnotherWorkspaceIsToldLikeOneThatDoesNotExist(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		key := w.program("admin:full")
		theirs := w.programOf(w.alien, "read:workspace")
		mine := w.program("read:workspace")
		alien, nobody := w.alien.WorkspaceID, uuid.NewString()
		answer := func(method, path, body string) string {
			r := w.as(key, method, path, body)
			r.refused(404, "not_found")
			return requestIDs.ReplaceAllString(string(r.Body), "")
		}
		want := answer("GET", "/workspaces/"+nobody+"/api-keys", "")
		for _, tc := range []struct{ method, path, body string }{
			{"GET", "/workspaces/" + alien + "/api-keys", ""},
			{"POST", "/workspaces/" + alien + "/api-keys", `{"name":"x","environment":"live","endpoint_type":"signal_staging"}`},
			{"GET", "/workspaces/" + alien + "/api-keys/" + theirs.Key.ID, ""},
			{"GET", "/workspaces/" + strings.ToUpper(w.Owner.WorkspaceID) + "/api-keys", ""},
			{"GET", "/workspaces/1/api-keys", ""},
			{"GET", "/workspaces/%00/api-keys", ""},
			{"GET", "/workspaces/%ff/members", ""},
			{"GET", w.here("/api-keys/" + theirs.Key.ID), ""},
			{"GET", w.here("/api-keys/" + nobody), ""},
			{"GET", w.here("/api-keys/1"), ""},
			{"PATCH", w.here("/api-keys/" + theirs.Key.ID), `{"name":"mine now"}`},
			{"DELETE", w.here("/api-keys/" + theirs.Key.ID), ""},
			{"POST", w.here("/api-keys/" + theirs.Key.ID + "/rotate"), ""},
			{"PATCH", w.here("/api-keys/" + theirs.Key.ID + "/rotation"), `{"ends_at":"` + w.Clock.Now().Add(time.Hour).UTC().Format(time.RFC3339) + `"}`},
			{"DELETE", w.here("/api-keys/" + theirs.Key.ID + "/rotation"), ""},
		} {
			if got := answer(tc.method, tc.path, tc.body); got != want {
				t.Errorf("%s %s:\n%s\nwant\n%s", tc.method, tc.path, got, want)
			}
		}
		for _, k := range []keys.Created{theirs, mine} {
			w.call("GET", "/me", "", "Authorization", "Bearer "+k.Value.Reveal()).want(200)
		}
	})
}

func TestTheHeaderXWorkspaceIDMustAgree(t *testing.T) {
	w := newWorld(t, apptest.SQLite(t))
	key := w.program("read:workspace")
	w.as(key, "GET", w.here("/api-keys"), "", "X-Workspace-ID", w.Owner.WorkspaceID).want(200)
	w.as(key, "GET", "/me", "", "X-Workspace-ID", w.Owner.WorkspaceID).want(200)
	for _, path := range []string{w.here("/api-keys"), "/me", "/workspaces/me"} {
		for _, other := range []string{w.alien.WorkspaceID, uuid.NewString(), "x"} {
			w.as(key, "GET", path, "", "X-Workspace-ID", other).refused(400, "workspace_mismatch")
		}
	}
	// The same in header and path is no mismatch, but not the key's.
	alien := w.alien.WorkspaceID
	w.as(key, "GET", "/workspaces/"+alien+"/api-keys", "", "X-Workspace-ID", alien).refused(404, "not_found")
}

func TestAKeyForWebhooksIsNoKeyForTheAPI(t *testing.T) {
	w := newWorld(t, apptest.SQLite(t))
	key := w.NewKey(t)
	w.as(key, "GET", "/me", "").refused(403, "endpoint_type_mismatch")
	if _, err := w.Keys.Revoke(t.Context(), w.Owner, key.Key.ID); err != nil {
		t.Fatal(err)
	}
	w.as(key, "GET", "/me", "").refused(401, "invalid_token")
}

func TestThePlanFreeHasNoAPI(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		key := w.program("admin:full")
		change := func(from, to string) {
			if err := w.Accounts.ChangePlan(t.Context(), w.Owner, accounts.PlanChange{From: from, To: to}); err != nil {
				t.Fatal(err)
			}
		}
		w.as(key, "GET", "/me", "").want(200)
		change(models.PlanEnterprise, models.PlanFree)
		w.as(key, "GET", "/me", "").refused(403, "plan_required")
		change(models.PlanFree, models.PlanTeam)
		w.as(key, "GET", "/me", "").want(200)
	})
}

func behindProxy(_ *app.Options, o *handlers.Options) {
	o.Proxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
}

func TestAnAddressListHoldsBehindTrustedProxies(t *testing.T) {
	w := newWorld(t, apptest.SQLite(t), behindProxy)
	key := w.program("read:workspace", func(f *keys.CreateForm) {
		f.AllowList, f.AllowListMode = "192.0.2.0/24 2001:db8::/32", models.AllowListEnforce
	})
	for _, from := range []string{"192.0.2.7", "2001:db8::7", "203.0.113.9, 192.0.2.7", "::ffff:192.0.2.7"} {
		w.as(key, "GET", "/me", "", "X-Forwarded-For", from).want(200)
	}
	for _, from := range []string{"203.0.113.9", "192.0.2.7, 203.0.113.9", ""} {
		w.as(key, "GET", "/me", "", "X-Forwarded-For", from).refused(403, "ip_not_allowed")
	}
	watched := keys.Patch{AllowListMode: ptr(models.AllowListWatch)}
	if _, err := w.Keys.Change(t.Context(), w.Owner, key.Key.ID, watched, -1); err != nil {
		t.Fatal(err)
	}
	w.as(key, "GET", "/me", "", "X-Forwarded-For", "203.0.113.9").want(200)
	w.Usage.Flush()
	if n, err := w.Keys.Outside(t.Context(), w.Owner, key.Key.ID); err != nil || n != 1 {
		t.Errorf("%d outside, %v", n, err)
	}
}

func ptr[T any](v T) *T { return &v }

func TestQueriesAreReadExactly(t *testing.T) {
	w := newWorld(t, apptest.SQLite(t))
	key := w.program("read:workspace")
	for query, want := range map[string]struct {
		status int
		code   string
		fields string
	}{
		"limit=1&limit=2":               {400, "unknown_parameter", "limit"},
		"Limit=1":                       {400, "unknown_parameter", "Limit"},
		"zeta=1&alpha=2":                {400, "unknown_parameter", "alpha zeta"},
		"limit=0":                       {422, "validation_failed", "limit"},
		"limit=101":                     {422, "validation_failed", "limit"},
		"limit=":                        {422, "validation_failed", "limit"},
		"limit=ten":                     {422, "validation_failed", "limit"},
		"status=deactivated":            {422, "validation_failed", "status"},
		"environment=prod&limit=x":      {422, "validation_failed", "environment limit"},
		"cursor=":                       {422, "validation_failed", "cursor"},
		"cursor=!!":                     {422, "validation_failed", "cursor"},
		"cursor=AAAA":                   {422, "validation_failed", "cursor"},
		"q=%00":                         {400, "invalid_url", ""},
		"q=%ff":                         {400, "invalid_url", ""},
		"q=%zz":                         {400, "invalid_url", ""},
		"q=a;b":                         {400, "invalid_url", ""},
		"q=" + strings.Repeat("a", 501): {422, "validation_failed", "q"},
	} {
		r := w.as(key, "GET", w.here("/api-keys?"+query), "")
		if p := r.refused(want.status, want.code); p.fields() != want.fields {
			t.Errorf("%s: fields %q", query, p.fields())
		}
	}
	w.as(key, "GET", "/me?limit=1", "").refused(400, "unknown_parameter")
}

func TestCallsAreCountedForTheKeysPage(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		key := w.program("read:workspace")
		w.as(key, "GET", w.here("/api-keys"), "", "User-Agent", "deployer/1").want(200)
		w.as(key, "GET", "/me", "", "User-Agent", "deployer/2", "Origin", "https://spa.example").want(200)
		w.as(key, "GET", w.here("/members"), "", "User-Agent", "deployer/3").want(403)
		w.Usage.Flush()
		item, err := w.Keys.Get(t.Context(), w.Owner, key.Key.ID)
		if err != nil {
			t.Fatal(err)
		}
		if item.LastUsed.UserAgent != "deployer/3" || item.LastUsed.BrowserSeenAt.IsZero() || item.LastUsed.IP != "127.0.0.1" {
			t.Errorf("last used %+v", item.LastUsed)
		}
		var minutes []models.KeyUsageMinute
		if err := db.Read.Where("api_key_id = ?", key.Key.ID).Find(&minutes).Error; err != nil {
			t.Fatal(err)
		}
		var accepted, rejected int64
		for _, m := range minutes {
			accepted, rejected = accepted+m.Accepted, rejected+m.Rejected
		}
		if accepted != 2 || rejected != 1 {
			t.Errorf("%d accepted, %d rejected", accepted, rejected)
		}
		uses, err := w.Keys.ScopeUses(t.Context(), w.Owner, key.Key.ID)
		if err != nil || len(uses) != 1 || uses["keys:read"].IsZero() {
			t.Errorf("uses of scopes %v, %v", uses, err)
		}
	})
}

func TestWithoutTheDatabaseCallsAreRefusedAsUnavailable(t *testing.T) {
	w := newWorld(t, apptest.SQLite(t))
	key := w.program("read:workspace")
	if err := w.DB.Close(); err != nil {
		t.Fatal(err)
	}
	r := w.as(key, "GET", w.here("/api-keys"), "")
	r.refused(503, "storage_unavailable")
	if r.Header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
}

func TestKeysOfEveryBrandWork(t *testing.T) {
	for _, brand := range []string{"sgn", "tm"} {
		w := newWorld(t, apptest.SQLite(t), func(o *app.Options, _ *handlers.Options) { o.Brand = brand })
		key := w.program("")
		if got := w.as(key, "GET", "/me", "").want(200).member("key_prefix"); !strings.HasPrefix(got, brand+"_live_") {
			t.Errorf("prefix %q", got)
		}
	}
}
