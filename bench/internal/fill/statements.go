package fill

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"

	"latchkey/internal/database"
)

// plan makes the statements. Only numbers and constants of this package go into their text.
type plan struct {
	postgres    bool
	oneRow      bool // an accepted single post is one row, which the request log reads too
	workspaceID string
	run         string // three hexadecimal digits that tell the ids of several runs apart
	total       int64
	firstMS     int64
	spanMS      int64
}

func newPlan(ctx context.Context, db *database.DB, workspaceID string, o Options) (*plan, error) {
	p := &plan{
		postgres: db.IsPostgres(), oneRow: db.Write.WithContext(ctx).Migrator().HasColumn("signals", "route"),
		workspaceID: workspaceID, run: fmt.Sprintf("%03x", rand.IntN(1<<12)),
		total: int64(o.Signals), firstMS: o.Until.Add(-o.Span).UnixMilli(), spanMS: o.Span.Milliseconds(),
	}
	var keys int64
	if err := db.Read.WithContext(ctx).Raw("SELECT COUNT(*) FROM ("+senders+") k", workspaceID).Row().Scan(&keys); err != nil {
		return nil, fmt.Errorf("count keys: %w", err)
	}
	if keys == 0 {
		return nil, errors.New("the workspace has no active webhook key of the live environment; make some (-keys)")
	}
	if p.postgres {
		return p, nil
	}
	// SQLite would look through a list of 10,000 for each row; the one connection that writes keeps a
	// table of its own.
	err := p.exec(ctx, db, []string{"DROP TABLE IF EXISTS temp.k", "CREATE TEMP TABLE k (id TEXT, workspace_id TEXT, i INTEGER PRIMARY KEY)", "INSERT INTO k " + senders})
	return p, err
}

// senders numbers the keys that send.
const senders = `SELECT id, workspace_id, ROW_NUMBER() OVER (ORDER BY id) - 1 AS i FROM api_keys
	WHERE workspace_id = ? AND environment = 'live' AND endpoint_type = 'signal_staging' AND status = 'active'`

// events are spread evenly over sixteen places.
var events = []string{
	CommonEvent, CommonEvent, CommonEvent, "Button Clicked", "Button Clicked", "Form Submitted", "Report Exported", "Report Opened",
	"Invite Sent", "Invite Accepted", "Project Created", "Project Archived", "Comment Added", "File Uploaded", "Search Performed", "Signed In",
}

func (p *plan) event() string {
	var b strings.Builder
	fmt.Fprintf(&b, "CASE WHEN n %% %d = %d THEN '%s'", RareEvery, RareEvery/2, RareEvent)
	for i, name := range events {
		fmt.Fprintf(&b, " WHEN h / 65536 %% %d = %d THEN '%s'", len(events), i, name)
	}
	return b.String() + " END"
}

// head begins a statement: k are the senders, made are the numbers from..to (exclusive) with what
// each row is made of. h is a number that looks random (Knuth's multiplicative hash).
func (p *plan) head(from, to int64) string {
	k, numbers := "WITH k AS MATERIALIZED ("+senders+"), ", fmt.Sprintf("SELECT n FROM generate_series(%d::bigint, %d::bigint) AS n", from, to-1)
	if !p.postgres {
		numbers = "SELECT n FROM series"
		k = fmt.Sprintf("WITH RECURSIVE series (n) AS (SELECT %d UNION ALL SELECT n + 1 FROM series WHERE n < %d), ", from, to-1)
	}
	return strings.NewReplacer(
		"{k}", k, "{numbers}", numbers, "{event}", p.event(),
		"{people}", fmt.Sprint(max(1, p.total/perPerson)), "{each}", fmt.Sprint(sendersEach),
		"{first}", fmt.Sprint(p.firstMS), "{span}", fmt.Sprint(p.spanMS), "{total}", fmt.Sprint(p.total),
	).Replace(`{k}made AS (
			SELECT n, h, ms, ms * 1000 + n % 1000 AS received, k.id AS key_id, k.workspace_id, {event} AS event,
				'person' || CAST(h % {people} AS TEXT) || '@example.com' AS email
			FROM (
				SELECT n, {first} + n * {span} / {total} AS ms, n * 2654435761 % 4294967296 AS h
				FROM ({numbers}) numbers
			) t
			CROSS JOIN k
			WHERE k.i = (ms / 60000 * {each} + n % {each}) * 7919 % (SELECT COUNT(*) FROM k)
		)
		`)
}

// id is an expression for a UUID version 7 (RFC 9562) of the row's millisecond, unique by its number.
// An offset makes another one of the same millisecond.
func (p *plan) id(offset string) string {
	if p.postgres {
		return "CAST(LPAD(TO_HEX(ms), 12, '0') || '7' || LPAD(TO_HEX(n % 4096), 3, '0') || '8" + p.run + "' || LPAD(TO_HEX(n" + offset + "), 12, '0') AS UUID)"
	}
	return "PRINTF('%08x-%04x-7%03x-8" + p.run + "-%012x', ms >> 16, ms & 65535, n % 4096, n" + offset + ")"
}

// bytes turns a text into what a BYTEA column holds.
func (p *plan) bytes(text string) string {
	if p.postgres {
		return "CONVERT_TO(" + text + ", 'UTF8')"
	}
	return "CAST(" + text + " AS BLOB)"
}

// raw is the payload, of itemBytes.
func (p *plan) raw() string {
	head := `'{"event":"' || event || '","email":"' || email || '","userId":"user_' || CAST(h % 100000 AS TEXT) ||
		'","timestamp":' || CAST(ms AS TEXT) || ',"properties":{"form":"demo_request","company":"'`
	return p.bytes(head + " || SUBSTR('" + strings.Repeat("x", itemBytes) + "', 1, " + fmt.Sprint(itemBytes-3) + " - LENGTH(" + head + `)) || '"}}'`)
}

const (
	// vendor is empty for eight signals of ten.
	vendor    = "CASE h / 256 % 10 WHEN 0 THEN 'segment' WHEN 1 THEN 'hubspot' ELSE '' END"
	routeText = "CASE WHEN h / 256 % 10 < 2 THEN '/api/signal-staging/webhook/{source}/{key}' ELSE '/api/signal-staging/webhook/{key}' END"
	agent     = "'acme-backend/2.4'"
	address   = "'203.0.113.7'"
	headers   = `'{"User-Agent":"acme-backend/2.4","Accept":"*/*","Content-Type":"application/json","Content-Length":"250"}'`
	duration  = "400 + h % 3000"
	// apart makes the request's id differ from its signal's, where both are rows.
	apart = " + 140737488355328"
)

// statements insert the rows of the numbers from..to (exclusive).
func (p *plan) statements(from, to int64) []string {
	columns := `id, workspace_id, environment, api_key_id, request_id, source, kind, event, email, user_id,
		anonymous_id, group_id, message_id, warnings, occurred_at, received_at, raw`
	values := func(request string) []string {
		return []string{p.id(""), "workspace_id", "'live'", "key_id", request, vendor, "'track'", "event", "email", "'user_' || CAST(h % 100000 AS TEXT)",
			"''", "''", "''", "''", "received - h % 5000000", "received", p.raw()}
	}
	if p.oneRow {
		all := append(values(p.id("")), routeText, duration, address, agent, p.bytes(headers))
		return []string{p.insert("signals", columns+", route, duration_us, ip, user_agent, headers", all, from, to)}
	}
	request := []string{p.id(apart), "workspace_id", "'live'", "key_id", routeText, vendor, "200", "''", "''", "1", "0", "0", "event", "email",
		p.id(""), fmt.Sprint(itemBytes), duration, address, agent, p.bytes(headers), "received"}
	return []string{
		p.insert("signals", columns, values(p.id(apart)), from, to),
		p.insert("gateway_requests", `id, workspace_id, environment, api_key_id, route, source, status, code, message, accepted, duplicates, rejected, event, email,
			signal_id, bytes, duration_us, ip, user_agent, headers, received_at`, request, from, to),
	}
}

func (p *plan) insert(table, columns string, values []string, from, to int64) string {
	return p.head(from, to) + "INSERT INTO " + table + " (" + columns + ") SELECT " + strings.Join(values, ", ") + " FROM made"
}

// usage counts what was made by key and minute.
func (p *plan) usage() string {
	return p.head(0, p.total) + `INSERT INTO key_usage_minutes (api_key_id, minute, workspace_id, environment, accepted, duplicates, rejected)
		SELECT key_id, ms / 60000, workspace_id, 'live', COUNT(*), 0, 0 FROM made GROUP BY 1, 2, 3
		ON CONFLICT (api_key_id, minute) DO UPDATE SET accepted = key_usage_minutes.accepted + excluded.accepted`
}
