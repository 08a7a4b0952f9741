package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"latchkey/internal/database"
)

var (
	overloadLength = flag.Duration("overload", 0, "instead: send twice what the server can take for this long, such as 5m, and watch goodput, refusals, memory and the console")
	overloadMost   = flag.Int("overload-connections", 4000, "most connections of the overload; what is due when all are busy is not sent")
	overloadTimes  = flag.Float64("overload-times", 2, "how many times its peak the overload sends")
)

func init() {
	modes = append(modes, mode{asked: func() bool { return *overloadLength > 0 }, run: runOverload})
}

const (
	peakConnections = 64
	peakRounds      = 3
	peakLength      = 5 * time.Second
	leastGoodput    = 0.8 // of the peak
)

func runOverload(ctx context.Context, s *sitting) error {
	s.head = append(s.head, machine())
	var b strings.Builder
	var checks []string
	var failures []error
	for _, name := range s.dbs {
		p, err := s.overloaded(ctx, name)
		if err != nil {
			return err
		}
		failures = append(failures, p.overload(ctx, s, &b))
		text, err := p.check(ctx)
		checks, failures = append(checks, text), append(failures, err)
	}
	return errors.Join(append(failures, s.tell(fmt.Sprintf("Overload at %g times the peak for %s", *overloadTimes, *overloadLength), b.String(), checks))...)
}

func (s *sitting) overloaded(ctx context.Context, name string) (p *product, err error) {
	switch name {
	case "postgres":
		if s.postgres == nil {
			if _, err := s.openPostgres(ctx); err != nil {
				return nil, err
			}
		}
		return s.freshPostgres(ctx)
	case "sqlite":
		s.head = append(s.head, "SQLite in WAL mode with synchronous=FULL"+memoryOnly(s.dir))
		p, err = startProduct(ctx, s.binary, "SQLite", database.Config{Path: filepath.Join(s.dir, "data", "latchkey.db")}, s.profile != "")
		if err == nil {
			s.later(func() error { _ = p.server.stop(); return nil })
		}
		return p, err
	}
	return nil, fmt.Errorf("-db %q is neither postgres nor sqlite", name)
}

// peak is what a closed loop reaches: the median of some rounds after one that does not count.
func (p *product) peak(ctx context.Context) (float64, error) {
	var speeds []float64
	for round := range peakRounds + 1 {
		out := load{addr: p.server.addr, requests: single(p), connections: peakConnections, length: peakLength}.run()
		p.signals += out.ok
		if len(out.errors) > 0 || ctx.Err() != nil {
			return 0, errors.Join(ctx.Err(), fmt.Errorf("%s: find the peak: %s", p.name, statuses(out.errors)))
		}
		if round > 0 {
			speeds = append(speeds, float64(out.ok)/out.elapsed.Seconds())
		}
	}
	return spreadOf(speeds).median, nil
}

// overload finds the peak, sends more, and finds the peak again: the machine may have changed.
func (p *product) overload(ctx context.Context, s *sitting, b *strings.Builder) error {
	before, err := p.peak(ctx)
	if err != nil {
		return err
	}
	resting := rssOf(p.server.pid())
	f := &flood{
		addr: p.server.addr, request: single(p)[0], perSecond: *overloadTimes * before, length: *overloadLength,
		most: *overloadMost, window: min(10*time.Second, *overloadLength),
	}
	cpu := startCPU(p.clocksOf(s))
	var series []watched
	var work sync.WaitGroup
	watching, stop := context.WithCancel(ctx)
	work.Go(func() { series = p.watch(watching) })
	var unprofiled error
	if s.profile != "" {
		unprofiled = os.MkdirAll(s.profile, 0o755)
		work.Go(func() {
			unprofiled = errors.Join(unprofiled, p.profile(min(profileLength, f.length/2), filepath.Join(s.profile, strings.ToLower(p.name)+"-overload")))
		})
	}
	f.run()
	stop()
	work.Wait()
	if unprofiled != nil {
		return unprofiled
	}
	sum := merged(f.bins)
	p.signals += int64(sum.accepted.count)
	spent := cpu.perItem(float64(sum.accepted.count))
	after, err := p.peak(ctx)
	if err != nil {
		return err
	}
	peak := (before + after) / 2
	goodput := float64(sum.accepted.count) / f.length.Seconds()
	fmt.Fprintf(b, "## %s\n\n", p.name)
	fmt.Fprintf(b, "Peak of single posts on %d connections: %s/s before, %s/s after; sent at %s/s on up to %s connections. "+
		"Goodput **%.2f** of the peak (%s/s; the worst %s: %.2f). Server at rest %s. Spent on a stored item: Latchkey %s, Postgres %s, generator %s.\n\n",
		peakConnections, thousands(int64(before)), thousands(int64(after)), thousands(int64(f.perSecond)), thousands(f.open.Load()),
		goodput/peak, thousands(int64(goodput)), f.window, f.worst()/peak, mebibytes(float64(resting)),
		short(spent[kindServer]), short(spent[kindPostgres]), short(spent[kindGenerator]))
	f.table(b, series)
	if goodput < leastGoodput*peak {
		return fmt.Errorf("%s: goodput is %.2f of the peak, which is less than %.1f", p.name, goodput/peak, leastGoodput)
	}
	if len(sum.other) > 0 {
		return fmt.Errorf("%s: answers that are neither 200 nor a refusal with Retry-After: %s", p.name, statuses(sum.other))
	}
	return nil
}

// clocksOf leaves out the database server where the product does not use it.
func (p *product) clocksOf(s *sitting) map[string]func() time.Duration {
	clocks := s.clocks(p.server)
	if p.config.URL == "" {
		delete(clocks, kindPostgres)
	}
	return clocks
}

// worst is the least goodput of a bin, a second.
func (f *flood) worst() float64 {
	least := float64(f.bins[0].accepted.count)
	for _, b := range f.bins {
		least = min(least, float64(b.accepted.count))
	}
	return least / f.window.Seconds()
}

// tableRows is how many rows the series of a run is shown in.
const tableRows = 10

func (f *flood) table(b *strings.Builder, series []watched) {
	head := []string{"from", "accepted/s", "p50", "p99", "refused/s", "p50", "p99", "not sent/s", "other", "RSS"}
	for _, path := range watchedPages {
		head = append(head, path+" p50", "max", "failed")
	}
	headOf(b, head...)
	step := max(1, len(f.bins)/tableRows)
	for i := 0; i < len(f.bins); i += step {
		part := f.bins[i:min(i+step, len(f.bins))]
		from, to := time.Duration(i)*f.window, time.Duration(i+len(part))*f.window
		f.row(b, from.String(), merged(part), to-from, between(series, from, to))
	}
	f.row(b, "all", merged(f.bins), f.length, series)
	b.WriteString("\n")
}

func (f *flood) row(b *strings.Builder, name string, sum *bin, length time.Duration, series []watched) {
	rate := func(n int64) string { return thousands(int64(float64(n) / length.Seconds())) }
	rss := int64(0)
	for _, w := range series {
		rss = max(rss, w.rss)
	}
	cells := []string{
		name, rate(int64(sum.accepted.count)), short(sum.accepted.quantile(0.5)), short(sum.accepted.quantile(0.99)),
		rate(int64(sum.refused.count)), short(sum.refused.quantile(0.5)), short(sum.refused.quantile(0.99)),
		rate(sum.unsent), statuses(sum.other), mebibytes(float64(rss)),
	}
	for _, path := range watchedPages {
		h, failed := pagesOf(series, path)
		cells = append(cells, short(h.quantile(0.5)), short(h.max), strconv.Itoa(failed))
	}
	rowOf(b, cells...)
}

func between(series []watched, from, to time.Duration) []watched {
	var out []watched
	for _, w := range series {
		if w.at >= from && w.at < to {
			out = append(out, w)
		}
	}
	return out
}
