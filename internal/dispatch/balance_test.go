package dispatch_test

import (
	"net/http"
	"testing"

	"latchkey/internal/apptest"
	"latchkey/internal/dispatch"
	"latchkey/internal/endpoints"
	"latchkey/models"
)

func TestAnInstanceWithMoreThanItsShareGivesSomeToTheOther(t *testing.T) {
	t.Parallel()
	db := apptest.Postgres(t)
	w := newWorld(t, db)
	release := make(chan struct{})
	r := newReceiver(t, w.clock, func(n int, _ got, _ http.ResponseWriter) {
		if n <= 4 {
			<-release
		}
	})
	var all []endpoints.Created
	var ids []string
	for range 4 {
		e := w.endpoint(r.URL, func(f *endpoints.Form) { f.Concurrency = 1 })
		all, ids = append(all, e), append(ids, w.messages(300, e)...)
	}
	a := w.start()
	w.eventually("one instance to have them all", func() bool { return a.Stats().Endpoints == 4 && len(r.all()) == 4 })
	b := w.start()
	if err := dispatch.Balance(t.Context(), a.Service, b.Service); err != nil {
		t.Fatal(err)
	}
	close(release)
	w.eventually("all to be delivered", func() bool {
		n := 0
		for _, e := range all {
			n += w.count(e, models.DeliveryDelivered)
		}
		return n == len(ids)
	})
	if a.Stats().Delivered == 0 || b.Stats().Delivered == 0 {
		t.Errorf("one sent %d and the other %d", a.Stats().Delivered, b.Stats().Delivered)
	}
	r.exactlyOnce(t, ids)
}
