package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// findProxy tells where haproxy is, and its version.
func findProxy(ctx context.Context) (path, version string, err error) {
	path, err = exec.LookPath("haproxy")
	if err != nil {
		path = "/usr/sbin/haproxy"
		if _, err := os.Stat(path); err != nil {
			return "", "", errors.New("several instances need haproxy before them, which was not found; install it (apt-get install haproxy)")
		}
	}
	out, err := exec.CommandContext(ctx, path, "-v").Output()
	if err != nil {
		return "", "", fmt.Errorf("haproxy -v: %w", err)
	}
	words := strings.Fields(string(out))
	return path, strings.Join(words[:min(len(words), 3)], " "), nil
}

// proxyHead is deploy/haproxy.cfg without TLS, checks and a log.
const proxyHead = `global
	maxconn 4000
defaults
	mode http
	balance leastconn
	option forwardfor
	http-reuse always
	timeout connect 5s
	timeout client 60s
	timeout server 60s
`

// startProxy runs one haproxy with a port for each number of instances.
func (c *cluster) startProxy(ctx context.Context, binary string, counts []int) error {
	var b strings.Builder
	b.WriteString(proxyHead)
	c.ports = map[int]string{}
	for _, n := range counts {
		addr, err := freeAddress()
		if err != nil {
			return err
		}
		c.ports[n] = addr
		fmt.Fprintf(&b, "listen instances%d\n\tbind %s\n", n, addr)
		for i, s := range c.servers[:n] {
			fmt.Fprintf(&b, "\tserver instance%d %s\n", i, s.addr)
		}
	}
	file := filepath.Join(c.dir, "haproxy.cfg")
	if err := os.WriteFile(file, []byte(b.String()), 0o600); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, binary, "-db", "-f", file)
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // as start does, and for its reason
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	if err := cmd.Start(); err != nil {
		return err
	}
	c.proxy = &process{cmd: cmd}
	c.later(func() error { _ = c.proxy.stop(); return nil }) // it ends by the signal, which is well
	for _, addr := range c.ports {
		if err := answers(ctx, addr); err != nil {
			return fmt.Errorf("haproxy does not listen: %w", err)
		}
	}
	return nil
}

// answers waits until something listens.
func answers(ctx context.Context, addr string) error {
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
		if err == nil {
			return conn.Close()
		}
		if time.Now().After(end) || ctx.Err() != nil {
			return err
		}
	}
}
