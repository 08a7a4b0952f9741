package seed_test

import (
	"bytes"
	"context"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"latchkey/internal/access"
	"latchkey/internal/accounts"
	"latchkey/internal/app"
	"latchkey/internal/apptest"
	"latchkey/internal/database"
	"latchkey/internal/fault"
	"latchkey/internal/hygiene"
	"latchkey/internal/ingest"
	"latchkey/internal/keys"
	"latchkey/internal/mapping"
	"latchkey/internal/secretbox"
	"latchkey/internal/seed"
	"latchkey/internal/signals"
	"latchkey/models"
)

// seeded fills db and returns the app, the owner and what was printed.
func seeded(t *testing.T, db *database.DB) (*app.App, access.Actor, string) {
	t.Helper()
	a := app.New(db, app.Options{})
	var out bytes.Buffer
	if err := seed.Run(t.Context(), a, seed.Options{Signals: 400, Out: &out, Secrets: box(t)}); err != nil {
		t.Fatal(err)
	}
	owner := one[models.Account](t, db, "email = ?", "owner@demo.example")
	workspace := one[models.Workspace](t, db, "slug <> ?", "")
	return a, access.Actor{AccountID: owner.ID, WorkspaceID: workspace.ID, Role: access.Owner, Label: owner.Email}, out.String()
}

func one[T any](t *testing.T, db *database.DB, where string, args ...any) T {
	t.Helper()
	rows := all[T](t, db, where, args...)
	if len(rows) != 1 {
		t.Fatalf("%T where %s: %d rows, want 1", *new(T), where, len(rows))
	}
	return rows[0]
}

func all[T any](t *testing.T, db *database.DB, where string, args ...any) []T {
	t.Helper()
	rows, err := gorm.G[T](db.Read).Where(where, args...).Find(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func TestDatabaseWithDataIsRefusedAndStaysAsItIs(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		a := apptest.Start(t, db)
		var out bytes.Buffer
		err := seed.Run(t.Context(), a.App, seed.Options{Signals: 400, Out: &out})
		if !fault.Is(err, fault.Conflict) || !strings.Contains(err.Error(), "LATCHKEY_DATA") {
			t.Fatalf("error %v, want a Conflict that says what to do", err)
		}
		if n := len(all[models.Account](t, db, "email <> ?", "")); n != 1 || out.Len() != 0 {
			t.Errorf("%d accounts and output %q, want the one account and nothing printed", n, &out)
		}
	})
}

func TestEveryRoleCanSignInWithThePrintedPassword(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		a, _, printed := seeded(t, db)
		password := regexp.MustCompile(`[a-z]{5}(-[a-z]{5}){3}`).FindString(printed)
		if password == "" {
			t.Fatalf("no password in:\n%s", printed)
		}
		for _, role := range access.Roles {
			email := string(role) + "@demo.example"
			if !strings.Contains(printed, email) {
				t.Errorf("%s is not printed", email)
			}
			in, err := a.Accounts.SignIn(t.Context(), email, password, "", accounts.Client{IP: "192.0.2.1"})
			if err != nil {
				t.Fatalf("sign in as %s: %v", email, err)
			}
			if entered, err := a.Accounts.LastUsed(t.Context(), in.Account); err != nil || entered.Role != role {
				t.Errorf("%s enters as %q, %v", email, entered.Role, err)
			}
		}
	})
}

func TestPrintedKeyWorks(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		a, _, printed := seeded(t, db)
		key := regexp.MustCompile(`sk_live_\w+`).FindString(printed)
		if _, err := a.Keys.Authenticate(t.Context(), key, ""); err != nil {
			t.Errorf("authenticate with %q: %v", key, err)
		}
		if n := strings.Count(printed, "sk_live_"); n != 1 {
			t.Errorf("%d keys printed, want one", n)
		}
	})
}

func TestKeysAreInEveryState(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		a, owner, _ := seeded(t, db)
		for _, env := range []string{models.Live, models.Test} {
			page, err := a.Keys.List(t.Context(), owner, keys.Filter{Environment: env})
			if err != nil {
				t.Fatal(err)
			}
			want := []string{"active", "deactivated"}
			if env == models.Live {
				want = append(want, "expiring", "expired")
			}
			for _, state := range want {
				if page.Counts[state] == 0 {
					t.Errorf("no %s key is %s", env, state)
				}
			}
		}
		expiring, idle, err := a.Keys.Attention(t.Context(), owner, models.Live, 30*24*time.Hour, 10)
		if err != nil || len(expiring) == 0 || len(idle) == 0 {
			t.Errorf("Home shows %d expiring and %d idle keys, %v", len(expiring), len(idle), err)
		}
		calls := one[models.KeyLastUsed](t, db, "api_key_id IN (SELECT id FROM api_keys WHERE status = 'deactivated' AND environment = 'live')")
		if time.Since(calls.LastRefusedAt.Time) > week/7 || calls.LastUsedAt.After(calls.LastRefusedAt.Time) {
			t.Errorf("the deactivated key was refused last at %v, used last at %v", calls.LastRefusedAt, calls.LastUsedAt)
		}
	})
}

const week = 7 * 24 * time.Hour

func TestCountsLastUsesAndRequestsAgreeWithTheSignals(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		_, _, _ = seeded(t, db)
		stored := all[models.Signal](t, db, "event <> ?", "")
		if len(stored) != 400 {
			t.Fatalf("%d signals, want 400", len(stored))
		}
		perRequest := map[string]int{}
		for _, s := range stored {
			perRequest[s.RequestID]++
		}
		for _, u := range all[models.ProductOrgUpdate](t, db, "status <> 'failed'") {
			perRequest[u.RequestID]++
		}
		type count struct{ accepted, duplicates, rejected int64 }
		requested, counted := map[string]count{}, map[string]count{}
		latest := map[string]time.Time{}
		for _, r := range all[models.GatewayRequest](t, db, "route <> ?", "") {
			if r.Accepted != perRequest[r.ID] {
				t.Errorf("request %s says %d accepted, %d signals name it", r.ID, r.Accepted, perRequest[r.ID])
			}
			if r.APIKeyID == nil {
				continue
			}
			c := requested[*r.APIKeyID]
			requested[*r.APIKeyID] = count{c.accepted + int64(r.Accepted), c.duplicates + int64(r.Duplicates), c.rejected + int64(r.Rejected)}
			if r.Status < 300 && r.ReceivedAt.After(latest[*r.APIKeyID]) {
				latest[*r.APIKeyID] = r.ReceivedAt.Time
			}
		}
		for _, m := range all[models.KeyUsageMinute](t, db, "minute > ?", 0) {
			c := counted[m.APIKeyID]
			counted[m.APIKeyID] = count{c.accepted + m.Accepted, c.duplicates + m.Duplicates, c.rejected + m.Rejected}
		}
		for id, want := range requested {
			if counted[id] != want {
				t.Errorf("key %s: usage counts %+v, requests %+v", id, counted[id], want)
			}
		}
		for _, l := range all[models.KeyLastUsed](t, db, "ip <> ?", "") {
			if at := latest[l.APIKeyID]; l.LastUsedAt.Before(at) {
				t.Errorf("key %s was used last at %v, but a request came at %v", l.APIKeyID, l.LastUsedAt, at)
			}
		}
	})
}

func TestRefusedRequestsHaveManyReasons(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		a, owner, _ := seeded(t, db)
		page, err := a.Signals.Requests(t.Context(), owner, signals.RequestFilter{Environment: models.Live, Status: signals.Rejected, Limit: 500})
		if err != nil {
			t.Fatal(err)
		}
		codes := map[string]bool{}
		for _, r := range page.Items {
			codes[r.Code] = true
			if r.Message == "" {
				t.Errorf("%s has no sentence", r.Code)
			}
		}
		for _, code := range []string{"deactivated_api_key", "expired_api_key", "invalid_api_key", "missing_api_secret", "invalid_api_secret",
			"endpoint_type_mismatch", "missing_event", "invalid_email", "invalid_json", "empty_batch", "unsupported_content_type", "items_rejected"} {
			if !codes[code] {
				t.Errorf("no request was refused with %s", code)
			}
		}
	})
}

// The accepted past is written as rows; this holds them against the gateway's own reading.
func TestStoredSignalsReadAsTheGatewayReadsTheirBytes(t *testing.T) {
	a, owner, _ := seeded(t, apptest.SQLite(t))
	made, err := a.Keys.Create(t.Context(), owner, keys.CreateForm{Name: "Again", Environment: models.Test, EndpointType: models.SignalStaging})
	if err != nil {
		t.Fatal(err)
	}
	before := all[models.Signal](t, a.DB, "event <> ?", "")
	running, stop := context.WithCancel(t.Context())
	var work sync.WaitGroup
	work.Go(func() { a.RunWriters(running) })
	defer work.Wait()
	defer stop()
	for _, want := range before {
		out, err := a.Ingest.Accept(t.Context(), &ingest.Request{
			ID: uuid.Must(uuid.NewV7()).String(), Source: want.Source, Key: made.Value.Reveal(), Header: http.Header{"Content-Type": {"application/json"}},
			Body: bytes.NewReader(want.Raw), Length: int64(len(want.Raw)), ReceivedAt: want.ReceivedAt.Time,
		})
		if err != nil {
			t.Fatalf("%s: %v", want.Raw, err)
		}
		got := one[models.Signal](t, a.DB, "id = ?", out.Results[0].ID)
		got.ID, got.WorkspaceID, got.Environment, got.APIKeyID = want.ID, want.WorkspaceID, want.Environment, want.APIKeyID
		if string(got.Raw) != string(want.Raw) {
			t.Fatalf("raw %s, want %s", got.Raw, want.Raw)
		}
		got.Raw, want.Raw = nil, nil
		if !equal(got, want) {
			t.Errorf("the gateway reads\n%+v, seeded is\n%+v", got, want)
		}
	}
}

func equal(a, b models.Signal) bool {
	return a.Event == b.Event && a.Email == b.Email && a.UserID == b.UserID && a.AnonymousID == b.AnonymousID && a.GroupID == b.GroupID &&
		a.MessageID == b.MessageID && a.Warnings == b.Warnings && a.OccurredAt.Equal(b.OccurredAt.Time) && a.ReceivedAt.Equal(b.ReceivedAt.Time)
}

func TestNothingSeededLiesInTheFutureOrBeyondAWeek(t *testing.T) {
	a, _, _ := seeded(t, apptest.SQLite(t))
	now := time.Now()
	for _, r := range all[models.GatewayRequest](t, a.DB, "route <> ?", "") {
		if r.ReceivedAt.After(now) || r.ReceivedAt.Before(now.Add(-week)) {
			t.Errorf("request at %v", r.ReceivedAt)
		}
	}
	if n := len(all[models.AuditEntry](t, a.DB, "created_at > ?", models.At(now.Add(time.Minute)))); n > 0 {
		t.Errorf("%d audit entries of the future", n)
	}
}

func TestTheDemoHasANamedTemplateWithTwoVersionsAndTwoKeysThatMap(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		a, owner, _ := seeded(t, db)
		named, err := a.Templates.Named(t.Context(), owner)
		if err != nil || len(named) != 1 || named[0].Template.Version != 2 || len(named[0].Keys) != 1 {
			t.Fatalf("named templates: %+v, %v", named, err)
		}
		for name, payload := range map[string]string{
			"Segment groups": `{"type":"group","groupId":"org_7","traits":{"name":"Northwind","plan":"Team","employees":41,"monthlySpend":980,"features":["sso"]}}`,
			"Billing system": `{"account":{"id":"org_7"},"subscription":{"plan":"team","amount_cents":98000,"quantity":41,"status":"active","currency":"eur"}}`,
		} {
			key := one[models.APIKey](t, db, "name = ? AND endpoint_type = 'product_orgs' AND environment = 'live'", name)
			compiled, err := a.Templates.Compiled(t.Context(), *key.TemplateID)
			if err != nil || compiled.Program == nil {
				t.Fatalf("%s: %+v, %v", name, compiled, err)
			}
			root, err := mapping.Decode([]byte(payload))
			if err != nil {
				t.Fatal(err)
			}
			got := compiled.Program.Apply(root)
			if got.OrgID != "org_7" || string(got.Values["plan"]) != `"team"` || string(got.Values["mrr"]) != "980" || len(got.Errors)+len(got.Warnings) > 0 {
				t.Errorf("%s maps %+v", name, got)
			}
		}
	})
}

func TestTheDemosOrganisationsChangedOverTheWeekAndSomeUpdatesWait(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		_, _, _ = seeded(t, db)
		found := all[models.ProductOrg](t, db, "environment = 'live'")
		if len(found) != 12 {
			t.Fatalf("%d organisations, want 12", len(found))
		}
		for _, o := range found {
			if o.Updates < 3 || o.MRR == nil || o.UserCount == nil || o.Name == "" || o.Plan == "" {
				t.Errorf("organisation %s: %d updates, name %q, plan %q, mrr %v, users %v", o.OrgKey, o.Updates, o.Name, o.Plan, o.MRR, o.UserCount)
			}
		}
		seen := map[string]int{}
		for _, u := range all[models.ProductOrgUpdate](t, db, "org_key <> '?'") {
			seen[u.Status]++
		}
		if seen[models.UpdateFailed] != 1 || seen[models.UpdateQuarantined] != 2 || seen[models.UpdateApplied] < 60 {
			t.Errorf("updates %v", seen)
		}
	})
}

func TestTheDemoShowsProgramsARotationALeakAndAnAddressList(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		a, owner, _ := seeded(t, db)
		programs, err := a.Keys.List(t.Context(), owner, keys.Filter{Type: models.APIAccess})
		if err != nil || programs.Counts["active"] != 2 {
			t.Errorf("%d keys of programs, %v", programs.Counts["active"], err)
		}
		for _, k := range programs.Items {
			if k.Scopes == "" || k.LastUsed.LastUsedAt.IsZero() {
				t.Errorf("%s: scopes %q, used last %v", k.Name, k.Scopes, k.LastUsed.LastUsedAt)
			}
		}
		segment := one[models.APIKey](t, db, "name = 'Segment'")
		rotation, err := a.Keys.Rotation(t.Context(), owner, segment.ID, keys.SpanNamed("24h"))
		if err != nil || rotation == nil || rotation.OldUsedAt.IsZero() {
			t.Errorf("rotation %+v, %v", rotation, err)
		}
		if watched := one[models.APIKey](t, db, "name = 'Product backend'"); watched.AllowListMode != models.AllowListWatch {
			t.Errorf("the address list is %s", watched.AllowListMode)
		}
		open, err := a.Notices.Open(t.Context(), owner, 10)
		kinds := map[string]bool{}
		for _, n := range open {
			kinds[n.Kind] = true
		}
		if err != nil || len(kinds) != 5 {
			t.Errorf("notices %v, %v; want an expiry that nears, one that has passed, a leak, an endpoint that fails and one that is disabled", kinds, err)
		}
		tidy, err := a.Hygiene.List(t.Context(), owner, hygiene.Filter{Environment: models.Live})
		for _, kind := range []string{hygiene.OldValue, hygiene.Browser, hygiene.Idle30, hygiene.ScopesUnused, hygiene.NoExpiry} {
			if err != nil || tidy.Counts[kind] == 0 {
				t.Errorf("no key is found %s, %v", kind, err)
			}
		}
	})
}

func box(t *testing.T) *secretbox.Box {
	t.Helper()
	b, err := secretbox.New(bytes.Repeat([]byte{7}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return b
}
