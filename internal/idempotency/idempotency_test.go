package idempotency_test

import (
	"context"
	"crypto/sha256"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"latchkey/internal/apptest"
	"latchkey/internal/database"
	"latchkey/internal/idempotency"
	"latchkey/models"
)

var noon = time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)

// world is the service with a clock that stands still.
type world struct {
	t   *testing.T
	db  *database.DB
	s   *idempotency.Service
	now time.Time
}

func each(t *testing.T, test func(t *testing.T, w *world)) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := &world{t: t, db: db, now: noon}
		w.s = idempotency.New(db, func() time.Time { return w.now })
		test(t, w)
	})
}

func call(body string) idempotency.Call {
	return idempotency.Call{KeyID: "0195a000-0000-7000-8000-000000000001", Key: "deploy-7", Request: sha256.Sum256([]byte(body))}
}

var made = idempotency.Answer{
	Status: 201, Header: map[string][]string{"Location": {"/api/v1/things/1"}}, Body: []byte(`{"id":"1"}` + "\n"),
}

func (w *world) begin(c idempotency.Call, want idempotency.State) idempotency.Begun {
	w.t.Helper()
	b, err := w.s.Begin(w.t.Context(), c)
	if err != nil {
		w.t.Fatal(err)
	}
	if b.State != want {
		w.t.Fatalf("state %d, want %d", b.State, want)
	}
	return b
}

func (w *world) ok(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func TestARepeatGetsTheFirstAnswer(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.ok(w.s.Finish(t.Context(), w.begin(call("a"), idempotency.Run), made))
		w.now = w.now.Add(idempotency.Kept - time.Second)
		b := w.begin(call("a"), idempotency.Replay)
		if diff := cmp.Diff(made, b.Answer); diff != "" {
			t.Error(diff)
		}
	})
}

func TestAnAnswerIsForgottenAfterADay(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.ok(w.s.Finish(t.Context(), w.begin(call("a"), idempotency.Run), made))
		w.now = w.now.Add(idempotency.Kept)
		b := w.begin(call("other"), idempotency.Run)
		w.ok(w.s.Finish(t.Context(), b, made))
		w.now = w.now.Add(idempotency.Kept + time.Second)
		w.ok(w.s.Prune(t.Context()))
		var rows int64
		w.ok(w.db.Read.Model(&models.APIIdempotency{}).Count(&rows).Error)
		if rows != 0 {
			t.Errorf("%d rows stayed", rows)
		}
	})
}

func TestAnotherCallUnderTheSameKeyIsToldApart(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		b := w.begin(call("a"), idempotency.Run)
		w.begin(call("b"), idempotency.Mismatch)
		w.ok(w.s.Finish(t.Context(), b, made))
		w.begin(call("b"), idempotency.Mismatch)
		other := call("a")
		other.KeyID = uuid.NewString()
		w.begin(other, idempotency.Run)
	})
}

func TestAnAbandonedCallRunsAgain(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.ok(w.s.Abandon(t.Context(), w.begin(call("a"), idempotency.Run)))
		w.begin(call("a"), idempotency.Run)
	})
}

func TestACallThatNeverEndedIsTakenOverOnceAndKeepsTheLaterAnswer(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		dead := w.begin(call("a"), idempotency.Run)
		w.now = w.now.Add(2*time.Minute - time.Second)
		w.begin(call("a"), idempotency.Running)
		w.now = w.now.Add(time.Second)
		w.begin(call("b"), idempotency.Mismatch)
		alive := w.begin(call("a"), idempotency.Run)
		w.begin(call("a"), idempotency.Running)

		w.ok(w.s.Finish(t.Context(), dead, idempotency.Answer{Status: 500}))
		w.ok(w.s.Abandon(t.Context(), dead))
		w.begin(call("a"), idempotency.Running)
		w.ok(w.s.Finish(t.Context(), alive, made))
		w.begin(call("a"), idempotency.Replay)
	})
}

func TestOfManyAtOnceOneRuns(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		var mu sync.Mutex
		states := map[idempotency.State]int{}
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				b, err := w.s.Begin(t.Context(), call("a"))
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				states[b.State]++
			})
		}
		all.Wait()
		want := map[idempotency.State]int{idempotency.Run: 1, idempotency.Running: 19}
		if diff := cmp.Diff(want, states); diff != "" {
			t.Error(diff)
		}
	})
}

func TestAnAnswerIsKeptThoughItsCallerHasGone(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		b := w.begin(call("a"), idempotency.Run)
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		w.ok(w.s.Finish(gone, b, made))
		w.begin(call("a"), idempotency.Replay)
	})
}
