package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"

	"latchkey/internal/database"
)

// manyKeys are the keys of the workspace whose lists are read.
const manyKeys = 10_000

// listConnections is how many read a list at the same time: a page that someone waits for.
const listConnections = 1

// apiScenarios read. /me is as little as the management API can do for a key: what remains is the
// check of the key on every instance, the limit, and the headers.
func apiScenarios(connections int) []scenario {
	read := func(path func(p *product) string) func(p *product) [][]byte {
		return func(p *product) [][]byte {
			return one(get(path(p), "Authorization: Bearer "+p.api.Key))
		}
	}
	page := func(path string) func(p *product) [][]byte {
		return func(p *product) [][]byte { return one(get("/w/bench"+path, "Cookie: "+p.cookie)) }
	}
	list := []scenario{
		{name: "GET /api/v1/me", connections: connections, requests: read(func(*product) string { return "/api/v1/me" })},
		{name: "API: list of 50 keys among 10,000", requests: read(func(p *product) string { return p.keysURL() + "?limit=50" })},
		{name: "API: search of keys by name among 10,000", requests: read(func(p *product) string { return p.keysURL() + "?q=integration+0777" })},
		{name: "console: list of keys among 10,000", requests: page("/settings/api-keys")},
		{name: "console: search of keys among 10,000", requests: page("/settings/api-keys?q=integration+0777")},
		{name: "console: hygiene of 10,000 keys", requests: page("/settings/api-keys/hygiene")},
	}
	for i := range list {
		list[i].against, list[i].items, list[i].reads = connections, 1, true
		if list[i].connections == 0 {
			list[i].connections = listConnections
		}
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

// fill gives the workspace its keys, and a limit that no run reaches. Half of them were used lately,
// a tenth expires soon, a twentieth was deactivated: hygiene has something to find.
func (p *product) fill(ctx context.Context) (err error) {
	db, err := database.Open(ctx, p.config)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	w := db.Write.WithContext(ctx)
	if err := w.Exec("UPDATE workspaces SET rate_limit = 1000000000").Error; err != nil {
		return fmt.Errorf("raise the limit: %w", err)
	}
	now, day := time.Now().UnixMicro(), (24 * time.Hour).Microseconds()
	const chunk = 500
	for from := 0; from < manyKeys; from += chunk {
		var rows, used []string
		var values, uses []any
		for i := from; i < from+chunk; i++ {
			id := uuid.Must(uuid.NewV7()).String()
			hash := sha256.Sum256([]byte(id))
			status, expires, deactivated := "active", any(nil), any(nil)
			switch {
			case i%20 == 0:
				status, deactivated = "deactivated", now-day
			case i%10 == 1:
				expires = now + int64(i%60)*day
			}
			created := now - int64(i%400)*day
			rows = append(rows, "(?, ?, ?, 'live', 'signal_staging', ?, ?, ?, ?, ?, ?, ?, ?)")
			values = append(values, id, p.api.WorkspaceID, fmt.Sprintf("Integration %05d", i), "sk_live_"+id[32:], hash[:], status, expires, created, created, created, deactivated)
			if i%2 == 0 {
				used = append(used, "(?, ?, '203.0.113.7', 'bench')")
				uses = append(uses, id, now-int64(i%100)*day)
			}
		}
		err := errors.Join(
			w.Exec("INSERT INTO api_keys (id, workspace_id, name, environment, endpoint_type, key_prefix, key_hash, status, expires_at, created_at, updated_at, value_since, deactivated_at) VALUES "+strings.Join(rows, ","), values...).Error,
			w.Exec("INSERT INTO key_last_used (api_key_id, last_used_at, ip, user_agent) VALUES "+strings.Join(used, ","), uses...).Error)
		if err != nil {
			return fmt.Errorf("insert keys: %w", err)
		}
	}
	if db.IsPostgres() {
		return w.Exec("ANALYZE api_keys, key_last_used").Error
	}
	return w.Exec("ANALYZE").Error
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
