package keys

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"latchkey/models"
)

var active = &Credential{status: models.KeyActive}

// together starts a look-up that lasts until end, then others of the same key, and tells how many
// reads there were in all and how many requests were told an error.
func together(t *testing.T, first, second func() (*Credential, error), generation uint64) (reads, failed int64) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		l, end := newLookUps(), make(chan struct{})
		var count, errs atomic.Int64
		var work sync.WaitGroup
		ask := func(generation uint64, read func() (*Credential, error)) {
			work.Go(func() {
				_, err := l.share(t.Context(), digest{1}, generation, time.Now(), func(context.Context) (*Credential, error) {
					count.Add(1)
					return read()
				})
				if err != nil {
					errs.Add(1)
				}
			})
		}
		ask(1, func() (*Credential, error) { <-end; return first() })
		synctest.Wait()
		for range 20 {
			ask(generation, second)
		}
		synctest.Wait()
		close(end)
		work.Wait()
		if len(l.running) > 0 {
			t.Error("a look-up that is over is still shared")
		}
		reads, failed = count.Load(), errs.Load()
	})
	return reads, failed
}

func found() (*Credential, error)   { return active, nil }
func unknown() (*Credential, error) { return nil, ErrUnknown }
func silent() (*Credential, error)  { return nil, errors.New("the database is silent") }
func expired() (*Credential, error) {
	return &Credential{status: models.KeyActive, expiresAt: models.At(time.Unix(1, 0))}, nil
}

func TestRequestsWithOneKeyShareItsLookUp(t *testing.T) {
	if reads, failed := together(t, found, found, 1); reads != 1 || failed != 0 {
		t.Errorf("%d reads, %d errors", reads, failed)
	}
	if reads, failed := together(t, silent, silent, 1); reads != 1 || failed != 21 {
		t.Errorf("of a silent database: %d reads, %d errors", reads, failed)
	}
}

func TestAKeyThatIsNotThereIsLookedUpByEachRequestItself(t *testing.T) {
	if reads, failed := together(t, unknown, found, 1); reads != 21 || failed != 1 {
		t.Errorf("made meanwhile: %d reads, %d errors", reads, failed)
	}
	if reads, _ := together(t, expired, found, 1); reads != 21 {
		t.Errorf("extended meanwhile: %d reads", reads)
	}
}

func TestALookUpFromBeforeAnEvictionIsNotShared(t *testing.T) {
	if reads, _ := together(t, found, found, 2); reads < 2 {
		t.Errorf("%d reads", reads)
	}
}
