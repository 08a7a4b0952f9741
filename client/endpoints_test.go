package client_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/client"
	"latchkey/internal/apptest"
	"latchkey/internal/database"
)

// hook is a receiver that answers with a status of the test's choice.
func hook(t *testing.T) (url string, status *atomic.Int32) {
	t.Helper()
	status = &atomic.Int32{}
	status.Store(http.StatusOK)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(int(status.Load()))
	}))
	t.Cleanup(s.Close)
	return s.URL, status
}

func TestTheLifeOfAnEndpoint(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		a := apptest.Start(t, db)
		c := caller(t, a, "endpoints:*")
		ctx := t.Context()
		url, _ := hook(t)
		made := must(c.CreateEndpoint(ctx, client.CreateEndpoint{
			URL: url, Environment: client.Live, EventTypes: []string{"api_key.*"}, RateLimit: 5, Headers: []client.EndpointHeader{{Name: "X-Team", Value: "growth"}},
		}))(t)
		if !strings.HasPrefix(made.Secret.Reveal(), "whsec_") || made.RateLimit != 5 || made.ETag == "" || made.Headers[0].Name != "X-Team" || made.Headers[0].Value != "" {
			t.Errorf("made %+v", made)
		}
		name, none, more := "CRM", 0, []client.EndpointHeader{{Name: "X-Team"}, {Name: "X-More", Value: "1"}}
		changed := must(c.UpdateEndpoint(ctx, made.ID, client.UpdateEndpoint{Description: &name, RateLimit: &none, Headers: &more, ETag: made.ETag}))(t)
		if changed.Description != "CRM" || changed.RateLimit != 0 || len(changed.Headers) != 2 || changed.Secret != "" {
			t.Errorf("changed %+v", changed)
		}
		if _, err := c.UpdateEndpoint(ctx, made.ID, client.UpdateEndpoint{Description: &name, ETag: made.ETag}); client.Code(err) != client.CodePreconditionFailed {
			t.Errorf("by an old ETag: %v", err)
		}
		if e := must(c.DisableEndpoint(ctx, made.ID))(t); e.Status != client.Disabled || e.DisabledAt.IsZero() {
			t.Errorf("disabled %+v", e)
		}
		if e := must(c.EnableEndpoint(ctx, made.ID))(t); e.Status != client.Enabled {
			t.Errorf("enabled %+v", e)
		}
		if list := all(t, c.Endpoints(ctx, client.EndpointFilter{Environment: client.Live, Status: client.Enabled, Search: "crm"})); len(list) != 1 || list[0].ID != made.ID {
			t.Errorf("listed %+v", list)
		}
		if types := must(c.EventTypes(ctx))(t); len(types) == 0 || !json.Valid(types[0].Sample) {
			t.Errorf("types %+v", types)
		}
		if err := c.DeleteEndpoint(ctx, made.ID); err != nil {
			t.Error(err)
		}
		if _, err := c.Endpoint(ctx, made.ID); client.Code(err) != client.CodeNotFound {
			t.Errorf("after its end: %v", err)
		}
	})
}

func TestSigningSecretsAreRotatedAndRevealed(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		a := apptest.Start(t, db)
		c := caller(t, a, "endpoints:write")
		url, _ := hook(t)
		form := client.CreateEndpoint{URL: url, Environment: client.Live, EventTypes: []string{"*"}}
		ctx := client.WithIdempotencyKey(t.Context(), "deploy-42")
		made := must(c.CreateEndpoint(ctx, form))(t)
		if again, err := c.CreateEndpoint(ctx, form); !errors.Is(err, client.ErrSecretLost) || again.ID != made.ID || again.Secret != "" {
			t.Errorf("again %+v, %v", again, err)
		}
		rotated := must(c.RotateEndpointSecret(t.Context(), made.ID, client.RotateEndpointSecret{Grace: time.Hour}))(t)
		shown := must(c.RevealEndpointSecret(t.Context(), made.ID))(t)
		if rotated.Secret == made.Secret || shown.Secret != rotated.Secret || shown.Previous != made.Secret || !shown.PreviousEndsAt.Equal(rotated.PreviousEndsAt) {
			t.Errorf("rotated until %s, revealed until %s", rotated.PreviousEndsAt, shown.PreviousEndsAt)
		}
		if text := fmt.Sprintf("%v %+v %#v", made, rotated, shown); strings.Contains(text, "whsec_") {
			t.Errorf("printed %s", text)
		}
		if err := c.EndPreviousEndpointSecret(t.Context(), made.ID); err != nil {
			t.Error(err)
		}
		own := client.Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
		if s := must(c.RotateEndpointSecret(t.Context(), made.ID, client.RotateEndpointSecret{None: true, Secret: own}))(t); s.Secret != own || !s.PreviousEndsAt.IsZero() {
			t.Errorf("an own secret until %s", s.PreviousEndsAt)
		}
	})
}

func TestDeliveriesAreTriedReadRetriedAndReplayed(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		a := apptest.Start(t, db)
		c := caller(t, a, "endpoints:*")
		ctx := t.Context()
		url, status := hook(t)
		e := must(c.CreateEndpoint(ctx, client.CreateEndpoint{URL: url, Environment: client.Live, EventTypes: []string{"webhook.test"}}))(t)
		status.Store(http.StatusTeapot)
		tried := must(c.TestEndpoint(ctx, e.ID, client.TestEndpoint{EventType: "webhook.test"}))(t)
		if tried.Status != client.Failed || tried.LastStatus != http.StatusTeapot || len(tried.Attempts) != 1 || tried.Attempts[0].Error != "http_error" {
			t.Errorf("tried %+v", tried)
		}
		must(c.TestEndpoint(ctx, e.ID, client.TestEndpoint{EventType: "webhook.test", Body: json.RawMessage(`{"type":"webhook.test","timestamp":"2026-01-01T00:00:00Z","data":{}}`)}))(t)
		status.Store(http.StatusOK)
		if err := c.RetryDelivery(ctx, e.ID, tried.ID); err != nil {
			t.Fatal(err)
		}
		apptest.Eventually(t, "the retry to arrive", func() bool { return must(c.Delivery(ctx, e.ID, tried.ID))(t).Status == client.Delivered })
		if d := must(c.Delivery(ctx, e.ID, tried.ID))(t); len(d.Attempts) != 2 || d.Attempts[1].Cause != "retry" || d.BodyText != tried.BodyText {
			t.Errorf("read %+v", d)
		}
		plan := must(c.PlanReplay(ctx, e.ID, client.Failed, time.Now().Add(-time.Hour)))(t)
		if plan.Count != 1 || plan.Running != "" {
			t.Errorf("plan %+v", plan)
		}
		r := must(c.StartReplay(ctx, e.ID, client.StartReplay{Kind: client.Failed, Since: time.Now().Add(-time.Hour), Rate: 10}))(t)
		apptest.Eventually(t, "the replay to end", func() bool { return must(c.Replay(ctx, e.ID, r.ID))(t).Delivered == 1 })
		if list := must(c.Replays(ctx, e.ID))(t); len(list) != 1 || list[0].Total != 1 {
			t.Errorf("replays %+v", list)
		}
		apptest.Eventually(t, "the replay to be over", func() bool { return must(c.Replay(ctx, e.ID, r.ID))(t).Status == "finished" })
		if _, err := c.StopReplay(ctx, e.ID, r.ID); client.Code(err) != client.CodeConflict {
			t.Errorf("stopped when it is over: %v", err)
		}
		if list := all(t, c.Deliveries(ctx, e.ID, client.DeliveryFilter{Status: client.Delivered, EventType: "webhook.test"})); len(list) != 2 {
			t.Errorf("deliveries %+v", list)
		}
	})
}
