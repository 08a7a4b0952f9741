package dispatch

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"latchkey/internal/access"
	"latchkey/internal/audit"
	"latchkey/internal/database"
	"latchkey/internal/egress"
	"latchkey/internal/endpoints"
	"latchkey/internal/fault"
	"latchkey/internal/outbox"
	"latchkey/internal/signing"
	"latchkey/models"
)

// maxTestBody is how large an edited test event may be.
const maxTestBody = 256 << 10

// TestForm is a test event as a person edited it.
type TestForm struct {
	Type outbox.Type
	Body []byte // the whole JSON body; empty: the type's sample
}

// TestResult is what became of a test event.
type TestResult struct {
	MessageID string // UUID; outbox.PublicID is what the receiver saw
	Type      outbox.Type
	URL       string
	Body      []byte            // as sent
	Headers   map[string]string // as sent: the three of Standard Webhooks
	SentAt    time.Time
	Delivered bool
	Result    egress.Result
}

// Test sends one event to the endpoint at once, outside the queue, even to a disabled endpoint, and
// records it as a delivery with one attempt. It is not retried by itself, and says nothing about the
// endpoint's health. Faults: Forbidden, NotFound, Invalid (type, body), Conflict when the secret
// cannot be opened, TooMany.
func (s *Service) Test(ctx context.Context, actor access.Actor, endpointID string, form TestForm) (TestResult, error) {
	if err := actor.Require(access.ManageEndpoints); err != nil {
		return TestResult{}, err
	}
	t, err := s.testTarget(ctx, actor, endpointID)
	if err != nil {
		return TestResult{}, err
	}
	if form.Body, err = checkTest(form); err != nil {
		return TestResult{}, err
	}
	leave, err := s.trials.enter(actor.WorkspaceID)
	if err != nil {
		return TestResult{}, err
	}
	defer leave()
	id, now := uuid.Must(uuid.NewV7()), s.Now()
	r := request(t, id, now, form.Body)
	sent := TestResult{
		MessageID: id.String(), Type: form.Type, URL: t.URL, Body: form.Body, SentAt: now,
		Headers: map[string]string{
			"webhook-id":        r.Header.Get(signing.HeaderID),
			"webhook-timestamp": r.Header.Get(signing.HeaderTimestamp),
			"webhook-signature": r.Header.Get(signing.HeaderSignature),
		},
	}
	// Also when the caller leaves: what was sent, signed, is on record.
	ctx = context.WithoutCancel(ctx)
	sent.Result = s.Client.Post(ctx, r)
	sent.Delivered = sent.Result.Error == ""
	return sent, s.recordTest(ctx, actor, t, sent)
}

// maxTrials is how many test events of a workspace an instance sends at a time.
const maxTrials = 5

// trials counts the test events that are under way, by workspace: each waits for its receiver.
type trials struct {
	mu  sync.Mutex
	now map[string]int
}

func (t *trials) enter(workspaceID string) (leave func(), err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.now[workspaceID] >= maxTrials {
		return nil, fault.Retry(fault.TooMany,
			fmt.Sprintf("%d test events of this workspace wait for their receivers already. Send the next when one of them has ended.", maxTrials), egress.DefaultTimeout)
	}
	if t.now == nil {
		t.now = map[string]int{}
	}
	t.now[workspaceID]++
	return func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if t.now[workspaceID]--; t.now[workspaceID] == 0 {
			delete(t.now, workspaceID)
		}
	}, nil
}

func (s *Service) testTarget(ctx context.Context, actor access.Actor, id string) (*endpoints.Target, error) {
	gone := fault.New(fault.NotFound, "This endpoint does not exist.")
	if !database.ValidID(id) {
		return nil, gone
	}
	found, err := s.Endpoints.Config(ctx, []string{id})
	switch {
	case err != nil:
		return nil, err
	case len(found) == 0 || found[0].WorkspaceID != actor.WorkspaceID:
		return nil, gone
	case found[0].Problem != nil:
		return nil, fault.Wrap(fault.Conflict, "The signing secret of this endpoint cannot be opened: it was sealed with another LATCHKEY_SECRET_KEY.", found[0].Problem)
	}
	return &found[0], nil
}

// checkTest returns the body to send.
func checkTest(form TestForm) ([]byte, error) {
	fields := fault.Fields{}
	info, known := form.Type.Info()
	if !known {
		fields.Add("type", "Choose one of the types.")
	}
	body := bytes.TrimSpace(form.Body)
	var object map[string]json.RawMessage
	switch {
	case len(body) == 0:
		body = info.Sample
	case len(body) > maxTestBody:
		fields.Add("body", fmt.Sprintf("At most %d bytes; this is %d.", maxTestBody, len(body)))
	default:
		if err := json.Unmarshal(body, &object); err != nil || object == nil {
			fields.Add("body", "This must be a JSON object"+where(err)+".")
		}
	}
	return body, fields.Err()
}

func where(err error) string {
	if problem, ok := err.(*json.SyntaxError); ok {
		return fmt.Sprintf("; byte %d: %s", problem.Offset, problem.Error())
	}
	return ""
}

// recordTest keeps a test as a delivery that has ended.
func (s *Service) recordTest(ctx context.Context, actor access.Actor, t *endpoints.Target, sent TestResult) error {
	now := s.Now()
	r := sent.Result
	message := models.Message{
		ID: sent.MessageID, WorkspaceID: t.WorkspaceID, Environment: t.Environment, EventType: string(sent.Type), Body: sent.Body, CreatedAt: models.At(sent.SentAt),
	}
	delivery := models.Delivery{
		EndpointID: t.ID, MessageID: sent.MessageID, WorkspaceID: t.WorkspaceID, EventType: string(sent.Type), Status: models.DeliveryFailed, Ordered: t.Ordered,
		Step: 1, Attempts: 1, LastStatus: r.Status, LastError: string(r.Error), CreatedAt: models.At(sent.SentAt), FinishedAt: models.At(now),
	}
	if sent.Delivered {
		delivery.Status = models.DeliveryDelivered
	}
	kept := r.Response[:min(len(r.Response), keptResponse)]
	attempt := models.DeliveryAttempt{
		EndpointID: t.ID, MessageID: sent.MessageID, Number: 1, StartedAt: models.At(r.Started), DurationUS: r.Duration.Microseconds(), Status: r.Status,
		Error: string(r.Error), Detail: clean(r.Detail), Response: kept, Truncated: r.Truncated || len(kept) < len(r.Response), Cause: models.CauseTest,
	}
	return s.DB.Tx(ctx, func(tx *gorm.DB) error {
		for _, row := range []any{&message, &delivery, &attempt} {
			if err := tx.Create(row).Error; err != nil {
				return fmt.Errorf("record the test: %w", err)
			}
		}
		return audit.Record(ctx, tx, now, actor, audit.Change{
			Action: "endpoint.tested", Target: audit.Target{Type: "endpoint", ID: t.ID, Label: t.Label},
			After: audit.Values{"type": string(sent.Type), "message_id": outbox.PublicID(sent.MessageID), "status": delivery.Status},
		})
	})
}
