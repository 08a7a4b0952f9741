package ingest

import (
	"errors"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"latchkey/models"
)

// proveVersion fails when who gets what is not what the writer remembers, and with it the whole
// transaction: a round trip of its own would only be to find that it is. The text is for whoever
// reads the server's log.
const proveVersion = "SELECT (CASE WHEN version = $1 THEN '1' ELSE '" + movedText + "' END)::int FROM outbox_state"

const movedText = "latchkey: subscriptions have changed, the writer reads them and tries again"

// movedVersion tells that proveVersion failed.
func movedVersion(err error) bool {
	var failed *pgconn.PgError
	return errors.As(err, &failed) && strings.Contains(failed.Message, movedText)
}

// The columns of a message as in requestColumns: settings stand beside them.
const messageColumns = "id, workspace_id, environment, event_type, api_key_id, source, body, created_at"

const messageArrays = "$1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::uuid[], $6::text[], $7::bytea[], $8::bigint[], $9::int[]"

// A delivery has its message's key and settings beside it, so that both are there or neither.
const deliveryColumns = "endpoint_id, message_id, workspace_id, event_type, status, ordered, next_attempt_at, created_at, finished_at"

const deliveryArrays = `$1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::boolean[], $7::bigint[], $8::bigint[], $9::bigint[],
	$10::uuid[], $11::int[]`

// What belongs to signals and accepted requests is under their condition. An update's message could
// be there already.
var (
	insertLiveMessages   = insert("messages", messageColumns, messageArrays, activeKey("$10"))
	insertLiveDeliveries = "INSERT INTO deliveries (" + deliveryColumns + ") SELECT " + deliveryColumns +
		" FROM unnest(" + deliveryArrays + ") AS new (" + deliveryColumns + ", api_key_id, settings) WHERE " + activeKey("$12")
	insertMessages   = insert("messages", messageColumns, messageArrays, "TRUE") + onlyOnce
	insertDeliveries = "INSERT INTO deliveries (" + deliveryColumns + ") SELECT " + deliveryColumns +
		" FROM unnest(" + deliveryArrays + ") AS new (" + deliveryColumns + ", api_key_id, settings)" + onlyOnce
)

const onlyOnce = " ON CONFLICT DO NOTHING"

// queueLive inserts what goes with rows of active keys.
func (o *outgoing) queueLive(batch *pgx.Batch) {
	o.queue(batch, insertLiveMessages, insertLiveDeliveries, o.now.UnixMicro())
}

// queueAll inserts what was judged already.
func (o *outgoing) queueAll(batch *pgx.Batch) { o.queue(batch, insertMessages, insertDeliveries) }

func (o *outgoing) queue(batch *pgx.Batch, messages, deliveries string, more ...any) {
	o.queueMessages(batch, messages, more)
	o.queueDeliveries(batch, deliveries, more)
}

func (o *outgoing) queueMessages(batch *pgx.Batch, statement string, more []any) {
	n := len(o.messages)
	if n == 0 {
		return
	}
	ids, workspaces, environments, types := make(uuids, n), make(uuids, n), make([]string, n), make([]string, n)
	keys, sources, bodies, created, settings := make(uuids, n), make([]string, n), make([][]byte, n), make([]int64, n), make([]int32, n)
	for i := range o.messages {
		m := &o.messages[i]
		ids[i], workspaces[i], environments[i], types[i] = binary(&m.ID), binary(&m.WorkspaceID), m.Environment, m.EventType
		keys[i], sources[i], bodies[i], created[i], settings[i] = binary(&m.key), m.Source, m.Body, o.now.UnixMicro(), m.settings
	}
	batch.Queue(statement, append([]any{ids, workspaces, environments, types, keys, sources, bodies, created, settings}, more...)...)
}

func (o *outgoing) queueDeliveries(batch *pgx.Batch, statement string, more []any) {
	n := len(o.deliveries)
	if n == 0 {
		return
	}
	endpoints, messages, workspaces, keys := make(uuids, n), make(uuids, n), make(uuids, n), make(uuids, n)
	types, statuses, ordered := make([]string, n), make([]string, n), make([]bool, n)
	next, created, finished, settings := make([]*int64, n), make([]int64, n), make([]*int64, n), make([]int32, n)
	now := o.now.UnixMicro()
	for i, d := range o.deliveries {
		m := &o.messages[d.message]
		endpoints[i], messages[i], workspaces[i], keys[i] = binary(&d.to.EndpointID), binary(&m.ID), binary(&m.WorkspaceID), binary(&m.key)
		types[i], ordered[i], created[i], settings[i] = m.EventType, d.to.Ordered, now, m.settings
		if d.to.Enabled {
			statuses[i], next[i] = models.DeliveryPending, &now
		} else {
			statuses[i], finished[i] = models.DeliverySkipped, &now
		}
	}
	batch.Queue(statement, append([]any{endpoints, messages, workspaces, types, statuses, ordered, next, created, finished, keys, settings}, more...)...)
}
