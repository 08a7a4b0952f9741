package keys_test

import (
	"testing"
	"time"

	"latchkey/internal/apptest"
	"latchkey/internal/database"
	"latchkey/internal/keys"
	"latchkey/models"
)

func TestARotationShowsWhoStillUsesTheOldValue(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		made := w.create()
		if r, err := w.s.Rotation(t.Context(), w.owner, made.Key.ID, keys.Spans[0]); r != nil || err != nil {
			t.Errorf("before any: %+v, %v", r, err)
		}
		w.arrived(made.Key, noon.Add(-90*time.Minute), 40, 0)
		w.arrived(made.Key, noon, 9, 0) // in the minute of the rotation
		w.rotate(made.Key.ID, keys.DefaultGrace)
		w.now = noon.Add(30 * time.Minute)
		w.insert(&models.KeyUsageMinute{APIKeyID: made.Key.ID, Minute: noon.Add(10*time.Minute).Unix() / 60, WorkspaceID: made.Key.WorkspaceID,
			Environment: models.Live, Accepted: 20, Rejected: 1, Previous: 6})
		err := db.Write.Exec("UPDATE key_last_used SET previous_used_at = ?, previous_ip = '198.51.100.4', previous_user_agent = 'cron/1' WHERE api_key_id = ?",
			models.At(noon.Add(10*time.Minute)), made.Key.ID).Error
		if err != nil {
			t.Fatal(err)
		}
		r, err := w.s.Rotation(t.Context(), w.owner, made.Key.ID, keys.Spans[0])
		if err != nil || r == nil {
			t.Fatal(r, err)
		}
		if r.PreviousPrefix != made.Key.KeyPrefix || !r.RetiredAt.Equal(noon) || !r.EndsAt.Equal(noon.Add(24*time.Hour)) ||
			r.OldLastHour != 6 || r.NewLastHour != 15 || !r.OldUsedAt.Equal(noon.Add(10*time.Minute)) || r.OldIP != "198.51.100.4" || r.OldUserAgent != "cron/1" {
			t.Errorf("rotation %+v", r)
		}
		last, before := r.Buckets[len(r.Buckets)-1], r.Buckets[len(r.Buckets)-3]
		if len(r.Buckets) != 24 || last.Old != 15 || last.New != 15 || before.Old != 40 || before.New != 0 {
			t.Errorf("buckets %+v", r.Buckets)
		}
		w.now = noon.Add(24 * time.Hour)
		if r, err := w.s.Rotation(t.Context(), w.owner, made.Key.ID, keys.Spans[0]); r != nil || err != nil {
			t.Errorf("after its end: %+v, %v", r, err)
		}
	})
}
