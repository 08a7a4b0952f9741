package signals_test

import (
	"strings"
	"testing"
	"time"

	"latchkey/internal/apptest"
	"latchkey/internal/database"
	"latchkey/internal/signals"
	"latchkey/models"
)

// partsWorld is a world on Postgres whose clock begins at the start of the last part of signals.
func partsWorld(t *testing.T) *world {
	w := newWorld(t, apptest.Postgres(t))
	bound := w.text("SELECT substring(pg_get_expr(relpartbound, oid) FROM '[0-9a-f]{8}-[0-9a-f-]{27}') FROM pg_class WHERE relname = 'signals_last'")
	w.now = database.IDTextTime(bound)
	return w
}

func (w *world) text(query string, args ...any) string {
	w.t.Helper()
	var text string
	if err := w.db.Write.Raw(query, args...).Row().Scan(&text); err != nil {
		w.t.Fatalf("%s: %v", query, err)
	}
	return text
}

// parts are the names of the parts of signals, oldest first.
func (w *world) parts() []string {
	return strings.Split(w.text("SELECT string_agg(inhrelid::regclass::text, ' ' ORDER BY substring(pg_get_expr(c.relpartbound, c.oid) FROM 'TO .*')) FROM pg_inherits JOIN pg_class c ON c.oid = inhrelid WHERE inhparent = 'signals'::regclass"), " ")
}

func (w *world) partOf(s models.Signal) string {
	return w.text("SELECT tableoid::regclass::text FROM signals WHERE id = ?", s.ID)
}

func TestPartsAreMadeAheadOfTheirTime(t *testing.T) {
	w := partsWorld(t)
	for range 40 {
		w.prune()
		if part := w.partOf(w.signal(0, nil)); part == "signals_last" {
			t.Fatalf("at %s a signal went to the open part; there are %v", w.now, w.parts())
		}
		w.now = w.now.Add(day)
	}
	if n := len(w.parts()); n < 15 || n > 22 {
		t.Errorf("after 40 days with a retention of 30 there are %d parts: %v", n, w.parts())
	}
}

func TestAPartGoesWhenAllInItIsPastTheLongestRetention(t *testing.T) {
	w := partsWorld(t)
	short := w.workspace("short")
	w.exec("UPDATE workspaces SET raw_retention_days = 3 WHERE id = ?", short)
	w.prune()
	start := w.now
	mine := w.signal(0, nil)
	part := w.partOf(mine)
	w.now = w.now.Add(day)
	young := w.signal(0, func(s *models.Signal) { s.WorkspaceID = short })

	w.now = start.Add(day + 3*day + time.Hour)
	if got := w.prune(); got.Signals != 1 || got.Partitions != 0 {
		t.Errorf("past the shorter retention: %+v, want one signal", got)
	}
	if n := countRows(t, w.db.Read, "signals WHERE id = '"+young.ID+"'"); n != 0 {
		t.Error("the signal of the workspace with the shorter retention is still there")
	}
	w.now = start.Add(30*day + time.Hour)
	if got := w.prune(); got.Signals != 0 {
		t.Errorf("past the longest retention, but not the whole part: %+v", got)
	}
	w.now = start.Add(32*day + time.Hour)
	if got := w.prune(); got.Partitions == 0 || got.Signals != 0 {
		t.Errorf("past it with the whole part: %+v", got)
	}
	if n := countRows(t, w.db.Read, "signals WHERE id = '"+mine.ID+"'"); n != 0 {
		t.Error("the signal is still there")
	}
	if n := countRows(t, w.db.Read, "pg_class WHERE relname = '"+part+"'"); n != 0 {
		t.Errorf("its part %s is still there", part)
	}
}

func TestAPartThatNobodyCutInTimeLosesNothing(t *testing.T) {
	w := partsWorld(t)
	var kept []string
	for range 9 { // nobody cleans up for nine days
		kept = append(kept, w.signal(0, nil).ID)
		w.now = w.now.Add(day)
	}
	w.prune()
	kept = append(kept, w.signal(0, nil).ID)
	w.now = w.now.Add(3 * day)
	w.prune()
	later := w.signal(0, nil)
	if n := countRows(t, w.db.Read, "signals WHERE id IN ('"+strings.Join(kept, "','")+"')"); n != int64(len(kept)) {
		t.Errorf("%d of %d signals are there", n, len(kept))
	}
	if part := w.partOf(later); part == "signals_last" {
		t.Errorf("the newest signal is in %s; there are %v", part, w.parts())
	}
	// That part is longer than others. What is old in it is deleted to the hour.
	w.now = w.now.Add(30*day - 11*day)
	if got := w.prune(); got.Signals == 0 || got.Partitions > 1 {
		t.Errorf("pruned %+v", got)
	}
}

func TestInstancesCutPartsOnceWhileOthersWrite(t *testing.T) {
	w := partsWorld(t)
	var done []chan error
	for range 3 {
		ended := make(chan error, 1)
		done = append(done, ended)
		go func() {
			_, err := signals.New(w.db, func() time.Time { return w.now }).Prune(t.Context())
			ended <- err
		}()
	}
	const n = 200
	for range n {
		w.signal(0, nil)
	}
	for _, ended := range done {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	w.prune()
	if got := countRows(t, w.db.Read, "signals"); got != n {
		t.Errorf("%d signals, want %d", got, n)
	}
	if part := w.partOf(w.signal(0, nil)); part == "signals_last" {
		t.Errorf("nobody cut: %v", w.parts())
	}
}

func TestTheNewestPageReadsTheNewestPartOnly(t *testing.T) {
	w := partsWorld(t)
	for range 10 {
		w.prune()
		w.now = w.now.Add(2 * day)
		for range 60 {
			w.signal(0, nil)
		}
	}
	w.exec("ANALYZE signals")
	plan := w.explainAnalyze("SELECT id FROM signals WHERE workspace_id = ? AND environment = 'live' ORDER BY id DESC LIMIT 51", w.mine.WorkspaceID)
	if n := strings.Count(plan, "(never executed)"); n < 8 {
		t.Errorf("the page looks into more parts than it needs:\n%s", plan)
	}
}

func (w *world) explainAnalyze(query string, args ...any) string {
	w.t.Helper()
	var lines []string
	if err := w.db.Read.Raw("EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) "+query, args...).Scan(&lines).Error; err != nil {
		w.t.Fatal(err)
	}
	return strings.Join(lines, "\n")
}
