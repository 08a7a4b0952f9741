package dispatch

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"latchkey/models"
)

// The states of a replay; internal/deliveries starts and stops them.
const (
	replayRunning  = "running"
	replayFinished = "finished"
	replayFailed   = "failed"
)

const (
	// replayTakenOverAfter is how long a running replay may be silent before another instance goes on
	// with it: its own has ended in between.
	replayTakenOverAfter = 30 * time.Second
	// replayEvery is how often deliveries are released: a rate is kept by the second, roughly.
	replayEvery = 250 * time.Millisecond
	// replayAtOnce bounds what is released after a pause, in seconds of the rate.
	replayAtOnce  = 2 * time.Second
	replaysAtOnce = 50
)

// run is a replay that this instance does.
type run struct {
	written  models.Time // its updated_at as this instance wrote it: another value means another instance
	released time.Time   // up to when the rate is used up
}

// runReplays releases what is to be sent again until ctx ends.
func (s *Service) runReplays(ctx context.Context) {
	tick := time.NewTicker(replayEvery)
	defer tick.Stop()
	mine := map[string]*run{}
	looked := time.Time{}
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		// Without one of its own, an instance looks each second.
		if now := s.Now(); len(mine) == 0 && now.Sub(looked) < s.pace.look {
			continue
		} else if looked = now; s.results.stuck.Load() {
			continue
		}
		if err := s.replayStep(ctx, mine); err != nil && ctx.Err() == nil {
			slog.Error("a replay could not go on; it is tried again", "err", err)
		}
	}
}

// replayStep takes one step of each replay that is this instance's.
func (s *Service) replayStep(ctx context.Context, mine map[string]*run) error {
	var open []models.DeliveryReplay
	err := s.DB.Read.WithContext(ctx).Where("status = ?", replayRunning).Order("id").Limit(replaysAtOnce).Find(&open).Error
	if err != nil {
		return fmt.Errorf("read replays: %w", err)
	}
	still := map[string]bool{}
	for _, r := range open {
		still[r.ID] = true
		if m := mine[r.ID]; m != nil && !m.written.Equal(r.UpdatedAt.Time) {
			delete(mine, r.ID) // another instance thought that this one had ended
		}
		if mine[r.ID] == nil {
			m, took := s.takeReplay(ctx, r)
			if took != nil || m == nil {
				err = errors.Join(err, took)
				continue
			}
			mine[r.ID], r.UpdatedAt = m, m.written
		}
		// One that cannot go on does not hold up the others.
		err = errors.Join(err, s.advance(ctx, r, mine[r.ID]))
	}
	for id := range mine {
		if !still[id] {
			delete(mine, id)
		}
	}
	return err
}

// takeReplay makes a replay this instance's: a new one, or one whose instance has fallen silent.
func (s *Service) takeReplay(ctx context.Context, r models.DeliveryReplay) (*run, error) {
	now := s.Now()
	fresh := r.UpdatedAt.Equal(r.StartedAt.Time)
	if !fresh && now.Sub(r.UpdatedAt.Time) < replayTakenOverAfter {
		return nil, nil
	}
	at := later(now, r.UpdatedAt)
	done := s.DB.Write.WithContext(ctx).Exec("UPDATE delivery_replays SET updated_at = ? WHERE id = ? AND status = ? AND updated_at = ?",
		at, r.ID, replayRunning, r.UpdatedAt)
	if done.Error != nil {
		return nil, fmt.Errorf("take replay: %w", done.Error)
	}
	if done.RowsAffected == 0 {
		return nil, nil
	}
	return &run{written: at, released: now.Add(-time.Second)}, nil
}

// later is now, or the instant after another one, so that each change of a row shows.
func later(now time.Time, than models.Time) models.Time {
	at := models.At(now)
	if !at.After(than.Time) {
		at = models.At(than.Add(time.Microsecond))
	}
	return at
}

// advance releases as many deliveries as the rate allows by now.
func (s *Service) advance(ctx context.Context, r models.DeliveryReplay, m *run) error {
	now := s.Now()
	if now.Sub(m.released) > replayAtOnce {
		m.released = now.Add(-replayAtOnce)
	}
	n := int(now.Sub(m.released).Seconds() * float64(r.Rate))
	if n == 0 {
		return s.beat(ctx, r, m, now)
	}
	at := later(now, r.UpdatedAt)
	count, err := s.releaseSome(ctx, r, at, n)
	if err != nil {
		return err
	}
	m.written = at
	m.released = m.released.Add(time.Duration(float64(count) / float64(r.Rate) * float64(time.Second)))
	if count > 0 {
		s.Bell.Ring(r.EndpointID)
	}
	return nil
}

// beat tells the other instances that a slow replay goes on.
func (s *Service) beat(ctx context.Context, r models.DeliveryReplay, m *run, now time.Time) error {
	if now.Sub(m.written.Time) < replayTakenOverAfter/3 {
		return nil
	}
	at := later(now, r.UpdatedAt)
	done := s.DB.Write.WithContext(ctx).Exec("UPDATE delivery_replays SET updated_at = ? WHERE id = ? AND status = ? AND updated_at = ?",
		at, r.ID, replayRunning, r.UpdatedAt)
	if done.Error != nil {
		return fmt.Errorf("keep replay: %w", done.Error)
	}
	m.written = at
	return nil
}

var errReplayMoved = errors.New("the replay is another's, or has ended")

// releaseSome puts the next deliveries of a replay on the schedule and notes how far it is, in one
// transaction: what was released is counted, and nothing is released twice.
func (s *Service) releaseSome(ctx context.Context, r models.DeliveryReplay, at models.Time, n int) (count int, err error) {
	err = s.DB.Tx(ctx, func(tx *gorm.DB) error {
		var e models.Endpoint
		if err := tx.Select("status").Where("id = ?", r.EndpointID).Take(&e).Error; err != nil {
			return fmt.Errorf("read the endpoint: %w", err)
		}
		if e.Status != models.EndpointEnabled {
			return s.endReplay(tx, r, at, replayFailed, "The endpoint is disabled. Enable it, then start another replay.")
		}
		ids, err := nextOf(tx, r, n)
		if err != nil {
			return err
		}
		if count = len(ids); count == 0 {
			return s.endReplay(tx, r, at, replayFinished, "")
		}
		last := ids[count-1]
		if err := progress(tx, r, at, last, count); err != nil {
			return err
		}
		err = tx.Exec(`
			UPDATE deliveries SET status = 'pending', step = 0, next_attempt_at = ?, finished_at = NULL, replay_id = ?,
				ordered = (SELECT e.ordered FROM endpoints e WHERE e.id = deliveries.endpoint_id)
			WHERE endpoint_id = ? AND message_id IN ? AND status = ?`, at, r.ID, r.EndpointID, ids, r.Kind).Error
		return wrap("release deliveries", err)
	})
	if errors.Is(err, errReplayMoved) {
		return 0, nil // the next look shows whose it is
	}
	return count, err
}

// nextOf lists what follows in a replay. Both states of the partial index are named, since SQLite
// uses it only then.
func nextOf(tx *gorm.DB, r models.DeliveryReplay, n int) (ids []string, err error) {
	after := idBefore(r.Since.Time)
	if r.AfterID != nil {
		after = *r.AfterID
	}
	err = tx.Raw(`
		SELECT CAST(message_id AS TEXT) FROM deliveries
		WHERE endpoint_id = ? AND status = ? AND status IN ('failed', 'skipped') AND message_id > ? AND message_id <= ?
		ORDER BY message_id
		LIMIT ?`, r.EndpointID, r.Kind, after, r.UptoID, n).Scan(&ids).Error
	return ids, wrap("read what follows", err)
}

// idBefore is the identifier before the first one of an instant (UUID version 7, RFC 9562: 48 bits
// of Unix milliseconds first).
func idBefore(t time.Time) string {
	var id uuid.UUID
	ms := max(t.UnixMilli(), 0)
	for i := range 6 {
		id[i] = byte(ms >> (40 - 8*i))
	}
	return id.String()
}

func progress(tx *gorm.DB, r models.DeliveryReplay, at models.Time, last string, count int) error {
	done := tx.Exec(`
		UPDATE delivery_replays SET after_id = ?, released = released + ?, updated_at = ?
		WHERE id = ? AND status = ? AND updated_at = ?`, last, count, at, r.ID, replayRunning, r.UpdatedAt)
	if done.Error != nil {
		return fmt.Errorf("note the replay's progress: %w", done.Error)
	}
	if done.RowsAffected == 0 {
		return errReplayMoved
	}
	return nil
}

func (s *Service) endReplay(tx *gorm.DB, r models.DeliveryReplay, at models.Time, status, problem string) error {
	err := tx.Exec("UPDATE delivery_replays SET status = ?, problem = ?, updated_at = ?, finished_at = ? WHERE id = ? AND status = ?",
		status, problem, at, at, r.ID, replayRunning).Error
	return wrap("end replay", err)
}
