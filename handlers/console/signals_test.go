package console_test

import (
	"encoding/csv"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

const signalList = "/w/acme/signals"

func TestSignalsAreFoundByWhatIsInThem(t *testing.T) {
	a := app(t)
	shop, crm := a.NewKey(t, called("Shop")), a.NewKey(t, called("CRM"))
	posted(t, a, shop, `{"event":"order_placed","email":"ada@example.com","userId":"user-7"}`)
	a.Post(t, gatewayURL+"hubspot/"+crm.Value.Reveal(), `{"event":"deal_won","email":"bob@example.com","messageId":"m-1"}`)
	b := signIn(t, a, ownerEmail)
	s := b.Get(signalList).Want(http.StatusOK).Shows("order_placed", "deal_won", "ada@example.com", "hubspot", "Shop", "CRM")
	for field, value := range map[string]string{"q": "order_pl", "Event": "order_placed", "Email": "ADA@example.com", "Key": "Shop"} {
		s.Submit("Search", map[string]string{field: value}).Want(http.StatusOK).Shows("order_placed").Hides("deal_won")
	}
	for field, value := range map[string]string{"q": "m-1", "Source": "hubspot", "Email": "bob@example.com"} {
		s.Submit("Search", map[string]string{field: value}).Want(http.StatusOK).Shows("deal_won").Hides("order_placed")
	}
	s.Submit("Search", map[string]string{"Until": "2001-01-01T00:00"}).Shows("No signals match.")
	b.Get(signalList + "?env=test").Shows("No signals yet.").Hides("order_placed")
}

func TestASignalsPageShowsItsBytesAndWhatWasReadFromThem(t *testing.T) {
	a := app(t)
	k := a.NewKey(t, called("Shop"))
	id := posted(t, a, k, `{"event":"x","timestamp":"never","n":12345678901234567890.10,"bad":"a\u0000b\ud800"}`)
	row := a.AllSignals(t)[0]
	b := signIn(t, a, ownerEmail)
	s := b.Get(signalList+"/"+row.ID).Want(http.StatusOK).Shows(
		`"n":12345678901234567890.10,"bad":"a\u0000b\ud800"`, // as sent
		"12345678901234567890.10", "a\uFFFDb\uFFFD",          // as read
		"names nobody", "time could not be read", "cannot be stored as text", "Shop")
	if got := s.Link(id); got != requestList+"/"+id {
		t.Errorf("the request's link leads to %s", got)
	}
	s.Follow("x").Want(http.StatusOK).At(signalList)
	s.Follow(id).Want(http.StatusOK).Shows("200 Accepted", "Stored signals")
}

func TestExportsHaveWhatTheFiltersLeave(t *testing.T) {
	a := app(t)
	k := a.NewKey(t, called("Shop"))
	for _, event := range []string{"=1+1", "plain", "other"} {
		posted(t, a, k, `{"event":"`+event+`","email":"ada@example.com"}`)
	}
	a.Post(t, gatewayURL+a.NewKey(t, forTest).Value.Reveal(), `{"event":"only_in_test"}`)
	b := signIn(t, a, ownerEmail)

	s := b.Get(b.Get(signalList).Link("Export CSV")).Want(http.StatusOK)
	wantFile(t, s, "acme-signals-live.csv")
	rows, err := csv.NewReader(strings.NewReader(s.Body)).ReadAll()
	if err != nil || len(rows) != 4 || rows[3][1] != "'=1+1" || rows[1][14] != `{"event":"other","email":"ada@example.com"}` {
		t.Fatalf("%v: %q", err, rows)
	}

	filtered := b.Get(signalList + "?event=" + url.QueryEscape("=1+1"))
	s = b.Get(filtered.Link("Export NDJSON")).Want(http.StatusOK)
	wantFile(t, s, "acme-signals-live.ndjson")
	var line struct {
		Event   string
		Key     string
		Payload map[string]string
	}
	if err := json.Unmarshal([]byte(s.Body), &line); err != nil || line.Event != "=1+1" || line.Key != "Shop" || line.Payload["email"] != "ada@example.com" {
		t.Errorf("%v: %s", err, s.Body)
	}
	s = b.Get(signalList + "/export.csv?env=test").Shows("only_in_test").Hides("plain")
	wantFile(t, s, "acme-signals-test.csv")
}

func TestSignalsAreFoundByTheirKind(t *testing.T) {
	a := app(t)
	k := a.NewKey(t, called("Shop"))
	posted(t, a, k, `{"event":"order_placed","email":"ada@example.com"}`)
	posted(t, a, k, `{"event":"Company joined","type":"group","groupId":"g-1"}`)
	b := signIn(t, a, ownerEmail)
	s := b.Get(signalList).Shows("order_placed", "track", "Company joined", "group")
	s = s.Submit("Search", map[string]string{"Kind": "group"}).Shows("Company joined").Hides("order_placed")
	if csv := b.Get(s.Link("Export CSV")); !strings.HasSuffix(strings.TrimSpace(csv.Body), ",group") || strings.Contains(csv.Body, "order_placed") {
		t.Errorf("the export of a kind: %s", csv.Body)
	}
	s.Follow("Company joined").Shows("Kind", "group").Follow("group").At(signalList).Hides("order_placed")
	s.Follow("Clear filters").Shows("order_placed")
	b.Get(signalList+"?kind=nonsense").Shows("order_placed", "Company joined")
}
