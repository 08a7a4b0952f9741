package gateway_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"latchkey/internal/apptest"
	"latchkey/internal/database"
	"latchkey/internal/keys"
	"latchkey/internal/mapping"
	"latchkey/models"
)

func rotate(t *testing.T, a *apptest.App, k keys.Created, grace time.Duration) keys.Rotated {
	t.Helper()
	r, err := a.Keys.Rotate(t.Context(), a.Owner, k.Key.ID, keys.RotateForm{Grace: grace, Base: -1})
	if err != nil {
		t.Fatalf("rotate: %v", err)
	}
	return r
}

// wantRetiring checks what an answer says about the value that it was given for.
func wantRetiring(t *testing.T, what string, got apptest.Reply, r keys.Rotated) {
	t.Helper()
	retired := r.Key.ValueSince
	if d := got.Header.Get("Deprecation"); d != fmt.Sprintf("@%d", retired.Unix()) {
		t.Errorf("%s (%d): Deprecation %q", what, got.Status, d)
	}
	if s := got.Header.Get("Sunset"); s != r.EndsAt.UTC().Format(http.TimeFormat) {
		t.Errorf("%s (%d): Sunset %q", what, got.Status, s)
	}
}

func TestAnswersToTheValueBeforeARotationSayWhenItEnds(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		a := apptest.Start(t, db)
		k, orgs := a.NewKey(t), orgKey(t, a)
		a.Post(t, webhook(k), form)
		r, ro := rotate(t, a, k, time.Hour), rotate(t, a, orgs, 2*time.Hour)
		org := "/api/product-orgs/webhook/" + orgs.Value.Reveal()
		for _, tc := range []struct {
			what, path, body string
			headers          []string
			status           int
			r                keys.Rotated
		}{
			{"accepted", webhook(k), form, nil, 200, r},
			{"batch", webhook(k) + "/batch", "[" + form + "]", nil, 200, r},
			{"bulk", bulkURL(k), form + "\n" + form, nil, 200, r},
			{"refused item", webhook(k), `{"event":""}`, nil, 400, r},
			{"refused stream", bulkURL(k), "", nil, 400, r},
			{"refused URL", webhook(k, "Not-A-Source"), form, nil, 400, r},
			{"refused header", webhook(k), form, []string{"Content-Encoding", "br"}, 415, r},
			{"wrong type", "/api/product-orgs/webhook/" + k.Value.Reveal(), form, nil, 403, r},
			{"product orgs", org, `{"org_id":"o1"}`, nil, 200, ro},
			{"header key", "/api/signal-staging/webhook", form, []string{"X-Api-Key", k.Value.Reveal()}, 200, r},
		} {
			got := a.Post(t, tc.path, tc.body, tc.headers...)
			if got.Status != tc.status {
				t.Errorf("%s: %d %s", tc.what, got.Status, got.Body)
			}
			wantRetiring(t, tc.what, got, tc.r)
		}
		got := a.Post(t, webhook(r.Created), form)
		if got.Status != 200 || got.Header.Get("Deprecation") != "" || got.Header.Get("Sunset") != "" {
			t.Errorf("the new value: %d %v", got.Status, got.Header)
		}
		a.Clock.Advance(time.Hour)
		got = a.Post(t, webhook(k), form)
		if got.Status != 401 || got.Code(t) != "expired_api_key" {
			t.Errorf("the old value after its end: %d %s", got.Status, got.Body)
		}
		wantRetiring(t, "ended", got, r)
		if got := a.Post(t, webhook(r.Created), form); got.Status != 200 {
			t.Errorf("the new value after the old one's end: %d %s", got.Status, got.Body)
		}
	})
}

func TestTheOldValuesTrafficIsCountedApart(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		a := apptest.Start(t, db)
		k := a.NewKey(t)
		r := rotate(t, a, k, time.Hour)
		a.Clock.Advance(2 * time.Minute)
		for i := range 3 {
			a.Post(t, webhook(k)+"/batch", fmt.Sprintf(`[{"event":"a%d","userId":"u"},{"event":"b%d","userId":"u"},{"event":""}]`, i, i), "User-Agent", "old/1")
		}
		a.Post(t, webhook(k), "not JSON", "User-Agent", "old/2")
		for range 4 {
			a.Post(t, webhook(r.Created), form, "User-Agent", "new/1")
		}
		apptest.Eventually(t, "10 of the old value and 4 of the new one", func() bool {
			rotation, err := a.Keys.Rotation(t.Context(), a.Owner, k.Key.ID, keys.Spans[0])
			return err == nil && rotation.OldLastHour == 10 && rotation.NewLastHour == 4 &&
				rotation.OldUserAgent == "old/2" && rotation.OldIP == "127.0.0.1"
		})
	})
}

func orgKey(t *testing.T, a *apptest.App) keys.Created {
	t.Helper()
	template := mapping.Template{Rows: []mapping.Row{{Target: "org_id", From: []string{"$.org_id"}, Required: true}}}
	return a.NewKey(t, func(f *keys.CreateForm) { f.EndpointType, f.Template = models.ProductOrgs, &template })
}
