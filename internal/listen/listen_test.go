package listen_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"gorm.io/gorm"

	"latchkey/internal/access"
	"latchkey/internal/apptest"
	"latchkey/internal/database"
	"latchkey/internal/fault"
	"latchkey/internal/listen"
	"latchkey/internal/outbox"
	"latchkey/models"
)

// TestASessionGetsWhatManyWriteAtOnceEachOnce: transactions end in another order than their messages'
// ids, and some long after.
func TestASessionGetsWhatManyWriteAtOnceEachOnce(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		s, too := w.open(w.dev), w.open(w.dev)
		const writers, each = 6, 60
		var wanted []string
		batches := make([][]outbox.Event, writers)
		for i := range batches {
			for range each {
				e := w.event()
				batches[i], wanted = append(batches[i], e), append(wanted, e.ID)
			}
			rand.Shuffle(each, func(a, b int) { batches[i][a], batches[i][b] = batches[i][b], batches[i][a] })
		}
		var work sync.WaitGroup
		for _, batch := range batches {
			work.Go(func() {
				for some := range slices.Chunk(batch, 5) {
					err := db.Tx(t.Context(), func(tx *gorm.DB) error {
						for _, e := range some {
							if err := outbox.Emit(t.Context(), tx, e); err != nil {
								return err
							}
						}
						return nil
					})
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		done := make(chan struct{})
		go func() { work.Wait(); close(done) }()
		var got []string
		for writing := true; writing; {
			select {
			case <-done:
				writing = false
			default:
			}
			list, err := s.Next(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range list {
				got = append(got, m.ID)
			}
		}
		got = append(got, w.all(s)...)
		slices.Sort(got)
		slices.Sort(wanted)
		if diff := cmp.Diff(wanted, got); diff != "" {
			t.Errorf("written (-) and got (+):\n%s", diff)
		}
		if got := w.all(too); len(got) != len(wanted) {
			t.Errorf("another session got %d of %d", len(got), len(wanted))
		}
	})
}

func TestWhatCommitsLongAfterNewerMessagesIsFound(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		s := w.open(w.dev)
		w.emit(w.event())
		if got := w.all(s); len(got) != 1 {
			t.Fatalf("got %v", got)
		}
		late := w.emit(w.event(func(e *outbox.Event) { e.ID = oldID(20 * time.Second) }))
		if got := w.all(s); !slices.Equal(got, []string{late}) {
			t.Errorf("got %v, want what was 20 seconds late", got)
		}
		bulk := w.emit(w.event(func(e *outbox.Event) { e.ID, e.Type = oldID(20*time.Minute), outbox.IngestRejected }))
		if got := w.all(s); !slices.Equal(got, []string{bulk}) {
			t.Errorf("got %v, want the refusal at the end of a long upload", got)
		}
		replayed := w.emit(w.event(func(e *outbox.Event) { e.ID, e.Type = oldID(20*24*time.Hour), outbox.OrgUpdated }))
		if got := w.all(s); !slices.Equal(got, []string{replayed}) {
			t.Errorf("got %v, want the update that was applied long after it came", got)
		}
		if got := w.all(s); len(got) != 0 {
			t.Errorf("got %v again", got)
		}
	})
}

func TestASessionGetsNothingFromBeforeItAndNothingFromElsewhere(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		everything := w.open(w.dev)
		w.open(w.alien)
		w.open(w.dev, func(f *listen.Filter) { f.Environment = models.Test })
		before := w.emit(w.event())
		s := w.open(w.dev, types("api_key.*", "product_org.updated"))
		created := w.emit(w.event(func(e *outbox.Event) { e.Type = outbox.KeyCreated }))
		signal := w.emit(w.event())
		w.emit(
			w.event(func(e *outbox.Event) { e.Environment = models.Test }),
			w.event(func(e *outbox.Event) { e.WorkspaceID = w.alien.WorkspaceID }),
		)
		updated := w.emit(w.event(func(e *outbox.Event) { e.Type = outbox.OrgUpdated }))
		if w.written() != 6 {
			t.Fatalf("%d messages are written, so this test proves nothing", w.written())
		}
		if got := w.all(s); !slices.Equal(got, []string{created, updated}) {
			t.Errorf("got %v", got)
		}
		if got := w.all(everything); !slices.Equal(got, []string{before, created, signal, updated}) {
			t.Errorf("a session for all types got %v", got)
		}
	})
}

func TestMessagesAreWrittenForAsLongAsSomebodyListens(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		tell := func(want int64) {
			t.Helper()
			before := w.written()
			w.emit(w.event())
			if got := w.written() - before; got != want {
				t.Errorf("%d messages are written, want %d", got, want)
			}
		}
		tell(0)
		s := w.open(w.dev)
		tell(1)
		for range 5 { // longer than a lease, but heard of
			w.now = w.now.Add(listen.Lease / 2)
			w.all(s)
			w.prune()
			tell(1)
		}
		if err := s.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.now = w.now.Add(listen.Lease - time.Second)
		w.prune()
		tell(1) // it may come back
		w.now = w.now.Add(time.Second)
		w.prune()
		tell(0)
	})
}

// prune is what each instance does now and then.
func (w *world) prune() {
	w.t.Helper()
	for _, s := range []*listen.Service{w.s, w.too} {
		if err := s.Prune(w.t.Context()); err != nil {
			w.t.Fatal(err)
		}
	}
}

func TestASessionThatFellSilentIsRemovedAndSaysSo(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		s := w.open(w.dev)
		w.now = w.now.Add(listen.Lease)
		w.prune()
		if _, err := s.Next(t.Context()); err != listen.ErrGone { //nolint:errorlint // returned as it is
			t.Errorf("next: %v", err)
		}
		if n, err := gorm.G[models.Listener](db.Read).Count(t.Context(), "*"); err != nil || n != 0 {
			t.Errorf("%d listeners are left, %v", n, err)
		}
	})
}

func TestAProgramThatComesBackGetsWhatWasWrittenMeanwhile(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		s := w.open(w.dev)
		first, last := w.emit(w.event(func(e *outbox.Event) { e.ID = oldID(time.Minute) })), ""
		for range 3 {
			last = w.emit(w.event(func(e *outbox.Event) { e.ID = oldID(30 * time.Second) }))
		}
		if got := w.all(s); len(got) == 0 {
			t.Fatal("it got nothing")
		}
		if err := s.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		missed := w.emit(w.event())
		again := w.open(w.dev, after(last))
		late := w.emit(w.event())
		got := w.all(again)
		if slices.Contains(got, first) || slices.Contains(got, last) || !slices.Contains(got, missed) || !slices.Contains(got, late) || len(got) > 4 {
			t.Errorf("after %s it got %v", last, got)
		}
		if n, err := gorm.G[models.Listener](db.Read).Count(t.Context(), "*"); err != nil || n != 1 {
			t.Errorf("%d listeners are left of one program, %v", n, err)
		}
	})
}

func TestAPageIsHandedOutWholeHoweverLarge(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		s := w.open(w.dev)
		large := strings.Repeat("x", 700<<10)
		var wanted []string
		for range 5 {
			wanted = append(wanted, w.emit(w.event(func(e *outbox.Event) { e.Data = map[string]any{"x": large} })))
		}
		list, err := s.Next(t.Context())
		if err != nil || len(list) != 1 {
			t.Fatalf("%d messages of 700 KiB at a time, %v", len(list), err)
		}
		if got := append([]string{list[0].ID}, w.all(s)...); !slices.Equal(got, wanted) {
			t.Errorf("got %v, want %v", got, wanted)
		}
	})
}

func TestTenProgramsOfAWorkspaceListenAtATime(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		var open []*listen.Session
		for range listen.MaxSessions {
			open = append(open, w.open(w.dev))
		}
		_, err := w.tryOpen(w.dev)
		if !fault.Is(err, fault.TooMany) {
			t.Fatalf("one more: %v", err)
		}
		w.open(w.alien)
		if err := open[0].Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.open(w.dev)
		if _, err := w.tryOpen(w.dev); !fault.Is(err, fault.TooMany) {
			t.Errorf("one more, when one left and one came: %v", err)
		}
		w.now = w.now.Add(listen.Lease) // none was heard of since
		w.open(w.dev)
	})
}

func TestOnlyWhoMaySeeMessagesListens(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		viewer := access.Actor{AccountID: w.dev.KeyID, WorkspaceID: w.dev.WorkspaceID, Role: access.Viewer}
		reader := w.dev
		reader.Scopes = access.Scopes{access.EndpointsRead, access.EndpointsWrite}
		for _, actor := range []access.Actor{viewer, reader} {
			if _, err := w.tryOpen(actor); !fault.Is(err, fault.Forbidden) {
				t.Errorf("%+v: %v", actor, err)
			}
		}
		if _, err := w.tryOpen(w.dev, types("signal.received", "signal.lost")); !fault.Is(err, fault.Invalid) || fault.FieldsOf(err)["types"] == "" {
			t.Errorf("an unknown type: %v", err)
		}
	})
}
