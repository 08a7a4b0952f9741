package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"latchkey/internal/database"
)

// sitting is everything that runs side by side, and the tasks over it.
type sitting struct {
	options
	dir, binary string
	postgres    *server  // nil without Postgres
	bare        *process // the bare handler, which receives webhooks too
	products    []*product
	tasks       []*task
	head        []string
	cleanUps    []func() error
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
func (s *sitting) open(ctx context.Context) error {
	s.head = append(s.head, machine())
	self, err := os.Executable()
	if err != nil {
		return err
	}
	bare, err := start(ctx, os.Environ(), self, bareArgument)
	if err != nil {
		return err
	}
	// It has no clean end: being killed is one.
	s.later(func() error { _ = bare.stop(); return nil })
	s.bare = bare
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
	}
	s.plan(ctx, bare, inserts)
	return nil
}

func (s *sitting) openPostgres(ctx context.Context) (*pgbench, error) {
	var err error
	if s.postgres, err = openServer(ctx, os.Getenv(postgresEnv)); err != nil {
		return nil, err
	}
	s.head = append(s.head, "Postgres "+s.postgres.version+", fsync and synchronous_commit on")
	address, drop, err := s.postgres.create(ctx)
	if err != nil {
		return nil, err
	}
	s.later(drop)
	return newPgbench(ctx, s.postgres, address, s.dir)
}

func (s *sitting) openProduct(ctx context.Context, name string) error {
	var config database.Config
	label := "Postgres"
	switch name {
	case "postgres":
		address, drop, err := s.postgres.create(ctx)
		if err != nil {
			return err
		}
		s.later(drop)
		config.URL = address
	case "sqlite":
		config.Path, label = filepath.Join(s.dir, "data", "latchkey.db"), "SQLite"
		s.head = append(s.head, "SQLite in WAL mode with synchronous=FULL"+memoryOnly(s.dir))
	default:
		return fmt.Errorf("-db %q is neither postgres nor sqlite", name)
	}
	p, err := startProduct(ctx, s.binary, label, config, s.profile != "")
	if err != nil {
		return err
	}
	// Only where the run breaks off: the check stops it first.
	s.later(func() error { _ = p.server.stop(); return nil })
	s.products = append(s.products, p)
	if s.outbound() {
		return p.subscribe(ctx, s.bare.addr)
	}
	return nil
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

// plan lists a round: for each number of connections first the yardsticks, then what is held
// against them.
func (s *sitting) plan(ctx context.Context, bare *process, inserts *pgbench) {
	for _, n := range s.counts {
		echo := &task{name: "bare Echo handler", connections: n}
		echo.run = func(length time.Duration) (measure, error) {
			return sendBare(bare, post("/key", jsonType, nil, item(false)), n, length), nil
		}
		reads := &task{name: "bare Echo handler, GET", connections: n}
		reads.run = func(length time.Duration) (measure, error) {
			return sendBare(bare, get("/me"), n, length), nil
		}
		s.tasks = append(s.tasks, echo, reads)
		var rows *task
		if inserts != nil {
			clients := min(n, s.postgres.connections-40) // the product's pool needs some too
			rows = &task{name: "pgbench, single-row inserts", connections: clients}
			rows.run = func(length time.Duration) (measure, error) { return inserts.run(ctx, clients, length) }
			s.tasks = append(s.tasks, rows)
		}
		singles := map[*product]*task{}
		for _, sc := range scenarios(s.options) {
			if sc.against != n || !s.only.MatchString(sc.name) {
				continue
			}
			for _, p := range s.products {
				t := s.task(ctx, sc, p, echo, rows)
				if sc.reads {
					t.bare, t.inserts = reads, nil
				}
				if sc.name == singlePosts {
					singles[p] = t
				}
				if !sc.reads {
					t.single = singles[p]
				}
				s.tasks = append(s.tasks, t)
			}
		}
	}
	s.planDeliveries(ctx)
}

// outbound tells whether anything is to be delivered; without, no endpoint is made.
func (s *sitting) outbound() bool {
	return s.only.MatchString(subscribedPosts) || s.only.MatchString(deliveriesOfOne)
}

// planDeliveries adds what the workers can send, beside a client that does nothing else.
func (s *sitting) planDeliveries(ctx context.Context) {
	if !s.only.MatchString(deliveriesOfOne) || len(s.products) == 0 {
		return
	}
	client := &task{name: bareClient, connections: hookConcurrency}
	client.run = func(length time.Duration) (measure, error) { return postBare(s.bare, s.products[0].body, length), nil }
	s.tasks = append(s.tasks, client)
	for _, p := range s.products {
		s.tasks = append(s.tasks, &task{
			name: deliveriesOfOne, connections: hookConcurrency, database: p.name, bare: client,
			run: func(time.Duration) (measure, error) { return p.deliver(ctx, s.bare, s.postmaster(p), s.messages) },
		})
	}
}

// postmaster is the process of the product's database server; 0 without one.
func (s *sitting) postmaster(p *product) int {
	if s.postgres == nil || p.config.URL == "" {
		return 0
	}
	return s.postgres.process
}

func (s *sitting) task(ctx context.Context, sc scenario, p *product, echo, rows *task) *task {
	return &task{
		name: sc.name, connections: sc.connections, database: p.name, bare: echo, inserts: rows, timed: sc.perSecond > 0,
		run: func(length time.Duration) (measure, error) {
			m := sc.send(p, s.postmaster(p), length)
			if sc.told {
				return m, p.drain(ctx)
			}
			return m, nil
		},
	}
}

// measure runs a round that does not count, then the others.
func (s *sitting) measure(ctx context.Context) error {
	for round := range s.rounds + 1 {
		for _, t := range s.tasks {
			m, err := t.run(s.length)
			if err := errors.Join(err, ctx.Err()); err != nil {
				return err
			}
			if round > 0 {
				t.rounds = append(t.rounds, m)
				fmt.Fprintf(os.Stderr, "round %d of %d  %-60s %10s items/s\n", round, s.rounds, t.database+" "+t.name, thousands(int64(m.items)))
			} else if len(m.errors) > 0 {
				return fmt.Errorf("%s %s: %s", t.database, t.name, statuses(m.errors))
			}
		}
	}
	return s.profiles(ctx)
}

// profileLength is long enough for a thousand samples on a busy machine.
const profileLength = 10 * time.Second

// profiles sends single posts once more, or the first that -only leaves, with the servers watched.
func (s *sitting) profiles(ctx context.Context) error {
	if s.profile == "" {
		return nil
	}
	if err := os.MkdirAll(s.profile, 0o755); err != nil {
		return err
	}
	list := scenarios(s.options)[len(s.counts)-1:]
	first := slices.IndexFunc(list, func(sc scenario) bool { return s.only.MatchString(sc.name) })
	if first < 0 {
		return nil
	}
	watched := list[first]
	for _, p := range s.products {
		var err error
		var work sync.WaitGroup
		work.Go(func() { err = p.profile(profileLength, filepath.Join(s.profile, strings.ToLower(p.name))) })
		watched.send(p, 0, profileLength)
		work.Wait()
		if watched.told {
			err = errors.Join(err, p.drain(ctx))
		}
		if err != nil {
			return err
		}
	}
	return nil
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
	for _, t := range s.tasks {
		if n := t.errors(); len(n) > 0 {
			failures = append(failures, fmt.Errorf("%s %s: not every request was answered 200: %s", t.database, t.name, statuses(n)))
		}
	}
	text := report(s.options, s.head, s.tasks, checks)
	fmt.Print(text)
	if s.out != "" {
		failures = append(failures, os.MkdirAll(filepath.Dir(s.out), 0o755), os.WriteFile(s.out, []byte(text), 0o644))
	}
	return errors.Join(failures...)
}
