package signals_test

import (
	"testing"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"latchkey/internal/apptest"
	"latchkey/internal/database"
	"latchkey/internal/fault"
	"latchkey/internal/signals"
	"latchkey/models"
)

func (w *world) minute(key, env string, at time.Time, accepted int64) {
	w.t.Helper()
	w.create(&models.KeyUsageMinute{
		APIKeyID: key, Minute: at.Unix() / 60, WorkspaceID: w.mine.WorkspaceID, Environment: env,
		Accepted: accepted, Duplicates: 1, Rejected: 2, Previous: 3, Outside: 4,
	})
}

func TestUsageSumsWholeSteps(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		second := w.apiKey(w.mine, "Second", models.Test)
		for i, at := range []time.Time{noon.Add(-time.Minute), noon, noon.Add(59 * time.Minute), noon.Add(time.Hour)} {
			w.minute(w.key, models.Live, at, int64(1+i))
		}
		w.minute(second, models.Test, noon, 100)
		usage := func(f signals.UsageFilter) []int64 {
			t.Helper()
			f.From, f.To, f.Step = noon.Add(time.Second), noon.Add(time.Hour), time.Hour
			points, err := w.s.Usage(t.Context(), w.mine, f)
			if err != nil || len(points) != 1 || !points[0].Start.Equal(noon) {
				t.Fatalf("%+v: %v, %v", f, points, err)
			}
			p := points[0]
			return []int64{p.Accepted, p.Duplicates, p.Rejected, p.Previous, p.Outside}
		}
		for name, c := range map[string]struct {
			f    signals.UsageFilter
			want int64
		}{
			"one key": {signals.UsageFilter{KeyID: w.key}, 5}, "live": {signals.UsageFilter{Environment: models.Live}, 5},
			"test": {signals.UsageFilter{Environment: models.Test}, 100}, "all": {signals.UsageFilter{}, 105},
		} {
			if got := usage(c.f); got[0] != c.want || got[1]*2 != got[2] || got[1]*3 != got[3] || got[1]*4 != got[4] {
				t.Errorf("%s: %v, want %d accepted", name, got, c.want)
			}
		}
		if _, err := w.s.Usage(t.Context(), w.mine, signals.UsageFilter{KeyID: w.alien, From: noon, To: noon.Add(1), Step: time.Minute}); !fault.Is(err, fault.NotFound) {
			t.Errorf("another workspace's key: %v", err)
		}
	})
}

func TestUsageReadsOnlyItsOwnMinutes(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		w.fill(planRows(t))
		log := &recorder{Interface: logger.Discard}
		db.Read = db.Read.Session(&gorm.Session{Logger: log})
		for _, f := range []signals.UsageFilter{{KeyID: w.key}, {}, {Environment: models.Live}} {
			f.From, f.To, f.Step = noon.Add(-time.Hour), noon, time.Minute
			if _, err := w.s.Usage(t.Context(), w.mine, f); err != nil {
				t.Fatal(err)
			}
		}
		for _, statement := range log.statements {
			if plan := w.explain(statement); scans(plan) {
				t.Errorf("%s\n%s", statement, plan)
			}
		}
	})
}
