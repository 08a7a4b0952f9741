package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/bench/traced"
)

const autoExplainLog = `2026-11-22 13:00:00.000 UTC [7] LOG:  checkpoint starting: time
2026-11-22 13:00:00.001 UTC [8] LOG:  duration: 12.500 ms  plan:
	{
	  "Query Text": "SELECT id FROM signals\n\t\tWHERE workspace_id = $1 LIMIT $2",
	  "Plan": {
	    "Node Type": "Limit",
	    "Actual Rows": 2,
	    "Actual Loops": 1,
	    "Actual Total Time": 12.400,
	    "Plans": [
	      {
	        "Node Type": "Seq Scan",
	        "Relation Name": "signals_20261101",
	        "Alias": "signals",
	        "Actual Rows": 2,
	        "Actual Loops": 1,
	        "Actual Total Time": 12.300,
	        "Filter": "(workspace_id = $1)",
	        "Rows Removed by Filter": 300000
	      },
	      {
	        "Node Type": "Index Scan",
	        "Relation Name": "signals_last",
	        "Index Name": "signals_last_pkey",
	        "Actual Rows": 0,
	        "Actual Loops": 0,
	        "Actual Total Time": 0.000
	      }
	    ]
	  }
	}
2026-11-22 13:00:00.002 UTC [8] LOG:  duration: 0.100 ms  plan:
	{ "Query Text": "SELECT 1", "Plan": { "Node Type": "Result", "Actual Rows": 1, "Actual Loops": 1 } }
2026-11-22 13:00:00.003 UTC [9] ERROR:  deadlock detected
	not a plan
2026-11-22 13:00:00.004 UTC [8] LOG:  duration: 0.100 ms  plan:
	{ "Query Text": "cut off`

func TestPlansAreReadFromTheServersLog(t *testing.T) {
	var texts []string
	var roots []*planNode
	var took []time.Duration
	if err := readAutoExplain(strings.NewReader(autoExplainLog), func(d time.Duration, text string, root *planNode) {
		took, texts, roots = append(took, d), append(texts, text), append(roots, root)
	}); err != nil {
		t.Fatal(err)
	}
	if want := []time.Duration{12500 * time.Microsecond, 100 * time.Microsecond}; !slices.Equal(took, want) {
		t.Fatalf("%v of %q, want %v", took, texts, want)
	}
	if want := []string{"Seq signals"}; !slices.Equal(roots[0].kinds(), want) {
		t.Errorf("read by %v, want %v", roots[0].kinds(), want)
	}
	found := roots[0].findings(map[string]int64{"signals_20261101": 333_000})
	if len(found) != 2 || found["sequential scan of signals"] != 300_002 || found["removed by filter on signals"] != 300_000 {
		t.Errorf("found %v", found)
	}
	text := roots[0].text()
	for _, want := range []string{"  Limit (12.400 ms, rows 2, loops 1)\n", "    Seq Scan on signals_20261101 (12.300", "Filter: (workspace_id = $1)", "Rows Removed: 300000 by filter", "signals_last (never executed)"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

func TestASmallTableReadWholeIsNoFinding(t *testing.T) {
	n := &planNode{Type: "Seq Scan", Relation: "workspaces", Rows: 3, Loops: 1}
	if found := n.findings(map[string]int64{"workspaces": 3}); len(found) > 0 {
		t.Errorf("found %v", found)
	}
	n.Removed, n.Loops = 9_999, 2
	if found := n.findings(map[string]int64{"workspaces": 3}); len(found) != 2 {
		t.Errorf("found %v in 20,004 rows", found)
	}
}

func TestStatementsThatDifferInValuesOnlyAreOne(t *testing.T) {
	for _, same := range [][]string{
		{"SELECT a FROM t WHERE id IN ($1,$2,$3)", "SELECT a\n\tFROM t WHERE id IN ($1,$2)"},
		{"INSERT INTO t (a, b) VALUES (?,?),(?,?)", "INSERT INTO t (a, b) VALUES (?, ?)"},
		{"DROP TABLE signals_20261101", "DROP TABLE signals_20261103"},
		{"SELECT * FROM t WHERE id < '01a20382-b836-7c5b-a963-5f174371056c'", "SELECT * FROM t WHERE id < '01a20383-1fd1-7d85-a4f1-09575cc15c78'"},
	} {
		g := newGrouped()
		for i, text := range same {
			g.add(text, time.Duration(i), func() string { return "" }, nil, nil)
		}
		if len(g.list()) != 1 {
			t.Errorf("%q are %d, as %q and %q", same, len(g.list()), shapeOfSQL(same[0]), shapeOfSQL(same[1]))
		}
	}
	if shapeOfSQL("SELECT 1 FROM signals_log") == shapeOfSQL("SELECT 1 FROM signals") {
		t.Error("an index is taken for a part")
	}
}

func TestThePlanOfTheSlowestCallIsKeptAndTheMostThatWasFound(t *testing.T) {
	g := newGrouped()
	for i, rows := range []int64{5, 70, 20} {
		g.add("UPDATE `keys` SET a = ? FROM other", []time.Duration{1, 2, 9}[i]*time.Millisecond, func() string { return string(rune('a' + i)) }, nil, map[string]int64{"scan": rows})
	}
	g.add("SELECT 1", 4*time.Millisecond, func() string { return "" }, nil, nil)
	list := g.list()
	if s := list[0]; s.calls != 3 || s.total != 12*time.Millisecond || s.worst != 9*time.Millisecond || s.plan != "c" || s.told() != "scan (70)" || s.brief() != "UPDATE keys, other" {
		t.Errorf("%+v: %s", s, s.brief())
	}
	var b strings.Builder
	tellPlans(&b, list)
	if want := "| 1 | UPDATE keys, other | 3 | 9.0 |  | scan (70) |\n"; !strings.Contains(b.String(), want) {
		t.Errorf("no %q in\n%s", want, b.String())
	}
}

func TestLongListsAreWrittenShort(t *testing.T) {
	file := filepath.Join(t.TempDir(), "out", "plans.txt")
	list := []*statement{{text: "SELECT 1 FROM t WHERE id IN (" + strings.Repeat("$12,", 400) + "$9) AND a = $1", plan: "  Result"}}
	if err := writePlans(file, list); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if want := "1. SELECT t, worst 0.0 µs, 0 calls, all 0.0 µs\n\nSELECT 1 FROM t WHERE id IN ($12,$12,…) AND a = $1\n\n  Result\n"; err != nil || string(text) != want {
		t.Errorf("%q, %v", text, err)
	}
}

func TestKindsOfScansAreCounted(t *testing.T) {
	if got, want := kindsOf([]string{"a", "b", "a", "c", "d", "e"}), "a ×2, b, c, d, …"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestSQLiteTablesThatAreReadWholeAreFound(t *testing.T) {
	sizes := map[string]int64{"signals": 50_000, "workspaces": 3}
	for plan, want := range map[string]string{
		"SCAN signals": "scan of signals",
		"SCAN s":       "scan of signals",
		"SEARCH signals USING INDEX signals_workspace (workspace_id=?)":                        "all of a workspace by signals_workspace",
		"SEARCH signals USING COVERING INDEX signals_event (workspace_id=? AND environment=?)": "",
		"SEARCH s USING INDEX signals_workspace (workspace_id=? AND environment=? AND id>?)":   "",
		"SCAN signals USING COVERING INDEX signals_event":                                      "",
		"SEARCH signals USING INDEX sqlite_autoindex_signals_1 (id=?)":                         "",
		"SCAN signals USING INDEX sqlite_autoindex_signals_1":                                  "scan of signals",
		"SCAN workspaces":          "",
		"SCAN 8-ROW VALUES CLAUSE": "",
	} {
		found := sqliteFindings([]string{"  " + plan}, traced.Statement{Text: "SELECT 1 FROM signals AS s"}, sizes)
		if len(found) > 1 || want != "" && found[want] != 50_000 || want == "" && len(found) > 0 {
			t.Errorf("%s: %v, want %q", plan, found, want)
		}
	}
	slow := traced.Statement{Worst: time.Second}
	for _, plan := range []string{"SCAN signals USING COVERING INDEX signals_event", "SEARCH signals USING INDEX signals_event (workspace_id=? AND environment=?)"} {
		if found := sqliteFindings([]string{plan}, slow, sizes); len(found) != 1 {
			t.Errorf("%s in a second: %v", plan, found)
		}
	}
}

func TestKindsOfSQLitesPlanNameTheIndex(t *testing.T) {
	got := sqliteKinds([]string{"  SEARCH k USING INDEX api_keys_workspace (workspace_id=?)", "    SCAN t", "  USE TEMP B-TREE FOR ORDER BY", "  SCAN 8-ROW VALUES CLAUSE", "  SCAN CONSTANT ROW", "  MERGE (UNION ALL)"})
	if want := []string{"SEARCH k api_keys_workspace", "SCAN t", "use temp b-tree for order by"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestAWalkFollowsLinksAndTheChoicesOfFormsThatSearch(t *testing.T) {
	page := `<a href="/w/bench/signals?before=01a20382-b836-7c5b-a963-5f174371056c&amp;env=test">next</a> <a href="https://elsewhere.example/">out</a> <a href="#top">up</a>
<div hx-get="/w/bench/keys/1/usage"></div>
<form action="/w/bench/signals"><input type="hidden" name="env" value="live"><input name="q"><select name="kind"><option value="">Any</option><option value="track" selected>Track</option></select><input type="date" name="from"></form>
<form method="post" action="/w/bench/keys/1/deactivation"><input name="confirm"></form>`
	got := linksOf("/w/bench", page)
	if len(got) != 5 || got[0] != "/w/bench/signals?before=01a20382-b836-7c5b-a963-5f174371056c&env=test" || got[1] != "/w/bench/keys/1/usage" ||
		got[2] != "/w/bench/signals?q=4711" || got[3] != "/w/bench/signals?kind=track" || !strings.HasPrefix(got[4], "/w/bench/signals?from=2") {
		t.Errorf("%q", got)
	}
}

func TestAWalkAsksForEachShapeTwiceAndForNothingElsewhere(t *testing.T) {
	w := &walk{shapes: map[string]int{}}
	taken := 0
	for _, address := range []string{
		"/w/bench/signals/01a20382-b836-7c5b-a963-5f174371056c", "/w/bench/signals/01a20383-1fd1-7d85-a4f1-09575cc15c78", "/w/bench/signals/01a20383-b5a9-745e-aa95-ef7776af92af",
		"/w/bench/signals?q=1", "/w/bench/signals?q=2", "/w/bench/signals?q=3", "/w/bench/signals?kind=track", "/w/bench/signals?kind=page",
		"/w/other/signals", "/setup", "/w/bench/signals?a=1&b=2&c=3",
	} {
		if w.take(address) {
			taken++
		}
	}
	if taken != 6 {
		t.Errorf("%d taken: %v", taken, w.shapes)
	}
}
