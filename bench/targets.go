package main

import (
	"fmt"
	"strings"
	"time"
)

// target is a figure to be reached. value finds what a run reached; false when it did not measure it.
type target struct {
	what    string
	limit   float64
	atMost  bool // else at least
	written func(float64) string
	value   func(s *sitting) (spread, string, bool) // the text says which, where there are several
}

const (
	mebibyte     = 1 << 20
	mostCPU      = float64(90 * time.Microsecond)
	mostP99      = float64(10 * time.Millisecond)
	mostP95      = float64(50 * time.Millisecond)
	mostRSS      = float64(200 * mebibyte)
	mostStart    = float64(300 * time.Millisecond)
	targetConns  = 64
	targetMany   = 256
	inPostgres   = "Postgres"
	inSQLite     = "SQLite"
	postsWith    = "single posts, %s, connections: %d; %s"
	rssSustained = "RSS, single posts at 64 connections"
	rssUpload    = "RSS, bulk upload of 1 GiB"
)

func targets() []target {
	list := []target{
		atLeast(fmt.Sprintf(postsWith, inPostgres, targetConns, overPgbench+" at 64 clients"), 1.0, ratioOf(inPostgres, singlePosts, targetConns, overPgbench)),
		atLeast(fmt.Sprintf(postsWith, inPostgres, 1, overPgbench+" at 1 client"), 0.35, ratioOf(inPostgres, singlePosts, 1, overPgbench)),
		atLeast(fmt.Sprintf(postsWith, inPostgres, targetMany, overPgbench+" at 64 clients"), 1.2, ratioOf(inPostgres, singlePosts, targetMany, overPgbench)),
		{what: "CPU of server and Postgres a stored event, 64 connections", limit: mostCPU, atMost: true, written: asTime,
			value: ofTask(inPostgres, singlePosts, targetConns, func(m measure) float64 { return float64(m.serverCPU + m.postgresCPU) })},
		atLeast(fmt.Sprintf(postsWith, inSQLite, targetConns, overEcho), 0.40, ratioOf(inSQLite, singlePosts, targetConns, overEcho)),
		atLeast("batch of 100, Postgres: "+overUnnest+", bare table, one client", 0.4, ratioOf(inPostgres, batches, 0, overUnnest)),
		atLeast("batch of 100, Postgres: "+overCopy+" into the same table with its indexes", 0.5, ratioOf(inPostgres, batches, 0, overCopy)),
		atLeast("bulk NDJSON, Postgres: "+overCopy+" into the same table with its indexes", 0.7, ratioOf(inPostgres, bulkPlain, 0, overCopy)),
	}
	for _, database := range []string{inPostgres, inSQLite} {
		own := func(what string) string { return what + ", " + database }
		list = append(list,
			atLeast(own("`/api/v1/me`: "+overEcho), 0.6, ratioOf(database, callMe, 0, overEcho)),
			target{what: own("p99 at half of that load, open loop"), limit: mostP99, atMost: true, written: asTime,
				value: ofTask(database, halfLoad, 0, func(m measure) float64 { return float64(m.hist.quantile(0.99)) })},
			target{what: own("p95 of the slowest console list"), limit: mostP95, atMost: true, written: asTime, value: slowestList(database)},
			target{what: own(rssSustained), limit: mostRSS, atMost: true, written: mebibytes,
				value: ofTask(database, singlePosts, targetConns, func(m measure) float64 { return float64(m.peak) })},
			target{what: own(rssUpload), limit: mostRSS, atMost: true, written: mebibytes, value: peakOf(database, bulkOfOne)},
			target{what: own("cold start on an existing database"), limit: mostStart, atMost: true, written: asTime, value: tookOf(database, coldStart)},
		)
	}
	return list
}

func atLeast(what string, limit float64, value func(s *sitting) (spread, string, bool)) target {
	return target{what: what, limit: limit, written: func(v float64) string { return fmt.Sprintf("%.2f", v) }, value: value}
}

func asTime(v float64) string { return short(time.Duration(v)) }

// find is the task of that name; 0 connections are any.
func (s *sitting) find(database, name string, connections int) *task {
	for _, t := range s.tasks {
		if t.database == database && strings.HasPrefix(t.name, name) && (connections == 0 || t.connections == connections) && (name != singlePosts || t.name == name) {
			return t
		}
	}
	return nil
}

func ratioOf(database, name string, connections int, column string) func(s *sitting) (spread, string, bool) {
	return func(s *sitting) (spread, string, bool) {
		t := s.find(database, name, connections)
		if t == nil {
			return spread{}, "", false
		}
		got, ok := t.over(column)
		return got, "", ok
	}
}

func ofTask(database, name string, connections int, value func(measure) float64) func(s *sitting) (spread, string, bool) {
	return func(s *sitting) (spread, string, bool) {
		t := s.find(database, name, connections)
		if t == nil || len(t.rounds) == 0 {
			return spread{}, "", false
		}
		return t.each(value), "", true
	}
}

// slowestList is the list whose 95th percentile is the highest, in the median of its rounds.
func slowestList(database string) func(s *sitting) (slowest spread, which string, ok bool) {
	return func(s *sitting) (slowest spread, which string, ok bool) {
		for _, t := range s.tasks {
			if t.section != inPages || t.database != database || len(t.rounds) == 0 || !strings.HasPrefix(t.name, "console: ") {
				continue
			}
			if got := t.quantile(0.95); !ok || got.median > slowest.median {
				slowest, which, ok = got, strings.TrimPrefix(t.name, "console: "), true
			}
		}
		return slowest, which, ok
	}
}

func (s *sitting) end(database, name string) *figure {
	for _, f := range s.ends {
		if f.database == database && f.name == name && len(f.took) > 0 {
			return f
		}
	}
	return nil
}

func peakOf(database, name string) func(s *sitting) (spread, string, bool) {
	return func(s *sitting) (spread, string, bool) {
		f := s.end(database, name)
		if f == nil {
			return spread{}, "", false
		}
		return spreadOf([]float64{float64(f.peak)}), "", true
	}
}

func tookOf(database, name string) func(s *sitting) (spread, string, bool) {
	return func(s *sitting) (spread, string, bool) {
		f := s.end(database, name)
		if f == nil {
			return spread{}, "", false
		}
		return f.spread(), "", true
	}
}

// reach is by how much a target is reached: 1 and more is enough, whichever way it counts.
func (t target) reach(got float64) float64 {
	switch {
	case !t.atMost:
		return got / t.limit
	case got == 0:
		return 0 // not measured: nothing takes no time and no memory
	}
	return t.limit / got
}

// reportTargets ends the report: each target that the run measured.
func (s *sitting) reportTargets(b *strings.Builder) {
	var rows [][]string
	for _, t := range targets() {
		got, which, ok := t.value(s)
		if !ok {
			continue
		}
		limit, holds := "at least "+t.written(t.limit), "yes"
		if t.atMost {
			limit = "at most " + t.written(t.limit)
		}
		reached := t.written(got.median)
		if got.least != got.most {
			reached += " (" + t.written(got.least) + "–" + t.written(got.most) + ")"
		}
		if which != "" {
			reached += ": " + which
		}
		reach := t.reach(got.median)
		if reach < 1 {
			holds = "**no**"
		}
		rows = append(rows, []string{t.what, limit, reached, fmt.Sprintf("%.2f", reach), holds})
	}
	if len(rows) == 0 {
		return
	}
	b.WriteString("### To reach\n\nA ratio of 1 or more means that the target is reached, whichever way it counts.\n\n")
	table(b, []string{"target", "to reach", "reached", "ratio", "holds"}, rows)
}
