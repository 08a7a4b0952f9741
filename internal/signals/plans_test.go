package signals_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"latchkey/internal/apptest"
	"latchkey/internal/database"
	"latchkey/internal/signals"
	"latchkey/models"
)

// recorder keeps the statements that GORM runs.
type recorder struct {
	logger.Interface
	statements []string
}

func (r *recorder) Trace(_ context.Context, _ time.Time, statement func() (string, int64), _ error) {
	text, _ := statement()
	r.statements = append(r.statements, text)
}

// planRows is how many requests and signals the plans are asked for with; more with
// LATCHKEY_TEST_PLAN_ROWS.
func planRows(t *testing.T) int {
	t.Helper()
	text := os.Getenv("LATCHKEY_TEST_PLAN_ROWS")
	if text == "" {
		return 20000
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// fill writes n requests and n signals, one a second before noon; every hundredth is refused.
func (w *world) fill(n int) {
	w.t.Helper()
	series := "SELECT i FROM (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d) SELECT i FROM n)"
	id, uuid := "printf('%%08x-%%04x-7000-8000-%%012x', (%[1]d - i*1000) >> 16, (%[1]d - i*1000) & 65535, i)", ""
	if w.db.IsPostgres() {
		series, uuid = "SELECT i FROM generate_series(1::bigint, %d) AS i", "::uuid"
		id = "(lpad(to_hex((%[1]d - i*1000) >> 16), 8, '0') || '-' || lpad(to_hex((%[1]d - i*1000) & 65535), 4, '0') || '-7000-8000-' || lpad(to_hex(i), 12, '0'))::uuid"
	}
	series, id = fmt.Sprintf(series, n), fmt.Sprintf(id, noon.UnixMilli())
	at := fmt.Sprintf("%d - i*1000000", noon.UnixMicro())
	w.exec(`INSERT INTO gateway_requests (id, workspace_id, environment, api_key_id, route, source, status, code, message, accepted,
			duplicates, rejected, event, email, bytes, duration_us, ip, user_agent, received_at)
		SELECT `+id+`, CASE WHEN i % 4 = 0 THEN ?`+uuid+` ELSE ?`+uuid+` END, 'live', ?`+uuid+`, '/x', CASE WHEN i % 50 = 0 THEN 'hubspot' ELSE '' END,
			CASE WHEN i % 100 = 1 THEN 400 ELSE 200 END, CASE WHEN i % 100 <> 1 THEN '' WHEN i % 200 = 1 THEN 'invalid_json' ELSE 'missing_event' END,
			'', 1, 0, 0, 'event ' || (i % 40), 'user' || (i % 5000) || '@example.com', 250, 900, '', '', `+at+`
		FROM (`+series+`) s`, w.other.WorkspaceID, w.mine.WorkspaceID, w.key)
	w.exec(`INSERT INTO signals (id, workspace_id, environment, api_key_id, request_id, source, event, email, user_id, anonymous_id,
			group_id, message_id, warnings, occurred_at, received_at, raw)
		SELECT id, workspace_id, environment, api_key_id, id, source, event, email, '', '', '', '', '', received_at, received_at, ?
		FROM gateway_requests WHERE status = 200`, []byte(`{"event":"x"}`))
	w.exec(`INSERT INTO key_usage_minutes (api_key_id, minute, workspace_id, environment, accepted, duplicates, rejected)
		SELECT id, `+strconv.FormatInt(noon.Unix()/60, 10)+` - (i % 5000), workspace_id, 'live', 1, 0, 0
		FROM (SELECT `+id+` AS id, i, CASE WHEN i % 4 = 0 THEN ?`+uuid+` ELSE ?`+uuid+` END AS workspace_id FROM (`+series+`) s) u`,
		w.other.WorkspaceID, w.mine.WorkspaceID)
	if w.db.IsPostgres() { // autovacuum does that; nobody does it on SQLite
		w.exec("ANALYZE")
	}
}

func (w *world) exec(statement string, args ...any) {
	w.t.Helper()
	if err := w.db.Write.Exec(statement, args...).Error; err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) explain(statement string) string {
	w.t.Helper()
	how := "EXPLAIN QUERY PLAN "
	if w.db.IsPostgres() {
		how = "EXPLAIN "
	}
	rows, err := w.db.Read.Raw(how + statement).Rows()
	if err != nil {
		w.t.Fatalf("%s: %v", statement, err)
	}
	defer func() { _ = rows.Close() }()
	var plan []string
	for rows.Next() {
		var line string
		var a, b, c int
		into := []any{&a, &b, &c, &line}
		if w.db.IsPostgres() {
			into = []any{&line}
		}
		if err := rows.Scan(into...); err != nil {
			w.t.Fatal(err)
		}
		plan = append(plan, line)
	}
	if err := rows.Err(); err != nil {
		w.t.Fatal(err)
	}
	return strings.Join(plan, "\n")
}

// scans tells that a plan reads a whole big table.
func scans(plan string) bool {
	for _, table := range []string{"gateway_requests", "signals", "key_usage_minutes", "signal_dedup"} {
		for _, bad := range []string{"Seq Scan on " + table, "SCAN " + table} {
			for _, line := range strings.Split(plan, "\n") {
				// The part of the time that comes is empty.
				if strings.Contains(line, bad) && !strings.Contains(line, "USING") && !strings.Contains(line, "signals_last") {
					return true
				}
			}
		}
	}
	return false
}

// readsAll tells that a plan goes through all rows of a workspace, or of an environment where the rows
// of one key are wanted.
func readsAll(name, plan string) bool {
	return strings.Contains(plan, "(workspace_id=?)") || strings.Contains(name, "key") && strings.Contains(plan, "signals_log (")
}

func TestNoListReadsAWholeTable(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		n := planRows(t)
		w.fill(n)
		w.s.LookThrough(n / 10)
		middle := database.FirstID(noon.Add(-time.Duration(n/2) * time.Second)).String()
		log := &recorder{Interface: logger.Discard}
		db.Read = db.Read.Session(&gorm.Session{Logger: log})
		ctx, live := t.Context(), models.Live
		reads := map[string]func() error{}
		for name, f := range map[string]signals.RequestFilter{
			"all": {}, "page": {At: signals.Cursor{Before: middle}}, "back": {At: signals.Cursor{After: middle}}, "rejected": {Status: signals.Rejected}, "accepted": {Status: signals.Accepted},
			"code": {Code: "invalid_json"}, "no such code": {Code: "overloaded"}, "key": {KeyID: w.key}, "no such key": {KeyID: w.alien},
			"key rejected": {KeyID: w.key, Status: signals.Rejected}, "id": {RequestID: middle}, "source": {Source: "hubspot"},
			"no such source": {Source: "none"}, "event": {Event: "event 7"}, "search": {Search: "user77@"}, "no such thing": {Search: "nothing"},
			"time": {From: noon.Add(-time.Hour), To: noon.Add(-time.Minute)},
		} {
			f.Environment = live
			reads["requests "+name] = func() error { _, err := w.s.Requests(ctx, w.mine, f); return err }
		}
		for name, f := range map[string]signals.Filter{
			"all": {}, "page": {At: signals.Cursor{Before: middle}}, "event": {Event: "event 7"}, "no such event": {Event: "none"},
			"email": {Email: "user77@example.com"}, "no such email": {Email: "a@b.example"}, "event and email": {Event: "event 7", Email: "user77@example.com"},
			"source": {Source: "hubspot"}, "no such source": {Source: "none"}, "key": {KeyID: w.key}, "no such key": {KeyID: w.alien},
			"kind": {Kind: "track"}, "no such kind": {Kind: "group"}, "request": {RequestID: middle}, "search id": {Search: middle}, "search": {Search: "user77@"}, "no such thing": {Search: "nothing"},
			"time": {From: noon.Add(-time.Hour), To: noon.Add(-time.Minute)},
		} {
			f.Environment = live
			reads["signals "+name] = func() error { _, err := w.s.Signals(ctx, w.mine, f); return err }
		}
		reads["tail"] = func() error { _, err := w.s.Follow(ctx, w.mine, signals.RequestFilter{Environment: live}); return err }
		reads["last refusal"] = func() error { _, err := w.s.LastRefusal(ctx, w.mine, live, w.key, "invalid_json"); return err }
		reads["no last refusal"] = func() error { _, err := w.s.LastRefusal(ctx, w.mine, live, w.key, "none"); return err }
		reads["export"] = func() error { return w.s.WriteNDJSON(ctx, w.mine, signals.Filter{Environment: live}, io.Discard) }
		reads["export with sizes"] = func() error { return w.s.WriteCSV(ctx, w.mine, signals.Filter{Environment: live}, io.Discard) }
		reads["today"] = func() error { _, err := w.s.Today(ctx, w.mine, live, time.UTC); return err }
		reads["progress"] = func() error { _, err := w.s.Progress(ctx, w.mine, live); return err }
		reads["prune"] = func() error { _, err := w.s.Prune(ctx); return err }
		for name, read := range reads {
			log.statements = nil
			start := time.Now()
			if err := read(); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			took := time.Since(start)
			for _, statement := range append([]string{}, log.statements...) {
				plan := w.explain(statement)
				if scans(plan) || readsAll(name, plan) {
					t.Errorf("%s reads too much: %s\n%s", name, statement, plan)
				}
			}
			t.Logf("%-28s %s", name, took.Round(10*time.Microsecond))
		}
	})
}
