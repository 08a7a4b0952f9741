package signals_test

import (
	"testing"
	"time"

	"latchkey/internal/apptest"
	"latchkey/internal/database"
	"latchkey/internal/fault"
	"latchkey/internal/signals"
	"latchkey/models"
)

func TestRequestsAreListedNewestFirstWithTheirKeysNames(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		old := w.request(time.Hour, nil)
		stray := w.request(time.Minute, func(r *models.GatewayRequest) {
			rejectedFor("invalid_api_key", 401)(r)
			r.APIKeyID = nil
		})
		page := w.requests(signals.RequestFilter{})
		sameIDs(t, "list", requestIDs(page.Items), stray.ID, old.ID)
		if page.Items[0].KeyName != "" || page.Items[1].KeyName != "Production" || page.Items[1].KeyPrefix != "sk_live_a2f9" {
			t.Errorf("names: %q, %q %q", page.Items[0].KeyName, page.Items[1].KeyName, page.Items[1].KeyPrefix)
		}
		if page.Older != "" || !page.SearchedTo.IsZero() {
			t.Errorf("a last page leads on: %+v", page)
		}
	})
}

func TestRequestsNeverShowAnotherWorkspaceOrEnvironment(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		alien := w.request(0, func(r *models.GatewayRequest) { r.WorkspaceID, r.APIKeyID = w.other.WorkspaceID, &w.alien })
		tested := w.request(0, func(r *models.GatewayRequest) { r.Environment = models.Test })
		for name, f := range map[string]signals.RequestFilter{
			"all": {}, "key": {KeyID: w.alien}, "id": {RequestID: alien.ID}, "search": {Search: alien.ID}, "test id": {RequestID: tested.ID},
		} {
			sameIDs(t, name, requestIDs(w.requests(f).Items))
		}
		sameIDs(t, "test", requestIDs(w.requests(signals.RequestFilter{Environment: models.Test}).Items), tested.ID)
		if _, err := w.s.Request(t.Context(), w.mine, alien.ID); !fault.Is(err, fault.NotFound) {
			t.Errorf("another workspace's request: %v", err)
		}
	})
}

func TestRequestFiltersNarrowTheLog(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		second := w.apiKey(w.mine, "Staging", models.Live)
		plain := w.request(50*time.Hour, nil)
		other := w.request(3*time.Hour, func(r *models.GatewayRequest) {
			r.APIKeyID, r.Source, r.Event, r.Email = &second, "hubspot", "Deal 100% Won", "bob@example.com"
		})
		bad := w.request(2*time.Hour, rejectedFor("invalid_json", 400))
		partly := w.request(time.Hour, func(r *models.GatewayRequest) { r.Status, r.Code, r.Rejected = 207, "items_rejected", 1 })
		cases := map[string]struct {
			f    signals.RequestFilter
			want []string
		}{
			"rejected":          {signals.RequestFilter{Status: signals.Rejected}, []string{partly.ID, bad.ID}},
			"accepted":          {signals.RequestFilter{Status: signals.Accepted}, []string{other.ID, plain.ID}},
			"code":              {signals.RequestFilter{Code: "invalid_json"}, []string{bad.ID}},
			"key":               {signals.RequestFilter{KeyID: second}, []string{other.ID}},
			"key and rejected":  {signals.RequestFilter{KeyID: w.key, Status: signals.Rejected}, []string{partly.ID, bad.ID}},
			"key and code":      {signals.RequestFilter{KeyID: w.key, Code: "items_rejected"}, []string{partly.ID}},
			"source":            {signals.RequestFilter{Source: "hubspot"}, []string{other.ID}},
			"event":             {signals.RequestFilter{Event: "Deal 100% Won"}, []string{other.ID}},
			"email":             {signals.RequestFilter{Email: "Bob@Example.com "}, []string{other.ID}},
			"id":                {signals.RequestFilter{RequestID: bad.ID}, []string{bad.ID}},
			"search id":         {signals.RequestFilter{Search: " " + bad.ID}, []string{bad.ID}},
			"search event":      {signals.RequestFilter{Search: "deal"}, []string{other.ID}},
			"search is literal": {signals.RequestFilter{Search: "0% w"}, []string{other.ID}},
			"search wildcard":   {signals.RequestFilter{Search: "deal_100"}, nil},
			"search code":       {signals.RequestFilter{Search: "invalid_j"}, []string{bad.ID}},
			"search email":      {signals.RequestFilter{Search: "BOB@"}, []string{other.ID}},
			"from":              {signals.RequestFilter{From: noon.Add(-2 * time.Hour)}, []string{partly.ID, bad.ID}},
			"to":                {signals.RequestFilter{To: noon.Add(-2 * time.Hour)}, []string{other.ID, plain.ID}},
			"nonsense key":      {signals.RequestFilter{KeyID: "'; DROP TABLE signals"}, nil},
			"nonsense cursor":   {signals.RequestFilter{At: signals.Cursor{Before: "x", After: "y"}, Code: "invalid_json"}, []string{bad.ID}},
		}
		for name, c := range cases {
			sameIDs(t, name, requestIDs(w.requests(c.f).Items), c.want...)
		}
	})
}

func TestPagesCoverTheLogWithoutGapsOrRepeats(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		var want []string
		for i := range 7 {
			want = append([]string{w.request(time.Duration(7-i)*time.Minute, nil).ID}, want...)
		}
		f := signals.RequestFilter{Limit: 3}
		var got []string
		for range 3 {
			page := w.requests(f)
			got = append(got, requestIDs(page.Items)...)
			f.At = signals.Cursor{Before: page.Older}
		}
		sameIDs(t, "all pages", got, want...)
		if f.At.Before != "" {
			t.Error("the last page leads on")
		}
		third := w.requests(signals.RequestFilter{Limit: 3, At: signals.Cursor{Before: want[5]}})
		second := w.requests(signals.RequestFilter{Limit: 3, At: signals.Cursor{After: third.Newer}})
		sameIDs(t, "back", requestIDs(second.Items), want[3:6]...)
		first := w.requests(signals.RequestFilter{Limit: 3, At: signals.Cursor{After: second.Newer}})
		sameIDs(t, "back to the newest", requestIDs(first.Items), want[:3]...)
		if first.Newer != "" || first.Older != want[2] {
			t.Errorf("neighbours of the newest: %+v", first.Paging)
		}
	})
}

func TestASearchPausesAndGoesOnWhereItPaused(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		w.s.LookThrough(4)
		needle := w.request(time.Hour, func(r *models.GatewayRequest) { r.Source = "segment" })
		for i := range 10 {
			w.request(time.Duration(10-i)*time.Minute, nil)
		}
		f := signals.RequestFilter{Source: "segment"}
		var found []string
		pages := 0
		for ; pages < 10; pages++ {
			page := w.requests(f)
			found = append(found, requestIDs(page.Items)...)
			if page.Older == "" {
				break
			}
			if page.SearchedTo.IsZero() {
				t.Fatal("a paused search does not say how far it looked")
			}
			f.At = signals.Cursor{Before: page.Older}
		}
		sameIDs(t, "found", found, needle.ID)
		if pages != 2 {
			t.Errorf("11 rows, 5 a look: %d pauses", pages)
		}
	})
}

func TestARequestsPageHasItsBodyHeadersRefusedItemsAndSignals(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		batch := w.request(time.Minute, func(r *models.GatewayRequest) {
			r.Status, r.Code, r.Rejected = 207, "items_rejected", 1
			r.Body = []byte(`[{"event":"a"},{}]`)
			r.Headers = []byte(`{"X-Api-Secret":"••••","Accept":"*/*"}`)
			r.Results = []byte(`[{"index":1,"error":{"code":"missing_event","message":"An item needs an event.","field":"event"}}]`)
		})
		stored := w.signal(time.Minute, func(s *models.Signal) { s.RequestID = batch.ID })
		d, err := w.s.Request(t.Context(), w.mine, batch.ID)
		if err != nil {
			t.Fatal(err)
		}
		sameIDs(t, "signals", signalIDs(d.Signals), stored.ID)
		if string(d.Body) != `[{"event":"a"},{}]` || len(d.Refused) != 1 || d.Refused[0].Error.Code != "missing_event" || d.Refused[0].Index != 1 {
			t.Errorf("detail: %q %+v", d.Body, d.Refused)
		}
		if len(d.Headers) != 2 || d.Headers[0] != (signals.Header{"Accept", "*/*"}) || d.Headers[1].Value != "••••" {
			t.Errorf("headers: %+v", d.Headers)
		}
	})
}

func TestASingleItemsBodyIsReadFromItsSignal(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		stored := w.signal(time.Minute, func(s *models.Signal) { s.Raw = []byte(` {"event":"x"} `) })
		first := w.request(time.Minute, func(r *models.GatewayRequest) { r.SignalID = &stored.ID })
		repeat := w.request(0, func(r *models.GatewayRequest) { r.SignalID, r.Accepted, r.Duplicates = &stored.ID, 0, 1 })
		for _, id := range []string{first.ID, repeat.ID} {
			d, err := w.s.Request(t.Context(), w.mine, id)
			if err != nil {
				t.Fatal(err)
			}
			if string(d.Body) != ` {"event":"x"} ` {
				t.Errorf("body: %q", d.Body)
			}
			if (d.Original != "") != (id == repeat.ID) {
				t.Errorf("original of %s: %q", id, d.Original)
			}
		}
		// After the signal's retention the request still opens.
		if err := db.Write.Exec("DELETE FROM signals").Error; err != nil {
			t.Fatal(err)
		}
		if d, err := w.s.Request(t.Context(), w.mine, first.ID); err != nil || d.Body != nil {
			t.Errorf("without its signal: %q, %v", d.Body, err)
		}
	})
}

func TestATailReturnsEachRequestOnceThoughTheyCommitOutOfOrder(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		w.request(time.Minute, nil) // was there before: not told
		tail, err := w.s.Follow(t.Context(), w.mine, signals.RequestFilter{Environment: models.Live})
		if err != nil {
			t.Fatal(err)
		}
		next := func() []string {
			items, err := tail.Next(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			return requestIDs(items)
		}
		sameIDs(t, "nothing new", next())
		b := w.request(8*time.Second, nil)
		sameIDs(t, "newer id first", next(), b.ID)
		a := w.request(10*time.Second, nil) // another instance committed it later
		c := w.request(7*time.Second, rejectedFor("invalid_json", 400))
		sameIDs(t, "both", next(), a.ID, c.ID)
		sameIDs(t, "nothing twice", next())
		d := w.request(-time.Hour, nil) // the window moves far on
		sameIDs(t, "later", next(), d.ID)
		sameIDs(t, "still once", next())
	})
}

func TestATailKeepsToItsFilter(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		tail, err := w.s.Follow(t.Context(), w.mine, signals.RequestFilter{Environment: models.Live, Status: signals.Rejected})
		if err != nil {
			t.Fatal(err)
		}
		w.request(3*time.Second, nil)
		bad := w.request(2*time.Second, rejectedFor("invalid_json", 400))
		w.request(time.Second, func(r *models.GatewayRequest) { r.WorkspaceID = w.other.WorkspaceID })
		items, err := tail.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		sameIDs(t, "rejected only", requestIDs(items), bad.ID)
	})
}
