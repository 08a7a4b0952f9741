package api_test

import (
	"slices"
	"strings"
	"testing"

	webhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"latchkey/internal/apptest"
	"latchkey/internal/database"
	"latchkey/internal/outbox"
)

func TestATestIsSentSignedAndRecorded(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		to := w.receiver()
		p := w.program("endpoints:*")
		made := w.as(p, "POST", w.here("/endpoints"), hook(to.URL)).want(201)
		path := w.here("/endpoints/" + made.member("id"))
		own := `{"type":"webhook.test","timestamp":"2026-01-01T00:00:00Z","data":{"n":1.50,"s":"<&>"}}`
		to.answers(503, "busy \xff\x00")
		tried := w.as(p, "POST", path+"/test", `{"type":"webhook.test","body":`+own+`}`).want(200).object()
		if tried["status"] != "failed" || tried["last_status"] != 503.0 || tried["last_error"] != "http_error" || tried["attempts_count"] != 1.0 {
			t.Errorf("tried %v", tried)
		}
		got := to.all()[0]
		verifier, err := webhooks.NewWebhook(made.member("secret"))
		if err != nil {
			t.Fatal(err)
		}
		if err := verifier.Verify(got.body, got.header); err != nil || string(got.body) != tried["body_text"] || got.header.Get("Webhook-Id") != tried["id"] {
			t.Errorf("arrived %v %s: %v", got.header, got.body, err)
		}
		one := path + "/deliveries/" + tried["id"].(string)
		read := w.as(p, "GET", one, "").want(200).object()
		attempt := read["attempts"].([]any)[0].(map[string]any)
		if len(read["attempts"].([]any)) != 1 || attempt["cause"] != "test" || attempt["response"] != "busy \ufffd\x00" || attempt["detail"] == nil || attempt["status"] != 503.0 {
			t.Errorf("recorded %v", read)
		}
		if read["body"].(map[string]any)["data"].(map[string]any)["n"] != 1.5 || read["body_text"] != tried["body_text"] {
			t.Errorf("the body is %v", read["body"])
		}
		to.answers(200, "ok")
		if r := w.as(p, "POST", one+"/retry", "").want(200); r.member("status") != "pending" {
			t.Errorf("retry: %s", r.Body)
		}
		apptest.Eventually(t, "the retry to arrive", func() bool { return w.as(p, "GET", one, "").member("status") == "delivered" })
		again := to.all()[1]
		if string(again.body) != string(got.body) || again.header.Get("Webhook-Id") != got.header.Get("Webhook-Id") {
			t.Errorf("the retry sent %v %s", again.header, again.body)
		}
		read = w.as(p, "GET", one, "").object()
		if n := len(read["attempts"].([]any)); n != 2 || read["attempts"].([]any)[1].(map[string]any)["cause"] != "retry" {
			t.Errorf("%d attempts: %v", n, read["attempts"])
		}
		health := w.as(p, "GET", path, "").object()["health"].(map[string]any)
		if health["failing_since"] != nil || health["last_success_at"] == nil || health["success_rate_24h"] != 1.0 {
			t.Errorf("health %v", health)
		}
	})
}

func TestABlockedAddressIsNamedByItsCode(t *testing.T) {
	w := newWorld(t, apptest.SQLite(t))
	p := w.program("endpoints:*")
	path := w.here("/endpoints/" + w.as(p, "POST", w.here("/endpoints"), hook(w.receiver().URL)).want(201).member("id"))
	// As if the name had been given another address since.
	if err := w.DB.Write.WithContext(t.Context()).Exec("UPDATE endpoints SET url = 'http://10.0.0.1/'").Error; err != nil {
		t.Fatal(err)
	}
	if tried := w.as(p, "POST", path+"/test", `{"type":"webhook.test"}`).want(200).object(); tried["last_error"] != "blocked_address" || tried["last_status"] != nil {
		t.Errorf("tried %v", tried)
	}
}

func TestAReplayIsPlannedStartedWatchedAndStopped(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		to := w.receiver()
		p := w.program("endpoints:*")
		id := w.as(p, "POST", w.here("/endpoints"), hook(to.URL)).want(201).member("id")
		path := w.here("/endpoints/" + id)
		w.failed(w.Owner, id, 5)
		plan := w.as(p, "GET", path+"/replays/plan?kind=failed", "").want(200).object()
		if plan["count"] != 5.0 || plan["seconds"] != 1.0 || plan["rate"] != 50.0 || plan["running_replay_id"] != nil || plan["oldest"] == nil {
			t.Errorf("plan %v", plan)
		}
		made := w.as(p, "POST", path+"/replays", `{"kind":"failed","rate":1000}`, "Idempotency-Key", "again").want(201)
		one := path + "/replays/" + made.member("id")
		if !strings.HasSuffix(made.Header.Get("Location"), one) || made.object()["total"] != 5.0 {
			t.Errorf("started %s", made.Body)
		}
		apptest.Eventually(t, "the replay to end", func() bool {
			now := w.as(p, "GET", one, "").object()
			return now["status"] == "finished" && now["delivered"] == 5.0 && now["waiting"] == 0.0
		})
		if again := w.as(p, "POST", path+"/replays", `{"kind":"failed","rate":1000}`, "Idempotency-Key", "again").want(201); again.member("id") != made.member("id") {
			t.Errorf("the same call started another: %s", again.Body)
		}
		w.as(p, "DELETE", one, "").refused(409, "conflict")
		slow := path + "/replays/" + w.replaying(id)
		w.as(p, "POST", path+"/replays", `{"kind":"failed"}`).refused(409, "conflict")
		stopped := w.as(p, "DELETE", slow, "").want(200).object()
		if stopped["status"] != "stopped" || stopped["finished_at"] == nil {
			t.Errorf("stopped %v", stopped)
		}
		if all := w.as(p, "GET", path+"/replays", "").want(200).list(); len(all) != 2 || all[0]["status"] != "stopped" {
			t.Errorf("listed %v", all)
		}
		released := int(stopped["released"].(float64))
		apptest.Eventually(t, "what was released to arrive", func() bool { return len(to.all()) >= 5+released })
		if n := len(to.all()); n >= 5+60 {
			t.Errorf("%d arrived of a replay that was stopped", n)
		}
	})
}

func TestTheDocumentedMessagesAreThoseThatThereAre(t *testing.T) {
	w := newWorld(t, apptest.SQLite(t))
	contract := apptest.LoadContract(t)
	listed := w.as(w.program("endpoints:read"), "GET", w.here("/event-types"), "").want(200).list()
	if len(listed) != len(outbox.Types) || len(contract.Doc.Webhooks) != len(outbox.Types) {
		t.Errorf("%d listed, %d documented, %d there", len(listed), len(contract.Doc.Webhooks), len(outbox.Types))
	}
	for _, i := range outbox.Types {
		if err := contract.CheckMessage(string(i.Type), i.Sample); err != nil {
			t.Errorf("the sample of %s: %v\n%s", i.Type, err, i.Sample)
		}
		if item := contract.Doc.Webhooks[string(i.Type)]; item == nil || item.Post.Description != i.Text {
			t.Errorf("%s is described otherwise", i.Type)
		}
	}
}

// TestMessagesAreAsTheContractSays holds what really arrives against the contract, byte by byte as
// it came.
func TestMessagesAreAsTheContractSays(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		w.unlimited()
		to := w.receiver()
		p := w.program("admin:full")
		w.as(p, "POST", w.here("/endpoints"), `{"url":"`+to.URL+`","environment":"live","event_types":["*"]}`).want(201)
		h := w.fill(w.Owner, 2)
		w.as(p, "POST", w.here("/api-keys/"+h.key+"/rotate"), "").want(200)
		w.as(p, "DELETE", w.here("/api-keys/"+h.key), "").want(200)
		w.as(p, "POST", w.here("/endpoints/"+h.endpoint+"/disable"), "").want(200)
		key := w.NewKey(t)
		w.Post(t, "/api/signal-staging/webhook", `{"email":"x"}`, "Authorization", "Bearer "+key.Value.Reveal())
		want := []string{
			"signal.received", "product_org.updated", "api_key.created", "api_key.rotated", "api_key.deactivated", "ingest.rejected", "endpoint.disabled",
		}
		seen := func() []string {
			var types []string
			for _, m := range to.all() {
				kind, _, _ := strings.Cut(strings.TrimPrefix(string(m.body), `{"type":"`), `"`)
				types = append(types, kind)
			}
			return types
		}
		apptest.Eventually(t, "a message of each type", func() bool {
			types := seen()
			return !slices.ContainsFunc(want, func(t string) bool { return !slices.Contains(types, t) })
		})
		contract := apptest.LoadContract(t)
		types := seen()
		for i, m := range to.all()[:len(types)] {
			if err := contract.CheckMessage(types[i], m.body); err != nil {
				t.Errorf("%s: %v\n%s", types[i], err, m.body)
			}
		}
	})
}
