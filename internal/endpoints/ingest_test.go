package endpoints_test

import (
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"latchkey/internal/apptest"
	"latchkey/internal/database"
	"latchkey/models"
)

// TestDisablingLeavesNothingPendingOfAFewWhileSignalsArrive disables and enables an endpoint again and
// again while signals come in: each accepted signal has its delivery, and none is pending while the
// endpoint is disabled.
func TestDisablingLeavesNothingPendingOfAFewWhileSignalsArrive(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		a := apptest.Start(t, db)
		key := a.NewKey(t)
		made, err := a.Endpoints.Create(t.Context(), a.Owner, form()) // nobody listens there
		if err != nil {
			t.Fatal(err)
		}
		count := func(where string) (n int) {
			if err := db.Read.Raw("SELECT COUNT(*) FROM deliveries WHERE endpoint_id = ?"+where, made.ID).Scan(&n).Error; err != nil {
				t.Fatal(err)
			}
			return n
		}
		stop := make(chan struct{})
		var accepted atomic.Int64
		var work sync.WaitGroup
		for range 4 {
			work.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
					}
					if a.Post(t, "/api/signal-staging/webhook/"+key.Value.Reveal(), `{"event":"x"}`).Status == http.StatusOK {
						accepted.Add(1)
					}
				}
			})
		}
		for round := range 6 {
			before := accepted.Load()
			apptest.Eventually(t, "signals", func() bool { return accepted.Load() > before+20 })
			if err := a.Endpoints.Disable(t.Context(), a.Owner, made.ID); err != nil {
				t.Fatal(err)
			}
			before = accepted.Load()
			if n := count(" AND status = 'pending'"); n != 0 {
				t.Fatalf("round %d: %d pending", round, n)
			}
			apptest.Eventually(t, "signals while disabled", func() bool { return accepted.Load() > before+20 })
			if n := count(" AND status = 'pending'"); n != 0 {
				t.Fatalf("round %d: %d pending later", round, n)
			}
			if round < 5 {
				if err := a.Endpoints.Enable(t.Context(), a.Owner, made.ID); err != nil {
					t.Fatal(err)
				}
			}
		}
		close(stop)
		work.Wait()
		if n := count(""); int64(n) != accepted.Load() || n != a.CountSignals(t) {
			t.Errorf("%d signals accepted, %d kept, %d deliveries", accepted.Load(), a.CountSignals(t), n)
		}
		if count(" AND status = '"+models.DeliverySkipped+"'") < 100 {
			t.Error("nothing was skipped")
		}
	})
}
