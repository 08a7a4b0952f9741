package ingest_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"latchkey/internal/apptest"
	"latchkey/internal/database"
	"latchkey/internal/ingest"
	"latchkey/internal/keys"
	"latchkey/models"
)

func request(a *apptest.App, k keys.Created, body io.Reader) *ingest.Request {
	return &ingest.Request{
		ID: uuid.Must(uuid.NewV7()).String(), Route: "/api/signal-staging/webhook/{key}", Key: k.Value.Reveal(),
		Header: http.Header{}, IP: "192.0.2.1", Body: body, Length: -1, ReceivedAt: a.Clock.Now(),
	}
}

// during is a body while whose arrival something happens.
type during struct {
	io.Reader
	happens func()
}

func (d *during) Read(p []byte) (int, error) {
	if d.happens != nil {
		d.happens()
		d.happens = nil
	}
	return d.Reader.Read(p)
}

func TestAValueThatEndsWhileItsRequestArrivesIsNotAccepted(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		a := apptest.Start(t, db)
		for name, body := range map[string]string{
			"without a message id": `{"event":"x","userId":"u"}`,
			"with a message id":    `{"event":"x","userId":"u","messageId":"m"}`,
		} {
			t.Run(name, func(t *testing.T) {
				k := a.NewKey(t)
				if _, err := a.Keys.Rotate(t.Context(), a.Owner, k.Key.ID, keys.RotateForm{Grace: time.Hour, Base: -1}); err != nil {
					t.Fatal(err)
				}
				later := &during{strings.NewReader(body), func() { a.Clock.Advance(time.Hour) }}
				out, err := a.Ingest.Accept(t.Context(), request(a, k, later))
				var refusal *ingest.Refusal
				if !errors.As(err, &refusal) || refusal.Code != "expired_api_key" {
					t.Errorf("answer %+v, %v", out, err)
				}
				if n := count(t, a, k); n != 0 {
					t.Errorf("%d signals are stored", n)
				}
			})
		}
	})
}

func TestAValueWhoseEndWasMovedWhileItsRequestArrivesIsAccepted(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		a := apptest.Start(t, db)
		k := a.NewKey(t)
		if _, err := a.Keys.Rotate(t.Context(), a.Owner, k.Key.ID, keys.RotateForm{Grace: time.Hour, Base: -1}); err != nil {
			t.Fatal(err)
		}
		moved := &during{strings.NewReader(`{"event":"x","userId":"u"}`), func() {
			if _, err := a.Keys.ExtendRotation(t.Context(), a.Owner, k.Key.ID, a.Clock.Now().Add(5*time.Hour)); err != nil {
				t.Error(err)
			}
			a.Clock.Advance(2 * time.Hour)
		}}
		r := request(a, k, moved)
		if _, err := a.Ingest.Accept(t.Context(), r); err != nil {
			t.Errorf("refused: %v", err)
		}
		if _, ends, ok := r.Previous(); !ok || time.Until(ends) < 4*time.Hour {
			t.Errorf("the answer would say that the value ends at %s", ends)
		}
	})
}

func TestATestEventNeedsNoAddressOnTheListAndCountsForNoLimit(t *testing.T) {
	a := apptest.Start(t, apptest.SQLite(t))
	k := a.NewKey(t)
	mode, list, limit := models.AllowListEnforce, []string{"198.51.100.0/24"}, 1
	if _, err := a.Keys.Change(t.Context(), a.Owner, k.Key.ID, keys.Patch{AllowListMode: &mode, AllowList: &list, RateLimit: &limit}, -1); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		ctx := ingest.Trusted(t.Context(), k.Key.ID)
		if _, err := a.Ingest.Accept(ctx, request(a, k, strings.NewReader(`{"event":"x","userId":"u"}`))); err != nil {
			t.Errorf("a test event: %v", err)
		}
	}
	r := request(a, k, strings.NewReader(`{"event":"x","userId":"u"}`))
	r.IP = "198.51.100.9"
	if _, err := a.Ingest.Accept(context.WithoutCancel(t.Context()), r); err != nil {
		t.Errorf("the first request after them: %v", err)
	}
}
