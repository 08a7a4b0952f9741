package signals

import (
	"context"
	"time"
)

const (
	// pruneHold is how long one delete should take. On SQLite it is how long the writer of the
	// gateway waits for it, and so what retention adds to a post in the worst case.
	pruneHold = 10 * time.Millisecond
	// The first batch is small: nobody knows yet how fast the disk is.
	pruneFirst, pruneLeast, pruneMost = 100, 20, 2000
)

// pace sizes the batches of a clean-up by the time that they take, and rests after each as long
// again, so that it has at most half of the database's writing.
type pace struct{ rows int }

func newPace() *pace { return &pace{rows: pruneFirst} }

// after goes by a batch of n rows that held the database for took.
func (p *pace) after(ctx context.Context, n int64, took time.Duration) error {
	if n > 0 {
		fits := int64(pruneMost)
		if took > 0 {
			fits = int64(float64(n) * float64(pruneHold) / float64(took))
		}
		// At most twice as many as before: one quick batch says little about the next.
		p.rows = int(max(pruneLeast, min(fits, 2*int64(p.rows), pruneMost)))
	}
	if took <= 0 {
		return ctx.Err()
	}
	rest := time.NewTimer(took)
	defer rest.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-rest.C:
		return nil
	}
}
