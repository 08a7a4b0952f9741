package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"latchkey/internal/apptest"
)

// local is the program of a developer: it takes messages, verified by the library of Standard Webhooks.
type local struct {
	*httptest.Server
	mu     sync.Mutex
	status int
	secret string
	ids    map[string]int // how often each message came
	bodies []string
	wrong  []error
}

func newLocal(t *testing.T) *local {
	t.Helper()
	l := &local{status: http.StatusNoContent, ids: map[string]int{}}
	l.Server = httptest.NewServer(l)
	t.Cleanup(l.Close)
	return l
}

func (l *local) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	l.mu.Lock()
	defer l.mu.Unlock()
	verifier, err := standardwebhooks.NewWebhook(l.secret)
	if err == nil {
		err = verifier.Verify(body, r.Header)
	}
	if err == nil && (r.Header.Get("Content-Type") != "application/json" || r.Method != http.MethodPost) {
		err = fmt.Errorf("%s %v", r.Method, r.Header)
	}
	if err != nil {
		l.wrong = append(l.wrong, err)
	}
	l.ids[r.Header.Get("webhook-id")]++
	l.bodies = append(l.bodies, string(body))
	w.WriteHeader(l.status)
}

func (l *local) set(change func(l *local)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	change(l)
}

// got tells whether a message with this text came, and fails the test when one came wrong or twice.
func (l *local) got(t *testing.T, text string) bool {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, err := range l.wrong {
		t.Errorf("a message cannot be verified: %v", err)
	}
	l.wrong = nil
	for id, n := range l.ids {
		if n > 1 {
			t.Errorf("%s came %d times", id, n)
		}
	}
	return strings.Contains(strings.Join(l.bodies, "\n"), text)
}

var printedSecret = regexp.MustCompile(`whsec_[0-9A-Za-z+/=]+`)

// listen runs the command until it listens.
func (r *remote) listen(t *testing.T, l *local, args ...string) *server {
	t.Helper()
	p := r.start(t, append([]string{"listen", "--forward-to", l.URL + "/hooks"}, args...)...)
	p.prints(t, "Listening to ")
	l.set(func(l *local) { l.secret = printedSecret.FindString(p.output()) })
	return p
}

// start runs a command that goes on.
func (i *instance) start(t *testing.T, args ...string) *server {
	t.Helper()
	s := &server{Cmd: i.command(t, args...), done: make(chan struct{})}
	s.run(t)
	return s
}

// run starts the process and collects what it prints.
func (s *server) run(t *testing.T) {
	t.Helper()
	in, out := io.Pipe()
	s.Stdout, s.Stderr = out, out
	go s.collect(in)
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = s.Wait()
		_ = out.Close()
		close(s.done)
	}()
	t.Cleanup(s.kill)
}

func (s *server) prints(t *testing.T, text string) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if strings.Contains(s.output(), text) {
			return
		}
	}
	t.Fatalf("it did not print %q, but:\n%s", text, s.output())
}

func TestListenForwardsMessagesSignedLikeTheRealOnes(t *testing.T) {
	r, l := newRemote(t, "events:listen"), newLocal(t)
	p := r.listen(t, l, "--types", "api_key.*,signal.received")
	made := r.here.createKey(t)
	apptest.Eventually(t, "the message about a new key", func() bool { return l.got(t, made.ID) })
	if !r.accepts(t, made.Key) {
		t.Fatal("the signal is refused")
	}
	apptest.Eventually(t, "the message about a signal", func() bool { return l.got(t, "signal.received") })
	p.prints(t, "api_key.created")
	p.prints(t, "  204  ")

	l.set(func(l *local) { l.status = http.StatusTeapot })
	r.here.createKey(t)
	p.prints(t, "  418  ")
	l.Close()
	last := r.here.createKey(t)
	p.prints(t, "refused")
	for _, secret := range []string{made.Key, last.Key, r.token.Key} {
		if strings.Contains(p.output(), secret) {
			t.Error("it printed a key")
		}
	}
	if err := p.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	<-p.done
	if code := p.ProcessState.ExitCode(); code != 0 || !strings.Contains(p.output(), "Stopped. Messages forwarded: 4; not accepted: 2.") {
		t.Errorf("exit status %d:\n%s", code, p.output())
	}
}

func TestListenKeepsASecretThatItIsGiven(t *testing.T) {
	r, l := newRemote(t, "events:listen"), newLocal(t)
	const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	r.env = append(r.env, "LATCHKEY_LISTEN_SECRET="+secret)
	r.listen(t, l, "--environment", "test")
	if l.secret != secret {
		t.Errorf("it signs with another secret")
	}
	r.here.createKey(t)
	made := r.here.createKey(t, "--env", "test")
	apptest.Eventually(t, "the message about a new key", func() bool { return l.got(t, made.ID) })
	if l.got(t, `"environment":"live"`) {
		t.Error("a message of live came")
	}
}

func TestListenComesBackWhenTheServerDoesAndMissesNothing(t *testing.T) {
	r, l := newRemote(t, "events:listen"), newLocal(t)
	p := r.listen(t, l)
	first := r.here.createKey(t)
	apptest.Eventually(t, "the first message", func() bool { return l.got(t, first.ID) })
	again := &server{Cmd: r.here.command(t), url: r.server.url, done: make(chan struct{})}
	again.Env = r.server.Env
	r.server.stop(t)
	meanwhile := r.here.createKey(t)
	p.prints(t, "Connecting again.")
	again.run(t)
	p.prints(t, "Connected again.")
	apptest.Eventually(t, "what was written meanwhile", func() bool { return l.got(t, meanwhile.ID) })
	last := r.here.createKey(t)
	apptest.Eventually(t, "what was written afterwards", func() bool { return l.got(t, last.ID) })
	l.got(t, "")

	if _, _, err := r.here.run(t, "", "keys", "deactivate", r.token.ID); err != nil {
		t.Fatal(err)
	}
	<-p.done
	if code := p.ProcessState.ExitCode(); code != 1 || !strings.Contains(p.output(), "does not take the token") || strings.Contains(p.output(), r.token.Key) {
		t.Errorf("with a token that ended: exit status %d:\n%s", code, p.output())
	}
}

func TestListenSaysWhatIsWrong(t *testing.T) {
	r := newRemote(t, "signals:read")
	const nobody = "http://127.0.0.1:1"
	for name, tc := range map[string]struct {
		env  []string
		args []string
		want string
	}{
		"scope":        {nil, nil, "events:listen"},
		"wrong token":  {[]string{"LATCHKEY_TOKEN=sk_live_a2f9_8e7d000000000000000000000000000000000000000000000"}, nil, "does not take the token"},
		"no token":     {[]string{"LATCHKEY_TOKEN="}, nil, "no token"},
		"no instance":  {[]string{"LATCHKEY_URL=", "LATCHKEY_TOKEN="}, nil, "set LATCHKEY_URL"},
		"nobody there": {[]string{"LATCHKEY_URL=" + nobody}, nil, nobody + " does not answer"},
		"scheme":       {nil, []string{"--forward-to", "ftp://localhost/"}, "--forward-to: "},
		"no URL":       {nil, []string{"--forward-to", "localhost:3000"}, "--forward-to: "},
		"type":         {nil, []string{"--types", "signal.lost"}, "there is no type signal.lost"},
		"secret":       {nil, []string{"--secret", "whsec_short"}, "--secret: a signing secret "},
	} {
		i := *r.instance
		i.env = append(append([]string{}, r.env...), tc.env...)
		out, problems, err := i.run(t, "", append([]string{"listen"}, withURL(tc.args, nobody)...)...)
		if err == nil || !strings.Contains(problems, tc.want) || strings.Contains(problems, "goroutine") {
			t.Errorf("%s: %v\n%s%s; want %q", name, err, out, problems, tc.want)
		}
	}
}

func withURL(args []string, url string) []string {
	if slices.Contains(args, "--forward-to") {
		return args
	}
	return append([]string{"--forward-to", url}, args...)
}
