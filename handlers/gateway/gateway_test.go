package gateway_test

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"latchkey/handlers"
	"latchkey/internal/app"
	"latchkey/internal/apptest"
	"latchkey/internal/database"
	"latchkey/internal/ingest"
	"latchkey/internal/keys"
	"latchkey/models"
)

const form = `{"event":"Form Submitted","email":"Ada@Example.org","properties":{"form":"demo","n":12345678901234567890}}`

func webhook(k keys.Created, more ...string) string {
	return "/api/signal-staging/webhook/" + strings.Join(append(more, k.Value.Reveal()), "/")
}

func TestAcceptedMeansStoredWithItsBytes(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		a := apptest.Start(t, db)
		k := a.NewKey(t)
		got := a.Post(t, webhook(k), form, "User-Agent", "integration/1.0")
		v := got.JSON(t)
		if got.Status != 200 || v["status"] != "accepted" || v["duplicate"] != false || v["message_id"] != nil {
			t.Fatalf("answer %d %s", got.Status, got.Body)
		}
		if got.Header.Get("Cache-Control") != "no-store" || got.Header.Get("X-Request-Id") == "" {
			t.Errorf("headers %v", got.Header)
		}
		s := a.AllSignals(t)
		if len(s) != 1 || s[0].ID != v["id"] || string(s[0].Raw) != form || s[0].Email != "ada@example.org" || s[0].Environment != models.Live {
			t.Errorf("stored %+v", s)
		}
		line := a.Logged(t, got.Header.Get("X-Request-Id"))
		if line.Status != 200 || line.Accepted != 1 || *line.SignalID != s[0].ID || line.Body != nil {
			t.Errorf("log line %+v", line)
		}
		apptest.Eventually(t, "last use", func() bool {
			item, err := a.Keys.Get(t.Context(), a.Owner, k.Key.ID)
			return err == nil && item.LastUsed.UserAgent == "integration/1.0" && item.LastUsed.IP == "127.0.0.1"
		})
	})
}

func TestEachRefusalHasItsCodeAndItsLineInTheLog(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		a := apptest.Start(t, db)
		good := a.NewKey(t)
		secret := a.NewKey(t, func(f *keys.CreateForm) { f.WithSecret = true })
		expiring := a.NewKey(t, func(f *keys.CreateForm) { f.ExpiresAt = a.Clock.Now().Add(time.Hour) })
		dead := a.NewKey(t)
		if err := a.Keys.Deactivate(t.Context(), a.Owner, dead.Key.ID, ""); err != nil {
			t.Fatal(err)
		}
		a.Clock.Advance(2 * time.Hour)
		wrong := good.Value.Reveal()[:len(good.Value.Reveal())-1] + "_"
		for name, tc := range map[string]struct {
			path, body string
			headers    []string
			status     int
			code       string
		}{
			"mistyped key":      {"/api/signal-staging/webhook/" + wrong, form, nil, 401, "invalid_api_key"},
			"no key":            {"/api/signal-staging/webhook", form, nil, 401, "invalid_api_key"},
			"deactivated":       {webhook(dead), form, nil, 401, "deactivated_api_key"},
			"expired":           {webhook(expiring), form, nil, 401, "expired_api_key"},
			"secret missing":    {webhook(secret), form, nil, 401, "missing_api_secret"},
			"secret wrong":      {webhook(secret), form, []string{"X-Api-Secret", "lks_wrong"}, 401, "invalid_api_secret"},
			"wrong type":        {"/api/product-orgs/webhook/" + good.Value.Reveal(), form, nil, 403, "endpoint_type_mismatch"},
			"wrong type, batch": {"/api/product-orgs/webhook/" + good.Value.Reveal() + "/batch", form, nil, 403, "endpoint_type_mismatch"},
			"two keys":          {webhook(good), form, []string{"X-Api-Key", secret.Value.Reveal()}, 400, "ambiguous_key"},
			"bad source":        {webhook(good, "Not-A-Source"), form, nil, 400, "invalid_source"},
			"encoding":          {webhook(good), form, []string{"Content-Encoding", "br"}, 415, "unsupported_encoding"},
			"content type":      {webhook(good), form, []string{"Content-Type", "application/x-www-form-urlencoded"}, 415, "unsupported_content_type"},
			"too large":         {webhook(good), `{"event":"` + strings.Repeat("x", 1<<20) + `"}`, nil, 413, "payload_too_large"},
			"empty":             {webhook(good), "", nil, 400, "empty_body"},
			"white space":       {webhook(good), " \n ", nil, 400, "empty_body"},
			"not JSON":          {webhook(good), "{\n \"event\": x}", nil, 400, "invalid_json"},
			"a number":          {webhook(good), "7", nil, 400, "invalid_body"},
			"two documents":     {webhook(good), "{} {}", nil, 400, "invalid_json"},
			"empty list":        {webhook(good), "[]", nil, 400, "empty_batch"},
			"empty envelope":    {webhook(good), `{"batch":[]}`, nil, 400, "empty_batch"},
			"1,001 items":       {webhook(good) + "/batch", "[" + strings.Repeat("1,", 1000) + "1]", nil, 413, "too_many_items"},
			"nested":            {webhook(good), strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000), nil, 400, "too_deep"},
			"no event":          {webhook(good), `{"email":"a@b.example"}`, nil, 400, "missing_event"},
			"bad email":         {webhook(good), `{"event":"x","email":"nobody"}`, nil, 400, "invalid_email"},
			"bad gzip":          {webhook(good), "\x1f\x8bnonsense", nil, 400, "invalid_gzip"},
			"no gzip":           {webhook(good), form, []string{"Content-Encoding", "gzip"}, 400, "invalid_gzip"},
			"long idempotency":  {webhook(good), form, []string{"Idempotency-Key", strings.Repeat("k", 256)}, 400, "invalid_idempotency_key"},
		} {
			t.Run(name, func(t *testing.T) {
				got := a.Post(t, tc.path, tc.body, tc.headers...)
				if got.Status != tc.status || got.Code(t) != tc.code {
					t.Fatalf("answer %d %s, want %d %s", got.Status, got.Body, tc.status, tc.code)
				}
				v := got.JSON(t)
				if v["request_id"] != got.Header.Get("X-Request-Id") || v["error"].(map[string]any)["message"] == "" {
					t.Errorf("body %s", got.Body)
				}
				if line := a.Logged(t, got.Header.Get("X-Request-Id")); line.Code != tc.code || line.Status != tc.status || line.WorkspaceID != a.Owner.WorkspaceID {
					t.Errorf("log line %+v", line)
				}
			})
		}
		if n := a.CountSignals(t); n != 0 {
			t.Errorf("%d signals stored by refused requests", n)
		}
	})
}

func TestInvalidJSONIsTheLineAndColumn(t *testing.T) {
	a := apptest.Start(t, apptest.SQLite(t))
	details := a.Post(t, webhook(a.NewKey(t)), "{\n  \"event\": \"é\", x}").JSON(t)["error"].(map[string]any)["details"].(map[string]any)
	if details["line"] != json.Number("2") || details["column"] != json.Number("17") {
		t.Errorf("details %v, want line 2, column 17", details)
	}
}

func TestOtherMethodsAreToldToPost(t *testing.T) {
	a := apptest.Start(t, apptest.SQLite(t))
	for _, method := range []string{"GET", "PUT", "DELETE", "OPTIONS"} {
		got := a.Send(t, method, webhook(a.NewKey(t)), nil)
		if got.Status != 405 || got.Header.Get("Allow") != "POST" || got.Code(t) != "method_not_allowed" {
			t.Errorf("%s: %d %v %s", method, got.Status, got.Header, got.Body)
		}
		if got.Header.Get("Access-Control-Allow-Origin") != "" {
			t.Error("the gateway speaks CORS")
		}
	}
}

func TestTheKeyMayComeInAHeader(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		a := apptest.Start(t, db)
		k := a.NewKey(t)
		for _, path := range []string{"/api/signal-staging/webhook", "/api/signal-staging/webhook/hubspot", "/api/signal-staging/webhook/batch", "/api/signal-staging/bulk"} {
			for _, header := range [][]string{{"Authorization", "Bearer " + k.Value.Reveal()}, {"X-Api-Key", k.Value.Reveal()}} {
				if got := a.Post(t, path, form, header...); got.Status != 200 {
					t.Errorf("%s with %s: %d %s", path, header[0], got.Status, got.Body)
				}
			}
		}
		sources := map[string]int{}
		for _, s := range a.AllSignals(t) {
			sources[s.Source]++
		}
		if sources["hubspot"] != 2 || sources[""] != 6 {
			t.Errorf("sources %v", sources)
		}
	})
}

func TestBatchAnswersItemByItem(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		a := apptest.Start(t, db)
		k := a.NewKey(t)
		batch := `[{"event":"a","userId":"u","messageId":"m1"},{"event":"a","userId":"u","messageId":"m1"},{"userId":"u"},{"event":"b","userId":"u","timestamp":"2099-01-01T00:00:00Z"}]`
		got := a.Post(t, webhook(k)+"/batch", batch)
		v := got.JSON(t)
		if got.Status != 207 || v["status"] != "partial" || v["received"] != json.Number("4") || v["accepted"] != json.Number("2") || v["duplicates"] != json.Number("1") || v["rejected"] != json.Number("1") {
			t.Fatalf("answer %d %s", got.Status, got.Body)
		}
		want := []string{"accepted", "duplicate", "rejected", "accepted"}
		rows := v["results"].([]any)
		for i, r := range rows {
			row := r.(map[string]any)
			if row["status"] != want[i] || row["index"] != json.Number(fmt.Sprint(i)) {
				t.Errorf("result %d: %v", i, row)
			}
		}
		if rows[1].(map[string]any)["id"] != rows[0].(map[string]any)["id"] {
			t.Error("the duplicate does not name the first signal")
		}
		if w := rows[3].(map[string]any)["warnings"].([]any); w[0] != "future_timestamp" {
			t.Errorf("warnings %v", w)
		}
		if only := a.Post(t, webhook(k)+"/batch?results=errors", batch).JSON(t)["results"].([]any); len(only) != 1 {
			t.Errorf("results=errors gave %v", only)
		}
		if line := a.Logged(t, got.Header.Get("X-Request-Id")); line.Status != 207 || line.Accepted != 2 || line.Rejected != 1 || string(line.Body) != batch {
			t.Errorf("log line %+v", line)
		}
	})
}

func TestAtomicStoresAllOrNothing(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		a := apptest.Start(t, db)
		k := a.NewKey(t)
		got := a.Post(t, webhook(k)+"/batch?atomic=true", `{"batch":[{"event":"a"},{}]}`)
		if got.Status != 400 || a.CountSignals(t) != 0 {
			t.Fatalf("answer %d %s, %d stored", got.Status, got.Body, a.CountSignals(t))
		}
		if got = a.Post(t, webhook(k)+"/batch?atomic=true", `{"events":[{"event":"a"},{"event":"b"}]}`); got.Status != 200 || a.CountSignals(t) != 2 {
			t.Fatalf("answer %d %s", got.Status, got.Body)
		}
	})
}

func TestDedupIsByMessageIDAndEvent(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		a := apptest.Start(t, db)
		k, other, test := a.NewKey(t), a.NewKey(t), a.NewKey(t, func(f *keys.CreateForm) { f.Environment = models.Test })
		first := a.Post(t, webhook(k), form, "Idempotency-Key", "i1").JSON(t)
		for name, tc := range map[string]struct {
			k         keys.Created
			path      []string
			body, id  string
			duplicate bool
		}{
			"again":             {k, nil, form, "i1", true},
			"by another key":    {other, nil, form, "i1", true},
			"other bytes":       {k, nil, `{"event":"Form Submitted","x":1}`, "i1", true},
			"other event":       {k, nil, `{"event":"Other"}`, "i1", false},
			"other id":          {k, nil, form, "i2", false},
			"other source":      {k, []string{"hubspot"}, form, "i1", false},
			"other environment": {test, nil, form, "i1", false},
		} {
			t.Run(name, func(t *testing.T) {
				v := a.Post(t, webhook(tc.k, tc.path...), tc.body, "Idempotency-Key", tc.id).JSON(t)
				if v["duplicate"] != tc.duplicate || v["message_id"] != tc.id || (v["id"] == first["id"]) != tc.duplicate {
					t.Errorf("answer %v", v)
				}
				if mismatch := strings.Contains(fmt.Sprint(v["warnings"]), "payload_mismatch"); mismatch != (name == "other bytes") {
					t.Errorf("warnings %v", v["warnings"])
				}
			})
		}
		a.Clock.Advance(7*24*time.Hour + time.Minute)
		if v := a.Post(t, webhook(k), form, "Idempotency-Key", "i1").JSON(t); v["duplicate"] != false {
			t.Error("a message id is remembered for more than 7 days")
		}
	})
}

func TestFiftyParallelPostsWithOneIDStoreOne(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		a := apptest.Start(t, db)
		path := webhook(a.NewKey(t))
		var mu sync.Mutex
		var wg sync.WaitGroup
		counts := map[any]int{}
		for range 50 {
			wg.Go(func() {
				v := a.Post(t, path, `{"event":"x","messageId":"same"}`).JSON(t)
				mu.Lock()
				defer mu.Unlock()
				counts[v["status"]]++
			})
		}
		wg.Wait()
		if counts["accepted"] != 1 || counts["duplicate"] != 49 || a.CountSignals(t) != 1 {
			t.Errorf("answers %v, stored %d", counts, a.CountSignals(t))
		}
	})
}

func TestAStalledBodyIsARequestTimeout(t *testing.T) {
	a := apptest.Start(t, apptest.SQLite(t), func(_ *app.Options, o *handlers.Options) { o.Gateway.StallTimeout = 50 * time.Millisecond })
	body := &slowBody{first: `{"event":`, done: t.Context().Done()}
	got := a.Send(t, "POST", webhook(a.NewKey(t)), body)
	if got.Status != 408 || got.Code(t) != "request_timeout" {
		t.Errorf("answer %d %s", got.Status, got.Body)
	}
}

// slowBody sends a beginning and then nothing.
type slowBody struct {
	first string
	done  <-chan struct{}
}

func (b *slowBody) Read(p []byte) (int, error) {
	if b.first != "" {
		n := copy(p, b.first)
		b.first = ""
		return n, nil
	}
	<-b.done
	return 0, http.ErrAbortHandler
}

func TestAFullQueueIs503WithRetryAfterAndStoresNothing(t *testing.T) {
	limits := ingest.DefaultLimits
	limits.QueueBytes = 10
	a := apptest.Start(t, apptest.SQLite(t), func(o *app.Options, _ *handlers.Options) { o.Limits = limits })
	got := a.Post(t, webhook(a.NewKey(t)), form)
	if got.Status != 503 || got.Code(t) != "overloaded" || got.Header.Get("Retry-After") != "1" || a.CountSignals(t) != 0 {
		t.Errorf("answer %d %v %s", got.Status, got.Header, got.Body)
	}
}

func TestALostDatabaseIs503AndNever400(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		a := apptest.Start(t, db)
		k := a.NewKey(t)
		if got := a.Post(t, webhook(k), form); got.Status != 200 {
			t.Fatalf("answer %d", got.Status)
		}
		_ = db.Close()
		got := a.Post(t, webhook(k), form)
		if got.Status != 503 || got.Code(t) != "storage_unavailable" || got.Header.Get("Retry-After") == "" {
			t.Errorf("answer %d %s", got.Status, got.Body)
		}
	})
}

func TestVendorPayloadsAreNeverRefusedForShape(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		a := apptest.Start(t, db)
		k := a.NewKey(t)
		for _, body := range []string{
			"{\n  \"id\": 94857068804950690,\n  \"nothing\": [\"usual\"]\n}\n", `{"type":"invoice.paid","data":{"object":{}}}`, `{"email":"-","event":{"a":1}}`,
		} {
			got := a.Post(t, webhook(k, "some-vendor"), body)
			if got.Status != 200 {
				t.Fatalf("%s: %d %s", body, got.Status, got.Body)
			}
			found := false
			for _, s := range a.AllSignals(t) {
				found = found || sha256.Sum256(s.Raw) == sha256.Sum256([]byte(body))
			}
			if !found {
				t.Errorf("%q is not stored byte by byte", body)
			}
		}
	})
}

func TestTestKeysWriteTestData(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		a := apptest.Start(t, db)
		a.Post(t, webhook(a.NewKey(t, func(f *keys.CreateForm) { f.Environment = models.Test })), form)
		if s := a.AllSignals(t); len(s) != 1 || s[0].Environment != models.Test {
			t.Errorf("stored %+v", s)
		}
	})
}

func TestSecretsAreMaskedInTheLog(t *testing.T) {
	a := apptest.Start(t, apptest.SQLite(t))
	k := a.NewKey(t, func(f *keys.CreateForm) { f.WithSecret = true })
	got := a.Post(t, "/api/signal-staging/webhook", form, "Authorization", "Bearer "+k.Value.Reveal(), "X-Api-Secret", k.Secret.Reveal(),
		"Referer", "https://x.example/"+k.Value.Reveal(), "User-Agent", k.Value.Reveal())
	line := a.Logged(t, got.Header.Get("X-Request-Id"))
	if all := string(line.Headers) + line.UserAgent; strings.Contains(all, k.Value.Reveal()) || strings.Contains(all, k.Secret.Reveal()) {
		t.Errorf("a secret is kept: %s", all)
	}
}
