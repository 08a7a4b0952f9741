package main

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// report is the run as Markdown: a table a section, what was done once, and the targets.
func report(s *sitting, now time.Time, checks []string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Measured on %s:\n\n", now.UTC().Format("2 January 2006, 15:04 UTC"))
	for _, line := range s.head {
		fmt.Fprintf(&b, "- %s\n", line)
	}
	fmt.Fprintf(&b, "- %d rounds of %s a task (%s for lists), interleaved; figures are medians, with least and most in brackets\n", s.rounds, s.length, s.pageLength())
	fmt.Fprintf(&b, "- one item is %d bytes of JSON, an update of an organisation and an event of a vendor %d; lists are read from %s signals and %s keys\n\n",
		itemBytes, largeBytes, thousands(int64(s.signals)), thousands(filledKeys))
	for _, section := range []string{inPosts, inKinds, inMany, inReading, inOpen, inPages, inOutbound, inYardsticks} {
		var tasks []*task
		for _, t := range s.tasks {
			if t.section == section {
				tasks = append(tasks, t)
			}
		}
		if len(tasks) > 0 {
			fmt.Fprintf(&b, "### %s\n\n", section)
			sectionTable(&b, tasks)
		}
	}
	s.reportEnds(&b)
	for _, check := range checks {
		fmt.Fprintf(&b, "- %s\n", check)
	}
	b.WriteString("\n")
	s.reportTargets(&b)
	return b.String()
}

// column is a column of a section's table; it is left out where it would be empty.
type column struct {
	name string
	cell func(t *task) string
}

var ratioColumns = []string{overPgbench, overProto, overEcho, overUnnest, overUnnest2, overCopy, overClient, overSocket, overSingle}

func columns() []column {
	list := []column{{"", (*task).title}, {"connections", func(t *task) string { return strconv.Itoa(t.connections) }}}
	for _, name := range ratioColumns {
		list = append(list, column{name, func(t *task) string { return ratio(t.over(name)) }})
	}
	quantile := func(q float64) func(t *task) string {
		return func(t *task) string {
			if t.latency().count == 0 {
				return ""
			}
			return short(time.Duration(t.quantile(q).median))
		}
	}
	cpu := func(value func(measure) time.Duration) func(t *task) string {
		return func(t *task) string {
			return shortOrNone(time.Duration(t.each(func(m measure) float64 { return float64(value(m)) }).median))
		}
	}
	memory := func(value func(measure) int64) func(t *task) string {
		return func(t *task) string {
			return mebibytes(t.each(func(m measure) float64 { return float64(value(m)) }).most)
		}
	}
	return append(list,
		column{"items/s", func(t *task) string { return speed(t.each(func(m measure) float64 { return m.items })) }},
		column{"mean", (*task).meanLatency},
		column{"p50", quantile(0.5)}, column{"p95", quantile(0.95)}, column{"p99", quantile(0.99)},
		column{"slowest", func(t *task) string { return shortOrNone(t.latency().max) }},
		column{"generator late, p99", func(t *task) string { return shortOrNone(t.lateness().quantile(0.99)) }},
		column{"server CPU", cpu(func(m measure) time.Duration { return m.serverCPU })},
		column{"Postgres CPU", cpu(func(m measure) time.Duration { return m.postgresCPU })},
		column{"generator CPU", cpu(func(m measure) time.Duration { return m.generatorCPU })},
		column{"server RSS", memory(func(m measure) int64 { return m.peak })},
		column{"Postgres memory", memory(func(m measure) int64 { return m.postgresMemory })},
		column{"generator RSS", memory(func(m measure) int64 { return m.generatorPeak })},
		column{"errors", func(t *task) string { return statuses(t.errors()) }},
	)
}

func sectionTable(b *strings.Builder, tasks []*task) {
	var names []string
	rows := make([][]string, len(tasks))
	for i, c := range columns() {
		cells, filled := make([]string, len(tasks)), false
		for j, t := range tasks {
			cells[j] = c.cell(t)
			filled = filled || cells[j] != ""
		}
		if i > 0 && !filled {
			continue
		}
		names = append(names, c.name)
		for j := range tasks {
			rows[j] = append(rows[j], cells[j])
		}
	}
	table(b, names, rows)
}

func table(b *strings.Builder, names []string, rows [][]string) {
	fmt.Fprintf(b, "| %s |\n|%s\n", strings.Join(names, " | "), strings.Repeat("---|", len(names)))
	for _, cells := range rows {
		fmt.Fprintf(b, "| %s |\n", strings.Join(cells, " | "))
	}
	b.WriteString("\n")
}

func (t *task) title() string {
	if t.database == "" {
		return t.name
	}
	return t.database + ": " + t.name
}

func (t *task) latency() *histogram {
	return t.merged(func(m measure) *histogram { return m.hist })
}

func (t *task) lateness() *histogram {
	return t.merged(func(m measure) *histogram { return m.late })
}

func (t *task) meanLatency() string {
	return shortOrNone(time.Duration(t.each(func(m measure) float64 { return float64(m.mean) }).median))
}

// reportEnds tells what was measured once, after the rounds.
func (s *sitting) reportEnds(b *strings.Builder) {
	if len(s.ends) == 0 {
		return
	}
	b.WriteString("### Start, and a large upload\n\n")
	var rows [][]string
	for _, f := range s.ends {
		speed, through := "", ""
		if f.perSecond > 0 {
			speed, through = thousands(int64(f.perSecond)), mebibytes(f.bytesPerSecond)
		}
		rows = append(rows, []string{f.database + ": " + f.name, durations(f.spread()), speed, through,
			shortOrNone(f.cpu.server), shortOrNone(f.cpu.postgres), shortOrNone(f.cpu.own), mebibytes(float64(f.peak))})
	}
	table(b, []string{"", "took", "items/s", "a second", "server CPU", "Postgres CPU", "generator CPU", "server RSS"}, rows)
}

func (f *figure) spread() spread {
	var values []float64
	for _, d := range f.took {
		values = append(values, float64(d))
	}
	return spreadOf(values)
}

func durations(s spread) string {
	median := short(time.Duration(s.median))
	if s.least == s.most {
		return median
	}
	return fmt.Sprintf("%s (%s–%s)", median, short(time.Duration(s.least)), short(time.Duration(s.most)))
}

func ratio(s spread, ok bool) string {
	if !ok {
		return ""
	}
	return fmt.Sprintf("**%.2f** (%.2f–%.2f)", s.median, s.least, s.most)
}

func speed(s spread) string {
	if s.most < 10 {
		return fmt.Sprintf("%.1f (%.1f–%.1f)", s.median, s.least, s.most)
	}
	return fmt.Sprintf("%s (%s–%s)", thousands(int64(s.median)), thousands(int64(s.least)), thousands(int64(s.most)))
}

// short keeps three digits or so.
func short(d time.Duration) string {
	switch {
	case d >= time.Second:
		return fmt.Sprintf("%.2f s", d.Seconds())
	case d >= 10*time.Millisecond:
		return fmt.Sprintf("%.0f ms", float64(d)/1e6)
	case d >= time.Millisecond:
		return fmt.Sprintf("%.1f ms", float64(d)/1e6)
	case d < 10*time.Microsecond:
		return fmt.Sprintf("%.1f µs", float64(d)/1e3)
	default:
		return fmt.Sprintf("%.0f µs", float64(d)/1e3)
	}
}

func shortOrNone(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return short(d)
}

func mebibytes(n float64) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("%.0f MiB", n/(1<<20))
}

func statuses(errors map[int]int64) string {
	if len(errors) == 0 {
		return "0"
	}
	var parts []string
	for _, status := range slices.Sorted(maps.Keys(errors)) {
		name := strconv.Itoa(status)
		if status == 0 {
			name = "no answer"
		}
		parts = append(parts, fmt.Sprintf("%s: %d", name, errors[status]))
	}
	return strings.Join(parts, ", ")
}

func thousands(n int64) string {
	text := strconv.FormatInt(n, 10)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
