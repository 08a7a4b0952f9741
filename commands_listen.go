package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"latchkey/client"
	"latchkey/internal/config"
	"latchkey/internal/egress"
	"latchkey/internal/fault"
	"latchkey/internal/outbox"
	"latchkey/internal/signing"
)

type listenCmd struct {
	Remote remoteFlags `embed:""`

	ForwardTo   string   `required:"" name:"forward-to" help:"URL of the local program that gets each message." placeholder:"http://localhost:3000/hooks"`
	Types       []string `help:"Only messages of these types, such as signal.received or api_key.*; all by default." placeholder:"TYPE,..."`
	Environment string   `default:"live" enum:"live,test" help:"Environment: ${enum}."`
	Secret      string   `env:"LATCHKEY_LISTEN_SECRET" help:"Signing secret, so that the local program can keep its own; a new one by default." placeholder:"whsec_..."`
}

// anywhere lets a developer's own machine be reached, which endpoints may not be.
var anywhere = []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}

func (l listenCmd) Run(*config.Config) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	f, err := l.forwarder(ctx)
	if err != nil {
		return err
	}
	return f.run(ctx)
}

// forwarder checks what was asked for before anything is connected to.
func (l listenCmd) forwarder(ctx context.Context) (*forwarder, error) {
	remote, err := l.Remote.open("")
	if err == nil && remote == nil {
		err = errors.New("no instance: set LATCHKEY_URL to its address, and LATCHKEY_TOKEN to an API-access key with the scope events:listen")
	}
	if err != nil {
		return nil, err
	}
	secret := signing.NewSecret()
	if l.Secret != "" {
		if secret, err = signing.ParseSecret(l.Secret); err != nil {
			return nil, fmt.Errorf("--secret: %w", err)
		}
	}
	if unknown := outbox.Patterns(l.Types).Unknown(); len(unknown) > 0 {
		return nil, fmt.Errorf("--types: there is no type %s", strings.Join(unknown, ", "))
	}
	to := egress.New(egress.Options{Allow: anywhere, UserAgent: egress.DefaultUserAgent})
	checked, err := to.CheckURL(ctx, l.ForwardTo, false)
	if err != nil {
		return nil, fmt.Errorf("--forward-to: %s", urlProblem(err))
	}
	return &forwarder{
		remote: remote, to: to, url: checked.URL, secret: secret, known: newRecent(knownMessages),
		filter: client.ListenFilter{Environment: l.Environment, Types: l.Types},
	}, nil
}

func urlProblem(err error) string {
	if sentence := fault.FieldsOf(err)["url"]; sentence != "" {
		return sentence
	}
	return err.Error()
}

const (
	firstPause   = 500 * time.Millisecond
	longestPause = 10 * time.Second
	// missesAfter is how long the connection may be lost before the instance forgets who listened.
	missesAfter = 20 * time.Second
	// knownMessages is how many ids are remembered: some messages come again after a reconnect.
	knownMessages = 20_000
)

// run listens until ctx ends, over as many connections as that takes.
func (f *forwarder) run(ctx context.Context) error {
	defer f.to.Close()
	fmt.Printf("Each message goes to %s, signed with this secret:\n\n    %s\n\n", f.url, f.secret.Reveal())
	for pause := firstPause; ; {
		wasConnected, err := f.listen(ctx)
		if ctx.Err() != nil {
			fmt.Printf("Stopped. Messages forwarded: %d; not accepted: %d.\n", f.sent, f.refused)
			return nil
		}
		if final(err, f.lostAt.IsZero()) {
			return f.remote.sentence(err)
		}
		if wasConnected {
			pause = firstPause
			fmt.Fprintf(os.Stderr, "The connection ended: %v. Connecting again.\n", f.remote.sentence(err))
		}
		select {
		case <-ctx.Done():
		case <-time.After(max(pause, retryAfter(err))):
		}
		pause = min(2*pause, longestPause)
	}
}

// final tells that connecting again is of no use: the first time nothing is worth another try, later
// on what the instance refuses for good is not.
func final(err error, first bool) bool {
	var p *client.Problem
	if errors.As(err, &p) {
		return first || p.Status < 500 && p.Status != 429
	}
	return first
}

func retryAfter(err error) time.Duration {
	var p *client.Problem
	if errors.As(err, &p) {
		return p.RetryAfter
	}
	return 0
}

// listen forwards what one connection brings.
func (f *forwarder) listen(ctx context.Context) (connected bool, err error) {
	for m, err := range f.remote.api.Listen(ctx, f.filter, func(after string) { connected = true; f.filter.After = after; f.connected() }) {
		if err != nil {
			if connected {
				f.lostAt = f.remote.now()
			}
			return connected, err
		}
		f.forward(ctx, m)
	}
	return connected, nil
}

func (f *forwarder) connected() {
	if f.lostAt.IsZero() {
		fmt.Printf("Listening to %s on %s. Stop with Ctrl-C.\n", f.what(), f.remote.url)
		return
	}
	fmt.Println("Connected again.")
	if away := f.remote.now().Sub(f.lostAt); away > missesAfter {
		fmt.Fprintf(os.Stderr, "That took %s: messages that no endpoint gets were not written meanwhile.\n", away.Round(time.Second))
	}
}

func (f *forwarder) what() string {
	if len(f.filter.Types) == 0 {
		return "all " + f.filter.Environment + " messages"
	}
	return f.filter.Environment + " messages " + strings.Join(f.filter.Types, ", ")
}
