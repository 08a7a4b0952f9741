package usage_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"latchkey/internal/apptest"
	"latchkey/internal/database"
	"latchkey/internal/keys"
	"latchkey/internal/usage"
	"latchkey/models"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func credential() *keys.Credential {
	return &keys.Credential{ID: uuid.NewString(), WorkspaceID: uuid.NewString(), Environment: models.Live}
}

// before is the same key by the value before a rotation.
func before(c *keys.Credential) *keys.Credential {
	old := *c
	old.Previous, old.RetiredAt, old.EndsAt = true, noon.Add(-time.Hour), noon.Add(time.Hour)
	return &old
}

func last(t *testing.T, db *database.DB, c *keys.Credential) (l models.KeyLastUsed) {
	t.Helper()
	if err := db.Read.Where("api_key_id = ?", c.ID).Take(&l).Error; err != nil {
		t.Fatal(err)
	}
	return l
}

func minutes(t *testing.T, db *database.DB, c *keys.Credential) (rows []models.KeyUsageMinute) {
	t.Helper()
	if err := db.Read.Where("api_key_id = ?", c.ID).Order("minute").Find(&rows).Error; err != nil {
		t.Fatal(err)
	}
	return rows
}

func TestCountsOfTwoInstancesAddUp(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		c := credential()
		for range 2 {
			r := usage.New(db, time.Now)
			r.Count(c, 3, 1, 0, noon)
			r.Count(before(c), 2, 0, 1, noon.Add(time.Second))
			r.Refused(c, usage.Seen{}, noon)
			r.Refused(before(c), usage.Seen{}, noon)
			r.Refused(before(c), usage.Seen{}, noon.Add(time.Hour)) // it had ended
			r.Outside(c, usage.Seen{IP: "192.0.2.9"}, noon)
			r.Flush()
		}
		rows := minutes(t, db, c)
		want := models.KeyUsageMinute{
			APIKeyID: c.ID, Minute: noon.Unix() / 60, WorkspaceID: c.WorkspaceID, Environment: c.Environment,
			Accepted: 10, Duplicates: 2, Rejected: 6, Previous: 8, Outside: 2,
		}
		if len(rows) != 2 || rows[0] != want || rows[1].Rejected != 2 || rows[1].Previous != 0 {
			t.Errorf("rows %+v", rows)
		}
	})
}

func TestTheNewestUseStandsWhateverTheOrderOfWriting(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		c := credential()
		one, two := usage.New(db, time.Now), usage.New(db, time.Now)
		two.Used(c, usage.Seen{IP: "192.0.2.2", UserAgent: "two"}, noon.Add(time.Second))
		two.Scope(c, "keys:read", noon.Add(time.Second))
		two.Flush()
		one.Used(before(c), usage.Seen{IP: "192.0.2.1", UserAgent: "one", Browser: true}, noon)
		one.Outside(c, usage.Seen{IP: "192.0.2.1"}, noon)
		one.Scope(c, "keys:read", noon)
		one.Scope(c, "keys:write", noon)
		one.Flush()
		two.Used(before(c), usage.Seen{}, noon.Add(2*time.Hour)) // that value had ended
		two.Flush()
		l := last(t, db, c)
		if !l.LastUsedAt.Equal(noon.Add(2*time.Hour)) || !l.BrowserSeenAt.Equal(noon) {
			t.Errorf("last use %+v", l)
		}
		if !l.PreviousUsedAt.Equal(noon) || l.PreviousIP != "192.0.2.1" || l.PreviousUserAgent != "one" {
			t.Errorf("last use of the old value %+v", l)
		}
		if !l.OutsideAt.Equal(noon) || l.OutsideIP != "192.0.2.1" || !l.LastRefusedAt.IsZero() {
			t.Errorf("last use from outside %+v", l)
		}
		var scopes []models.KeyScopeUse
		if err := db.Read.Where("api_key_id = ?", c.ID).Order("scope").Find(&scopes).Error; err != nil {
			t.Fatal(err)
		}
		if len(scopes) != 2 || !scopes[0].LastUsedAt.Equal(noon.Add(time.Second)) || !scopes[1].LastUsedAt.Equal(noon) {
			t.Errorf("scopes %+v", scopes)
		}
	})
}

func TestWhatCouldNotBeWrittenIsWrittenLater(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		c := credential()
		r := usage.New(db, time.Now)
		rename := func(from, to string) {
			if err := db.Write.Exec("ALTER TABLE " + from + " RENAME TO " + to).Error; err != nil {
				t.Fatal(err)
			}
		}
		record := func(at time.Time, from string) {
			r.Count(before(c), 1, 1, 1, at)
			r.Used(c, usage.Seen{IP: from}, at)
		}
		rename("key_scope_uses", "gone")
		record(noon, "192.0.2.1")
		r.Refused(c, usage.Seen{IP: "192.0.2.1"}, noon)
		r.Outside(c, usage.Seen{IP: "192.0.2.1"}, noon)
		r.Scope(c, "keys:read", noon)
		r.Flush()
		if rows := minutes(t, db, c); len(rows) != 0 {
			t.Fatalf("half of it was written: %+v", rows)
		}
		record(noon.Add(time.Second), "192.0.2.2")
		rename("gone", "key_scope_uses")
		ctx, stop := context.WithCancel(t.Context())
		stop()
		r.Run(ctx) // writes the rest at its end
		rows := minutes(t, db, c)
		if len(rows) != 1 || rows[0].Accepted != 2 || rows[0].Duplicates != 2 || rows[0].Rejected != 3 || rows[0].Previous != 6 || rows[0].Outside != 1 {
			t.Errorf("counts %+v", rows)
		}
		if l := last(t, db, c); l.IP != "192.0.2.2" || l.RefusedIP != "192.0.2.1" || l.OutsideIP != "192.0.2.1" {
			t.Errorf("last use %+v", l)
		}
	})
}

func TestNoUserAgentHoldsUpTheCountsOrKeepsASecret(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		r, c, other := usage.New(db, time.Now), credential(), credential()
		key := "sk_live_a2f9_" + strings.Repeat("b", 49)
		r.Used(c, usage.Seen{UserAgent: "a\xff\x00\r\nb " + key + strings.Repeat("é", 2000)}, noon)
		r.Refused(c, usage.Seen{UserAgent: "\xff" + key}, noon)
		r.Used(other, usage.Seen{UserAgent: "curl/8.5.0"}, noon)
		r.Flush()
		got := last(t, db, c)
		for _, agent := range []string{got.UserAgent, got.RefusedUserAgent} {
			if len(agent) > 520 || strings.Contains(agent, strings.Repeat("b", 20)) || !strings.Contains(agent, "sk_live_a2f9_") {
				t.Errorf("kept %q", agent)
			}
		}
		if agent := last(t, db, other).UserAgent; agent != "curl/8.5.0" {
			t.Errorf("another key's: %q", agent)
		}
	})
}
