package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"syscall"
	"time"
)

// process is a server that prints the address at which it listens.
type process struct {
	cmd  *exec.Cmd
	addr string // host:port
}

var printedAddress = regexp.MustCompile(`http://([^/\s]+)`)

// start runs a server until its address is known. It ends with stop, or with ctx.
func start(ctx context.Context, env []string, name string, args ...string) (*process, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env, cmd.Stderr = env, os.Stderr
	// A session of its own, as a service has. Linux shares the processors out among sessions before
	// it does among processes (sched_autogroup), and each backend of Postgres has one: a server in
	// the generator's session would get half of what one backend gets.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 30 * time.Second
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if m := printedAddress.FindStringSubmatch(lines.Text()); m != nil {
			go func() { _, _ = io.Copy(io.Discard, out) }()
			return &process{cmd: cmd, addr: m[1]}, nil
		}
	}
	return nil, fmt.Errorf("%s ended without printing its address: %w", name, cmd.Wait())
}

func (p *process) pid() int { return p.cmd.Process.Pid }

// stop ends the server and waits for it; one that does not end well is an error.
func (p *process) stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	return p.cmd.Wait()
}
