package client_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"iter"
	"net/http"
	"strings"
	"testing"
	"time"

	"latchkey/client"
	"latchkey/internal/access"
	"latchkey/internal/apptest"
	"latchkey/internal/database"
	"latchkey/internal/keys"
	"latchkey/models"
)

// token makes an API-access key with these scopes.
func token(t *testing.T, a *apptest.App, scopes string) keys.Created {
	t.Helper()
	return a.NewKey(t, func(f *keys.CreateForm) {
		f.Name, f.EndpointType, f.Scopes = "Deploy", models.APIAccess, access.ParseScopes(scopes)
	})
}

func caller(t *testing.T, a *apptest.App, scopes string) *client.Client {
	t.Helper()
	c, err := client.New(a.URL, token(t, a, scopes).Value.Reveal(), client.WithMaxRetries(0))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// all are the items of a list that must end well.
func all[T any](t *testing.T, list iter.Seq2[T, error]) []T {
	t.Helper()
	var out []T
	for item, err := range list {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, item)
	}
	return out
}

func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func send(t *testing.T, a *apptest.App, key client.Secret, body string) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, a.URL+"/api/signal-staging/webhook", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+key.Reveal())
	r.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	return res.StatusCode
}

func TestTheLifeOfAKey(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		a := apptest.Start(t, db)
		c := caller(t, a, "read:write:workspace")
		ctx := t.Context()
		in := time.Now().AddDate(0, 0, 30).UTC().Truncate(time.Second)
		k := must(c.CreateKey(ctx, client.CreateKey{Name: "Website", Environment: client.Live, EndpointType: client.SignalStaging, ExpiresAt: &in, RateLimit: 500}))(t)
		if send(t, a, k.Key, `{"event":"x"}`) != 200 || k.Status != client.Active || !k.ExpiresAt.Equal(in) || k.RateLimit != 500 || k.ETag == "" {
			t.Fatalf("created %+v", k)
		}
		read := must(c.Key(ctx, k.ID))(t)
		if read.Key != "" || read.ETag != k.ETag || read.Name != "Website" {
			t.Errorf("read %+v", read)
		}
		name, never := "Shop", time.Time{}
		changed := must(c.UpdateKey(ctx, k.ID, client.UpdateKey{Name: &name, ExpiresAt: &never, ETag: read.ETag}))(t)
		if changed.Name != "Shop" || !changed.ExpiresAt.IsZero() || changed.ETag == read.ETag {
			t.Errorf("changed %+v", changed)
		}
		if _, err := c.UpdateKey(ctx, k.ID, client.UpdateKey{Name: &name, ETag: read.ETag}); client.Code(err) != client.CodePreconditionFailed {
			t.Errorf("by an old ETag: %v", err)
		}
		rotated := must(c.RotateKey(ctx, k.ID, client.RotateKey{Grace: time.Hour, ETag: changed.ETag}))(t)
		if rotated.Rotation == nil || send(t, a, k.Key, `{"event":"x"}`) != 200 || send(t, a, rotated.Key, `{"event":"x"}`) != 200 {
			t.Errorf("rotated %+v", rotated)
		}
		if r := must(c.ExtendRotation(ctx, k.ID, in))(t); !r.EndsAt.Equal(in) {
			t.Errorf("extended to %s, want %s", r.EndsAt, in)
		}
		if err := c.FinishRotation(ctx, k.ID); err != nil || send(t, a, k.Key, `{"event":"x"}`) != 401 {
			t.Errorf("finished: %v", err)
		}
		for range 2 {
			if err := c.RevokeKey(ctx, k.ID); err != nil || send(t, a, rotated.Key, `{"event":"x"}`) != 401 {
				t.Errorf("revoked: %v", err)
			}
		}
	})
}

func TestAKeyFromElsewhereKeepsItsValue(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		a := apptest.Start(t, db)
		sum := sha256.Sum256([]byte("legacy-crm-0001"))
		form := client.ImportKey{SHA256: hex.EncodeToString(sum[:]), Prefix: "legacy"}
		form.Name, form.Environment, form.EndpointType = "CRM", client.Live, client.SignalStaging
		k := must(caller(t, a, "keys:*").ImportKey(t.Context(), form))(t)
		if !k.Imported || k.KeyPrefix != "legacy" || k.Key != "" || send(t, a, "legacy-crm-0001", `{"event":"x"}`) != 200 {
			t.Errorf("imported %+v", k)
		}
	})
}

func TestACreationHappensOnceUnderOneIdempotencyKey(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		a := apptest.Start(t, db)
		c := caller(t, a, "keys:*")
		ctx := client.WithIdempotencyKey(t.Context(), "deploy-42")
		form := client.CreateKey{Name: "Website", Environment: client.Live, EndpointType: client.SignalStaging}
		first := must(c.CreateKey(ctx, form))(t)
		again, err := c.CreateKey(ctx, form)
		if !errors.Is(err, client.ErrValueLost) || again.ID != first.ID || again.Key != "" {
			t.Errorf("again %+v, %v", again, err)
		}
		form.Name = "Another"
		if _, err := c.CreateKey(ctx, form); client.Code(err) != client.CodeMismatch {
			t.Errorf("another body: %v", err)
		}
	})
}

func TestEveryPageOfAListIsSeenOnce(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		a := apptest.Start(t, db)
		c := caller(t, a, "keys:read")
		for range 120 {
			a.NewKey(t)
		}
		seen := map[string]bool{}
		for _, k := range all(t, c.Keys(t.Context(), client.KeyFilter{EndpointType: client.SignalStaging})) {
			if seen[k.ID] {
				t.Errorf("%s is there twice", k.ID)
			}
			seen[k.ID] = true
		}
		if len(seen) != 120 {
			t.Errorf("%d keys, want 120", len(seen))
		}
	})
}

func TestWhatArrivedIsRead(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		a := apptest.Start(t, db)
		c := caller(t, a, "admin:full")
		ctx := t.Context()
		k := must(c.CreateKey(ctx, client.CreateKey{Name: "Website", Environment: client.Live, EndpointType: client.SignalStaging}))(t)
		if send(t, a, k.Key, `{"event":"signed_up","email":"ada@example.com","n":1.50}`) != 200 || send(t, a, k.Key, `{`) != 400 {
			t.Fatal("not sent")
		}
		list := all(t, c.Signals(ctx, client.SignalFilter{Event: "signed_up", APIKeyID: k.ID}))
		if len(list) != 1 || list[0].Email != "ada@example.com" {
			t.Fatalf("signals %+v", list)
		}
		if whole := must(c.Signal(ctx, list[0].ID))(t); !strings.Contains(string(whole.Payload), "1.50") {
			t.Errorf("payload %s", whole.Payload)
		}
		var refused []client.Request
		apptest.Eventually(t, "the refused request to be in the log", func() bool {
			refused = all(t, c.Requests(ctx, client.RequestFilter{Status: "rejected"}))
			return len(refused) == 1 && refused[0].Code == "invalid_json"
		})
		if whole := must(c.Request(ctx, refused[0].ID))(t); whole.Body != "{" || whole.Headers["Content-Type"] == "" {
			t.Errorf("request %+v", whole)
		}
		sent := a.Post(t, "/api/signal-staging/bulk", "{\"event\":\"row\"}\nbad", "Authorization", "Bearer "+k.Key.Reveal())
		apptest.Eventually(t, "the upload to be shown", func() bool {
			return len(all(t, c.Uploads(ctx, client.UploadFilter{APIKeyID: k.ID, Status: "done"}))) == 1
		})
		if u := must(c.Upload(ctx, sent.Header.Get("X-Request-Id")))(t); u.Accepted != 1 || u.Rejected != 1 || u.BytesTotal == 0 || u.EndedAt.IsZero() {
			t.Errorf("upload %+v", u)
		}
		if me := must(c.Me(ctx))(t); me.Name != "Deploy" || len(me.GrantedScopes) < 10 || me.Workspace.Name != "Acme" {
			t.Errorf("me %+v", me)
		}
		if w := must(c.Workspace(ctx))(t); w.Name != "Acme" || w.MembersCount != 1 {
			t.Errorf("workspace %+v", w)
		}
		if people := all(t, c.Members(ctx)); len(people) != 1 || people[0].Role != "owner" {
			t.Errorf("members %+v", people)
		}
		made := all(t, c.Audit(ctx, client.AuditFilter{Action: "api_key.created", TargetID: k.ID}))
		if len(made) != 1 || made[0].Actor.Type != "api_key" {
			t.Errorf("audit %+v", made)
		}
		end := time.Now().UTC().Truncate(time.Minute).Add(time.Minute)
		rows := must(c.Usage(ctx, client.UsageFilter{APIKeyID: k.ID, Step: "minute", From: end.Add(-time.Hour), To: end}))(t)
		if len(rows) != 60 || !rows[59].Start.Equal(end.Add(-time.Minute)) {
			t.Errorf("points of an hour: %+v", rows)
		}
	})
}

func TestTemplatesAndOrganisations(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		a := apptest.Start(t, db)
		c := caller(t, a, "read:write:workspace")
		ctx := t.Context()
		rows := []client.TemplateRow{{Target: "org_id", From: []string{"groupId"}, Required: true}, {Target: "plan", From: []string{"traits.plan"}}}
		made := must(c.CreateTemplate(ctx, client.CreateTemplate{Name: "Groups", Rows: rows}))(t)
		more := append(rows, client.TemplateRow{Target: "status", Value: json.RawMessage(`"on"`)})
		changed := must(c.UpdateTemplate(ctx, made.ID, client.UpdateTemplate{Rows: &more, ETag: made.ETag}))(t)
		if changed.Version != made.Version+1 || len(changed.Rows) != 3 {
			t.Errorf("changed %+v", changed)
		}
		if _, err := c.UpdateTemplate(ctx, made.ID, client.UpdateTemplate{Rows: &rows, ETag: made.ETag}); client.Code(err) != client.CodePreconditionFailed {
			t.Errorf("by an old ETag: %v", err)
		}
		k := must(c.CreateKey(ctx, client.CreateKey{Name: "Product", Environment: client.Live, EndpointType: client.ProductOrgs, TemplateID: made.ID}))(t)
		res := must(http.Post(a.URL+"/api/product-orgs/webhook/"+k.Key.Reveal(), "application/json", strings.NewReader(`{"groupId":"acme","traits":{"plan":"pro"}}`)))(t)
		_ = res.Body.Close()
		orgs := all(t, c.Orgs(ctx, client.OrgFilter{Plan: "pro"}))
		if len(orgs) != 1 || orgs[0].OrgID != "acme" {
			t.Fatalf("orgs %+v (sent: %d)", orgs, res.StatusCode)
		}
		if o := must(c.Org(ctx, orgs[0].ID))(t); o.Origins["plan"].APIKeyID != k.ID {
			t.Errorf("org %+v", o)
		}
		if updates := all(t, c.OrgUpdates(ctx, orgs[0].ID)); len(updates) != 1 || updates[0].Status != "applied" || len(updates[0].Changes) == 0 {
			t.Errorf("updates %+v", updates)
		}
		if err := c.DeleteTemplate(ctx, made.ID); client.Code(err) != client.CodeConflict {
			t.Errorf("deleted while it is used: %v", err)
		}
		unused := must(c.CreateTemplate(ctx, client.CreateTemplate{Name: "Unused", Rows: rows}))(t)
		if err := c.DeleteTemplate(ctx, unused.ID); err != nil {
			t.Error(err)
		}
		if left := all(t, c.Templates(ctx)); len(left) != 1 || len(all(t, c.TemplateVersions(ctx, made.ID))) != 2 {
			t.Errorf("templates %+v", left)
		}
	})
}

func TestRefusalsOfTheInstanceAreProblems(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		a := apptest.Start(t, db)
		made := token(t, a, "keys:read")
		c := must(client.New(a.URL, made.Value.Reveal(), client.WithMaxRetries(0)))(t)
		ctx := t.Context()
		_, err := c.CreateKey(ctx, client.CreateKey{Name: "x"})
		var p *client.Problem
		if !errors.As(err, &p) || p.Code != client.CodeInsufficientScope || p.Scope != "keys:write" || p.RequestID == "" {
			t.Errorf("without the scope: %#v", err)
		}
		if _, err := c.Key(ctx, made.Key.WorkspaceID); client.Code(err) != client.CodeNotFound {
			t.Errorf("another id: %v", err)
		}
		if _, err := a.Keys.Revoke(ctx, a.Owner, made.Key.ID); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Me(ctx); client.Code(err) != client.CodeInvalidToken {
			t.Errorf("after it was revoked: %v", err)
		}
	})
}

func TestALeakedKeyIsEndedByWhoeverFoundIt(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		a := apptest.Start(t, db)
		found := client.Secret(a.NewKey(t).Value.Reveal())
		if err := caller(t, a, "").RevokeLeaked(t.Context(), "something else", found); err != nil || send(t, a, found, `{"event":"x"}`) != 401 {
			t.Errorf("revoked: %v", err)
		}
	})
}
