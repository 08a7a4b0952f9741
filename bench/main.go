// Command bench measures the real binary on Postgres and on SQLite, beside yardsticks taken in the
// same sitting: a bare Echo handler, and what Postgres does for the same rows without any product.
// See README.md beside it; `make bench` runs it.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
)

// Arguments that make this binary a yardstick, so that each has a process of its own.
const (
	bareArgument   = "bare-handler"
	socketArgument = "bare-socket"
	// prototypeArgument stores what it gets, in the database that prototypeEnv names.
	prototypeArgument = "group-commit-prototype"
)

func main() {
	if len(os.Args) == 2 && os.Args[1] == bareArgument {
		exit(serveBare())
	}
	if len(os.Args) == 2 && os.Args[1] == socketArgument {
		exit(serveSocket())
	}
	if len(os.Args) == 2 && os.Args[1] == prototypeArgument {
		exit(servePrototype())
	}
	o, err := parse()
	if err != nil {
		exit(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	exit(run(ctx, o))
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench: "+err.Error())
		os.Exit(1)
	}
	os.Exit(0)
}

func run(ctx context.Context, o options) (err error) {
	if err := benchMarks.writable(o.doc); err != nil {
		return err
	}
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
	for _, m := range modes {
		if m.asked() {
			return m.run(ctx, s)
		}
	}
	if err := s.open(ctx); err != nil {
		return err
	}
	if err := s.measure(ctx); err != nil {
		return err
	}
	return s.finish(ctx)
}
