package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"

	"latchkey/bench/internal/fill"
	"latchkey/internal/database"
)

const (
	// manyKeys are sent in turn.
	manyKeys = 10_000
	// filledKeys are made: a twentieth of them is deactivated.
	filledKeys = 10_600
)

// apiScenarios read. /me is as little as the management API can do for a key: what remains is the
// check of the key on every instance, the limit, and the headers. Lists are read by one who waits for
// each, on the large workspace.
func apiScenarios() []scenario {
	api := func(path func(p *product) string) func(p *product) [][]byte {
		return func(p *product) [][]byte {
			return one(get(path(p), "Authorization: Bearer "+p.api.Key))
		}
	}
	page := func(name string, path func(p *product) string) scenario {
		return scenario{name: "console: " + name, requests: func(p *product) [][]byte {
			return one(get("/w/bench"+path(p), "Cookie: "+p.cookie))
		}}
	}
	fixed := func(path string) func(p *product) string { return func(*product) string { return path } }
	lists := []scenario{
		page("signals", fixed("/signals")),
		page("signals, second page", func(p *product) string { return "/signals?before=" + p.seen.before }),
		page("signals of a common event", fixed("/signals?event="+url.QueryEscape(fill.CommonEvent))),
		page("signals of a rare event", fixed("/signals?event="+url.QueryEscape(fill.RareEvent))),
		page("signals of an email address", fixed("/signals?email="+url.QueryEscape(fill.Address(17)))),
		page("signals of a key", func(p *product) string { return "/signals?key=" + p.seen.key }),
		page("signals, search", fixed("/signals?q=user_4711")),
		page("request log", fixed("/requests")),
		page("request log, second page", func(p *product) string { return "/requests?before=" + p.seen.before }),
		page("keys", fixed("/settings/api-keys")),
		page("keys, search", fixed("/settings/api-keys?q=integration+0777")),
		page("hygiene of the keys", fixed("/settings/api-keys/hygiene")),
		{name: "API: list of 50 keys", requests: api(func(p *product) string { return p.keysURL() + "?limit=50" })},
	}
	for i := range lists {
		lists[i].section, lists[i].connections, lists[i].large = inPages, 1, true
	}
	list := append([]scenario{{section: inReading, name: callMe, requests: api(fixed("/api/v1/me"))}}, lists...)
	for i := range list {
		list[i].items, list[i].reads = 1, true
	}
	return list
}

func (p *product) keysURL() string { return "/api/v1/workspaces/" + p.api.WorkspaceID + "/api-keys" }

// get builds a whole request.
func get(path string, headers ...string) []byte {
	lines := ""
	for _, h := range headers {
		lines += h + "\r\n"
	}
	return []byte("GET " + path + " HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: latchkey-bench\r\n" + lines + "\r\n")
}

// fill gives the workspace its keys, a limit that no run reaches, and signals.
func (p *product) fill(ctx context.Context, signals int) (err error) {
	db, err := database.Open(ctx, p.config)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := db.Write.WithContext(ctx).Exec("UPDATE workspaces SET rate_limit = 1000000000").Error; err != nil {
		return fmt.Errorf("raise the limit: %w", err)
	}
	tenths := 0
	made, err := fill.Fill(ctx, db, fill.Options{Keys: filledKeys, Signals: signals, Progress: func(done, total int) {
		if done*10/total > tenths {
			tenths = done * 10 / total
			fmt.Fprintf(os.Stderr, "%s: %s signals made\n", p.name, thousands(int64(done)))
		}
	}})
	if err != nil {
		return err
	}
	p.many, p.signals = made.Keys, int64(signals)
	if signals == 0 {
		return nil
	}
	r := db.Read.WithContext(ctx)
	return errors.Join(
		r.Raw("SELECT id FROM signals ORDER BY id DESC LIMIT 1 OFFSET 49").Row().Scan(&p.seen.before),
		r.Raw("SELECT id FROM api_keys WHERE name = 'Integration 05003'").Row().Scan(&p.seen.key))
}

// signIn gets a session for the console's pages.
func (p *product) signIn(ctx context.Context) error {
	form := url.Values{"email": {benchEmail}, "password": {benchPassword}}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+p.server.addr+"/sign-in", strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		return fmt.Errorf("sign in: %w", err)
	}
	defer func() { _ = answer.Body.Close() }()
	var cookies []string
	for _, c := range answer.Cookies() {
		cookies = append(cookies, c.Name+"="+c.Value)
	}
	if answer.StatusCode != http.StatusSeeOther || len(cookies) == 0 {
		return fmt.Errorf("sign in: %s", answer.Status)
	}
	p.cookie = strings.Join(cookies, "; ")
	return nil
}
