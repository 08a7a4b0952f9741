package main

import (
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestRatioIsTakenRoundByRound(t *testing.T) {
	yardstick := &task{rounds: []measure{{items: 100}, {items: 10}, {items: 50}}}
	measured := &task{rounds: []measure{{items: 60}, {items: 6}, {items: 40}}}
	measured.against(overPgbench, yardstick)
	measured.against(overEcho, nil)
	got, ok := measured.over(overPgbench)
	if want := (spread{0.6, 0.6, 0.8}); !ok || got != want {
		t.Errorf("ratio %+v %v, want %+v", got, ok, want)
	}
	if _, ok := measured.over(overEcho); ok {
		t.Error("a ratio without a yardstick")
	}
}

// ran is a task that was measured, with one latency.
func ran(section, database, name string, connections int, latency time.Duration, m measure) *task {
	m.hist = &histogram{}
	m.hist.record(latency)
	return &task{section: section, database: database, name: name, connections: connections, rounds: []measure{m, m, m}}
}

func reported(t *testing.T, s *sitting) (text string, row func(begin string) string) {
	t.Helper()
	text = report(s, time.Date(2026, 11, 2, 9, 41, 0, 0, time.UTC), []string{"Postgres: 7 signals acknowledged, 7 stored."})
	return text, func(begin string) string {
		t.Helper()
		for line := range strings.Lines(text) {
			if strings.HasPrefix(line, "| "+begin) {
				return strings.TrimSpace(line)
			}
		}
		t.Errorf("no row begins with %q:\n%s", begin, text)
		return ""
	}
}

func TestTargetsAreComputedFromTheRunThatIsReported(t *testing.T) {
	rows := ran(inYardsticks, "", nameInserts, 64, time.Millisecond, measure{items: 1000})
	posts := ran(inPosts, inPostgres, singlePosts, 64, time.Millisecond, measure{items: 1500, serverCPU: 100 * time.Microsecond, postgresCPU: 20 * time.Microsecond, peak: 100 << 20})
	posts.against(overPgbench, rows)
	s := &sitting{options: options{rounds: 3, length: time.Second, signals: 5_000_000}, tasks: []*task{
		rows, posts,
		ran(inOpen, inPostgres, halfLoad, 64, 4*time.Millisecond, measure{items: 500}),
		ran(inPages, inPostgres, "console: signals", 1, 3*time.Millisecond, measure{items: 300}),
		ran(inPages, inPostgres, "console: request log", 1, 80*time.Millisecond, measure{items: 12}),
	}, ends: []*figure{{name: coldStart, database: inPostgres, took: []time.Duration{100 * time.Millisecond, 150 * time.Millisecond, 200 * time.Millisecond}}}}
	text, row := reported(t, s)
	for begin, want := range map[string]string{
		"single posts, Postgres, connections: 64; ÷ pgbench":      "| at least 1.00 | 1.50 | 1.50 | yes |",
		"CPU of server and Postgres":                              "| at most 90 µs | 120 µs | 0.75 | **no** |",
		"RSS, single posts at 64 connections, Postgres":           "| at most 200 MiB | 100 MiB | 2.00 | yes |",
		"p99 at half of that load, open loop, Postgres":           "| at most 10 ms | 4.0 ms | 2.50 | yes |",
		"p95 of the slowest console list, Postgres":               "| at most 50 ms | 80 ms: request log | 0.62 | **no** |",
		"cold start on an existing database, Postgres":            "| at most 300 ms | 150 ms (100 ms–200 ms) | 2.00 | yes |",
		"Postgres: cold start: from exec to the first 200":        "| 150 ms (100 ms–200 ms) |",
		"Postgres: single posts | 64 | **1.50** (1.50–1.50) | 1,": "| 100 µs | 20 µs |",
	} {
		if got := row(begin); !strings.Contains(got, want) {
			t.Errorf("%s\nwants %s", got, want)
		}
	}
	if strings.Contains(text, "SQLite") || strings.Contains(text, "COPY") {
		t.Errorf("the report tells of what was not measured:\n%s", text)
	}
	if strings.Index(text, "### To reach") < strings.Index(text, "7 stored") {
		t.Error("the targets do not come last")
	}
}

func TestTheReportReplacesOnlyWhatStandsBetweenItsLines(t *testing.T) {
	doc := "# Performance\n\nProse before.\n\n" + benchMarks.begin + "\n\nold | table\n\n" + benchMarks.end + "\n\nProse after.\n"
	once, err := benchMarks.splice(doc, "new | table\n")
	if err != nil {
		t.Fatal(err)
	}
	if want := "# Performance\n\nProse before.\n\n" + benchMarks.begin + "\n\nnew | table\n\n" + benchMarks.end + "\n\nProse after.\n"; once != want {
		t.Errorf("%q", once)
	}
	if twice, err := benchMarks.splice(once, "new | table\n"); err != nil || twice != once {
		t.Errorf("writing it again changed it: %v, %q", err, twice)
	}
	for name, broken := range map[string]string{
		"no lines": "# Performance\n", "no end": benchMarks.begin + "\n", "the wrong order": benchMarks.end + "\n" + benchMarks.begin + "\n",
		"two begins": benchMarks.begin + "\n" + benchMarks.begin + "\n" + benchMarks.end, "two ends": benchMarks.begin + "\n" + benchMarks.end + benchMarks.end,
	} {
		if _, err := benchMarks.splice(broken, "x"); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestOnlyAWholeRunIsWrittenDown(t *testing.T) {
	whole := options{rounds: wholeRounds, signals: wholeSignals, gigabyte: true}
	if !whole.whole(wholeCounts, wholeDBs, "") {
		t.Error("a whole run is none")
	}
	quick, short, few, small := whole, whole, whole, whole
	quick.quick, short.gigabyte, few.rounds, small.signals = true, false, wholeRounds-1, 1000
	if quick.whole(wholeCounts, wholeDBs, "") || short.whole(wholeCounts, wholeDBs, "") || few.whole(wholeCounts, wholeDBs, "") || small.whole(wholeCounts, wholeDBs, "") ||
		whole.whole("1,64", wholeDBs, "") || whole.whole(wholeCounts, "sqlite", "") || whole.whole(wholeCounts, wholeDBs, "bulk") {
		t.Error("a part is taken for the whole")
	}
}

func TestScenariosRunOnTheUsualConnections(t *testing.T) {
	for list, want := range map[string]int{"1,16,64,256": 64, "1": 1, "256": 256, "16,1": 16} {
		counts, err := numbers(list)
		if err != nil {
			t.Fatal(err)
		}
		o := options{counts: counts, bulk: 10}
		if got := o.usual(); got != want {
			t.Errorf("%s: %d, want %d", list, got, want)
		}
		for _, sc := range scenarios(o) {
			if sc.connections < 1 || sc.items < 1 || sc.section == "" {
				t.Errorf("%s: %+v", list, sc)
			}
		}
	}
	if _, err := numbers("1,x"); err == nil {
		t.Error("x is a number")
	}
}

func TestThePlanTakesTheYardsticksFirstAndHoldsTheRestAgainstThem(t *testing.T) {
	s := &sitting{options: options{counts: []int{1, 64, 256}, bulk: 100, only: regexp.MustCompile("")}}
	s.products = []*product{{name: inSQLite}}
	s.large = []*product{{name: inSQLite}}
	s.postgres = &server{connections: 200}
	if err := s.plan(t.Context(), &pgbench{}); err != nil {
		t.Fatal(err)
	}
	at := map[*task]int{}
	for i, task := range s.tasks {
		at[task] = i
		for _, h := range task.held {
			if first, ok := at[h.yardstick]; !ok || first >= i {
				t.Errorf("%s is held against %s, which does not come before it", task.name, h.yardstick.name)
			}
		}
	}
	clients := map[int]int{}
	for _, n := range []int{1, 64, 256} {
		posts := s.find(inSQLite, singlePosts, n)
		for _, h := range posts.held {
			if h.column == overPgbench {
				clients[n] = h.yardstick.connections
			}
			if h.column == overEcho && h.yardstick.connections != n {
				t.Errorf("%d connections are held against %d of Echo", n, h.yardstick.connections)
			}
		}
	}
	if clients[1] != 1 || clients[64] != 64 || clients[256] != 64 {
		t.Errorf("clients of pgbench by connections: %v", clients)
	}
}
