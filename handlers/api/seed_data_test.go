package api_test

import (
	"fmt"
	"time"

	"github.com/google/uuid"

	"latchkey/internal/access"
	"latchkey/internal/keys"
	"latchkey/internal/mapping"
	"latchkey/internal/templates"
	"latchkey/models"
)

// things are the ids of what a workspace holds.
type things struct{ workspace, key, signal, org, request, template, endpoint, message, replay, upload string }

// ids are things by the names of the parameters in the paths.
func (h things) ids() map[string]string {
	return map[string]string{
		"id": h.workspace, "keyId": h.key, "signalId": h.signal, "orgId": h.org, "requestId": h.request, "templateId": h.template,
		"endpointId": h.endpoint, "messageId": h.message, "replayId": h.replay, "uploadId": h.upload,
	}
}

// nothing are ids of things that no workspace has.
func nothing(workspace string) things {
	return things{workspace, unknownID, unknownID, unknownID, unknownID, unknownID, unknownID, unknownID, unknownID, unknownID}
}

var orgRows = mapping.Template{Rows: []mapping.Row{
	{Target: "org_id", From: []string{"$.id"}, Required: true}, {Target: "name", From: []string{"$.name"}},
	{Target: "mrr", From: []string{"$.mrr"}}, {Target: "custom.note", From: []string{"$.note"}},
}}

// fill gives a workspace n of everything, sent by its own webhook keys where a gateway takes it.
func (w *world) fill(owner access.Actor, n int) things {
	w.t.Helper()
	h := things{workspace: owner.WorkspaceID}
	events := w.webhook(owner, keys.CreateForm{Name: "Events", Environment: models.Live, EndpointType: models.SignalStaging})
	updates := w.webhook(owner, keys.CreateForm{Name: "Orgs", Environment: models.Live, EndpointType: models.ProductOrgs, Template: &orgRows})
	h.key = events.Key.ID
	for i := range n {
		sent := w.Post(w.t, "/api/signal-staging/webhook", fmt.Sprintf(`{"event":"step %d","email":"ada@example.com","properties":{"n":%d.50,"t":"\u0000"}}`, i, i),
			"Authorization", "Bearer "+events.Value.Reveal())
		h.signal = sent.JSON(w.t)["id"].(string)
		h.request = sent.Header.Get("X-Request-Id")
		w.Post(w.t, "/api/product-orgs/webhook", fmt.Sprintf(`{"id":"org %d","name":"Org %d","mrr":%d.10,"occurred_at":"2026-01-0%dT00:00:00Z"}`, i, i, i/2, i%9+1),
			"Authorization", "Bearer "+updates.Value.Reveal())
		w.Post(w.t, "/api/product-orgs/webhook", fmt.Sprintf(`{"id":"org 0","name":"Name %d"}`, i), "Authorization", "Bearer "+updates.Value.Reveal())
	}
	var org models.ProductOrg
	if err := w.DB.Read.WithContext(w.t.Context()).Where("workspace_id = ? AND org_key = 'org 0'", owner.WorkspaceID).Take(&org).Error; err != nil {
		w.t.Fatal(err)
	}
	h.org = org.ID
	h.template = w.templates(owner, n)
	w.members(owner, n)
	h.endpoint, h.message, h.replay = w.outbound(owner, n)
	h.upload = w.uploads(owner, events, n)
	w.Usage.Flush()
	return h
}

func (w *world) webhook(owner access.Actor, form keys.CreateForm) keys.Created {
	w.t.Helper()
	made, err := w.Keys.Create(w.t.Context(), owner, form)
	if err != nil {
		w.t.Fatal(err)
	}
	return made
}

// uploads are n that have ended, of no request that is counted elsewhere.
func (w *world) uploads(owner access.Actor, k keys.Created, n int) (last string) {
	w.t.Helper()
	for range n {
		last = uuid.Must(uuid.NewV7()).String()
		now, resume := models.At(time.Now()), int64(3)
		w.insert(&models.Upload{
			ID: last, WorkspaceID: owner.WorkspaceID, Environment: models.Live, APIKeyID: k.Key.ID, Status: models.UploadCutOff,
			BytesRead: 100, Lines: 2, Accepted: 2, ResumeFromLine: &resume, StartedAt: now, UpdatedAt: now, EndedAt: now, Message: "The body ended.",
		})
	}
	return last
}

// templates makes n named ones, the first with n versions, and returns it.
func (w *world) templates(owner access.Actor, n int) (first string) {
	w.t.Helper()
	for i := range n {
		v, err := w.Templates.Create(w.t.Context(), owner, fmt.Sprintf("Template %d", i), orgRows, "")
		if err != nil {
			w.t.Fatal(err)
		}
		if i == 0 {
			first = v.Template.ID
		}
	}
	for i := range n - 1 {
		rows := mapping.Template{Rows: append([]mapping.Row{}, orgRows.Rows...)}
		rows.Rows[1].From = []string{fmt.Sprintf("$.name%d", i)}
		if _, err := w.Templates.Change(w.t.Context(), owner, first, templates.Patch{Rows: &rows, Note: "a note"}); err != nil {
			w.t.Fatal(err)
		}
	}
	return first
}

func (w *world) members(owner access.Actor, n int) {
	w.t.Helper()
	for range n {
		id, now := uuid.NewString(), models.At(time.Now())
		w.insert(&models.Account{
			ID: id, Email: id + "@acme.example", Name: "Member", PasswordHash: "none", Theme: "system", TimeZone: "UTC",
			PasswordChangedAt: now, CreatedAt: now, UpdatedAt: now,
		})
		w.insert(&models.Membership{WorkspaceID: owner.WorkspaceID, AccountID: id, Role: string(access.Viewer), CreatedAt: now})
	}
}

// unlimited keeps the limit of calls out of tests that are not about it.
func (w *world) unlimited() {
	w.t.Helper()
	for _, owner := range []access.Actor{w.Owner, w.alien} {
		err := w.DB.Write.WithContext(w.t.Context()).Exec("UPDATE workspaces SET rate_limit = 1000000 WHERE id = ?", owner.WorkspaceID).Error
		if err != nil {
			w.t.Fatal(err)
		}
	}
}
