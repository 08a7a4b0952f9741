package signals_test

import (
	"testing"
	"time"

	"latchkey/internal/access"
	"latchkey/internal/apptest"
	"latchkey/internal/database"
	"latchkey/internal/fault"
	"latchkey/models"
)

func TestTheLastRefusalIsThatOfTheKeyAndTheCode(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		const code = "invalid_source_signature"
		find := func(actor access.Actor, key string) string {
			t.Helper()
			r, err := w.s.LastRefusal(t.Context(), actor, models.Live, key, code)
			if err != nil {
				t.Fatal(err)
			}
			if r == nil {
				return ""
			}
			return r.ID
		}
		second := w.apiKey(w.mine, "Second", models.Live)
		w.request(3*time.Hour, rejectedFor(code, 401))
		newest := w.request(2*time.Hour, rejectedFor(code, 401))
		w.request(time.Hour, rejectedFor("invalid_json", 400))
		w.request(0, nil)
		w.request(0, func(r *models.GatewayRequest) {
			rejectedFor(code, 401)(r)
			r.APIKeyID = &second
			r.Environment = models.Test
		})
		w.request(0, func(r *models.GatewayRequest) {
			rejectedFor(code, 401)(r)
			r.WorkspaceID, r.APIKeyID = w.other.WorkspaceID, &w.alien
		})
		if got := find(w.mine, w.key); got != newest.ID {
			t.Errorf("got %s, want %s", got, newest.ID)
		}
		for name, key := range map[string]string{"a key without one": second, "another workspace's key": w.alien, "no id": "x"} {
			if got := find(w.mine, key); got != "" {
				t.Errorf("%s: %s", name, got)
			}
		}
		if _, err := w.s.LastRefusal(t.Context(), access.Actor{WorkspaceID: w.mine.WorkspaceID}, models.Live, w.key, code); !fault.Is(err, fault.Forbidden) {
			t.Errorf("without a role: %v", err)
		}
	})
}
