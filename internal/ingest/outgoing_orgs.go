package ingest

import (
	"encoding/json"

	"latchkey/internal/orgs"
	"latchkey/internal/outbox"
	"latchkey/models"
)

// update tells of an update that was applied to an organisation, which is then as it shows.
func (o *outgoing) update(u *update, org *orgRow, changes []orgs.Change) {
	row := &u.row
	who, any := o.audience(row.WorkspaceID, row.Environment, outbox.OrgUpdated, "", row.APIKeyID)
	if !any {
		return
	}
	data := outbox.OrgData{
		UpdateID: row.ID, Environment: row.Environment, APIKeyID: row.APIKeyID, RequestID: row.RequestID,
		OccurredAt: outbox.Stamp(row.OccurredAt), ReceivedAt: outbox.Stamp(row.ReceivedAt), ReplayedAt: outbox.Stamp(row.ReplayedAt),
		Organization: outbox.OrgValues{
			ID: org.ID, OrgID: org.OrgKey, Values: make(map[string]json.RawMessage, len(org.state)),
			LastEventAt: outbox.Stamp(org.LastEventAt), CreatedAt: outbox.Stamp(org.CreatedAt),
		},
		Changes: []outbox.OrgChange{},
	}
	for name, field := range org.state {
		data.Organization.Values[name] = field.Value
	}
	for _, c := range changes {
		if !c.Stale {
			data.Changes = append(data.Changes, outbox.OrgChange{Field: c.Field, Before: c.Before, After: c.After})
		}
	}
	o.add(who, outbox.OrgUpdated, message{key: row.APIKeyID, Message: models.Message{
		ID: row.ID, WorkspaceID: row.WorkspaceID, Environment: row.Environment, Body: o.encode(outbox.OrgUpdated, o.now.Time, data),
	}})
}
