package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"latchkey/internal/database"
)

// product is the real binary on a fresh database, with a workspace and keys that were made by
// its own commands.
type product struct {
	name    string
	config  database.Config
	binary  string
	env     []string
	server  *process
	metrics string // address of the profiles; empty when none were asked for

	plain, guarded, orgs key
	heard                key // of the test environment, to which an endpoint is subscribed
	api                  key
	many                 []string // keys, in clear
	cookie               string   // of the owner's session
	signals, updates     int64    // acknowledged, or filled in
	seen                 struct {
		before string // the last signal of the first page
		key    string // one of many
	}

	endpoint string       // of deliveries
	db       *database.DB // to look at the outbox
	body     []byte       // of its first message
	told     int64        // messages that the endpoints must get
}

type key struct {
	Key         string `json:"key"`
	Secret      string `json:"secret"`
	WorkspaceID string `json:"workspace_id"`
}

const (
	benchEmail    = "bench@example.com"
	benchPassword = "a password for the bench only"
)

// startProduct begins with config's empty database; settings are variables of the environment.
func startProduct(ctx context.Context, binary, name string, config database.Config, profiled bool, settings ...string) (*product, error) {
	return startFilled(ctx, binary, name, config, profiled, 0, settings...)
}

// startFilled makes that many signals before the server starts.
func startFilled(ctx context.Context, binary, name string, config database.Config, profiled bool, signals int, settings ...string) (*product, error) {
	p := &product{name: name, config: config, binary: binary, env: cleanEnvironment()}
	p.env = append(p.env, "LATCHKEY_ADDR=127.0.0.1:0", "LATCHKEY_METRICS_ADDR=off", "LATCHKEY_LOG_LEVEL=warn",
		"LATCHKEY_DATABASE_URL="+config.URL, "LATCHKEY_DATA="+filepath.Dir(config.Path),
		"LATCHKEY_SECRET_KEY="+strings.Repeat("00", 32), "LATCHKEY_WEBHOOK_ALLOW_CIDRS=127.0.0.0/8")
	p.env = append(p.env, settings...)
	if profiled {
		addr, err := freeAddress()
		if err != nil {
			return nil, err
		}
		p.metrics = addr
		p.env = append(p.env, "LATCHKEY_METRICS_ADDR="+addr, "LATCHKEY_PPROF=true")
	}
	if _, err := p.command(ctx, binary, benchPassword+"\n", "setup", "--email", benchEmail,
		"--name", "Bench", "--workspace", "Bench", "--password-stdin"); err != nil {
		return nil, err
	}
	for _, k := range []struct {
		to    *key
		input string
		args  []string
	}{
		{&p.plain, "", nil},
		{&p.guarded, "", []string{"--secret"}},
		{&p.orgs, orgTemplate, []string{"--type", "product_orgs", "--template", "-"}},
		{&p.heard, "", []string{"--env", "test"}},
		{&p.api, "", []string{"--type", "api_access", "--scopes", "read:workspace,endpoints:write"}},
	} {
		printed, err := p.command(ctx, binary, k.input, append([]string{"keys", "create", "--name", "bench", "--json"}, k.args...)...)
		if err != nil {
			return nil, err
		}
		if err := json.Unmarshal(printed, k.to); err != nil {
			return nil, fmt.Errorf("read the new key: %w", err)
		}
	}
	if err := p.fill(ctx, signals); err != nil {
		return nil, err
	}
	if err := p.start(ctx); err != nil {
		return nil, err
	}
	return p, p.signIn(ctx)
}

func (p *product) start(ctx context.Context) error {
	server, err := start(ctx, p.env, p.binary)
	if err == nil {
		p.server = server
	}
	return err
}

func (p *product) command(ctx context.Context, binary, input string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, binary, args...)
	var problem bytes.Buffer
	cmd.Env, cmd.Stdin, cmd.Stderr = p.env, strings.NewReader(input), &problem
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("latchkey %s: %w\n%s", args[0], err, problem.Bytes())
	}
	return out, nil
}

// cleanEnvironment is this one's without settings that are meant for another instance.
func cleanEnvironment() []string {
	var env []string
	for _, e := range os.Environ() {
		if !strings.HasPrefix(e, "LATCHKEY_") {
			env = append(env, e)
		}
	}
	return env
}

func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String(), nil
}

// stored counts the signals in the database, and the updates of organisations.
func (p *product) stored(ctx context.Context) (signals, updates int64, err error) {
	db, err := database.Open(ctx, p.config)
	if err != nil {
		return 0, 0, err
	}
	defer func() { _ = db.Close() }()
	err = db.Read.WithContext(ctx).Raw("SELECT (SELECT COUNT(*) FROM signals), (SELECT COUNT(*) FROM product_org_updates)").Row().Scan(&signals, &updates)
	return signals, updates, err
}

// check compares what was acknowledged with what is stored, after a stop: each acknowledged signal
// and each update must be there, and nothing else. An update that was taken for a duplicate is not
// stored, so it shows here.
func (p *product) check(ctx context.Context) (string, error) {
	if err := p.server.stop(); err != nil {
		return "", fmt.Errorf("%s: the server did not stop well: %w", p.name, err)
	}
	signals, updates, err := p.stored(ctx)
	if err != nil {
		return "", fmt.Errorf("%s: count what is stored: %w", p.name, err)
	}
	text := fmt.Sprintf("%s: %s signals and %s updates of organisations acknowledged, %s and %s stored.",
		p.name, thousands(p.signals), thousands(p.updates), thousands(signals), thousands(updates))
	if signals != p.signals || updates != p.updates {
		return text, errors.New(text + " These must be equal.")
	}
	return text, nil
}

// profile fetches a CPU profile of that many seconds, then what was allocated and the metrics.
func (p *product) profile(length time.Duration, file string) error {
	base := "http://" + p.metrics
	return errors.Join(
		fetch(fmt.Sprintf("%s/debug/pprof/profile?seconds=%d", base, max(1, int(length.Seconds()))), file+".cpu.pprof"),
		fetch(base+"/debug/pprof/allocs", file+".allocs.pprof"),
		fetch(base+"/metrics", file+".metrics.txt"))
}

// waits fetches what goroutines waited for during that time: for channels and locks, and which locks
// they held each other up with.
func (p *product) waits(length time.Duration, file string) error {
	var blocked, locked error
	var work sync.WaitGroup
	get := func(name string, err *error) {
		work.Go(func() {
			*err = fetch(fmt.Sprintf("http://%s/debug/pprof/%s?seconds=%d", p.metrics, name, max(1, int(length.Seconds()))), file+"."+name+".pprof")
		})
	}
	get("block", &blocked)
	get("mutex", &locked)
	work.Wait()
	return errors.Join(blocked, locked)
}

func fetch(address, file string) error {
	answer, err := http.Get(address)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", address, answer.Status)
	}
	out, err := os.Create(file)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, answer.Body)
	return errors.Join(err, out.Close())
}
