package api_test

import (
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"latchkey/internal/access"
	"latchkey/internal/apptest"
	"latchkey/internal/database"
	"latchkey/internal/keys"
	"latchkey/models"
)

// keyMembers are all members of a key, in every answer but the one that made it.
var keyMembers = strings.Fields(`allow_list allow_list_mode created_at created_by created_by_key_id endpoint_type environment expires_at
	has_secret id imported key_prefix last_used_at name on_error on_leak rate_limit rotation scopes status template_id updated_at workspace_id`)

func membersOf(v map[string]any) []string { return slices.Sorted(maps.Keys(v)) }

func (w *world) create(key keys.Created, body string, headers ...string) reply {
	w.t.Helper()
	return w.as(key, "POST", w.here("/api-keys"), body, headers...)
}

const plainKey = `{"name":"Website","environment":"live","endpoint_type":"signal_staging"}`

func TestTheDocumentedLifeOfAKey(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		key := w.program("read:write:workspace")
		workspace := []string{"X-Workspace-ID", w.Owner.WorkspaceID}

		made := w.create(key, plainKey, workspace...).want(201)
		got := made.object()
		value, id := made.member("key"), made.member("id")
		if diff := cmp.Diff(slices.Sorted(slices.Values(append([]string{"key"}, keyMembers...))), membersOf(got)); diff != "" {
			t.Error(diff)
		}
		if made.Header.Get("Location") != "/api/v1"+w.here("/api-keys/"+id) || made.Header.Get("ETag") == "" {
			t.Errorf("headers %v", made.Header)
		}
		if got["workspace_id"] != w.Owner.WorkspaceID || got["status"] != "active" || got["created_by"] != w.Owner.AccountID ||
			got["created_by_key_id"] != key.Key.ID || !strings.HasPrefix(value, made.member("key_prefix")+"_") {
			t.Errorf("made %v", got)
		}
		w.Post(t, "/api/signal-staging/webhook/"+value, `{"event":"x","userId":"u"}`)

		listed := w.as(key, "GET", w.here("/api-keys"), "", workspace...).want(200).list()
		if len(listed) != 2 || listed[0]["id"] != id || !slices.Equal(membersOf(listed[0]), keyMembers) {
			t.Errorf("list %v", listed)
		}
		one := w.as(key, "GET", w.here("/api-keys/"+id), "").want(200)
		delete(got, "key")
		now := one.object()
		now["last_used_at"] = nil
		if diff := cmp.Diff(got, now); diff != "" || one.Header.Get("ETag") != made.Header.Get("ETag") {
			t.Errorf("%s %v", diff, one.Header)
		}

		for range 2 {
			if r := w.as(key, "DELETE", w.here("/api-keys/"+id), "", workspace...).want(200); string(r.Body) != `{"status":"revoked"}`+"\n" {
				t.Errorf("answer %s", r.Body)
			}
		}
		if r := w.Post(t, "/api/signal-staging/webhook/"+value, `{"event":"x"}`); r.Status != 401 {
			t.Errorf("a revoked key was answered %d", r.Status)
		}
		if status := w.as(key, "GET", w.here("/api-keys/"+id), "").member("status"); status != "revoked" {
			t.Errorf("status %q", status)
		}
	})
}

func TestAKeyThatRevokesItselfIsRefusedOnTheNextCall(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		key := w.program("keys:write")
		w.as(key, "GET", "/me", "").want(200)
		w.as(key, "DELETE", w.here("/api-keys/"+key.Key.ID), "").want(200)
		w.as(key, "GET", "/me", "").refused(401, "invalid_token")
	})
}

func TestTheWorkspaceHasTheDocumentedMembers(t *testing.T) {
	w := newWorld(t, apptest.SQLite(t))
	p := w.Program(t, access.WorkspaceRead)
	p.Base = "/v1"
	got := reply{p.Get("/workspaces/me"), t}.want(200).object()
	if diff := cmp.Diff([]string{"created_at", "id", "members_count", "name", "plan"}, membersOf(got)); diff != "" {
		t.Error(diff)
	}
	if got["id"] != w.Owner.WorkspaceID || got["name"] != "Acme" || got["plan"] != "enterprise" || got["members_count"] != 1.0 {
		t.Errorf("workspace %v", got)
	}
}

func TestEverythingThatMayBeChosenOfAKeyIsKept(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		key := w.program("read:write:workspace")
		expiry := w.Clock.Now().Add(48 * time.Hour).UTC().Truncate(time.Second).Format("2006-01-02T15:04:05.000Z")
		made := w.create(key, `{"name":" Orgs ","environment":"test","endpoint_type":"product_orgs","expires_at":"`+expiry+`","with_secret":true,
			"rate_limit":120,"on_leak":"alert","allow_list":["192.0.2.7","2001:db8::/32"],"allow_list_mode":"watch","on_error":"quarantine",
			"template":{"rows":[{"target":"org_id","from":["$.id"],"required":true}]}}`).want(201).object()
		secret, _ := made["secret"].(string)
		if len(secret) < 40 {
			t.Errorf("secret %q", secret)
		}
		want := map[string]any{
			"name": "Orgs", "environment": "test", "endpoint_type": "product_orgs", "expires_at": expiry, "has_secret": true, "rate_limit": 120.0,
			"on_leak": "alert", "allow_list": []any{"192.0.2.7/32", "2001:db8::/32"}, "allow_list_mode": "watch", "on_error": "quarantine",
			"scopes": []any{}, "rotation": nil, "imported": false,
		}
		for name, value := range want {
			if diff := cmp.Diff(value, made[name]); diff != "" {
				t.Errorf("%s: %s", name, diff)
			}
		}
		if made["template_id"] == nil {
			t.Error("no template")
		}
		api := w.create(key, `{"name":"CI","environment":"live","endpoint_type":"api_access","scopes":["signals:read","keys:*","signals:read"]}`).want(201)
		if diff := cmp.Diff([]any{"keys:*", "signals:read"}, api.object()["scopes"]); diff != "" {
			t.Error(diff)
		}
		w.call("GET", "/me", "", "Authorization", "Bearer "+api.member("key")).want(200)
		none := w.create(key, `{"name":"CI","environment":"live","endpoint_type":"api_access"}`).want(201)
		w.call("GET", w.here("/api-keys"), "", "Authorization", "Bearer "+none.member("key")).refused(403, "insufficient_scope")
	})
}

func TestKeysAreListedPageByPage(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		var want []string
		for _, name := range strings.Split("abcdefg", "") {
			made := w.NewKey(t, func(f *keys.CreateForm) { f.Name = name })
			want = append([]string{made.Key.ID}, want...)
		}
		p := w.Program(t, access.KeysRead)
		var got []string
		for _, k := range p.Pages(w.here("/api-keys?limit=3&endpoint_type=signal_staging")) {
			got = append(got, k["id"].(string))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

func TestKeysAreFoundByWhatTheyAre(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		key := w.program("keys:read")
		website := w.NewKey(t)
		staging := w.NewKey(t, func(f *keys.CreateForm) { f.Name, f.Environment = "Staging 100%", models.Test })
		short := w.NewKey(t, func(f *keys.CreateForm) { f.Name, f.ExpiresAt = "Short", w.Clock.Now().Add(time.Minute) })
		gone := w.NewKey(t, func(f *keys.CreateForm) { f.Name = "Gone" })
		if _, err := w.Keys.Revoke(t.Context(), w.Owner, gone.Key.ID); err != nil {
			t.Fatal(err)
		}
		w.Clock.Advance(2 * time.Minute)
		for query, want := range map[string][]keys.Created{
			"":                                     {gone, short, staging, website, key},
			"status=active":                        {staging, website, key},
			"status=revoked":                       {gone},
			"status=expired":                       {short},
			"environment=test":                     {staging},
			"endpoint_type=api_access":             {key},
			"q=STAG":                               {staging},
			"q=" + url.QueryEscape("100%"):         {staging},
			"q=_":                                  {gone, short, staging, website, key},
			"q=" + website.Value.Reveal():          {website},
			"q=" + website.Key.KeyPrefix:           {website},
			"q=nothing":                            {},
			"status=active&environment=live&q=web": {website},
		} {
			r := w.as(key, "GET", w.here("/api-keys?"+query), "").want(200)
			ids := []string{}
			for _, k := range r.list() {
				ids = append(ids, k["id"].(string))
			}
			wanted := []string{}
			for _, k := range want {
				wanted = append(wanted, k.Key.ID)
			}
			if diff := cmp.Diff(wanted, ids); diff != "" {
				t.Errorf("%s: %s", query, diff)
			}
			if strings.Contains(string(r.Body)+r.Header.Get("Link"), website.Value.Reveal()) {
				t.Errorf("%s: the answer holds a value", query)
			}
		}
	})
}

func TestChangesGoByWhatTheCallerSaw(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		key := w.program("read:write:workspace")
		made := w.create(key, plainKey).want(201)
		path, tag := w.here("/api-keys/"+made.member("id")), made.Header.Get("ETag")
		change := func(body, ifMatch string) reply { return w.as(key, "PATCH", path, body, "If-Match", ifMatch) }

		renamed := change(`{"name":"Shop"}`, tag).want(200)
		if renamed.member("name") != "Shop" || renamed.Header.Get("ETag") == tag {
			t.Errorf("%s %v", renamed.Body, renamed.Header)
		}
		for _, stale := range []string{tag, `W/` + renamed.Header.Get("ETag"), `"other"`, "1", `"-1"`, `"01"`, `"99999999999999999999"`, tag + ", " + renamed.Header.Get("ETag")} {
			change(`{"name":"Lost"}`, stale).refused(412, "precondition_failed")
		}
		again := change(`{"rate_limit":5,"on_leak":"alert","allow_list":["192.0.2.0/24"],"allow_list_mode":"enforce"}`, renamed.Header.Get("ETag")).want(200)
		if got := again.object(); got["rate_limit"] != 5.0 || got["allow_list_mode"] != "enforce" || got["name"] != "Shop" {
			t.Errorf("%s", again.Body)
		}
		same := change(`{}`, "*").want(200)
		if same.Header.Get("ETag") != again.Header.Get("ETag") {
			t.Error("nothing was changed, and the ETag with it")
		}
		back := w.as(key, "PATCH", path, `{"rate_limit":null,"expires_at":null,"allow_list":[],"allow_list_mode":"off"}`).want(200).object()
		if back["rate_limit"] != nil || len(back["allow_list"].([]any)) != 0 {
			t.Errorf("%v", back)
		}
		w.as(key, "POST", path+"/rotate", "", "If-Match", tag).refused(412, "precondition_failed")
		w.as(key, "DELETE", path, "", "If-Match", tag).refused(400, "invalid_header")
		w.as(key, "DELETE", path+"/rotation", "", "If-Match", tag).refused(400, "invalid_header")
		read := w.as(key, "GET", path, "").want(200)
		w.as(key, "POST", path+"/rotate", "", "If-Match", read.Header.Get("ETag")).want(200)
	})
}

func TestKeysAreImportedByTheirHash(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		key := w.program("read:write:workspace")
		// SHA-256 of "legacy-crm-key-0001".
		const hash = "c5c84ee1ae90bb6a3fdba8e54da8d7a9ea9b0b0b5d3c7f9d8d8d3f3b8a1e0c11"
		body := `{"name":"Old CRM","environment":"live","endpoint_type":"signal_staging","sha256":"` + hash + `","prefix":"legacy"}`
		made := w.as(key, "POST", w.here("/api-keys/import"), body).want(201).object()
		if made["imported"] != true || made["key_prefix"] != "legacy" || made["key"] != nil {
			t.Errorf("imported %v", made)
		}
		p := w.as(key, "POST", w.here("/api-keys/import"), body).refused(422, "validation_failed")
		if p.fields() != "sha256" {
			t.Errorf("fields %q", p.fields())
		}
		w.as(key, "POST", w.here("/api-keys/import"), plainKey).refused(422, "validation_failed")
	})
}
