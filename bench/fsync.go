package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"latchkey/internal/database"
)

var fsyncDelay = flag.Duration("fsync-delay", 0, "instead: single posts beside pgbench on a Postgres of its own whose every fsync takes that much longer, such as 2ms; needs a C compiler")

func init() {
	modes = append(modes, mode{asked: func() bool { return *fsyncDelay > 0 }, run: runDelayed})
}

const (
	delayEnv    = "FSYNC_DELAY_US" // what bench/fsync/delay.c reads
	delaySource = "bench/fsync/delay.c"
	// delayClients are pgbench's: the posts of any number of connections are held against them.
	delayClients = 64
)

var delayConnections = []int{64, 256}

// runDelayed starts this program again inside a throw-away Postgres that preloads the delay.
func runDelayed(ctx context.Context, s *sitting) error {
	if os.Getenv(delayEnv) != "" {
		return s.measureDelayed(ctx)
	}
	shim := filepath.Join(s.dir, "delay.so")
	compiler := os.Getenv("CC")
	if compiler == "" {
		compiler = "cc"
	}
	if out, err := exec.CommandContext(ctx, compiler, "-O2", "-shared", "-fPIC", "-o", shim, delaySource, "-ldl").CombinedOutput(); err != nil {
		return fmt.Errorf("build %s (it needs a C compiler, such as gcc): %w\n%s", delaySource, err, out)
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	again := exec.CommandContext(ctx, "scripts/postgres.sh", append([]string{"run", "--durable", self}, os.Args[1:]...)...)
	// Its own server, not one that is there already and waits for nothing.
	again.Env = slices.DeleteFunc(os.Environ(), func(e string) bool { return strings.HasPrefix(e, postgresEnv) })
	again.Env = append(again.Env, "PG_PRELOAD="+shim, fmt.Sprintf("%s=%d", delayEnv, fsyncDelay.Microseconds()))
	again.Stdout, again.Stderr = os.Stdout, os.Stderr
	again.Cancel = func() error { return again.Process.Signal(os.Interrupt) }
	return again.Run()
}

func (s *sitting) measureDelayed(ctx context.Context) error {
	inserts, err := s.openPostgres(ctx)
	if err != nil {
		return err
	}
	told, err := s.oneCommit(ctx)
	if err != nil {
		return err
	}
	s.head = append(s.head, machine(), told)
	p, err := s.freshPostgres(ctx)
	if err != nil {
		return err
	}
	proto, err := s.startPrototype(ctx, "postgres")
	if err != nil {
		return err
	}
	yardstick := insertLine(ctx, inserts, delayClients)
	lines := []*line{yardstick}
	beside := map[*line]*line{} // the prototype on as many connections
	for _, n := range delayConnections {
		plain := proto.line(fmt.Sprintf("group-commit prototype, %d connections", n), n)
		posts := p.postLine(fmt.Sprintf("single posts, %d connections", n), p.server.addr, n, s.clocks(p.server))
		lines, beside[posts] = append(lines, plain, posts), plain
	}
	if err := s.roundsOf(ctx, lines); err != nil {
		return err
	}
	check, failed := p.check(ctx)
	second, alsoFailed := proto.check(ctx)
	var b strings.Builder
	headOf(&b, "", "÷ pgbench", "÷ prototype", "items/s", "p50", "p99", "Latchkey CPU", "Postgres CPU", "generator CPU", "errors")
	for _, l := range lines {
		against, against2 := "", ""
		if l != yardstick {
			against = l.over(yardstick)
		}
		if plain := beside[l]; plain != nil {
			against2 = l.over(plain)
		}
		p50, p99 := l.latency()
		rowOf(&b, l.name, against, against2, speed(l.speed()), p50, p99, l.cpu(kindServer), l.cpu(kindPostgres), l.cpu(kindGenerator), statuses(l.failures()))
	}
	return errors.Join(failed, alsoFailed, s.tell("Bench on a disk whose fsync takes "+fsyncDelay.String()+" longer", b.String(), []string{check, second}))
}

// oneCommit sees that commits wait for the delay, and tells how long one takes.
func (s *sitting) oneCommit(ctx context.Context) (string, error) {
	conn, err := pgx.Connect(ctx, s.postgres.url)
	if err != nil {
		return "", err
	}
	defer func() { _ = conn.Close(ctx) }()
	var method string
	if err := conn.QueryRow(ctx, "SHOW wal_sync_method").Scan(&method); err != nil {
		return "", err
	}
	if _, err := conn.Exec(ctx, "CREATE TABLE one_commit (n INT)"); err != nil {
		return "", err
	}
	var h histogram
	for n := range 100 {
		start := time.Now()
		if _, err := conn.Exec(ctx, "INSERT INTO one_commit VALUES ($1)", n); err != nil {
			return "", err
		}
		h.record(time.Since(start))
	}
	if h.quantile(0.5) < *fsyncDelay {
		return "", fmt.Errorf("commits do not wait for the delay: one takes %s (wal_sync_method is %s; open_sync and open_datasync cannot be delayed so)", short(h.quantile(0.5)), method)
	}
	return fmt.Sprintf("a commit of one row alone takes %s with the delay (median of 100; wal_sync_method is %s)", short(h.quantile(0.5)), method), nil
}

// freshPostgres starts the product on a database of its own, with more settings.
func (s *sitting) freshPostgres(ctx context.Context, settings ...string) (*product, error) {
	address, drop, err := s.postgres.create(ctx)
	if err != nil {
		return nil, err
	}
	s.later(drop)
	p, err := startProduct(ctx, s.binary, "Postgres", database.Config{URL: address}, s.profile != "", settings...)
	if err != nil {
		return nil, err
	}
	s.later(func() error { _ = p.server.stop(); return nil }) // only where the run breaks off
	return p, nil
}
