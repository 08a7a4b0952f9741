package gateway_test

import (
	"strings"
	"testing"

	"latchkey/internal/apptest"
	"latchkey/internal/database"
	"latchkey/internal/ingest"
	"latchkey/internal/source"
)

// TestEveryVendorsSampleIsStoredAsItsAdapterReadsIt: what the console shows of a sample is what the
// gateway makes of it.
func TestEveryVendorsSampleIsStoredAsItsAdapterReadsIt(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		a := apptest.Start(t, db)
		k := a.NewKey(t)
		for _, vendor := range source.Vendors() {
			for _, sample := range vendor.Samples {
				var headers []string
				for name, value := range sample.Headers {
					headers = append(headers, name, value)
				}
				got := a.Post(t, webhook(k, vendor.Name), sample.Body, headers...)
				if got.Status != 200 {
					t.Errorf("%s/%s: %d %s", vendor.Name, sample.Name, got.Status, got.Body)
				}
				if strings.Contains(string(got.Body), "adapter_mismatch") {
					t.Errorf("%s/%s is not read by its adapter: %s", vendor.Name, sample.Name, got.Body)
				}
			}
		}
	})
}

func TestAnAdapterNeverRefusesForShape(t *testing.T) {
	a := apptest.Start(t, apptest.SQLite(t))
	k := a.NewKey(t)
	for _, vendor := range source.Vendors() {
		got := a.Post(t, webhook(k, vendor.Name), `{"quite":["another","shape"]}`).JSON(t)
		if got["status"] != ingest.Accepted || !strings.Contains(strings.Join(words(got["warnings"]), " "), "adapter_mismatch") {
			t.Errorf("%s: %v", vendor.Name, got)
		}
	}
	for _, s := range a.AllSignals(t) {
		if s.Event != "unknown" || s.Kind != "track" {
			t.Errorf("stored %+v", s)
		}
	}
}

// TestTheItemsOfAListDoNotShareTheDeliverysID: each would else be taken for a repeat of the first.
func TestTheItemsOfAListDoNotShareTheDeliverysID(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		a := apptest.Start(t, db)
		k := a.NewKey(t)
		const list = `[{"action":"opened","sender":{"login":"ada"}},{"action":"opened","sender":{"login":"bob"}}]`
		for range 2 {
			got := a.Post(t, webhook(k, "github"), list, "X-GitHub-Event", "issues", "X-GitHub-Delivery", "d-1")
			if got.Status != 200 {
				t.Fatalf("answer %d %s", got.Status, got.Body)
			}
		}
		if s := a.AllSignals(t); len(s) != 2 || s[0].Event != "issues.opened" || s[0].UserID == s[1].UserID {
			t.Errorf("stored %+v, want both once", s)
		}
	})
}

// TestTheListThatAVendorNamesIsSplit, on its own URL only.
func TestTheListThatAVendorNamesIsSplit(t *testing.T) {
	a := apptest.Start(t, apptest.SQLite(t))
	k := a.NewKey(t)
	const logs = `{"logs":[{"log_id":"1","data":{"type":"s","user_id":"auth0|a","date":"2026-01-05T12:00:00Z"}},{"log_id":"2","data":{"type":"fp","user_id":"auth0|b","date":"2026-01-05T12:00:01Z"}}]}`
	if got := a.Post(t, webhook(k, "auth0"), logs).JSON(t); len(got["results"].([]any)) != 2 {
		t.Errorf("answer %v", got)
	}
	if s := a.AllSignals(t); len(s) != 2 || s[0].Event != "s" || s[1].UserID != "auth0|b" || s[1].MessageID != "2" {
		t.Errorf("stored %+v", s)
	}
	if got := a.Post(t, webhook(k, "own-system"), logs).JSON(t); got["results"] != nil {
		t.Errorf("another source's logs were split: %v", got)
	}
}

func TestTheUniversalURLTellsTheKindToo(t *testing.T) {
	a := apptest.Start(t, apptest.SQLite(t))
	k := a.NewKey(t)
	a.Post(t, webhook(k), `{"event":"Viewed Pricing","type":"page","userId":"u"}`)
	a.Post(t, webhook(k), `{"event":"Signed Up","userId":"u"}`)
	kinds := map[string]string{}
	for _, s := range a.AllSignals(t) {
		kinds[s.Event] = s.Kind
	}
	if kinds["Viewed Pricing"] != "page" || kinds["Signed Up"] != "track" {
		t.Errorf("kinds %v", kinds)
	}
}

func words(v any) []string {
	var out []string
	list, _ := v.([]any)
	for _, w := range list {
		out = append(out, w.(string))
	}
	return out
}
