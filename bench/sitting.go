package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"latchkey/internal/database"
)

// sitting is everything that runs side by side, and the tasks over it.
type sitting struct {
	options
	dir, binary  string
	postgres     *server  // nil without Postgres
	bare, socket *process // the bare handler, which receives webhooks too; and what answers unread
	products     []*product
	large        []*product // with many signals, for reading
	prototypes   []*prototype
	tasks        []*task
	ends         []*figure
	head         []string
	cleanUps     []func() error
}

func (s *sitting) later(fn func() error) { s.cleanUps = append(s.cleanUps, fn) }

// close undoes in the opposite order.
func (s *sitting) close() error {
	var errs []error
	for _, fn := range slices.Backward(s.cleanUps) {
		errs = append(errs, fn())
	}
	return errors.Join(errs...)
}

// open starts every process and lists the tasks of a round.
func (s *sitting) open(ctx context.Context) (err error) {
	s.head = append(s.head, machine()+", "+revision(ctx), "load average when it began: "+loadAverage())
	if s.bare, err = s.yardstick(ctx, bareArgument); err != nil {
		return err
	}
	if s.socket, err = s.yardstick(ctx, socketArgument); err != nil {
		return err
	}
	var inserts *pgbench
	for _, name := range s.dbs {
		if name == "postgres" && s.postgres == nil {
			if inserts, err = s.openPostgres(ctx); err != nil {
				return err
			}
		}
		if err := s.openProduct(ctx, name); err != nil {
			return err
		}
		if s.only.MatchString(singlePosts) { // which alone are held against it
			if _, err := s.startPrototype(ctx, name); err != nil {
				return err
			}
		}
	}
	return s.plan(ctx, inserts)
}

// yardstick starts this binary as one of its own servers. They have no clean end: being killed is one.
func (s *sitting) yardstick(ctx context.Context, argument string) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	p, err := start(ctx, os.Environ(), self, argument)
	if err == nil {
		s.later(func() error { _ = p.stop(); return nil })
	}
	return p, err
}

func (s *sitting) openPostgres(ctx context.Context) (*pgbench, error) {
	var err error
	if s.postgres, err = openServer(ctx, os.Getenv(postgresEnv)); err != nil {
		return nil, err
	}
	s.head = append(s.head, "Postgres "+s.postgres.version+", fsync and synchronous_commit on, otherwise as it comes")
	address, drop, err := s.postgres.create(ctx)
	if err != nil {
		return nil, err
	}
	s.later(drop)
	return newPgbench(ctx, s.postgres, address, s.dir)
}

// openProduct starts the product on an empty database, and where pages are to be read on one with
// many signals, too.
func (s *sitting) openProduct(ctx context.Context, name string) error {
	if name == "sqlite" {
		s.head = append(s.head, "SQLite in WAL mode with synchronous=FULL"+memoryOnly(s.dir))
	}
	p, err := s.product(ctx, name, "", 0)
	if err != nil {
		return err
	}
	s.products = append(s.products, p)
	if s.outbound() {
		if err := p.subscribe(ctx, s.bare.addr); err != nil {
			return err
		}
	}
	if !slices.ContainsFunc(scenarios(s.options), func(sc scenario) bool { return sc.large && s.only.MatchString(sc.name) }) {
		return nil
	}
	fmt.Fprintf(os.Stderr, "%s: making %s signals\n", p.name, thousands(int64(s.signals)))
	began := time.Now()
	if p, err = s.product(ctx, name, "-large", s.signals); err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "%s: made them in %s\n", p.name, time.Since(began).Round(time.Second))
	s.large = append(s.large, p)
	return nil
}

func (s *sitting) product(ctx context.Context, name, suffix string, signals int) (*product, error) {
	var config database.Config
	label := "Postgres"
	switch name {
	case "postgres":
		address, drop, err := s.postgres.create(ctx)
		if err != nil {
			return nil, err
		}
		s.later(drop)
		config.URL = address
	case "sqlite":
		config.Path, label = filepath.Join(s.dir, "data"+suffix, "latchkey.db"), "SQLite"
	default:
		return nil, fmt.Errorf("-db %q is neither postgres nor sqlite", name)
	}
	var p *product
	var err error
	if signals == 0 {
		p, err = startProduct(ctx, s.binary, label, config, s.profile != "")
	} else {
		p, err = startFilled(ctx, s.binary, label, config, s.profile != "", signals)
	}
	if err == nil {
		// Only where the run breaks off: the check stops it first.
		s.later(func() error { _ = p.server.stop(); return nil })
	}
	return p, err
}

// memoryOnly warns when the directory is on no disk.
func memoryOnly(dir string) string {
	const tmpfs = 0x01021994 // statfs(2)
	var fs syscall.Statfs_t
	if err := syscall.Statfs(dir, &fs); err == nil && fs.Type == tmpfs {
		return ", on a file system in memory: its figures do not count; choose a disk with -dir"
	}
	return ""
}

// outbound tells whether anything is to be delivered; without, no endpoint is made.
func (s *sitting) outbound() bool {
	return s.only.MatchString(subscribedPosts) || s.only.MatchString(deliveriesOfOne)
}

// postmaster is the process of the product's database server; 0 without one.
func (s *sitting) postmaster(p *product) int {
	if s.postgres == nil || p.config.URL == "" {
		return 0
	}
	return s.postgres.process
}

// measure runs a round that does not count, then the others, then what is done once.
func (s *sitting) measure(ctx context.Context) error {
	for round := range s.rounds + 1 {
		for _, t := range s.tasks {
			length := s.length
			switch {
			case round == 0:
				length = time.Second
			case t.length > 0:
				length = t.length
			}
			m, err := t.run(length)
			if err := errors.Join(err, ctx.Err()); err != nil {
				return fmt.Errorf("%s %s: %w", t.database, t.name, err)
			}
			t.last = m
			if round > 0 {
				t.rounds = append(t.rounds, m)
				fmt.Fprintf(os.Stderr, "round %d of %d  %-62s %4d %10s/s\n", round, s.rounds, strings.TrimSpace(t.database+" "+t.name), t.connections, thousands(int64(m.items)))
			} else if len(m.errors) > 0 {
				return fmt.Errorf("%s %s: %s", t.database, t.name, statuses(m.errors))
			}
		}
	}
	if err := s.measureEnds(ctx); err != nil {
		return err
	}
	return s.profiles(ctx)
}

// finish holds what was acknowledged against what is stored, and writes the report. Errors and
// differences fail the run, after the report.
func (s *sitting) finish(ctx context.Context) error {
	var checks []string
	var failures []error
	for _, p := range s.products {
		text, err := p.check(ctx)
		checks = append(checks, text)
		failures = append(failures, err)
		if p.db != nil {
			text, err := p.checkTold(ctx)
			checks = append(checks, text)
			failures = append(failures, err)
		}
	}
	for _, p := range s.prototypes {
		text, err := p.check(ctx)
		checks = append(checks, text)
		failures = append(failures, err)
	}
	for _, p := range s.large {
		failures = append(failures, p.server.stop())
	}
	for _, t := range s.tasks {
		if n := t.errors(); len(n) > 0 {
			failures = append(failures, fmt.Errorf("%s %s: not every request was answered 200: %s", t.database, t.name, statuses(n)))
		}
	}
	s.head = append(s.head, "load average when it ended: "+loadAverage())
	text := report(s, time.Now(), checks)
	fmt.Print("# Bench\n\n" + text)
	if s.out != "" {
		failures = append(failures, os.MkdirAll(filepath.Dir(s.out), 0o755), os.WriteFile(s.out, []byte("# Bench\n\n"+text), 0o644))
	}
	if err := errors.Join(failures...); err != nil {
		return err
	}
	return benchMarks.writeInto(s.doc, text)
}
