package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
)

// pgbench is the second yardstick: the same row, inserted by as many clients, each alone in its
// transaction, without any product around it.
type pgbench struct {
	binary, script string
	env            []string
	postgres       *server
}

const (
	pgbenchTable = `
		CREATE TABLE rows (
			id   BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
			body BYTEA NOT NULL
		)`
	pgbenchScript = "INSERT INTO rows (body) VALUES (:body);\n"
)

func newPgbench(ctx context.Context, s *server, address, dir string) (*pgbench, error) {
	binary, err := findPgbench()
	if err != nil {
		return nil, err
	}
	if err := s.exec(ctx, address, pgbenchTable); err != nil {
		return nil, err
	}
	config, err := pgx.ParseConfig(address)
	if err != nil {
		return nil, err
	}
	p := &pgbench{binary: binary, postgres: s, script: filepath.Join(dir, "insert.sql")}
	// In the environment, where no list of processes shows the password.
	p.env = append(os.Environ(), "PGHOST="+config.Host, "PGPORT="+strconv.Itoa(int(config.Port)),
		"PGUSER="+config.User, "PGPASSWORD="+config.Password, "PGDATABASE="+config.Database)
	return p, os.WriteFile(p.script, []byte(pgbenchScript), 0o600)
}

func findPgbench() (string, error) {
	if path, err := exec.LookPath("pgbench"); err == nil {
		return path, nil
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/pgbench")
	if len(found) == 0 {
		return "", fmt.Errorf("pgbench was not found; it comes with Postgres (apt-get install postgresql-contrib)")
	}
	return slices.Max(found), nil
}

var (
	pgbenchSpeed   = regexp.MustCompile(`(?m)^tps = ([0-9.]+)`)
	pgbenchLatency = regexp.MustCompile(`(?m)^latency average = ([0-9.]+) ms`)
	pgbenchRows    = regexp.MustCompile(`(?m)^number of transactions actually processed: ([0-9]+)`)
)

// run inserts with that many clients. Whole seconds only: pgbench knows no other. Its time begins
// before its clients have connected, which takes a while on a busy machine and is not in its speed,
// so it gets a second more for each 32 of them.
func (p *pgbench) run(ctx context.Context, clients int, length time.Duration) (measure, error) {
	seconds := max(1, int(length.Seconds())) + (clients+31)/32
	c := newClock(0, p.postgres.process)
	before := c.start()
	cmd := exec.CommandContext(ctx, p.binary, "-n", "-M", "prepared", "-f", p.script, "-D", "body="+string(item(false)),
		"-c", strconv.Itoa(clients), "-j", strconv.Itoa(min(clients, runtime.NumCPU())), "-T", strconv.Itoa(seconds))
	cmd.Env = p.env
	out, err := cmd.CombinedOutput()
	if err != nil {
		return measure{}, fmt.Errorf("pgbench: %w\n%s", err, out)
	}
	number := func(pattern *regexp.Regexp) float64 {
		if m := pattern.FindSubmatch(out); m != nil {
			n, _ := strconv.ParseFloat(string(m[1]), 64)
			return n
		}
		return 0
	}
	m := measure{requests: number(pgbenchSpeed), items: number(pgbenchSpeed), mean: time.Duration(number(pgbenchLatency) * float64(time.Millisecond))}
	if m.requests == 0 {
		return m, fmt.Errorf("pgbench inserted nothing; on a machine this busy, choose a longer -duration\n%s", out)
	}
	c.spent(before, number(pgbenchRows), &m)
	// pgbench is its own generator.
	m.generatorCPU = perItem(cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime(), number(pgbenchRows))
	m.generatorPeak = 0 // getrusage(2) counts what the child had of its parent
	return m, nil
}
