package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

var instanceCounts = flag.String("instances", "", "instead: single posts to so many instances behind haproxy, such as 1,2,4, on one Postgres")

func init() {
	modes = append(modes, mode{asked: func() bool { return *instanceCounts != "" }, run: runInstances})
}

// instanceConnections are those of the posts; pgbench has as many clients as the first.
var instanceConnections = []int{64, 256}

func runInstances(ctx context.Context, s *sitting) error {
	counts, err := listOf(*instanceCounts)
	if err != nil {
		return fmt.Errorf("-instances: %w", err)
	}
	binary, version, err := findProxy(ctx)
	if err != nil {
		return err
	}
	s.head = append(s.head, machine(), version+"; every instance runs all the time, and those that are not asked idle")
	inserts, err := s.openPostgres(ctx)
	if err != nil {
		return err
	}
	p, err := s.freshPostgres(ctx, "LATCHKEY_TRUSTED_PROXIES=127.0.0.1/32")
	if err != nil {
		return err
	}
	c := &cluster{sitting: s, product: p, servers: []*process{p.server}, waits: map[string]map[string]int{}}
	for len(c.servers) < slices.Max(counts) {
		another, err := start(ctx, p.env, s.binary)
		if err != nil {
			return err
		}
		s.later(func() error { _ = another.stop(); return nil })
		c.servers = append(c.servers, another)
	}
	if err := c.startProxy(ctx, binary, counts); err != nil {
		return err
	}
	return c.measure(ctx, inserts, counts)
}

func listOf(text string) ([]int, error) {
	var list []int
	for part := range strings.SplitSeq(text, ",") {
		n, err := strconv.Atoi(part)
		if err != nil || n < 1 {
			return nil, fmt.Errorf("%q is not a list of numbers such as 1,2,4", text)
		}
		list = append(list, n)
	}
	return list, nil
}

// cluster is several instances on one database, behind one proxy.
type cluster struct {
	*sitting
	product *product
	servers []*process
	proxy   *process
	ports   map[int]string            // of the proxy, by number of instances
	waits   map[string]map[string]int // by line: what backends waited for, in samples
}

func (c *cluster) measure(ctx context.Context, inserts *pgbench, counts []int) error {
	yardstick := insertLine(ctx, inserts, instanceConnections[0])
	lines := []*line{yardstick}
	beside := map[*line]*line{} // the same without a proxy
	for _, n := range instanceConnections {
		one := c.line(ctx, fmt.Sprintf("1 instance without a proxy, %d connections", n), c.servers[0].addr, n)
		lines = append(lines, one)
		for _, count := range counts {
			l := c.line(ctx, fmt.Sprintf("%d behind haproxy, %d connections", count, n), c.ports[count], n)
			lines, beside[l] = append(lines, l), one
		}
	}
	before, err := c.tableStats(ctx)
	if err != nil {
		return err
	}
	if err := c.roundsOf(ctx, lines); err != nil {
		return err
	}
	for _, another := range c.servers[1:] {
		if err := another.stop(); err != nil {
			return fmt.Errorf("an instance did not stop well: %w", err)
		}
	}
	check, failed := c.product.check(ctx)
	var b strings.Builder
	headOf(&b, "", "÷ pgbench", "÷ 1 without a proxy", "items/s", "p50", "p99", "Latchkey CPU", "proxy CPU", "Postgres CPU", "generator CPU", "errors")
	for _, l := range lines {
		inserted, single := "", ""
		if l != yardstick {
			inserted = l.over(yardstick)
		}
		if one := beside[l]; one != nil {
			single = l.over(one)
		}
		p50, p99 := l.latency()
		rowOf(&b, l.name, inserted, single, speed(l.speed()), p50, p99, l.cpu(kindServer), l.cpu(kindProxy), l.cpu(kindPostgres), l.cpu(kindGenerator), statuses(l.failures()))
	}
	c.tellWaits(&b, lines)
	after, err := c.tableStats(ctx)
	if err == nil {
		tellTables(&b, before, after)
	}
	return errors.Join(failed, err, c.tell("Bench of several instances on one Postgres", b.String(), []string{check}))
}

// line posts to an address while it is sampled what the instances' backends wait for.
func (c *cluster) line(ctx context.Context, name, addr string, connections int) *line {
	clocks := c.clocks(c.servers...)
	clocks[kindProxy] = func() time.Duration { return cpuOf(c.proxy.pid()) }
	l := c.product.postLine(name, addr, connections, clocks)
	post := l.run
	l.run = func(length time.Duration) (shot, error) {
		sampling, stop := context.WithCancel(ctx)
		sampled := make(chan error, 1)
		go func() { sampled <- c.sampleWaits(sampling, name) }()
		got, err := post(length)
		stop()
		return got, errors.Join(err, <-sampled)
	}
	return l
}

func (c *cluster) tellWaits(b *strings.Builder, lines []*line) {
	b.WriteString("\nWhat the backends of the instances were at, in samples taken every 20 ms (CPU: running or runnable):\n\n")
	headOf(b, "", "samples of busy backends")
	for _, l := range lines {
		waits := c.waits[l.name]
		if len(waits) == 0 {
			continue
		}
		var parts []string
		for _, wait := range slices.SortedFunc(maps.Keys(waits), func(x, y string) int { return waits[y] - waits[x] }) {
			parts = append(parts, fmt.Sprintf("%s %d", wait, waits[wait]))
		}
		rowOf(b, l.name, strings.Join(parts[:min(len(parts), 8)], ", "))
	}
}

func tellTables(b *strings.Builder, before, after map[string]tableStat) {
	b.WriteString("\nTables whose rows were updated during the run (HOT: without touching an index):\n\n")
	headOf(b, "", "inserted", "updated", "of them HOT", "dead now")
	for _, name := range slices.Sorted(maps.Keys(after)) {
		s, was := after[name], before[name]
		if s.updated > was.updated {
			rowOf(b, name, thousands(s.inserted-was.inserted), thousands(s.updated-was.updated), thousands(s.hot-was.hot), thousands(s.dead))
		}
	}
}
