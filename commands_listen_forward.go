package main

import (
	"context"
	"fmt"
	"time"

	"latchkey/client"
	"latchkey/internal/egress"
	"latchkey/internal/signing"
)

// forwarder posts messages to a local program, one after the other, as an endpoint would get them.
type forwarder struct {
	remote *remoteKeys
	to     *egress.Client
	url    string
	secret signing.Secret
	filter client.ListenFilter
	known  *recent
	lostAt time.Time // when the last connection ended; zero: there was none before

	sent, refused int
}

// forward sends a message once and prints a line about it. Nothing is sent again: the developer sees
// what became of it.
func (f *forwarder) forward(ctx context.Context, m client.Message) {
	f.filter.After = m.ID
	if !f.known.add(m.ID) {
		return
	}
	now := f.remote.now()
	result := f.to.Post(ctx, egress.Request{URL: f.url, Header: signing.Headers(m.ID, now, m.Body, f.secret), Body: m.Body})
	if ctx.Err() != nil {
		return
	}
	f.sent++
	outcome := fmt.Sprintf("%d  %s", result.Status, result.Duration.Round(100*time.Microsecond))
	if result.Error != "" {
		f.refused++
		outcome = result.Detail
		if result.Status != 0 {
			outcome = fmt.Sprintf("%d  %s", result.Status, outcome)
		}
	}
	fmt.Printf("%s  %-19s  %s  %s\n", now.Format(time.TimeOnly), m.Type, m.ID, outcome)
}

// recent remembers the last few texts.
type recent struct {
	have  map[string]bool
	order []string
	next  int
}

func newRecent(size int) *recent {
	return &recent{have: make(map[string]bool, size), order: make([]string, size)}
}

// add tells whether the text is new.
func (r *recent) add(text string) bool {
	if r.have[text] {
		return false
	}
	delete(r.have, r.order[r.next])
	r.have[text], r.order[r.next] = true, text
	r.next = (r.next + 1) % len(r.order)
	return true
}
