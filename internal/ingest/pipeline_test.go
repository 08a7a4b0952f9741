package ingest_test

import (
	"fmt"
	"strings"
	"testing"

	"latchkey/internal/apptest"
)

// A connection that the pool believes to be in a transaction is thrown away, and the next group pays
// for a new one and for preparing every statement again.
func TestGroupsWithMessageIDsKeepTheirConnection(t *testing.T) {
	a := apptest.Start(t, apptest.Postgres(t))
	k := a.NewKey(t)
	post := func(id int) {
		t.Helper()
		body := fmt.Sprintf(`{"event":"Page Viewed","userId":"u","messageId":"m-%d"}`, id)
		if _, err := a.Ingest.Accept(t.Context(), request(a, k, strings.NewReader(body))); err != nil {
			t.Fatal(err)
		}
	}
	post(0)
	before := a.DB.Pool.Stat().NewConnsCount()
	for i := range 20 {
		post(i / 2) // each a second time, too
	}
	if n := a.DB.Pool.Stat().NewConnsCount() - before; n > 2 { // others may want one meanwhile
		t.Errorf("%d new connections for 20 groups", n)
	}
	if n := a.CountSignals(t); n != 10 {
		t.Errorf("%d signals, want 10", n)
	}
}
