package ingest

import "latchkey/models"

const onlyOnce = " ON CONFLICT DO NOTHING"

// An update's message could be there already.
var (
	insertMessages = insert("messages", "id, workspace_id, environment, event_type, api_key_id, source, body, created_at",
		"$1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::uuid[], $6::text[], $7::bytea[], $8::bigint[]") + onlyOnce
	insertDeliveries = insert("deliveries", "endpoint_id, message_id, workspace_id, event_type, status, ordered, next_attempt_at, created_at, finished_at",
		"$1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::boolean[], $7::bigint[], $8::bigint[], $9::bigint[]") + onlyOnce
)

// queue inserts messages and deliveries.
func (o *outgoing) queue(batch queuer) {
	o.queueMessages(batch)
	o.queueDeliveries(batch)
}

func (o *outgoing) queueMessages(batch queuer) {
	n := len(o.messages)
	if n == 0 {
		return
	}
	ids, workspaces, environments, types := make(uuids, n), make(uuids, n), make([]string, n), make([]string, n)
	keys, sources, bodies, created := make(uuids, n), make([]string, n), make([][]byte, n), make([]int64, n)
	for i := range o.messages {
		m := &o.messages[i]
		ids[i], workspaces[i], environments[i], types[i] = pgUUID(&m.ID), pgUUID(&m.WorkspaceID), m.Environment, m.EventType
		keys[i], sources[i], bodies[i], created[i] = pgUUID(&m.key), m.Source, m.Body, o.now.UnixMicro()
	}
	batch.queue(insertMessages, ids, workspaces, environments, types, keys, sources, bodies, created)
}

func (o *outgoing) queueDeliveries(batch queuer) {
	n := len(o.deliveries)
	if n == 0 {
		return
	}
	endpoints, messages, workspaces := make(uuids, n), make(uuids, n), make(uuids, n)
	types, statuses, ordered := make([]string, n), make([]string, n), make([]bool, n)
	next, created, finished := make([]*int64, n), make([]int64, n), make([]*int64, n)
	now := o.now.UnixMicro()
	for i, d := range o.deliveries {
		m := &o.messages[d.message]
		endpoints[i], messages[i], workspaces[i] = pgUUID(&d.to.EndpointID), pgUUID(&m.ID), pgUUID(&m.WorkspaceID)
		types[i], ordered[i], created[i] = m.EventType, d.to.Ordered, now
		if d.to.Enabled {
			statuses[i], next[i] = models.DeliveryPending, &now
		} else {
			statuses[i], finished[i] = models.DeliverySkipped, &now
		}
	}
	batch.queue(insertDeliveries, endpoints, messages, workspaces, types, statuses, ordered, next, created, finished)
}
