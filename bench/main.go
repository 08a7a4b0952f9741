// Command bench measures the gateway of the real binary on SQLite and on Postgres, beside two
// yardsticks taken in the same sitting: a bare Echo handler, and pgbench inserting the same row.
// See README.md beside it; `make bench` runs it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

type options struct {
	rounds   int
	length   time.Duration
	counts   []int // connections of the single posts and of the yardsticks
	rate     float64
	bulk     int
	messages int // of the deliveries
	dbs      []string
	only     *regexp.Regexp
	dir      string
	out      string
	profile  string
}

func main() {
	if len(os.Args) == 2 && os.Args[1] == bareArgument {
		exit(serveBare())
	}
	o, err := parse()
	if err != nil {
		exit(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	exit(run(ctx, o))
}

// bareArgument makes this binary the bare handler, so that the yardstick has a process of its own.
const bareArgument = "bare-handler"

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench: "+err.Error())
		os.Exit(1)
	}
	os.Exit(0)
}

func parse() (options, error) {
	var o options
	full := flag.Bool("full", false, "1, 16, 64 and 256 connections instead of 1 and 64")
	counts := flag.String("connections", "", "numbers of connections, such as 1,64 (instead of -full)")
	dbs := flag.String("db", "postgres,sqlite", "databases to measure on")
	flag.IntVar(&o.rounds, "rounds", 5, "rounds; every task runs once in each")
	flag.DurationVar(&o.length, "duration", 3*time.Second, "length of a task in a round, in whole seconds")
	flag.Float64Var(&o.rate, "rate", 1000, "requests a second of the open loop")
	flag.IntVar(&o.bulk, "bulk-lines", 20000, "lines of a bulk request")
	flag.IntVar(&o.messages, "messages", 10000, "messages of a round of deliveries")
	only := flag.String("only", "", "run only the scenarios whose name matches this regular expression, such as '^single posts$'")
	flag.StringVar(&o.dir, "dir", "", "where the SQLite database goes (default: the temporary directory); choose the disk to be measured")
	flag.StringVar(&o.out, "out", "", "file to write the report to as well")
	flag.StringVar(&o.profile, "profile", "", "directory for profiles of the server under single posts (or the first that -only leaves), taken after the rounds")
	flag.Parse()
	var err error
	if o.only, err = regexp.Compile(*only); err != nil {
		return o, fmt.Errorf("-only: %w", err)
	}
	switch {
	case *counts == "" && *full:
		*counts = "1,16,64,256"
	case *counts == "":
		*counts = "1,64"
	}
	for text := range strings.SplitSeq(*counts, ",") {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return o, fmt.Errorf("-connections %q is not a list of numbers such as 1,64", *counts)
		}
		o.counts = append(o.counts, n)
	}
	slices.Sort(o.counts)
	o.dbs = strings.Split(*dbs, ",")
	if o.rounds < 1 || o.length < time.Second || o.rate <= 0 || o.bulk < 1 || o.messages < 2 || flag.NArg() > 0 {
		return o, errors.New("-rounds, -rate and -bulk-lines start at 1, -messages at 2, -duration at 1s, and there are no arguments; see -help")
	}
	return o, nil
}

func run(ctx context.Context, o options) (err error) {
	dir, err := os.MkdirTemp(o.dir, "latchkey-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	binary := filepath.Join(dir, "latchkey")
	build := exec.CommandContext(ctx, "go", "build", "-o", binary, ".")
	build.Env, build.Stderr = append(os.Environ(), "CGO_ENABLED=0"), os.Stderr
	if err := build.Run(); err != nil {
		return fmt.Errorf("build the product (run this from the top of the repository): %w", err)
	}
	s := &sitting{options: o, dir: dir, binary: binary}
	defer func() { err = errors.Join(err, s.close()) }()
	if err := s.open(ctx); err != nil {
		return err
	}
	if err := s.measure(ctx); err != nil {
		return err
	}
	return s.finish(ctx)
}
