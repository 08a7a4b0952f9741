package client_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"latchkey/client"
)

var key = say(http.StatusOK, `{"id":"k","name":"Website"}`)

func TestWhatMayHelpLaterIsSentAgain(t *testing.T) {
	for name, first := range map[string]http.HandlerFunc{
		"429": refuse(429, client.CodeRateLimited), "502": refuse(502, ""), "503": refuse(503, client.CodeStorageUnavailable), "504": say(504, "<html>"),
		"hung up": hangUp, "cut off": cutOff,
	} {
		t.Run(name, func(t *testing.T) {
			f := newFar(t, first, first, key)
			k, err := f.client(t).Key(t.Context(), "k")
			if err != nil || k.Name != "Website" || len(f.seen) != 3 || len(f.waits) != 2 {
				t.Errorf("%+v, %v; %d calls, waits %v", k, err, len(f.seen), f.waits)
			}
		})
	}
}

func TestWhatWillNotChangeIsNotSentAgain(t *testing.T) {
	for name, first := range map[string]http.HandlerFunc{
		"400": refuse(400, client.CodeInvalidJSON), "401": refuse(401, client.CodeInvalidToken), "403": refuse(403, client.CodeInsufficientScope),
		"404": refuse(404, client.CodeNotFound), "409": refuse(409, client.CodeConflict), "422": refuse(422, client.CodeValidationFailed), "500": refuse(500, client.CodeInternal),
		"not JSON": say(200, "<html>"), "another API": say(200, `{"id":7}`),
	} {
		t.Run(name, func(t *testing.T) {
			f := newFar(t, first, key)
			if _, err := f.client(t).Key(t.Context(), "k"); err == nil || len(f.seen) != 1 {
				t.Errorf("%v after %d calls", err, len(f.seen))
			}
		})
	}
}

func TestWaitsDoubleWithJitterAndEnd(t *testing.T) {
	f := newFar(t, refuse(503, client.CodeStorageUnavailable))
	_, err := f.client(t, client.WithMaxRetries(9)).Key(t.Context(), "k")
	if client.Code(err) != client.CodeStorageUnavailable || len(f.seen) != 10 {
		t.Errorf("%v after %d calls", err, len(f.seen))
	}
	for i, wait := range f.waits {
		whole := min(500*time.Millisecond<<i, 30*time.Second)
		if wait < whole/2 || wait > whole {
			t.Errorf("wait %d: %s, want %s to %s", i, wait, whole/2, whole)
		}
	}
}

func TestRetryAfterIsHonoured(t *testing.T) {
	date := time.Now().Add(90 * time.Second).UTC().Format(http.TimeFormat)
	f := newFar(t, refuse(429, client.CodeRateLimited, "Retry-After", "17"), refuse(503, "", "Retry-After", date), key)
	if _, err := f.client(t).Key(t.Context(), "k"); err != nil {
		t.Fatal(err)
	}
	if f.waits[0] != 17*time.Second || f.waits[1] < 80*time.Second || f.waits[1] > 90*time.Second {
		t.Errorf("waits %v", f.waits)
	}
}

func TestAWaitThatIsTooLongIsTheCallersToDecide(t *testing.T) {
	f := newFar(t, refuse(429, client.CodeRateLimited, "Retry-After", "3600"))
	_, err := f.client(t).Key(t.Context(), "k")
	var p *client.Problem
	if !errors.As(err, &p) || p.RetryAfter != time.Hour || len(f.seen) != 1 {
		t.Errorf("%v after %d calls", err, len(f.seen))
	}
	f = newFar(t, refuse(429, client.CodeRateLimited, "Retry-After", "60"))
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if _, err := f.client(t).Key(ctx, "k"); client.Code(err) != client.CodeRateLimited || len(f.waits) != 0 {
		t.Errorf("past the deadline: %v, waits %v", err, f.waits)
	}
}

func TestAnEndedContextEndsTheCall(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	f := newFar(t, func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	})
	if _, err := f.client(t).Key(ctx, "k"); !errors.Is(err, context.Canceled) || len(f.seen) != 1 {
		t.Errorf("%v after %d calls", err, len(f.seen))
	}
}

func TestACreationIsRepeatedUnderOneIdempotencyKey(t *testing.T) {
	f := newFar(t, hangUp, refuse(503, client.CodeStorageUnavailable), say(201, `{"id":"k","key":"`+plaintext+`"}`))
	k, err := f.client(t).CreateKey(t.Context(), client.CreateKey{Name: "Website"})
	if err != nil || k.Key.Reveal() != plaintext {
		t.Fatalf("%+v, %v", k, err)
	}
	first := f.seen[0]
	for _, s := range f.seen {
		if s.header.Get("Idempotency-Key") != first.header.Get("Idempotency-Key") || len(s.header.Get("Idempotency-Key")) < 20 || s.body != first.body || s.body == "" {
			t.Errorf("sent %q under %q, first %q", s.body, s.header.Get("Idempotency-Key"), first.body)
		}
	}
	if _, err := f.client(t).CreateKey(t.Context(), client.CreateKey{Name: "Website"}); err != nil {
		t.Fatal(err)
	}
	if last := f.seen[len(f.seen)-1]; last.header.Get("Idempotency-Key") == first.header.Get("Idempotency-Key") {
		t.Error("another creation has the same Idempotency-Key")
	}
}

func TestTheCallersIdempotencyKeyIsUsed(t *testing.T) {
	f := newFar(t, say(201, `{"id":"k","key":"x"}`))
	ctx := client.WithIdempotencyKey(t.Context(), "deploy-42")
	if _, err := f.client(t).CreateKey(ctx, client.CreateKey{Name: "Website"}); err != nil || f.seen[0].header.Get("Idempotency-Key") != "deploy-42" {
		t.Errorf("%v, sent %q", err, f.seen[0].header.Get("Idempotency-Key"))
	}
}

func TestAValueInALostAnswerIsToldAsLost(t *testing.T) {
	f := newFar(t, cutOff, refuse(409, client.CodeInProgress), say(201, `{"id":"k"}`, "Idempotent-Replayed", "true"))
	k, err := f.client(t).CreateKey(t.Context(), client.CreateKey{Name: "Website"})
	if !errors.Is(err, client.ErrValueLost) || k.ID != "k" {
		t.Errorf("%+v, %v", k, err)
	}
}

func TestAConflictWithSomeoneElsesCallIsNotWaitedFor(t *testing.T) {
	f := newFar(t, refuse(409, client.CodeInProgress), key)
	if _, err := f.client(t).CreateKey(t.Context(), client.CreateKey{Name: "x"}); client.Code(err) != client.CodeInProgress {
		t.Errorf("%v", err)
	}
}

func TestChangesAreSentOnce(t *testing.T) {
	f := newFar(t, hangUp, key)
	name := "Shop"
	if _, err := f.client(t).UpdateKey(t.Context(), "k", client.UpdateKey{Name: &name, ETag: `"3"`}); err == nil || len(f.seen) != 1 {
		t.Errorf("%v after %d calls", err, len(f.seen))
	}
	if f.seen[0].header.Get("If-Match") != `"3"` || f.seen[0].body != `{"name":"Shop"}` {
		t.Errorf("sent %+v", f.seen[0])
	}
}
