package main

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// report is the run as Markdown.
func report(o options, head []string, tasks []*task, checks []string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Bench of %s\n\n", time.Now().UTC().Format("2006-01-02 15:04 UTC"))
	for _, line := range head {
		fmt.Fprintf(&b, "- %s\n", line)
	}
	fmt.Fprintf(&b, "- %d rounds of %s each, interleaved; figures are medians, with least and most in brackets\n", o.rounds, o.length)
	fmt.Fprintf(&b, "- one item is %d bytes of JSON, an update of an organisation and an event of a vendor %d; latencies are of requests, CPU is per stored item\n\n", itemBytes, largeBytes)
	table(&b, []string{"", "connections", "items: ÷ pgbench", "÷ bare Echo", "÷ single posts", "requests/s", "items/s", "p50", "p90", "p99", "max",
		"server CPU", "Postgres CPU", "peak RSS", "errors"}, tasks)
	for _, check := range checks {
		fmt.Fprintf(&b, "%s\n", check)
	}
	return b.String()
}

func table(b *strings.Builder, columns []string, tasks []*task) {
	fmt.Fprintf(b, "| %s |\n|%s\n", strings.Join(columns, " | "), strings.Repeat("---|", len(columns)))
	for _, t := range tasks {
		fmt.Fprintf(b, "| %s |\n", strings.Join(cells(t), " | "))
	}
	b.WriteString("\n")
}

func cells(t *task) []string {
	name := t.name
	if t.database != "" {
		name = t.database + ": " + t.name
	}
	cpu := func(value func(measure) time.Duration) string {
		d := time.Duration(t.each(func(m measure) float64 { return float64(value(m)) }).median)
		if d == 0 {
			return ""
		}
		return short(d)
	}
	peak := t.each(func(m measure) float64 { return float64(m.peak) }).most
	return append(append([]string{
		name, strconv.Itoa(t.connections), ratio(t.over(t.inserts)), ratio(t.over(t.bare)), ratio(t.over(t.single)),
		speed(t.each(func(m measure) float64 { return m.requests })),
		speed(t.each(func(m measure) float64 { return m.items })),
	}, latencies(t)...),
		cpu(func(m measure) time.Duration { return m.serverCPU }),
		cpu(func(m measure) time.Duration { return m.postgresCPU }),
		mebibytes(peak), statuses(t.errors()))
}

func latencies(t *task) []string {
	h := t.latency()
	if h.count == 0 {
		mean := t.each(func(m measure) float64 { return float64(m.mean) }).median
		return []string{"mean " + short(time.Duration(mean)), "", "", ""}
	}
	return []string{short(h.quantile(0.5)), short(h.quantile(0.9)), short(h.quantile(0.99)), short(h.max)}
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
	default:
		return fmt.Sprintf("%.0f µs", float64(d)/1e3)
	}
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
