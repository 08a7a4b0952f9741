package keys_test

import (
	"testing"
	"time"

	"latchkey/internal/apptest"
	"latchkey/internal/database"
	"latchkey/internal/keys"
	"latchkey/models"
)

func TestUsageFallsIntoItsBucketsAndNoneIsMissing(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		w.now = noon.Add(30 * time.Minute)
		k, other := w.create().Key, w.create().Key
		w.arrived(k, noon.Add(10*time.Minute), 5, 1)
		w.arrived(k, noon.Add(-time.Minute), 3, 0)
		w.arrived(k, noon.Add(-40*time.Hour), 2, 2)
		w.arrived(k, noon.Add(-40*24*time.Hour), 100, 100)
		w.arrived(other, noon, 50, 50)
		for name, expected := range map[string]struct {
			buckets            int
			accepted, rejected int64
			last, before       int64
			start              time.Time
		}{
			"24h":     {24, 8, 1, 5, 3, noon},
			"7d":      {28, 10, 3, 5, 3, noon},
			"30d":     {30, 10, 3, 8, 2, noon.Add(-12 * time.Hour)},
			"unheard": {24, 8, 1, 5, 3, noon},
		} {
			buckets, err := w.s.Usage(t.Context(), w.owner, k.ID, keys.SpanNamed(name))
			if err != nil {
				t.Fatal(err)
			}
			var accepted, rejected int64
			for i, b := range buckets {
				accepted, rejected = accepted+b.Accepted, rejected+b.Rejected
				if i > 0 && b.Start.Sub(buckets[i-1].Start) != keys.SpanNamed(name).Width {
					t.Errorf("%s: a gap before %v", name, b.Start)
				}
			}
			n := len(buckets)
			if n != expected.buckets || accepted != expected.accepted || rejected != expected.rejected ||
				buckets[n-1].Accepted != expected.last || !buckets[n-1].Start.Equal(expected.start) {
				t.Errorf("%s: %d buckets, %d accepted, %d rejected, last %+v", name, n, accepted, rejected, buckets[n-1])
			}
			if name != "30d" && buckets[n-2].Accepted != expected.before {
				t.Errorf("%s: the bucket before holds %+v", name, buckets[n-2])
			}
		}
	})
}

func TestWorkspaceUsageCountsItsOwnKeysOfOneEnvironment(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		trial := func(f *keys.CreateForm) { f.Environment = models.Test }
		w.arrived(w.create().Key, noon, 1, 0)
		w.arrived(w.create().Key, noon, 2, 0)
		w.arrived(w.create(trial).Key, noon, 10, 0)
		w.arrived(w.createAs(w.alien).Key, noon, 100, 0)
		buckets, err := w.s.WorkspaceUsage(t.Context(), w.owner, models.Live, keys.Spans[0])
		if err != nil {
			t.Fatal(err)
		}
		if got := buckets[len(buckets)-1].Accepted; got != 3 {
			t.Errorf("accepted = %d, want 3", got)
		}
	})
}

func TestTrafficIsThatOfTheLastDay(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		k := w.create().Key
		if got, err := w.s.Traffic(t.Context(), w.owner, k.ID); err != nil || got != (keys.Traffic{}) || got.NeedsName() {
			t.Errorf("unused: %+v, %v", got, err)
		}
		w.arrived(k, noon.Add(-25*time.Hour), 1000, 0)
		w.arrived(k, noon.Add(-23*time.Hour), 1200, 5)
		w.arrived(k, noon.Add(-2*time.Minute), 84, 0)
		got, err := w.s.Traffic(t.Context(), w.owner, k.ID)
		if err != nil {
			t.Fatal(err)
		}
		if got.Last24h != 1284 || !got.LatestAt.Equal(noon.Add(-2*time.Minute)) || got.LatestIP != "10.0.4.7" || !got.NeedsName() {
			t.Errorf("traffic = %+v", got)
		}
	})
}
