package accounts

import (
	"context"
	"crypto/rand"
	"errors"
	"testing"

	"latchkey/internal/fault"
)

var cheapParams = HashParams{MemoryKiB: 64, Time: 1, Threads: 1}

func TestHashesWaitForASlotAndTooManyAreTurnedAway(t *testing.T) {
	h := newHasher(cheapParams, 1, rand.Reader)
	leave, err := h.enter(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	waiting := make(chan error, waitersPerSlot)
	for range waitersPerSlot {
		go func() {
			_, err := h.hash(ctx, "some password")
			waiting <- err
		}()
	}
	for len(h.queue) < cap(h.queue) {
		select {
		case err := <-waiting:
			t.Fatalf("a waiter did not wait: %v", err)
		default:
		}
	}
	if _, err := h.hash(t.Context(), "one too many"); !fault.Is(err, fault.Unavailable) {
		t.Errorf("error = %v, want Unavailable", err)
	}
	cancel()
	for range waitersPerSlot {
		if err := <-waiting; !errors.Is(err, context.Canceled) {
			t.Errorf("waiter got %v, want its cancellation", err)
		}
	}
	leave()
	if _, err := h.hash(t.Context(), "afterwards"); err != nil {
		t.Errorf("after all left: %v", err)
	}
}

func TestVerifyKnowsThePasswordAndNothingElse(t *testing.T) {
	h := newHasher(cheapParams, 1, rand.Reader)
	encoded, err := h.hash(t.Context(), "the right one")
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		encoded, password string
		want              bool
	}{
		{encoded, "the right one", true},
		{encoded, "the wrong one", false},
		{encoded, "", false},
		{"", "the right one", false}, // nobody: hashed all the same
	} {
		got, err := h.verify(t.Context(), tc.encoded, tc.password)
		if err != nil || got != tc.want {
			t.Errorf("verify(%.10q, %q) = %v, %v; want %v", tc.encoded, tc.password, got, err, tc.want)
		}
	}
	if _, err := h.verify(t.Context(), "$2a$10$bcrypt", "x"); err == nil {
		t.Error("a foreign hash was accepted")
	}
}

func TestSlugFollowsTheName(t *testing.T) {
	for name, want := range map[string]string{
		"Acme":               "acme",
		"  Acme, Inc. (EU) ": "acme-inc-eu",
		"Ünïcode":            "n-code",
		"日本":                 "workspace",
		"../../etc":          "etc",
		"a very long name that goes on and on and on": "a-very-long-name-that-goes-on-and-on-and",
	} {
		if got := slugOf(name); got != want {
			t.Errorf("slugOf(%q) = %q, want %q", name, got, want)
		}
	}
}
