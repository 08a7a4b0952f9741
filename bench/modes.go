package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// mode is a run of its own kind, which a flag asks for; it takes the place of the rounds. Its file
// registers it.
type mode struct {
	asked func() bool
	run   func(ctx context.Context, s *sitting) error
}

var modes []mode

// shot is one round of one line of a mode's table.
type shot struct {
	perSecond float64 // stored items
	hist      *histogram
	mean      time.Duration // where there is no histogram
	errors    map[int]int64
	cpu       map[string]time.Duration // by kind of process, for each stored item
}

// line is what is run once a round.
type line struct {
	name  string
	run   func(length time.Duration) (shot, error)
	shots []shot
}

func (l *line) each(value func(shot) float64) spread {
	values := make([]float64, len(l.shots))
	for i, s := range l.shots {
		values[i] = value(s)
	}
	return spreadOf(values)
}

func (l *line) speed() spread { return l.each(func(s shot) float64 { return s.perSecond }) }

// over is the ratio to another line, round by round.
func (l *line) over(other *line) string {
	values := make([]float64, len(l.shots))
	for i, s := range l.shots {
		values[i] = s.perSecond / other.shots[i].perSecond
	}
	return ratio(spreadOf(values), true)
}

// merged are the latencies of all rounds.
func (l *line) merged() *histogram {
	h := &histogram{}
	for _, s := range l.shots {
		if s.hist != nil {
			h.merge(s.hist)
		}
	}
	return h
}

// latency tells the middle and the end of all rounds' latencies.
func (l *line) latency() (p50, p99 string) {
	h := l.merged()
	if h.count == 0 {
		return "mean " + short(time.Duration(l.each(func(s shot) float64 { return float64(s.mean) }).median)), ""
	}
	return short(h.quantile(0.5)), short(h.quantile(0.99))
}

// cpu is the median of what one kind of process spends on an item; empty for nothing.
func (l *line) cpu(kind string) string {
	d := time.Duration(l.each(func(s shot) float64 { return float64(s.cpu[kind]) }).median)
	if d == 0 {
		return ""
	}
	return short(d)
}

func (l *line) failures() map[int]int64 {
	sum := map[int]int64{}
	for _, s := range l.shots {
		for status, n := range s.errors {
			sum[status] += n
		}
	}
	return sum
}

// rounds runs every line once in a round that does not count, then in each that does.
func (s *sitting) roundsOf(ctx context.Context, lines []*line) error {
	for round := range s.rounds + 1 {
		for _, l := range lines {
			got, err := l.run(s.length)
			if err == nil {
				err = ctx.Err()
			}
			if err != nil {
				return fmt.Errorf("%s: %w", l.name, err)
			}
			if round == 0 {
				if len(got.errors) > 0 {
					return fmt.Errorf("%s: %s", l.name, statuses(got.errors))
				}
				continue
			}
			l.shots = append(l.shots, got)
			fmt.Fprintf(os.Stderr, "round %d of %d  %-50s %10s items/s\n", round, s.rounds, l.name, thousands(int64(got.perSecond)))
		}
	}
	return nil
}

// cpuClock tells what kinds of processes have spent since it was started.
type cpuClock struct {
	read   map[string]func() time.Duration
	before map[string]time.Duration
}

func startCPU(read map[string]func() time.Duration) *cpuClock {
	c := &cpuClock{read: read, before: map[string]time.Duration{}}
	for kind, fn := range read {
		c.before[kind] = fn()
	}
	return c
}

func (c *cpuClock) perItem(items float64) map[string]time.Duration {
	spent := map[string]time.Duration{}
	for kind, fn := range c.read {
		spent[kind] = perItem(fn()-c.before[kind], items)
	}
	return spent
}

// insertLine is pgbench with that many clients.
func insertLine(ctx context.Context, inserts *pgbench, clients int) *line {
	return &line{name: fmt.Sprintf("pgbench, single-row inserts, %d clients", clients), run: func(length time.Duration) (shot, error) {
		m, err := inserts.run(ctx, clients, length)
		return shot{perSecond: m.items, mean: m.mean, cpu: map[string]time.Duration{kindPostgres: m.postgresCPU}}, err
	}}
}

// Kinds of processes.
const (
	kindPostgres  = "Postgres"
	kindServer    = "Latchkey"
	kindProxy     = "proxy"
	kindGenerator = "generator"
)

// postLine sends single posts to an address, in a closed loop.
func (p *product) postLine(name, addr string, connections int, clocks map[string]func() time.Duration) *line {
	return &line{name: name, run: func(length time.Duration) (shot, error) {
		cpu := startCPU(clocks)
		out := load{addr: addr, requests: single(p), connections: connections, length: length}.run()
		p.signals += out.ok
		return shot{
			perSecond: float64(out.ok) / out.elapsed.Seconds(), hist: &out.hist, errors: out.errors, cpu: cpu.perItem(float64(out.ok)),
		}, nil
	}}
}

// clocks are those of one server with its database.
func (s *sitting) clocks(servers ...*process) map[string]func() time.Duration {
	c := map[string]func() time.Duration{
		kindServer: func() (sum time.Duration) {
			for _, p := range servers {
				sum += cpuOf(p.pid())
			}
			return sum
		},
		kindGenerator: func() time.Duration { return cpuOf(os.Getpid()) },
	}
	if s.postgres != nil {
		c[kindPostgres] = func() time.Duration { return cpuOfTree(s.postgres.process) }
	}
	return c
}

// rowOf writes a row of a Markdown table.
func rowOf(b io.Writer, cells ...string) { fmt.Fprintf(b, "| %s |\n", strings.Join(cells, " | ")) }

func headOf(b io.Writer, cells ...string) {
	rowOf(b, cells...)
	fmt.Fprintf(b, "|%s\n", strings.Repeat("---|", len(cells)))
}

// tell prints a mode's report, and writes it where -out says.
func (s *sitting) tell(title, body string, checks []string) error {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s, %s\n\n", title, time.Now().UTC().Format("2006-01-02 15:04 UTC"))
	for _, l := range s.head {
		fmt.Fprintf(&b, "- %s\n", l)
	}
	b.WriteString("\n" + body + "\n" + strings.Join(checks, "\n") + "\n")
	fmt.Print(b.String())
	if s.out == "" {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(s.out), 0o755); err != nil {
		return err
	}
	return os.WriteFile(s.out, []byte(b.String()), 0o644)
}
