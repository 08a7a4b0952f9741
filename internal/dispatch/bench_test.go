package dispatch_test

import (
	"net/http"
	"slices"
	"strconv"
	"testing"
	"time"

	"latchkey/internal/apptest"
	"latchkey/internal/database"
	"latchkey/internal/dispatch"
	"latchkey/internal/endpoints"
	"latchkey/internal/outbox"
	"latchkey/models"
)

// BenchmarkDeliveries sends b.N messages to a receiver in this process, over one endpoint of
// concurrency 100 and over 20 of 10. Run it with -benchtime 20000x.
func BenchmarkDeliveries(b *testing.B) {
	for name, open := range map[string]func(testing.TB) *database.DB{"sqlite": apptest.SQLite, "postgres": apptest.Postgres} {
		for _, n := range []int{1, 20} {
			b.Run(name+"/"+strconv.Itoa(n), func(b *testing.B) { deliver(b, open(b), n) })
		}
	}
}

func deliver(b *testing.B, db *database.DB, n int) {
	w := newWorld(b, db)
	r := newReceiver(b, w.clock, nil)
	var all []endpoints.Created
	for range n {
		all = append(all, w.endpoint(r.URL, func(f *endpoints.Form) {
			if n == 1 {
				f.Concurrency = 100
			}
		}))
	}
	for _, e := range all {
		w.messages(b.N/n, e)
	}
	w.exec("ANALYZE")
	b.ResetTimer()
	i := w.start(func(o *dispatch.Options) { o.Instance = "bench" })
	w.eventually("all to be delivered", func() bool { return int(i.Stats().Delivered) >= b.N/n*n && i.Stats().Unwritten == 0 })
	b.StopTimer()
	b.ReportMetric(float64(b.N/n*n)/b.Elapsed().Seconds(), "deliveries/s")
	for _, e := range all {
		if got := w.count(e, models.DeliveryDelivered); got != b.N/n {
			b.Errorf("%d delivered, want %d", got, b.N/n)
		}
	}
}

// BenchmarkLatency tells how long ten healthy endpoints wait for what is written every 20 ms, alone
// and beside ten that never answer. Run it with -benchtime 500x.
func BenchmarkLatency(b *testing.B) {
	for name, open := range map[string]func(testing.TB) *database.DB{"sqlite": apptest.SQLite, "postgres": apptest.Postgres} {
		for _, hanging := range []int{0, 10} {
			b.Run(name+"/"+strconv.Itoa(hanging)+"hang", func(b *testing.B) { latency(b, open(b), hanging) })
		}
	}
}

func latency(b *testing.B, db *database.DB, hanging int) {
	w := newWorld(b, db)
	over := make(chan struct{})
	black := newReceiver(b, w.clock, func(int, got, http.ResponseWriter) { <-over })
	defer close(over)
	good := newReceiver(b, w.clock, nil)
	var all []endpoints.Created
	for range 10 {
		all = append(all, w.endpoint(good.URL))
	}
	for range hanging {
		all = append(all, w.endpoint(black.URL))
	}
	i := w.start()
	written := map[string]time.Time{}
	for range b.N {
		for _, id := range w.messages(1, all...) {
			written[outbox.PublicID(id)] = w.clock.Now()
		}
		for _, e := range all {
			ring(e, i)
		}
		time.Sleep(20 * time.Millisecond)
	}
	w.eventually("the healthy ones to have all", func() bool { return len(good.all()) >= 10*b.N })
	var took []time.Duration
	for _, g := range good.all() {
		took = append(took, g.at.Sub(written[g.id]))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
}
