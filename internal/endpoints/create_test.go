package endpoints_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"latchkey/internal/access"
	"latchkey/internal/apptest"
	"latchkey/internal/database"
	"latchkey/internal/egress"
	"latchkey/internal/endpoints"
	"latchkey/internal/fault"
	"latchkey/internal/signing"
	"latchkey/models"
)

func TestAnEndpointIsMadeWithEverythingThatWasChosen(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		key := w.key(w.owner, models.Live)
		before := w.version()
		made := w.create(func(f *endpoints.Form) {
			f.Description, f.EventTypes = "  Billing  ", []string{"api_key.expired", "signal.received", "api_key.*"}
			f.Source, f.APIKeyID, f.Ordered, f.Concurrency, f.RateLimit = "stripe", key.ID, true, 3, 25
			f.Headers = []egress.Header{{Name: "X-Team", Value: "billing"}, {}}
		})
		if w.version() <= before {
			t.Error("writers are not told that somebody subscribed")
		}
		got := w.get(made.ID)
		if got.Description != "Billing" || got.EventTypes != "signal.received api_key.*" || got.Source != "stripe" || *got.APIKeyID != key.ID ||
			!got.Ordered || got.Concurrency != 3 || got.RateLimit != 25 || got.Status != models.EndpointEnabled || got.Version != 1 {
			t.Errorf("made %+v", got.Endpoint)
		}
		if len(got.Headers) != 1 || got.Headers[0].Name != "X-Team" || strings.Contains(got.Headers[0].Value, "billing") {
			t.Errorf("headers %v", got.Headers)
		}
		if got.APIKeyName != key.Name || got.CreatedByName != "Owner of acme" || got.CreatedByKeyName != "" {
			t.Errorf("names %q %q %q", got.APIKeyName, got.CreatedByName, got.CreatedByKeyName)
		}
		if got.Secret != nil || got.PreviousSecret != nil || got.Endpoint.Headers != nil || made.Endpoint.Secret != nil {
			t.Error("sealed texts leave the package")
		}
		actions, _, after := w.said(made.ID)
		if fmt.Sprint(actions) != "[endpoint.created]" || after["headers"] != "X-Team" || after["secret"] != "set" || after["rate_limit"] != 25.0 {
			t.Errorf("log %v %v", actions, after)
		}
	})
}

func TestAProgramsEndpointIsTheWorkOfWhoMadeItsKey(t *testing.T) {
	w := newWorld(t, apptest.SQLite(t))
	program := w.program(access.EndpointsWrite)
	made, err := w.s.Create(t.Context(), program, form())
	if err != nil {
		t.Fatal(err)
	}
	got := w.get(made.ID)
	if *got.CreatedBy != w.owner.AccountID || *got.CreatedByKey != program.KeyID || got.CreatedByKeyName != "Deployer" {
		t.Errorf("made by %v with %v (%s)", got.CreatedBy, got.CreatedByKey, got.CreatedByKeyName)
	}
}

func TestEveryWrongFieldIsNamedAtOnce(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		_, err := w.s.Create(t.Context(), w.owner, endpoints.Form{
			URL: "ftp://example.com", Environment: "staging", Description: strings.Repeat("x", 201), EventTypes: []string{"signal.sent", "nothing.*"},
			Source: "Stripe!", APIKeyID: "x", Concurrency: 101, RateLimit: -1, Secret: "whsec_short",
			Headers: []egress.Header{{Name: "webhook-id", Value: "mine"}},
		})
		want(t, err, fault.Invalid, "url", "environment", "description", "event_types", "source", "api_key_id", "concurrency", "rate_limit", "secret", "headers")
		if said := fault.FieldsOf(err); !strings.Contains(said["event_types"], "signal.sent, nothing.*") || strings.Contains(said["secret"], "short") {
			t.Errorf("sentences %v", said)
		}
		for name, f := range map[string]endpoints.Form{
			"event_types": form(func(f *endpoints.Form) { f.EventTypes = []string{" "} }),
			"headers":     form(func(f *endpoints.Form) { f.Headers = []egress.Header{{Name: "X-Empty"}} }),
			"url":         form(func(f *endpoints.Form) { f.URL = "http://127.0.0.1.nip.example\r\nHost: x" }),
			"description": form(func(f *endpoints.Form) { f.Description = "two\nlines" }),
		} {
			_, err := w.s.Create(t.Context(), w.owner, f)
			want(t, err, fault.Invalid, name)
		}
	})
}

func TestAKeyOfElsewhereCannotBeAFilter(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		for name, key := range map[string]models.APIKey{"another workspace": w.key(w.alien, models.Live), "another environment": w.key(w.owner, models.Test)} {
			_, err := w.s.Create(t.Context(), w.owner, form(func(f *endpoints.Form) { f.APIKeyID = key.ID }))
			t.Log(name)
			want(t, err, fault.Invalid, "api_key_id")
		}
	})
}

func TestASecretOfOnesOwnIsTaken(t *testing.T) {
	w := newWorld(t, apptest.SQLite(t))
	own := signing.NewSecret()
	made := w.create(func(f *endpoints.Form) { f.Secret = " " + own.Reveal() + "\n" })
	if made.Secret != own {
		t.Error("another secret was made")
	}
	if other := w.create(); other.Secret.IsZero() || other.Secret == own || !strings.HasPrefix(other.Secret.Reveal(), "whsec_") {
		t.Error("no new secret was made")
	}
}

func TestTwoEndpointsMayHaveTheSameURL(t *testing.T) {
	w := newWorld(t, apptest.SQLite(t))
	if one, two := w.create(), w.create(); one.ID == two.ID || one.URL != two.URL {
		t.Error("not two")
	}
}

func TestADoubleClickMakesOneEndpoint(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		f := form(func(f *endpoints.Form) { f.Nonce = "n-1" })
		var made, again []string
		var mu sync.Mutex
		var work sync.WaitGroup
		for range 4 {
			work.Go(func() {
				one, err := w.s.Create(t.Context(), w.owner, f)
				mu.Lock()
				defer mu.Unlock()
				var already endpoints.AlreadyMade
				switch {
				case errors.As(err, &already):
					again = append(again, already.EndpointID)
				case err != nil:
					t.Error(err)
				default:
					made = append(made, one.ID)
				}
			})
		}
		work.Wait()
		if len(made) != 1 || len(again) != 3 || again[0] != made[0] {
			t.Errorf("made %v, again %v", made, again)
		}
		w.now = w.now.Add(25 * time.Hour)
		if _, err := w.s.Create(t.Context(), w.owner, f); err != nil {
			t.Errorf("a day later: %v", err)
		}
	})
}

func TestAnEnvironmentHoldsFiftyEndpointsAlsoWhenManyComeAtOnce(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		for range endpoints.MaxPerEnvironment - 2 {
			w.create()
		}
		var full, made int
		var mu sync.Mutex
		var work sync.WaitGroup
		for range 6 {
			work.Go(func() {
				_, err := w.s.Create(t.Context(), w.owner, form())
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err == nil:
					made++
				case fault.Is(err, fault.Conflict) && strings.Contains(err.Error(), "50"):
					full++
				default:
					t.Error(err)
				}
			})
		}
		work.Wait()
		if made != 2 || full != 4 {
			t.Errorf("made %d, refused %d", made, full)
		}
		other := w.create(func(f *endpoints.Form) { f.Environment = models.Test })
		if other.Environment != models.Test {
			t.Error("the other environment is full, too")
		}
	})
}

func TestWithoutAKeyToSealWithNoEndpointIsMade(t *testing.T) {
	w := newWorld(t, apptest.SQLite(t))
	bare := w.instance(func(o *endpoints.Options) { o.Secrets = nil })
	_, err := bare.Create(t.Context(), w.owner, form())
	want(t, err, fault.Conflict)
	if !strings.Contains(err.Error(), "LATCHKEY_SECRET_KEY") || bare.CanKeepSecrets() {
		t.Errorf("error %v", err)
	}
	made := w.create()
	if _, err := bare.Reveal(t.Context(), w.owner, made.ID); !fault.Is(err, fault.Conflict) || !strings.Contains(err.Error(), "LATCHKEY_SECRET_KEY") {
		t.Errorf("reveal: %v", err)
	}
	if _, _, err := bare.RotateSecret(t.Context(), w.owner, made.ID, 0, ""); !fault.Is(err, fault.Conflict) {
		t.Errorf("rotate: %v", err)
	}
	if targets, err := bare.Config(t.Context(), []string{made.ID}); err != nil || targets[0].Problem == nil {
		t.Errorf("config: %+v, %v", targets, err)
	}
}
