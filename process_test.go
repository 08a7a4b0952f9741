package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"latchkey/internal/apptest"
)

// binary builds the product once a test run.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "latchkey-test-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "latchkey")
	build := exec.Command("go", "build", "-o", path, ".")
	build.Stderr = os.Stderr
	return path, build.Run()
})

func TestMain(m *testing.M) {
	code := m.Run()
	if path, err := binary(); err == nil {
		_ = os.RemoveAll(filepath.Dir(path))
	}
	os.Exit(code)
}

// instance is the environment of one database and what runs on it.
type instance struct {
	env []string
	dir string
}

// newInstance makes an empty database: SQLite in a directory, or one of the Postgres server.
func newInstance(t *testing.T, postgres bool) *instance {
	t.Helper()
	i := &instance{dir: t.TempDir()}
	i.env = append(os.Environ(), "LATCHKEY_DATA="+filepath.Join(i.dir, "data"), "LATCHKEY_METRICS_ADDR=off", "LATCHKEY_DATABASE_URL=")
	if postgres {
		i.env = append(i.env, "LATCHKEY_DATABASE_URL="+apptest.EmptyPostgresConfig(t).URL)
	}
	return i
}

// each runs a test on both databases.
func each(t *testing.T, test func(t *testing.T, i *instance)) {
	t.Run("sqlite", func(t *testing.T) { test(t, newInstance(t, false)) })
	t.Run("postgres", func(t *testing.T) { test(t, newInstance(t, true)) })
}

func (i *instance) command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatalf("build: %v", err)
	}
	// Not the test's context: a server must outlive its end, to be stopped in order.
	cmd := exec.CommandContext(context.Background(), path, args...)
	cmd.Env, cmd.Dir = i.env, i.dir
	return cmd
}

// run runs a command to its end and returns what it printed.
func (i *instance) run(t *testing.T, stdin string, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	cmd := i.command(t, args...)
	var out, problems bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &out, &problems
	err = cmd.Run()
	return out.String(), problems.String(), err
}

func (i *instance) must(t *testing.T, stdin string, args ...string) string {
	t.Helper()
	out, problems, err := i.run(t, stdin, args...)
	if err != nil {
		t.Fatalf("latchkey %s: %v\n%s", strings.Join(args, " "), err, problems)
	}
	return out
}

// setUp makes the first workspace from the command line.
func (i *instance) setUp(t *testing.T) {
	t.Helper()
	i.must(t, apptest.Password+"\n", "setup", "--email", "owner@acme.example", "--name", "Olive", "--workspace", "Acme", "--password-stdin")
}

// createKey makes a key from the command line.
func (i *instance) createKey(t *testing.T, args ...string) keyObject {
	t.Helper()
	var k keyObject
	out := i.must(t, "", append([]string{"keys", "create", "--name", "Website", "--json"}, args...)...)
	if err := json.Unmarshal([]byte(out), &k); err != nil {
		t.Fatalf("keys create: %v\n%s", err, out)
	}
	return k
}

// server is a running process.
type server struct {
	*exec.Cmd
	url  string
	mu   sync.Mutex
	log  bytes.Buffer
	done chan struct{}
}

// serve starts a server on a free port and waits until it is ready.
func (i *instance) serve(t *testing.T, env ...string) *server {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := listener.Addr().String()
	_ = listener.Close()
	s := &server{Cmd: i.command(t), url: "http://" + addr, done: make(chan struct{})}
	s.Env = append(append([]string{}, i.env...), append(env, "LATCHKEY_ADDR="+addr)...)
	r, w := io.Pipe()
	s.Stdout, s.Stderr = w, w
	go s.collect(r)
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = s.Wait()
		_ = w.Close()
		close(s.done)
	}()
	t.Cleanup(func() { s.kill() })
	apptest.Eventually(t, "the server to be ready", func() bool {
		res, err := http.Get(s.url + "/readyz")
		if err != nil {
			return false
		}
		_ = res.Body.Close()
		return res.StatusCode == http.StatusOK
	})
	return s
}

func (s *server) collect(r io.Reader) {
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		s.mu.Lock()
		s.log.WriteString(lines.Text() + "\n")
		s.mu.Unlock()
	}
}

// output is what the process has printed.
func (s *server) output() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.String()
}

// kill ends the process as a power cut would end it.
func (s *server) kill() {
	_ = s.Process.Kill()
	<-s.done
}

// stop ends it as an operator does, and tells whether it ended by itself in time.
func (s *server) stop(t *testing.T) {
	t.Helper()
	if err := s.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case <-s.done:
	case <-time.After(30 * time.Second):
		t.Fatal("the server did not stop")
	}
	if code := s.ProcessState.ExitCode(); code != 0 {
		t.Errorf("exit status %d", code)
	}
}
