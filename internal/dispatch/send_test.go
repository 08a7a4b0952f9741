package dispatch_test

import (
	"testing"

	"latchkey/internal/apptest"
	"latchkey/internal/database"
	"latchkey/internal/secretbox"
	"latchkey/models"
)

func secrets(t testing.TB) *secretbox.Box {
	t.Helper()
	box, err := secretbox.New([]byte("a key of tests, of 32 bytes only"))
	if err != nil {
		t.Fatal(err)
	}
	return box
}

func TestEachMessageIsDeliveredOnceAndRecorded(t *testing.T) {
	t.Parallel()
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		r := newReceiver(t, w.clock, nil)
		e := w.endpoint(r.URL)
		i := w.start()
		ids := w.messages(500, e)
		ring(e, i)
		w.eventually("all to be delivered", func() bool { return w.count(e, models.DeliveryDelivered) == len(ids) })
		r.exactlyOnce(t, ids)
		a := w.attempts(e, ids[0])
		if len(a) != 1 || a[0].Number != 1 || a[0].Status != 200 || a[0].Cause != models.CauseSchedule || a[0].Error != "" {
			t.Errorf("attempts %+v", a)
		}
		w.eventually("the lease to be given back", func() bool { return w.state(e).LeasedBy == "" })
	})
}
