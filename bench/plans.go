package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"latchkey/internal/database"
)

var explain = flag.Bool("plans", false, "instead: run every page, list and background job on -signals signals, and write the plan of each statement to bench/out/plans-*.txt")

func init() {
	modes = append(modes, mode{asked: func() bool { return *explain }, run: runPlans})
}

const (
	plansDir = "bench/out"
	// manyRows is from how many rows on a table is too large to be read whole.
	manyRows = 10_000
	// plansFilled is how long each kind of signal and update is sent, so that no table is small; and
	// plansSent while the statements are recorded.
	plansFilled, plansSent = 3 * time.Second, 300 * time.Millisecond
	// plansRetention, in days, leaves the first of the four filled weeks' days to be deleted.
	plansRetention = 27
	plansClean     = 5 * time.Minute
)

func runPlans(ctx context.Context, s *sitting) (err error) {
	s.head = append(s.head, machine()+", "+revision(ctx))
	if s.bare, err = s.yardstick(ctx, bareArgument); err != nil {
		return err
	}
	var b strings.Builder
	for _, name := range s.dbs {
		var e explained
		switch name {
		case "postgres":
			if s.postgres == nil {
				if _, err := s.openPostgres(ctx); err != nil {
					return err
				}
			}
			e = &postgresPlans{sitting: s}
		case "sqlite":
			e = &sqlitePlans{sitting: s}
		default:
			return fmt.Errorf("-db %q is neither postgres nor sqlite", name)
		}
		if err := s.explain(ctx, name, e, &b); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return s.tell("Plans", b.String(), nil)
}

// explained is how a database tells what it ran.
type explained interface {
	// record makes the product, which does not run, tell its statements from its next start on.
	record(ctx context.Context, p *product) error
	// statements are those since record, with their plans; the product has stopped.
	statements(ctx context.Context, p *product) ([]*statement, error)
}

func (s *sitting) explain(ctx context.Context, name string, e explained, b *strings.Builder) error {
	fmt.Fprintf(os.Stderr, "%s: making %s signals\n", name, thousands(int64(s.signals)))
	p, err := s.product(ctx, name, "-plans", s.signals)
	if err != nil {
		return err
	}
	if err := p.populate(ctx, s); err != nil {
		return err
	}
	if err := p.server.stop(); err != nil {
		return err
	}
	if err := p.age(ctx); err != nil {
		return err
	}
	if err := e.record(ctx, p); err != nil {
		return err
	}
	if err := p.start(ctx); err != nil {
		return err
	}
	w := &walk{product: p, shapes: map[string]int{}, answers: map[int]int{}}
	if err := errors.Join(p.signIn(ctx), p.sendKinds(ctx, s.options, plansSent), w.console(ctx), w.api(ctx), p.cleaned(ctx)); err != nil {
		return err
	}
	if err := p.server.stop(); err != nil {
		return err
	}
	list, err := e.statements(ctx, p)
	if err != nil {
		return err
	}
	file := filepath.Join(plansDir, "plans-"+name+".txt")
	if err := writePlans(file, list); err != nil {
		return err
	}
	fmt.Fprintf(b, "## %s\n\n%d pages and calls (%s) ran %d different statements; their plans, the slowest first, are in %s.\n\n",
		p.name, w.asked, statuses64(w.answers), len(list), file)
	tellPlans(b, list)
	return s.remove(ctx, p)
}

func statuses64(answers map[int]int) string {
	sum := map[int]int64{}
	for status, n := range answers {
		sum[status] = int64(n)
	}
	return statuses(sum)
}

// populate gives every table rows: each kind of signal, updates, refusals, endpoints and what they got.
func (p *product) populate(ctx context.Context, s *sitting) error {
	if err := p.subscribe(ctx, s.bare.addr); err != nil {
		return err
	}
	if err := p.sendKinds(ctx, s.options, plansFilled); err != nil {
		return err
	}
	if _, err := p.deliver(ctx, s.bare, 0, s.messages); err != nil {
		return err
	}
	printed, err := p.command(ctx, p.binary, "", "keys", "create", "--name", "plans", "--json", "--type", "api_access", "--scopes", "admin:full")
	if err != nil {
		return err
	}
	return p.admin(printed)
}

// sendKinds sends what the scenarios do, and posts that are refused.
func (p *product) sendKinds(ctx context.Context, o options, length time.Duration) error {
	for _, sc := range scenarios(o) {
		if sc.reads || sc.half || sc.section == inPosts && sc.connections != o.usual() {
			continue
		}
		sc.connections = min(sc.connections, 16)
		sc.send(p, 0, 0, length)
	}
	for _, request := range [][]byte{
		post(signalPath+p.plain.Key, jsonType, nil, []byte(`{"no":"event"}`)),
		post(signalPath+p.guarded.Key, jsonType, []string{"X-Api-Secret: wrong"}, item(false)),
		post(orgPath+p.orgs.Key, jsonType, nil, []byte(`{"nothing":"that the template wants"}`)),
	} {
		load{addr: p.server.addr, requests: one(request), connections: 4, length: length}.run()
	}
	return p.drain(ctx)
}

// age makes some of what is there old enough for the clean-up, which runs when the server starts.
func (p *product) age(ctx context.Context) error {
	w := p.db.Write.WithContext(ctx)
	for _, statement := range []string{
		fmt.Sprintf("UPDATE workspaces SET raw_retention_days = %d, rejected_retention_days = 1", plansRetention),
		fmt.Sprintf("UPDATE signal_dedup SET received_at = received_at - %d WHERE received_at %% 2 = 0", (8 * 24 * time.Hour).Microseconds()),
	} {
		if err := w.Exec(statement).Error; err != nil {
			return err
		}
	}
	if p.db.IsPostgres() {
		return w.Exec("VACUUM (ANALYZE)").Error
	}
	return nil
}

// cleaned waits until the clean-up deletes nothing any more.
func (p *product) cleaned(ctx context.Context) error {
	db, err := database.Open(ctx, p.config)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	first, still := "", time.Now()
	for end := time.Now().Add(plansClean); time.Since(still) < 10*time.Second; time.Sleep(time.Second) {
		var now string
		if err := db.Read.WithContext(ctx).Raw("SELECT CAST(id AS TEXT) FROM signals ORDER BY id LIMIT 1").Row().Scan(&now); err != nil {
			return err
		}
		if now != first {
			first, still = now, time.Now()
		}
		if time.Now().After(end) {
			fmt.Fprintf(os.Stderr, "%s: the clean-up goes on after %s; what it runs later is not recorded\n", p.name, plansClean)
			return nil
		}
	}
	return nil
}
