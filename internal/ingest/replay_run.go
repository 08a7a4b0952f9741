package ingest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"latchkey/internal/access"
	"latchkey/internal/audit"
	"latchkey/internal/database"
	"latchkey/internal/fault"
	"latchkey/internal/keys"
	"latchkey/models"
)

// Statuses of a replay.
const (
	replayRunning  = "running"
	replayFinished = "finished"
	replayStopped  = "stopped"
	replayFailed   = "failed"
)

// ReplayTakenOverAfter is how long a running replay may be silent before another instance goes on
// with it: its own has ended in between.
const ReplayTakenOverAfter = 30 * time.Second

// replayPoll is how often an instance looks for replays to do.
const replayPoll = time.Second

// replays wakes the one goroutine of an instance that does them.
type replays struct{ wake chan struct{} }

func newReplays() *replays { return &replays{wake: make(chan struct{}, 1)} }

func (r *replays) nudge() {
	select {
	case r.wake <- struct{}{}:
	default: // it is awake
	}
}

// StartReplay applies what waits under the key's template of this moment: one update when it is
// named, else all that wait now. It returns at once; orgs.Service.Replay tells how far it is.
// Faults: Forbidden, NotFound, Conflict when one is running or nothing waits.
func (s *Service) StartReplay(ctx context.Context, actor access.Actor, keyID, updateID string) (string, error) {
	cred, compiled, err := s.replayKey(ctx, actor, keyID)
	if err != nil {
		return "", err
	}
	now := s.now()
	r := models.OrgReplay{
		ID: uuid.Must(uuid.NewV7()).String(), WorkspaceID: cred.WorkspaceID, APIKeyID: cred.ID, TemplateVersion: compiled.Version,
		Status: replayRunning, StartedLabel: actor.Label, StartedAt: models.At(now),
	}
	if actor.AccountID != "" {
		r.StartedBy = &actor.AccountID
	}
	if err := s.bounds(ctx, cred, updateID, &r); err != nil {
		return "", err
	}
	err = s.db.Tx(ctx, func(tx *gorm.DB) error { return s.insertReplay(ctx, tx, actor, cred, &r, now) })
	if err != nil {
		return "", err
	}
	s.replays.nudge()
	return r.ID, nil
}

// bounds finds what belongs to a replay: what arrives later does not.
func (s *Service) bounds(ctx context.Context, cred *keys.Credential, updateID string, r *models.OrgReplay) error {
	nothing := fault.New(fault.Conflict, "Nothing of this key waits any more.")
	if updateID != "" {
		var row models.ProductOrgUpdate
		if !database.ValidID(updateID) {
			return fault.New(fault.NotFound, "This update does not exist.")
		}
		err := s.waitingScope(ctx, cred, "").Select("id").Where("id = ?", updateID).Take(&row).Error
		if database.IsNotFound(err) {
			return nothing
		}
		// The one before it is where the replay begins.
		before := uuid.MustParse(row.ID)
		decrement(&before)
		after := before.String()
		r.AfterID, r.UptoID, r.Total = &after, row.ID, 1
		return err
	}
	var newest []string
	if err := s.waitingScope(ctx, cred, "").Order("id DESC").Limit(1).Pluck("id", &newest).Error; err != nil {
		return fmt.Errorf("read waiting updates: %w", err)
	}
	if len(newest) == 0 {
		return nothing
	}
	r.UptoID = newest[0]
	total, err := s.waiting(ctx, cred, r.UptoID)
	r.Total = total
	return err
}

// decrement makes an id the one before it in order.
func decrement(id *uuid.UUID) {
	for i := len(id) - 1; i >= 0; i-- {
		id[i]--
		if id[i] != 0xff {
			return
		}
	}
}

var errReplayRuns = fault.New(fault.Conflict, "A replay of this key is running already. Wait for it, or stop it.")

func (s *Service) insertReplay(ctx context.Context, tx *gorm.DB, actor access.Actor, cred *keys.Credential, r *models.OrgReplay, now time.Time) error {
	var running int64
	err := tx.Model(&models.OrgReplay{}).Where("api_key_id = ? AND status = ?", cred.ID, replayRunning).Count(&running).Error
	if err != nil {
		return fmt.Errorf("read replays: %w", err)
	}
	if running > 0 {
		return errReplayRuns
	}
	r.UpdatedAt = models.At(now)
	err = gorm.G[models.OrgReplay](tx).Create(ctx, r)
	if database.IsDuplicate(err) { // begun on another instance in this moment
		return errReplayRuns
	}
	if err != nil {
		return fmt.Errorf("insert replay: %w", err)
	}
	return audit.Record(ctx, tx, now, actor, audit.Change{
		Action: "product_orgs.replayed", Target: audit.Target{Type: "api_key", ID: cred.ID, Label: cred.Prefix},
		After: audit.Values{"updates": r.Total, "template_version": r.TemplateVersion},
	})
}

// StopReplay ends a replay after the step that it is at. Faults: Forbidden, NotFound.
func (s *Service) StopReplay(ctx context.Context, actor access.Actor, replayID string) error {
	if err := actor.Require(access.ManageKeys); err != nil {
		return err
	}
	if !database.ValidID(replayID) {
		return fault.New(fault.NotFound, "This replay does not exist.")
	}
	now := s.now()
	return s.db.Tx(ctx, func(tx *gorm.DB) error {
		gone := fault.New(fault.NotFound, "This replay is not running.")
		done := tx.Model(&models.OrgReplay{}).
			Where("id = ? AND workspace_id = ? AND status = ?", replayID, actor.WorkspaceID, replayRunning).
			Updates(map[string]any{"status": replayStopped, "finished_at": models.At(now), "updated_at": models.At(now)})
		if done.Error != nil {
			return fmt.Errorf("stop replay: %w", done.Error)
		}
		if done.RowsAffected == 0 {
			return gone
		}
		var key models.APIKey
		err := tx.Select("api_keys.id", "api_keys.key_prefix").Joins("JOIN org_replays r ON r.api_key_id = api_keys.id").
			Where("r.id = ?", replayID).Take(&key).Error
		if err != nil {
			return fmt.Errorf("read the replay's key: %w", err)
		}
		return audit.Record(ctx, tx, now, actor, audit.Change{
			Action: "product_orgs.replay_stopped", Target: audit.Target{Type: "api_key", ID: key.ID, Label: key.KeyPrefix},
		})
	})
}

// runReplays does what is to be replayed until ctx ends, one step after another.
func (s *Service) runReplays(ctx context.Context) {
	tick := time.NewTicker(replayPoll)
	defer tick.Stop()
	mine := map[string]bool{}
	for {
		more, err := s.replayStep(ctx, mine)
		if err != nil && ctx.Err() == nil {
			slog.Error("a replay could not go on; it is tried again", "err", err)
		}
		if more && ctx.Err() == nil {
			continue
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-s.replays.wake:
		}
	}
}

// replayStep takes one step of each replay. mine are those that this instance has begun.
func (s *Service) replayStep(ctx context.Context, mine map[string]bool) (more bool, err error) {
	var open []models.OrgReplay
	if err := s.db.Read.WithContext(ctx).Where("status = ?", replayRunning).Order("id").Limit(20).Find(&open).Error; err != nil {
		return false, fmt.Errorf("read replays: %w", err)
	}
	for _, r := range open {
		if !mine[r.ID] {
			taken, took := s.takeReplay(ctx, r)
			if took != nil || !taken {
				err = errors.Join(err, took)
				continue
			}
			mine[r.ID] = true
		}
		ended, went := s.advance(ctx, r)
		if ended {
			delete(mine, r.ID)
		}
		// One that cannot go on does not hold up the others.
		more, err = more || went == nil, errors.Join(err, went)
	}
	if len(open) == 0 {
		clear(mine)
	}
	return more, err
}

// takeReplay makes a replay this instance's: a new one, or one whose instance has fallen silent.
func (s *Service) takeReplay(ctx context.Context, r models.OrgReplay) (bool, error) {
	now := s.now()
	fresh := r.UpdatedAt.Equal(r.StartedAt.Time)
	if !fresh && now.Sub(r.UpdatedAt.Time) < ReplayTakenOverAfter {
		return false, nil
	}
	at := models.At(now)
	if !at.After(r.UpdatedAt.Time) {
		at = models.At(r.UpdatedAt.Add(time.Microsecond))
	}
	done := s.db.Write.WithContext(ctx).Model(&models.OrgReplay{}).
		Where("id = ? AND status = ? AND updated_at = ?", r.ID, replayRunning, r.UpdatedAt).
		Updates(map[string]any{"updated_at": at})
	if done.Error != nil {
		return false, fmt.Errorf("take replay: %w", done.Error)
	}
	return done.RowsAffected == 1, nil
}

// advance handles the next updates of a replay and writes down how far it is.
func (s *Service) advance(ctx context.Context, r models.OrgReplay) (ended bool, err error) {
	cred, err := s.keys.CredentialOf(ctx, r.APIKeyID)
	switch {
	case errors.Is(err, keys.ErrUnknown):
		return true, s.endReplay(ctx, r, replayFailed, "The key is gone.")
	case cred == nil:
		return false, err // the database did not answer; a later step asks again
	}
	after := ""
	if r.AfterID != nil {
		after = *r.AfterID
	}
	rows, err := s.waitingRows(ctx, cred, after, r.UptoID, replayChunk)
	if err != nil {
		return false, err
	}
	if len(rows) == 0 {
		return true, s.endReplay(ctx, r, replayFinished, "")
	}
	updates, version, err := s.replayRows(ctx, cred, rows, r.StartedBy)
	if err != nil {
		return false, err
	}
	tally(&r, updates)
	last := rows[len(rows)-1].ID
	r.AfterID, r.TemplateVersion = &last, version
	return s.writeReplay(ctx, r)
}

// replayRows maps updates that wait and hands them to the writer, which leaves out those that have
// stopped waiting.
func (s *Service) replayRows(ctx context.Context, cred *keys.Credential, rows []models.ProductOrgUpdate, by *string) ([]*update, int, error) {
	for range tries {
		compiled, err := s.templates.Refresh(ctx, cred.TemplateID)
		if err != nil {
			return nil, 0, err
		}
		updates := remapAll(cred, compiled, rows)
		for _, u := range updates {
			if u.mapped() {
				u.row.ReplayedAt, u.row.ReplayedBy = models.At(s.now()), by
			}
		}
		err = s.orgWriter.submit(&job{cred: cred, updates: updates, template: compiled, replay: true, started: s.now()})
		if !errors.Is(err, errMoved) {
			return updates, compiled.Version, err
		}
		if fresh, _ := s.keys.CredentialOf(ctx, cred.ID); fresh != nil {
			cred = fresh
		}
	}
	return nil, 0, errOverloaded()
}

func tally(r *models.OrgReplay, updates []*update) {
	for _, u := range updates {
		switch u.row.Status {
		case models.UpdateApplied:
			r.Applied++
		case models.UpdateStale:
			r.Stale++
		case models.UpdateUnchanged:
			r.Unchanged++
		case models.UpdateDuplicate:
			r.Duplicates++
		default:
			r.Failed++
		}
	}
}

// writeReplay notes the progress; a replay that was stopped meanwhile has ended.
func (s *Service) writeReplay(ctx context.Context, r models.OrgReplay) (ended bool, err error) {
	progress := map[string]any{
		"after_id": r.AfterID, "template_version": r.TemplateVersion, "updated_at": models.At(s.now()),
		"applied": r.Applied, "stale": r.Stale, "unchanged": r.Unchanged, "duplicates": r.Duplicates, "failed": r.Failed,
	}
	for _, status := range []string{replayRunning, replayStopped} { // what its last step did counts all the same
		done := s.db.Write.WithContext(context.WithoutCancel(ctx)).Model(&models.OrgReplay{}).
			Where("id = ? AND status = ?", r.ID, status).Updates(progress)
		if done.Error != nil {
			return false, fmt.Errorf("note the replay's progress: %w", done.Error)
		}
		if done.RowsAffected == 1 {
			return status == replayStopped, nil
		}
	}
	return true, nil
}

func (s *Service) endReplay(ctx context.Context, r models.OrgReplay, status, problem string) error {
	now := models.At(s.now())
	err := s.db.Write.WithContext(ctx).Model(&models.OrgReplay{}).
		Where("id = ? AND status = ?", r.ID, replayRunning).
		Updates(map[string]any{"status": status, "problem": problem, "finished_at": now, "updated_at": now}).Error
	if err != nil {
		return fmt.Errorf("end replay: %w", err)
	}
	return nil
}
