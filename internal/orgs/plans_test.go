package orgs_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"latchkey/internal/apptest"
	"latchkey/internal/database"
	"latchkey/internal/orgs"
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

// fill writes n organisations and n updates, a quarter of them another workspace's.
func (w *world) fill(n int) {
	w.t.Helper()
	series := fmt.Sprintf("SELECT i FROM (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d) SELECT i FROM n)", n)
	id, uuid := "printf('01990000-0000-7000-8000-%012x', i)", ""
	if w.db.IsPostgres() {
		series, uuid = fmt.Sprintf("SELECT i FROM generate_series(1::bigint, %d) AS i", n), "::uuid"
		id = "('01990000-0000-7000-8000-' || lpad(to_hex(i), 12, '0'))::uuid"
	}
	mine := "CASE WHEN i % 4 = 0 THEN '" + w.other.WorkspaceID + "'" + uuid + " ELSE '" + w.mine.WorkspaceID + "'" + uuid + " END"
	w.exec(`INSERT INTO product_orgs (id, workspace_id, environment, org_key, name, domain, plan, trial_status, mrr, user_count, fields, updates,
			last_event_at, created_at, updated_at)
		SELECT ` + id + `, ` + mine + `, 'live', 'org_' || i, 'Name ' || i, 'd' || (i % 50) || '.example', 'plan ' || (i % 7), CASE WHEN i % 9 = 0 THEN 'active' ELSE '' END,
			CASE WHEN i % 3 = 0 THEN NULL ELSE i % 900 END, CASE WHEN i % 5 = 0 THEN NULL ELSE i % 300 END, '{}', 1, i, i, i * 1000
		FROM (` + series + `) s`)
	w.exec(`INSERT INTO product_org_updates (id, workspace_id, environment, api_key_id, request_id, item_index, org_id, org_key, status, template_version,
			message_id, warnings, changes, mrr, occurred_at, received_at, raw)
		SELECT ` + id + `, ` + mine + `, 'live', '` + w.key + `'` + uuid + `, ` + id + `, 0, ` + strings.ReplaceAll(id, "i)", "i / 10 + 1)") + `, 'x',
			CASE WHEN i % 100 = 0 THEN 'failed' ELSE 'applied' END, 1, '', '', '[]', 1, i, i, '{}'
		FROM (` + series + `) s`)
	w.exec("ANALYZE")
}

func (w *world) exec(statement string) {
	w.t.Helper()
	if err := w.db.Write.Exec(statement).Error; err != nil {
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

// scans tells that a plan reads a whole big table, or sorts what an index has in order.
func scans(plan string) bool {
	for _, table := range []string{"product_orgs", "product_org_updates", "o", "u"} {
		for _, bad := range []string{"Seq Scan on " + table, "SCAN " + table} {
			for line := range strings.Lines(plan) {
				rest, found := strings.CutPrefix(strings.TrimLeft(line, " ->"), bad)
				if found && (rest == "" || rest[0] == ' ' || rest[0] == '\n') && !strings.Contains(rest, "USING") {
					return true
				}
			}
		}
	}
	return false
}

func TestNoListReadsAWholeTable(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		w.fill(20000)
		w.s.LookThrough(500)
		ctx, live := t.Context(), models.Live
		reads := map[string]func() error{}
		for _, sort := range []orgs.Sort{orgs.ByUpdate, orgs.ByMRR, orgs.ByUsers} {
			for _, ascending := range []bool{false, true} {
				for name, f := range map[string]orgs.Filter{
					"all": {}, "plan": {Plan: "plan 3"}, "no such plan": {Plan: "none"}, "trial": {TrialStatus: "active"}, "search": {Search: "ame 777"}, "an id": {Search: "org_77"}, "nothing": {Search: "nothing"},
				} {
					f.Environment, f.Sort, f.Ascending = live, sort, ascending
					what := fmt.Sprintf("%s by %s ascending %v", name, sort, ascending)
					first, err := w.s.List(ctx, w.mine, f)
					if err != nil {
						t.Fatal(err)
					}
					f.At = orgs.Cursor{Before: first.Older}
					reads[what] = func() error { _, err := w.s.List(ctx, w.mine, f); return err }
					back := f
					back.At = orgs.Cursor{After: first.Older}
					reads[what+" back"] = func() error { _, err := w.s.List(ctx, w.mine, back); return err }
				}
			}
		}
		org := w.list(orgs.Filter{}).Items[0].ID
		reads["count"] = func() error {
			_, err := w.s.Count(ctx, w.mine, orgs.Filter{Environment: live, Plan: "plan 3"})
			return err
		}
		reads["plans"] = func() error { _, err := w.s.Plans(ctx, w.mine, live); return err }
		reads["trials"] = func() error { _, err := w.s.TrialStatuses(ctx, w.mine, live); return err }
		reads["columns"] = func() error { _, err := w.s.CustomColumns(ctx, w.mine, live); return err }
		reads["org"] = func() error { _, err := w.s.Get(ctx, w.mine, org); return err }
		reads["history"] = func() error { _, err := w.s.History(ctx, w.mine, org, orgs.Cursor{}, 0); return err }
		reads["points"] = func() error { _, err := w.s.Points(ctx, w.mine, org); return err }
		reads["waiting"] = func() error { _, err := w.s.Waiting(ctx, w.mine, w.key, orgs.Cursor{}, 0); return err }
		reads["waiting counts"] = func() error { _, err := w.s.WaitingCounts(ctx, w.mine, live); return err }
		reads["last payload"] = func() error { _, err := w.s.LastPayload(ctx, w.mine, w.key); return err }
		reads["of request"] = func() error { _, _, err := w.s.UpdateOfRequest(ctx, w.mine, org); return err }
		log := &recorder{Interface: logger.Discard}
		db.Read = db.Read.Session(&gorm.Session{Logger: log})
		for name, read := range reads {
			log.statements = nil
			start := time.Now()
			if err := read(); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			took := time.Since(start)
			for _, statement := range append([]string{}, log.statements...) {
				if plan := w.explain(statement); scans(plan) {
					t.Errorf("%s reads a whole table: %s\n%s", name, statement, plan)
				}
			}
			t.Logf("%-40s %s", name, took.Round(10*time.Microsecond))
		}
	})
}
