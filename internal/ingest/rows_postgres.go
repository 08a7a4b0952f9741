package ingest

import (
	"encoding/binary"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgtype"

	"latchkey/models"
)

// The columns of a row, in the order of the fields or arrays that carry them.
const (
	signalColumns = `id, workspace_id, environment, api_key_id, request_id, source, kind, event, email,
		user_id, anonymous_id, group_id, message_id, warnings, occurred_at, received_at, raw,
		route, duration_us, ip, user_agent, headers`
	signalFields   = 22
	requestColumns = `id, workspace_id, environment, api_key_id, route, source, status, code, message,
		accepted, duplicates, rejected, event, email, signal_id, bytes, duration_us, ip, user_agent, headers, results, body, received_at`
)

const copySignalRows = "COPY signals (" + signalColumns + ") FROM STDIN (FORMAT binary)"

// insertSignalRow inserts one signal: COPY takes longer to begin than a few of these.
var insertSignalRow = "INSERT INTO signals (" + signalColumns + ") VALUES (" + placeholders(signalFields) + ")"

// fewRows is how many signals are inserted one by one.
const fewRows = 3

func placeholders(n int) string {
	all := make([]string, n)
	for i := range all {
		all[i] = "$" + strconv.Itoa(i+1)
	}
	return strings.Join(all, ", ")
}

// writeSignals inserts signals, and the requests that are in their rows.
func writeSignals(pipe *pipeline, rows []*item) {
	if len(rows) > fewRows {
		pipe.copyIn(copySignalRows, len(rows), func(out []byte, i int) []byte { return rows[i].appendRow(out) })
		return
	}
	for _, it := range rows {
		pipe.queueRow(insertSignalRow, it.appendRow)
	}
}

// appendRow appends the columns of a signal's row as COPY and Bind take them.
func (it *item) appendRow(out []byte) []byte {
	s, line := &it.signal, it.line
	out = binary.BigEndian.AppendUint16(out, signalFields)
	out = appendUUID(appendText(appendUUID(appendUUID(out, s.ID), s.WorkspaceID), s.Environment), s.APIKeyID)
	out = appendUUID(out, s.RequestID)
	for _, text := range [...]string{s.Source, s.Kind, s.Event, s.Email, s.UserID, s.AnonymousID, s.GroupID, s.MessageID, s.Warnings} {
		out = appendText(out, text)
	}
	out = appendBytes(appendInt(appendInt(out, s.OccurredAt.UnixMicro()), s.ReceivedAt.UnixMicro()), s.Raw)
	if line == nil {
		return append(out, slices.Repeat(noField, 5)...)
	}
	out = appendText(appendText(appendInt(appendText(out, line.Route), line.DurationUS), line.IP), line.UserAgent)
	if line.Headers == nil {
		return append(out, noField...)
	}
	return appendBytes(out, line.Headers)
}

// noField is a NULL of COPY.
var noField = []byte{0xff, 0xff, 0xff, 0xff}

func appendText(out []byte, text string) []byte {
	return append(binary.BigEndian.AppendUint32(out, uint32(len(text))), text...)
}

func appendBytes(out, b []byte) []byte {
	return append(binary.BigEndian.AppendUint32(out, uint32(len(b))), b...)
}

func appendInt(out []byte, n int64) []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint32(out, 8), uint64(n))
}

// appendUUID appends NULL, which no column of ids takes, when the text is no UUID.
func appendUUID(out []byte, text string) []byte {
	id, err := uuid.Parse(text)
	if err != nil {
		return append(out, noField...)
	}
	return appendBytes(out, id[:])
}

// insert is a statement that inserts a group at once: columns as arrays, one row an index.
func insert(table, columns, arrays string) string {
	return "INSERT INTO " + table + " (" + columns + ") SELECT " + columns + " FROM unnest(" + arrays + ") AS new (" + columns + ")"
}

var insertRequestRows = insert("gateway_requests", requestColumns, `$1::uuid[], $2::uuid[], $3::text[], $4::uuid[], $5::text[], $6::text[], $7::int[], $8::text[], $9::text[],
	$10::int[], $11::int[], $12::int[], $13::text[], $14::text[], $15::uuid[], $16::bigint[], $17::bigint[], $18::text[], $19::text[],
	$20::bytea[], $21::bytea[], $22::bytea[], $23::bigint[]`)

// queuer takes statements of one transaction.
type queuer interface {
	queue(sql string, args ...any)
}

// queueRequests inserts log lines.
func queueRequests(batch queuer, rows []*models.GatewayRequest) {
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
		ids[i], workspaces[i], environments[i], keys[i] = pgUUID(&r.ID), pgUUID(&r.WorkspaceID), r.Environment, pgUUID(r.APIKeyID)
		routes[i], sources[i], codes[i], messages[i] = r.Route, r.Source, r.Code, r.Message
		statuses[i], accepted[i], duplicates[i], rejected[i] = int32(r.Status), int32(r.Accepted), int32(r.Duplicates), int32(r.Rejected)
		events[i], emails[i], signals[i] = r.Event, r.Email, pgUUID(r.SignalID)
		bytes[i], durations[i], received[i] = r.Bytes, r.DurationUS, r.ReceivedAt.UnixMicro()
		ips[i], agents[i], headers[i], results[i], bodies[i] = r.IP, r.UserAgent, r.Headers, r.Results, r.Body
	}
	batch.queue(insertRequestRows,
		ids, workspaces, environments, keys, routes, sources, statuses, codes, messages,
		accepted, duplicates, rejected, events, emails, signals, bytes, durations, ips, agents, headers, results, bodies, received)
}

// uuids travels in binary: a slice of strings would be tried in binary, fail, and go as text.
type uuids = pgtype.FlatArray[pgtype.UUID]

func pgUUID(id *string) pgtype.UUID {
	if id == nil {
		return pgtype.UUID{}
	}
	parsed, err := uuid.Parse(*id)
	return pgtype.UUID{Bytes: parsed, Valid: err == nil}
}

func pgUUIDs(ids []string) uuids {
	out := make(uuids, len(ids))
	for i := range ids {
		out[i] = pgUUID(&ids[i])
	}
	return out
}
