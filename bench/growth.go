package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"latchkey/bench/internal/fill"
	"latchkey/internal/database"
)

var growthSizes = flag.String("growth", "", "instead: fill through the bulk URL up to so many million signals, such as 1,5,20, and measure rates, disk and lists at each; -doc writes its table")

func init() {
	modes = append(modes, mode{asked: func() bool { return *growthSizes != "" }, run: runGrowth})
}

const (
	// growthBytes is the disk that a signal may take, with what the database writes beside it.
	growthBytes = 1200
	// growthWritten are signals, in millions, that the rounds at one size may store.
	growthWritten = 0.8
	growthKeys    = 100 // that the signals come by, a request each in turn
	million       = 1_000_000
	// growthShown is the least size that is written into a document, in millions.
	growthShown = 5
)

func runGrowth(ctx context.Context, s *sitting) error {
	sizes, err := sizesOf(*growthSizes)
	if err != nil {
		return fmt.Errorf("-growth: %w", err)
	}
	doc := s.doc
	if doc != "" && (len(s.dbs) < 2 || sizes[len(sizes)-1] < growthShown || s.rounds < wholeRounds) {
		fmt.Println("This is a part of the measurement: " + doc + " stays as it is.")
		doc = ""
	}
	if err := growthMarks.writable(doc); err != nil {
		return err
	}
	s.head = append(s.head, machine()+", "+revision(ctx))
	if slices.Contains(s.dbs, "postgres") {
		if _, err := s.openPostgres(ctx); err != nil {
			return err
		}
	}
	for _, name := range s.dbs {
		if err := s.roomFor(ctx, name, sizes); err != nil {
			return err
		}
	}
	var b strings.Builder
	var checks []string
	for _, name := range s.dbs {
		check, err := s.grow(ctx, name, sizes, &b)
		if err != nil {
			return err
		}
		checks = append(checks, check)
	}
	fmt.Fprintf(&b, "- %d rounds of %s at each size; medians, with least and most in brackets; a list's p50 and p95 are of all rounds\n", s.rounds, s.pageLength())
	fmt.Fprintf(&b, "- signals of %d bytes without a message id, all received within the run: on Postgres they lie in the parts of today\n", itemBytes)
	for _, check := range checks {
		fmt.Fprintf(&b, "- %s\n", check)
	}
	if err := s.tell("Growth", b.String(), nil); err != nil {
		return err
	}
	body := fmt.Sprintf("Measured on %s:\n\n- %s\n\n%s", time.Now().UTC().Format("2 January 2006, 15:04 UTC"), strings.Join(s.head, "\n- "), b.String())
	return growthMarks.writeInto(doc, body)
}

// sizesOf reads millions of signals, the least first; fractions are allowed.
func sizesOf(text string) ([]float64, error) {
	var sizes []float64
	for part := range strings.SplitSeq(text, ",") {
		n, err := strconv.ParseFloat(strings.TrimSpace(part), 64)
		if err != nil || !(n >= 0.01 && n <= 10_000) { // NaN is neither
			return nil, fmt.Errorf("%q is not a list of millions such as 1,5,20", text)
		}
		sizes = append(sizes, n)
	}
	slices.Sort(sizes)
	return slices.Compact(sizes), nil
}

// growing is a product that gets larger.
type growing struct {
	*product
	sitting *sitting
	rows    *growthRows
	table   growthTable
	failed  map[int]int64
}

// grow fills one database up to each size, measures, and removes it: there may be no room for two.
func (s *sitting) grow(ctx context.Context, name string, sizes []float64, b *strings.Builder) (check string, err error) {
	p, err := s.product(ctx, name, "-growth", 0)
	if err != nil {
		return "", err
	}
	g := &growing{product: p, sitting: s, rows: newGrowthRows(time.Now()), failed: map[int]int64{}}
	for _, size := range sizes {
		if err := g.reach(ctx, size); err != nil {
			return "", fmt.Errorf("%s at %g million: %w", p.name, size, err)
		}
	}
	fmt.Fprintf(b, "#### %s\n\n", p.name)
	g.table.write(b)
	if check, err = p.check(ctx); err != nil {
		return check, err
	}
	if len(g.failed) > 0 {
		return check, fmt.Errorf("%s: not every request was answered 200: %s", p.name, statuses(g.failed))
	}
	return check, s.remove(ctx, p)
}

// reach fills up to a size and measures there: what is as it is first, then what adds signals.
func (g *growing) reach(ctx context.Context, size float64) error {
	g.table.begin(fmt.Sprintf("%g million", size))
	rate, err := g.fillTo(ctx, int64(size*million))
	if err != nil {
		return err
	}
	filled := "none" // the rounds before may have made as many
	if rate > 0 {
		filled = thousands(int64(rate))
	}
	g.table.add("fill by bulk requests since the last size, signals/s", filled)
	if err := g.settle(ctx); err != nil {
		return err
	}
	g.table.add("signals when measured", thousands(g.signals))
	if err := g.measureDisk(ctx); err != nil {
		return err
	}
	if err := g.findPages(ctx); err != nil {
		return err
	}
	brief := *g.sitting
	brief.length = brief.pageLength()
	writes, pages := g.writes(), g.pages()
	for _, lines := range [][]*line{pages, writes} {
		if err := brief.roundsOf(ctx, lines); err != nil {
			return err
		}
		for _, l := range lines {
			for status, n := range l.failures() {
				g.failed[status] += n
			}
		}
	}
	for _, l := range writes {
		g.table.add(l.name+", signals/s", speed(l.speed()))
	}
	for _, l := range pages {
		h := l.merged()
		g.table.add(l.name+", p50 / p95", short(h.quantile(0.5))+" / "+short(h.quantile(0.95)))
	}
	fmt.Printf("%s, %g million:\n%s\n", g.name, size, g.table.last())
	return ctx.Err()
}

// fillTo sends bulk requests, one after the other, while the next is made. It tells the rate; 0 for
// nothing sent.
func (g *growing) fillTo(ctx context.Context, signals int64) (perSecond float64, err error) {
	first := g.signals
	making, stop := context.WithCancel(ctx)
	defer stop()
	next := make(chan []byte, 2)
	go func() {
		defer close(next)
		for left := signals - first; left > 0; left -= int64(g.sitting.bulk) {
			select {
			case next <- g.bulk(int(min(left, int64(g.sitting.bulk)))):
			case <-making.Done():
				return
			}
		}
	}()
	c := &connection{addr: g.server.addr}
	defer c.close()
	began, tenths := time.Now(), int64(0)
	for request := range next {
		status, err := c.send(request)
		if err != nil || status != http.StatusOK {
			return 0, fmt.Errorf("bulk request: %d, %w", status, errors.Join(err, errors.New("not stored")))
		}
		g.signals += min(signals-g.signals, int64(g.sitting.bulk))
		if tenth := (g.signals - first) * 10 / (signals - first); tenth > tenths {
			tenths = tenth
			fmt.Fprintf(os.Stderr, "%s: %s signals, %s/s\n", g.name, thousands(g.signals), thousands(int64(float64(g.signals-first)/time.Since(began).Seconds())))
		}
	}
	return float64(g.signals-first) / time.Since(began).Seconds(), ctx.Err()
}

// settle lets neither vacuum nor checkpoint run beside what is measured.
func (g *growing) settle(ctx context.Context) error {
	return g.opened(ctx, func(db *database.DB) error { return fill.Settle(ctx, db) })
}

// opened lends the database.
func (g *growing) opened(ctx context.Context, fn func(db *database.DB) error) error {
	db, err := database.Open(ctx, g.config)
	if err != nil {
		return err
	}
	return errors.Join(fn(db), db.Close())
}

// remove drops what a stopped product leaves.
func (s *sitting) remove(ctx context.Context, p *product) error {
	if p.config.URL == "" {
		return os.RemoveAll(filepath.Dir(p.config.Path))
	}
	return s.postgres.drop(ctx, p.config.URL)
}
