package ingest

import (
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"latchkey/models"
)

// The columns of a row, in the order of the arrays that carry them. A column settings stands beside
// them: the version of the key's settings that the row was read under.
const (
	signalColumns = `id, workspace_id, environment, api_key_id, request_id, source, kind, event, email,
		user_id, anonymous_id, group_id, message_id, warnings, occurred_at, received_at, raw`
	requestColumns = `id, workspace_id, environment, api_key_id, route, source, status, code, message,
		accepted, duplicates, rejected, event, email, signal_id, bytes, duration_us, ip, user_agent, headers, results, body, received_at`
)

// insert is a statement that inserts a group at once: columns as arrays, one row an index.
func insert(table, columns, arrays, condition string) string {
	return "INSERT INTO " + table + " (" + columns + ") SELECT " + columns +
		" FROM unnest(" + arrays + ") AS new (" + columns + ", settings) WHERE " + condition
}

// activeKey is the condition that the row's key is active at the instant of a parameter, and its
// settings those of the row: judge's rule in SQL.
func activeKey(now string) string {
	return `EXISTS (
		SELECT 1 FROM api_keys k
		WHERE k.id = new.api_key_id AND k.status = 'active' AND k.settings_version = new.settings
			AND (k.expires_at IS NULL OR k.expires_at > ` + now + `::bigint))`
}

var insertSignalRows = insert("signals", signalColumns, `$1::uuid[], $2::uuid[], $3::text[], $4::uuid[], $5::uuid[], $6::text[], $7::text[], $8::text[], $9::text[],
	$10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::bigint[], $16::bigint[], $17::bytea[], $18::int[]`, activeKey("$19"))

// queueSignals inserts what the jobs bring, and tells of it. Only rows of active keys are inserted.
func queueSignals(batch *pgx.Batch, jobs []*job, now time.Time, told *outgoing) {
	rows, settings := fresh(jobs, now)
	told.signals(rows, settings)
	n := len(rows)
	if n == 0 {
		return
	}
	ids, workspaces, keys, requests := make(uuids, n), make(uuids, n), make(uuids, n), make(uuids, n)
	environments, sources, kinds, events, emails := make([]string, n), make([]string, n), make([]string, n), make([]string, n), make([]string, n)
	users, anonymous, groups, messages := make([]string, n), make([]string, n), make([]string, n), make([]string, n)
	warnings, occurred, received, raw := make([]string, n), make([]int64, n), make([]int64, n), make([][]byte, n)
	for i, s := range rows {
		ids[i], workspaces[i], keys[i], requests[i] = binary(&s.ID), binary(&s.WorkspaceID), binary(&s.APIKeyID), binary(&s.RequestID)
		environments[i], sources[i], kinds[i], events[i], emails[i] = s.Environment, s.Source, s.Kind, s.Event, s.Email
		users[i], anonymous[i], groups[i], messages[i] = s.UserID, s.AnonymousID, s.GroupID, s.MessageID
		warnings[i], occurred[i], received[i], raw[i] = s.Warnings, s.OccurredAt.UnixMicro(), s.ReceivedAt.UnixMicro(), s.Raw
	}
	batch.Queue(insertSignalRows, ids, workspaces, environments, keys, requests, sources, kinds, events, emails,
		users, anonymous, groups, messages, warnings, occurred, received, raw, settings, now.UnixMicro())
}

// queueLines inserts the log lines of jobs; those of accepted requests go with their events.
func queueLines(batch *pgx.Batch, jobs []*job, now time.Time, told *outgoing) {
	rows := lines(jobs, nil, now)
	settings := make([]int32, 0, len(rows))
	for _, j := range jobs {
		if j.request != nil {
			settings = append(settings, j.settings(now))
		}
	}
	told.refusals(rows, settings)
	queueRequests(batch, insertLineRows, rows, settings, now.UnixMicro())
}

const requestArrays = `$1::uuid[], $2::uuid[], $3::text[], $4::uuid[], $5::text[], $6::text[], $7::int[], $8::text[], $9::text[],
	$10::int[], $11::int[], $12::int[], $13::text[], $14::text[], $15::uuid[], $16::bigint[], $17::bigint[], $18::text[], $19::text[],
	$20::bytea[], $21::bytea[], $22::bytea[], $23::bigint[], $24::int[]`

// Lines of accepted requests are under the condition of their events; those of refused ones are not.
var (
	insertLineRows = insert("gateway_requests", requestColumns, requestArrays, activeKey("$25"))
	insertLogRows  = insert("gateway_requests", requestColumns, requestArrays, "TRUE")
)

// queueRequests inserts log lines with one of the statements above; parameters follow the arrays.
func queueRequests(batch *pgx.Batch, statement string, rows []*models.GatewayRequest, settings []int32, more ...any) {
	n := len(rows)
	if n == 0 {
		return
	}
	ids, workspaces, environments, keys := make(uuids, n), make(uuids, n), make([]string, n), make(uuids, n)
	routes, sources, codes, messages := make([]string, n), make([]string, n), make([]string, n), make([]string, n)
	statuses, accepted, duplicates, rejected := make([]int32, n), make([]int32, n), make([]int32, n), make([]int32, n)
	events, emails, signals := make([]string, n), make([]string, n), make(uuids, n)
	bytes, durations, received := make([]int64, n), make([]int64, n), make([]int64, n)
	ips, agents, headers, results, bodies := make([]string, n), make([]string, n), make([][]byte, n), make([][]byte, n), make([][]byte, n)
	for i, r := range rows {
		ids[i], workspaces[i], environments[i], keys[i] = binary(&r.ID), binary(&r.WorkspaceID), r.Environment, binary(r.APIKeyID)
		routes[i], sources[i], codes[i], messages[i] = r.Route, r.Source, r.Code, r.Message
		statuses[i], accepted[i], duplicates[i], rejected[i] = int32(r.Status), int32(r.Accepted), int32(r.Duplicates), int32(r.Rejected)
		events[i], emails[i], signals[i] = r.Event, r.Email, binary(r.SignalID)
		bytes[i], durations[i], received[i] = r.Bytes, r.DurationUS, r.ReceivedAt.UnixMicro()
		ips[i], agents[i], headers[i], results[i], bodies[i] = r.IP, r.UserAgent, r.Headers, r.Results, r.Body
	}
	batch.Queue(statement, append([]any{
		ids, workspaces, environments, keys, routes, sources, statuses, codes, messages,
		accepted, duplicates, rejected, events, emails, signals, bytes, durations, ips, agents, headers, results, bodies, received, settings,
	}, more...)...)
}

// uuids travels in binary: a slice of strings would be tried in binary, fail, and go as text.
type uuids = pgtype.FlatArray[pgtype.UUID]

func binary(id *string) pgtype.UUID {
	if id == nil {
		return pgtype.UUID{}
	}
	parsed, err := uuid.Parse(*id)
	return pgtype.UUID{Bytes: parsed, Valid: err == nil}
}

func binaries(ids []string) uuids {
	out := make(uuids, len(ids))
	for i := range ids {
		out[i] = binary(&ids[i])
	}
	return out
}
