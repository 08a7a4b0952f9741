package api_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"time"

	"github.com/google/uuid"

	"latchkey/internal/access"
	"latchkey/internal/apptest"
	"latchkey/internal/deliveries"
	"latchkey/internal/dispatch"
	"latchkey/internal/endpoints"
	"latchkey/internal/outbox"
	"latchkey/models"
)

// receiver is a system of a customer's: it keeps what it gets.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	status int
	answer string
	got    []sent
}

// sent is one message that arrived.
type sent struct {
	header http.Header
	body   []byte
}

func (w *world) receiver() *receiver {
	w.t.Helper()
	r := &receiver{status: http.StatusOK, answer: "ok"}
	r.Server = httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		r.mu.Lock()
		defer r.mu.Unlock()
		r.got = append(r.got, sent{req.Header.Clone(), body})
		out.WriteHeader(r.status)
		_, _ = io.WriteString(out, r.answer)
	}))
	w.t.Cleanup(r.Close)
	return r
}

// answers sets what it answers from now on.
func (r *receiver) answers(status int, text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.status, r.answer = status, text
}

// all is what arrived.
func (r *receiver) all() []sent {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]sent{}, r.got...)
}

// outbound gives a workspace n endpoints, and the first n deliveries and replays.
func (w *world) outbound(owner access.Actor, n int) (endpoint, message, replay string) {
	w.t.Helper()
	r := w.receiver()
	for i := range n {
		made, err := w.Endpoints.Create(w.t.Context(), owner, endpoints.Form{
			URL: fmt.Sprintf("%s/hook/%d", r.URL, i), Environment: models.Live, EventTypes: []string{"webhook.test"},
		})
		if err != nil {
			w.t.Fatal(err)
		}
		if i == 0 {
			endpoint = made.ID
		}
	}
	for range n {
		tried, err := w.Dispatch.Test(w.t.Context(), owner, endpoint, dispatch.TestForm{Type: outbox.Test})
		if err != nil {
			w.t.Fatal(err)
		}
		message = outbox.PublicID(tried.MessageID)
		now := models.At(time.Now())
		replay = uuid.Must(uuid.NewV7()).String()
		w.insert(&models.DeliveryReplay{
			ID: replay, WorkspaceID: owner.WorkspaceID, EndpointID: endpoint, Kind: models.DeliveryFailed, Since: now, Rate: 50, Status: deliveries.Finished,
			UptoID: tried.MessageID, StartedLabel: owner.Label, StartedAt: now, UpdatedAt: now, FinishedAt: now,
		})
	}
	return endpoint, message, replay
}

// failed gives an endpoint n deliveries that have no attempt left.
func (w *world) failed(owner access.Actor, endpoint string, n int) {
	w.t.Helper()
	now := models.At(time.Now())
	for range n {
		id := uuid.Must(uuid.NewV7()).String()
		w.insert(&models.Message{
			ID: id, WorkspaceID: owner.WorkspaceID, Environment: models.Live, EventType: string(outbox.Test),
			Body: outbox.Body(outbox.Test, time.Now(), []byte(`{"endpoint_id":"`+endpoint+`","message":"Again."}`)), CreatedAt: now,
		})
		w.insert(&models.Delivery{
			EndpointID: endpoint, MessageID: id, WorkspaceID: owner.WorkspaceID, EventType: string(outbox.Test), Status: models.DeliveryFailed,
			Attempts: 8, Step: 8, LastStatus: 500, LastError: "http_error", CreatedAt: now, FinishedAt: now,
		})
	}
}

// replaying starts a replay that takes a while.
func (w *world) replaying(endpoint string) (id string) {
	w.t.Helper()
	w.failed(w.Owner, endpoint, 60)
	p, err := w.Deliveries.StartReplay(w.t.Context(), w.Owner, endpoint, deliveries.ReplayForm{Kind: models.DeliveryFailed, Rate: 1})
	if err != nil {
		w.t.Fatal(err)
	}
	return p.ID
}

// settle waits until the workers have nothing to do and hold nothing.
func (w *world) settle() {
	w.t.Helper()
	apptest.Eventually(w.t, "the workers to have nothing to do", func() bool {
		var n int64
		err := w.DB.Read.WithContext(w.t.Context()).Raw(`SELECT
			(SELECT COUNT(*) FROM deliveries WHERE status = 'pending') + (SELECT COUNT(*) FROM delivery_replays WHERE status = 'running') +
			(SELECT COUNT(*) FROM endpoint_states WHERE leased_by <> '')`).Scan(&n).Error
		return err == nil && n == 0
	})
}
