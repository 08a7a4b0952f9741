package api_test

import (
	"strings"
	"testing"
	"time"

	"latchkey/internal/access"
	"latchkey/internal/accounts"
	"latchkey/internal/apptest"
	"latchkey/internal/audit"
	"latchkey/internal/database"
	"latchkey/internal/keys"
	"latchkey/internal/mapping"
	"latchkey/models"
)

// written is everything that a mutation of keys could leave behind.
func (w *world) written() string {
	w.t.Helper()
	var out []string
	for _, query := range []string{
		"SELECT id || name || status || settings_version || scopes || key_prefix FROM api_keys ORDER BY id",
		"SELECT api_key_id || CAST(ends_at AS TEXT) FROM retired_key_values ORDER BY api_key_id, ends_at",
		"SELECT id || name || version FROM templates ORDER BY id",
		"SELECT CAST(COUNT(*) AS TEXT) FROM audit_entries",
	} {
		var rows []string
		if err := w.DB.Read.WithContext(w.t.Context()).Raw(strings.Replace(query, "|| settings_version ||", "|| CAST(settings_version AS TEXT) ||", 1)).Scan(&rows).Error; err != nil {
			w.t.Fatal(err)
		}
		out = append(out, strings.Join(rows, "\n"))
	}
	return strings.Join(out, "\n\n")
}

func TestABadMutationIsRefusedByNameAndWritesNothing(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		key := w.program("read:write:workspace", func(f *keys.CreateForm) { f.ExpiresAt = w.Clock.Now().Add(240 * time.Hour) })
		wide := w.program("admin:full")
		orgs := w.NewKey(t, func(f *keys.CreateForm) {
			f.EndpointType, f.Template = models.ProductOrgs, &mapping.Template{Rows: []mapping.Row{{Target: "org_id", From: []string{"$.id"}}}}
		})
		made := w.NewKey(t, func(f *keys.CreateForm) { f.ExpiresAt = w.Clock.Now().Add(24 * time.Hour) })
		theirs, err := w.Templates.Create(t.Context(), w.alien, "Theirs", mapping.Template{Rows: []mapping.Row{{Target: "org_id", From: []string{"$.id"}}}}, "")
		if err != nil {
			t.Fatal(err)
		}
		all, one := w.here("/api-keys"), w.here("/api-keys/"+made.Key.ID)
		// with is a body that would do, but for one member.
		with := func(member string) string { return strings.TrimSuffix(plainKey, "}") + "," + member + "}" }
		api := func(member string) string {
			return `{"name":"CI","environment":"live","endpoint_type":"api_access",` + member + `}`
		}
		soon, late := at(w.Clock.Now().Add(9*24*time.Hour)), at(w.Clock.Now().Add(300*time.Hour))
		for name, tc := range map[string]struct {
			method, path, body string
			status             int
			code, fields       string
		}{
			"status":                    {"POST", all, with(`"status":"active"`), 422, "unknown_member", "status"},
			"created_by":                {"POST", all, with(`"created_by":"` + w.alien.AccountID + `"`), 422, "unknown_member", "created_by"},
			"workspace_id":              {"POST", all, with(`"workspace_id":"` + w.alien.WorkspaceID + `"`), 422, "unknown_member", "workspace_id"},
			"key_hash":                  {"POST", all, with(`"key_hash":"x"`), 422, "unknown_member", "key_hash"},
			"id and key":                {"POST", all, with(`"id":"x","key":"y"`), 422, "unknown_member", "id key"},
			"a hash where none belongs": {"POST", all, with(`"sha256":"x"`), 422, "unknown_member", "sha256"},
			"another case":              {"POST", all, with(`"Scopes":[]`), 422, "unknown_member", "Scopes"},
			"a number for a name":       {"POST", all, `{"name":7,"environment":"live","endpoint_type":"signal_staging"}`, 422, "validation_failed", "name"},
			"nothing":                   {"POST", all, `{}`, 422, "validation_failed", "endpoint_type environment expires_at name"},
			"no body":                   {"POST", all, ``, 415, "unsupported_content_type", ""},
			"a list":                    {"POST", all, `[]`, 400, "invalid_json", ""},
			"twice":                     {"POST", all, with(`"name":"again"`), 400, "invalid_json", "name"},
			"another environment":       {"POST", all, `{"name":"x","environment":"prod","endpoint_type":"signal_staging"}`, 422, "validation_failed", "environment expires_at"},
			"another type":              {"POST", all, `{"name":"x","environment":"live","endpoint_type":"root"}`, 422, "validation_failed", "endpoint_type expires_at"},
			"expired at birth":          {"POST", all, with(`"expires_at":"2020-01-01T00:00:00Z"`), 422, "validation_failed", "expires_at"},
			"no expiry, the maker has":  {"POST", all, plainKey, 422, "validation_failed", "expires_at"},
			"longer than the maker":     {"POST", all, with(`"expires_at":"` + late + `"`), 422, "validation_failed", "expires_at"},
			"wider scopes":              {"POST", all, api(`"expires_at":"` + soon + `","scopes":["signals:read","audit:read"]`), 403, "forbidden", "scopes"},
			"admin:full":                {"POST", all, api(`"expires_at":"` + soon + `","scopes":["admin:full"]`), 403, "forbidden", "scopes"},
			"no such scope":             {"POST", all, api(`"expires_at":"` + soon + `","scopes":["root:*"]`), 422, "validation_failed", "scopes"},
			"scopes as one string":      {"POST", all, api(`"scopes":"keys:read"`), 422, "validation_failed", "scopes"},
			"scopes of a webhook key":   {"POST", all, with(`"expires_at":"` + soon + `","scopes":["keys:read"]`), 422, "validation_failed", "scopes"},
			"a secret of a program":     {"POST", all, api(`"expires_at":"` + soon + `","with_secret":true`), 422, "validation_failed", "with_secret"},
			"their template": {"POST", all, `{"name":"x","environment":"live","endpoint_type":"product_orgs","expires_at":"` + soon + `","template_id":"` + theirs.Template.ID + `"}`,
				422, "validation_failed", "template_id"},
			"no template": {"POST", all, `{"name":"x","environment":"live","endpoint_type":"product_orgs","expires_at":"` + soon + `"}`,
				422, "validation_failed", "template"},
			"rows that do not compile": {"POST", all, `{"name":"x","environment":"live","endpoint_type":"product_orgs","expires_at":"` + soon + `",
				"template":{"rows":[{"target":"org_id","from":["$.id"]},{"target":"nonsense","from":["$.x"]}]}}`, 422, "validation_failed", "template.rows[1].target"},
			"an unknown member of a row": {"POST", all, `{"name":"x","environment":"live","endpoint_type":"product_orgs","template":{"rows":[{"target":"org_id","to":"x"}]}}`,
				422, "unknown_member", "template.rows[0].to"},
			"an address that is none": {"POST", all, with(`"expires_at":"` + soon + `","allow_list":["10.0.0.1/8"]`), 422, "validation_failed", "allow_list"},
			"a list without a mode":   {"POST", all, with(`"expires_at":"` + soon + `","allow_list_mode":"on"`), 422, "validation_failed", "allow_list_mode"},
			"a negative limit":        {"POST", all, with(`"expires_at":"` + soon + `","rate_limit":-1`), 422, "validation_failed", "rate_limit"},

			"import without a hash":       {"POST", all + "/import", with(`"expires_at":"` + soon + `"`), 422, "validation_failed", "sha256"},
			"import of a short hash":      {"POST", all + "/import", with(`"expires_at":"` + soon + `","sha256":"abcd"`), 422, "validation_failed", "sha256"},
			"import of a value":           {"POST", all + "/import", with(`"expires_at":"` + soon + `","key":"legacy"`), 422, "unknown_member", "key"},
			"import of nothing":           {"POST", all + "/import", with(`"expires_at":"` + soon + `","sha256":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"`), 422, "validation_failed", "sha256"},
			"patch of the status":         {"PATCH", one, `{"name":"x","status":"revoked"}`, 422, "unknown_member", "status"},
			"patch of what stays":         {"PATCH", one, `{"environment":"test","endpoint_type":"api_access","workspace_id":"x","key_hash":"y","created_by":null}`, 422, "unknown_member", "created_by endpoint_type environment key_hash workspace_id"},
			"patch to null":               {"PATCH", one, `{"name":null,"scopes":null}`, 422, "validation_failed", "name scopes"},
			"patch to nothing":            {"PATCH", one, `{"name":"  "}`, 422, "validation_failed", "name"},
			"patch to a longer life":      {"PATCH", one, `{"expires_at":"` + late + `"}`, 422, "validation_failed", "expires_at"},
			"patch to for ever":           {"PATCH", one, `{"expires_at":null}`, 422, "validation_failed", "expires_at"},
			"patch of scopes, a webhook":  {"PATCH", one, `{"scopes":["keys:read"]}`, 422, "validation_failed", "scopes"},
			"patch to wider scopes":       {"PATCH", w.here("/api-keys/" + key.Key.ID), `{"scopes":["admin:full"]}`, 403, "forbidden", "scopes"},
			"patch to their template":     {"PATCH", w.here("/api-keys/" + orgs.Key.ID), `{"template_id":"` + theirs.Template.ID + `"}`, 422, "validation_failed", "template_id"},
			"patch of a wider key's list": {"PATCH", w.here("/api-keys/" + wide.Key.ID), `{"allow_list":["192.0.2.1"],"allow_list_mode":"enforce"}`, 403, "forbidden", "scopes"},
			"delete with a body":          {"DELETE", one, `{"confirm":"x"}`, 422, "unknown_member", "confirm"},

			"rotate a wider key":          {"POST", w.here("/api-keys/" + wide.Key.ID + "/rotate"), ``, 403, "forbidden", "scopes"},
			"rotate a longer one":         {"POST", w.here("/api-keys/" + orgs.Key.ID + "/rotate"), ``, 403, "forbidden", ""},
			"rotate with a value":         {"POST", one + "/rotate", `{"key":"mine"}`, 422, "unknown_member", "key"},
			"a grace as text":             {"POST", one + "/rotate", `{"grace_seconds":"1h"}`, 422, "validation_failed", "grace_seconds"},
			"a grace before now":          {"POST", one + "/rotate", `{"grace_seconds":-1}`, 422, "validation_failed", "grace_seconds"},
			"a grace for ever":            {"POST", one + "/rotate", `{"grace_seconds":9223372036854775807}`, 422, "validation_failed", "grace_seconds"},
			"extend without an end":       {"PATCH", one + "/rotation", `{}`, 422, "validation_failed", "ends_at"},
			"extend into the past":        {"PATCH", one + "/rotation", `{"ends_at":"2020-01-01T00:00:00Z"}`, 422, "validation_failed", "ends_at"},
			"extend what does not rotate": {"PATCH", one + "/rotation", `{"ends_at":"` + soon + `"}`, 409, "conflict", ""},
			"finish what does not rotate": {"DELETE", one + "/rotation", ``, 409, "conflict", ""},
		} {
			t.Run(name, func(t *testing.T) {
				before := w.written()
				r := w.as(key, tc.method, tc.path, tc.body)
				r.t = t
				if p := r.refused(tc.status, tc.code); p.fields() != tc.fields {
					t.Errorf("fields %q, want %q: %s", p.fields(), tc.fields, r.Body)
				}
				if after := w.written(); after != before {
					t.Errorf("something was written:\n%s\n---\n%s", before, after)
				}
			})
		}
	})
}

func at(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func TestABodyOverTheLimitIsRefusedUnread(t *testing.T) {
	w := newWorld(t, apptest.SQLite(t))
	key := w.program("keys:write")
	w.create(key, `{"name":"`+strings.Repeat("a", 1<<20)+`"}`).refused(413, "payload_too_large")
	w.create(key, plainKey, "Content-Type", "text/plain").refused(415, "unsupported_content_type")
}

func TestEveryMutationNeedsMoreThanReading(t *testing.T) {
	w := newWorld(t, apptest.SQLite(t))
	key := w.program("read:workspace members:read audit:read")
	made := w.NewKey(t)
	for _, tc := range [][3]string{
		{"POST", "", plainKey}, {"POST", "/import", plainKey}, {"PATCH", "/" + made.Key.ID, `{"name":"x"}`}, {"DELETE", "/" + made.Key.ID, ""},
		{"POST", "/" + made.Key.ID + "/rotate", ""}, {"PATCH", "/" + made.Key.ID + "/rotation", `{}`}, {"DELETE", "/" + made.Key.ID + "/rotation", ""},
	} {
		before := w.written()
		w.as(key, tc[0], w.here("/api-keys"+tc[1]), tc[2]).refused(403, "insufficient_scope")
		if w.written() != before {
			t.Errorf("%v wrote something", tc)
		}
	}
}

func TestWhatAProgramDoesIsInTheAuditLogAsItsOwn(t *testing.T) {
	w := newWorld(t, apptest.SQLite(t))
	key := w.program("keys:write")
	made := w.create(key, plainKey).want(201)
	page, err := w.Audit.List(t.Context(), w.Owner, audit.Filter{TargetID: made.member("id")}, audit.Cursor{}, 10)
	if err != nil || len(page.Entries) != 1 {
		t.Fatalf("%d entries, %v", len(page.Entries), err)
	}
	e := page.Entries[0]
	if e.ActorKeyID == nil || *e.ActorKeyID != key.Key.ID || e.ActorAccountID != nil || e.IP != "127.0.0.1" || e.RequestID != made.Header.Get("X-Request-Id") {
		t.Errorf("entry %+v", e)
	}
	if strings.Contains(string(e.After), made.member("key")) {
		t.Error("the entry holds the value")
	}
}

func TestTheWorkspacesPolicyHoldsForPrograms(t *testing.T) {
	w := newWorld(t, apptest.SQLite(t))
	err := w.Accounts.ChangeSettings(t.Context(), w.Owner, accounts.WorkspaceSettings{
		Name: "Acme", RawRetentionDays: 30, RejectedRetentionDays: 7, RateLimit: 600, PolicyMaxAgeDays: 90, PolicyRequireSecret: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	key := w.program(string(access.ReadWriteWorkspace), func(f *keys.CreateForm) { f.ExpiresAt = w.Clock.Now().Add(89 * 24 * time.Hour) })
	p := w.create(key, plainKey).refused(422, "validation_failed")
	if p.fields() != "expires_at with_secret" {
		t.Errorf("fields %q", p.fields())
	}
	w.create(key, strings.TrimSuffix(plainKey, "}")+`,"with_secret":true,"expires_at":"`+at(w.Clock.Now().Add(time.Hour))+`"}`).want(201)
}
