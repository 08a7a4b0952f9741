package ingest

import (
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"latchkey/models"
)

// queueSignals inserts a group with one statement: columns as arrays, one row an index.
// Only rows of active keys are inserted.
func queueSignals(batch *pgx.Batch, rows []*models.Signal, now time.Time) {
	n := len(rows)
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
	batch.Queue(`
		INSERT INTO signals (id, workspace_id, environment, api_key_id, request_id, source, kind, event, email,
			user_id, anonymous_id, group_id, message_id, warnings, occurred_at, received_at, raw)
		SELECT new.* FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::uuid[], $5::uuid[], $6::text[], $7::text[], $8::text[], $9::text[],
			$10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::bigint[], $16::bigint[], $17::bytea[])
			AS new (id, workspace_id, environment, api_key_id, request_id, source, kind, event, email,
				user_id, anonymous_id, group_id, message_id, warnings, occurred_at, received_at, raw)
		WHERE `+activeKey("$18"),
		ids, workspaces, environments, keys, requests, sources, kinds, events, emails,
		users, anonymous, groups, messages, warnings, occurred, received, raw, now.UnixMicro())
}

// activeKey is the condition that the row's key is active at the instant of a parameter: judge's
// rule in SQL.
func activeKey(now string) string {
	return `EXISTS (
			SELECT 1 FROM api_keys k
			WHERE k.id = new.api_key_id AND k.status = 'active' AND (k.expires_at IS NULL OR k.expires_at > ` + now + `::bigint))`
}

// Which log lines are inserted: those of accepted requests go with their signals.
var (
	ofActiveKeys = activeKey("$24")
	ofAnyKey     = "$24::bigint IS NOT NULL"
)

// queueRequests inserts log lines the same way.
func queueRequests(batch *pgx.Batch, rows []*models.GatewayRequest, which string, now time.Time) {
	n := len(rows)
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
	batch.Queue(`
		INSERT INTO gateway_requests (id, workspace_id, environment, api_key_id, route, source, status, code, message,
			accepted, duplicates, rejected, event, email, signal_id, bytes, duration_us, ip, user_agent, headers, results, body, received_at)
		SELECT new.* FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::uuid[], $5::text[], $6::text[], $7::int[], $8::text[], $9::text[],
			$10::int[], $11::int[], $12::int[], $13::text[], $14::text[], $15::uuid[], $16::bigint[], $17::bigint[], $18::text[], $19::text[],
			$20::bytea[], $21::bytea[], $22::bytea[], $23::bigint[])
			AS new (id, workspace_id, environment, api_key_id, route, source, status, code, message,
				accepted, duplicates, rejected, event, email, signal_id, bytes, duration_us, ip, user_agent, headers, results, body, received_at)
		WHERE `+which,
		ids, workspaces, environments, keys, routes, sources, statuses, codes, messages,
		accepted, duplicates, rejected, events, emails, signals, bytes, durations, ips, agents, headers, results, bodies, received, now.UnixMicro())
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
