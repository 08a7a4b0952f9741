// Package idempotency makes a repeated call do once what it asks for: the first one runs, and what
// it was answered is kept for those that follow (draft-ietf-httpapi-idempotency-key-header). It
// owns the table api_idempotency and knows nothing of what the calls do.
package idempotency

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"time"

	"gorm.io/gorm"

	"latchkey/internal/database"
	"latchkey/models"
)

const (
	// Kept is how long an answer is there for a repeat.
	Kept = 24 * time.Hour
	// staleAfter is when a call that never ended may be run again: longer than any call takes.
	staleAfter = 2 * time.Minute
	// endTimeout is what storing an answer may take once nobody may be waiting for it any more.
	endTimeout = 5 * time.Second
)

// Service holds what the use-cases share.
type Service struct {
	db  *database.DB
	now func() time.Time
}

// New makes the service.
func New(db *database.DB, now func() time.Time) *Service { return &Service{db: db, now: now} }

// Call is one call as its repeats must be: who calls, the Idempotency-Key, and what it asks for.
type Call struct {
	KeyID   string // API-access key
	Key     string
	Request [sha256.Size]byte // of everything that makes it the same call: method, path, body
}

func (c Call) digest() []byte {
	sum := sha256.Sum256([]byte(c.Key))
	return sum[:]
}

// State is what there is of a call.
type State int

// The states.
const (
	Run      State = iota // nothing: it is to be done now, and ended with Finish or Abandon
	Replay                // it was done; Begun.Answer is what it was answered
	Running               // another one is doing it
	Mismatch              // the Idempotency-Key belongs to another call
)

// Begun is the state of a call, and what its end needs.
type Begun struct {
	State  State
	Answer Answer

	call  Call
	since models.Time // tells this run from one that took over
}

// Answer is what a call was answered. No plaintext of a key or secret may be in it.
type Answer struct {
	Status int
	Header map[string][]string
	Body   []byte
}

// Begin claims a call, or tells what became of the one before. It never waits.
func (s *Service) Begin(ctx context.Context, c Call) (Begun, error) {
	now := models.At(s.now())
	b := Begun{call: c, since: now}
	// A row may go between the two statements, when its call is abandoned: then once more.
	for range 3 {
		claimed, err := s.claim(ctx, c, now)
		if err != nil || claimed {
			return b, err
		}
		row, err := gorm.G[models.APIIdempotency](s.db.Write).
			Where("api_key_id = ? AND digest = ?", c.KeyID, c.digest()).Take(ctx)
		if database.IsNotFound(err) {
			continue
		}
		if err != nil {
			return b, fmt.Errorf("read the call before: %w", err)
		}
		return s.judge(ctx, b, row)
	}
	b.State = Running
	return b, nil
}

func (s *Service) claim(ctx context.Context, c Call, now models.Time) (bool, error) {
	done := s.db.Write.WithContext(ctx).Exec(`INSERT INTO api_idempotency (api_key_id, digest, request_digest, status, created_at)
		VALUES (?, ?, ?, 0, ?)
		ON CONFLICT DO NOTHING`, c.KeyID, c.digest(), c.Request[:], now)
	if done.Error != nil {
		return false, fmt.Errorf("claim the call: %w", done.Error)
	}
	return done.RowsAffected == 1, nil
}

// judge decides by the row of the call before.
func (s *Service) judge(ctx context.Context, b Begun, row models.APIIdempotency) (Begun, error) {
	age := b.since.Sub(row.CreatedAt.Time)
	switch {
	case age >= Kept, row.Status == 0 && age >= staleAfter && [sha256.Size]byte(row.RequestDigest) == b.call.Request:
		taken, err := s.takeOver(ctx, b, row)
		if !taken {
			b.State = Running
		}
		return b, err
	case [sha256.Size]byte(row.RequestDigest) != b.call.Request:
		b.State = Mismatch
		return b, nil
	case row.Status == 0:
		b.State = Running
		return b, nil
	}
	b.State, b.Answer = Replay, Answer{Status: row.Status, Body: row.Body}
	if err := json.Unmarshal(row.Headers, &b.Answer.Header); err != nil {
		return b, fmt.Errorf("read the headers of the answer before: %w", err)
	}
	return b, nil
}

// takeOver claims the row of a call that never ended, or whose time is over.
func (s *Service) takeOver(ctx context.Context, b Begun, row models.APIIdempotency) (bool, error) {
	done := s.db.Write.WithContext(ctx).Exec(`UPDATE api_idempotency
		SET request_digest = ?, status = 0, headers = NULL, body = NULL, created_at = ?
		WHERE api_key_id = ? AND digest = ? AND status = ? AND created_at = ?`,
		b.call.Request[:], b.since, b.call.KeyID, b.call.digest(), row.Status, row.CreatedAt)
	if done.Error != nil {
		return false, fmt.Errorf("take over the call: %w", done.Error)
	}
	return done.RowsAffected == 1, nil
}

// Finish keeps the answer of a call that ran. It does so though the caller has gone.
func (s *Service) Finish(ctx context.Context, b Begun, a Answer) error {
	headers, err := json.Marshal(a.Header)
	if err != nil {
		return fmt.Errorf("encode the answer's headers: %w", err)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTimeout)
	defer cancel()
	err = s.db.Write.WithContext(ctx).Exec(`UPDATE api_idempotency
		SET status = ?, headers = ?, body = ?
		WHERE api_key_id = ? AND digest = ? AND status = 0 AND created_at = ?`,
		a.Status, headers, a.Body, b.call.KeyID, b.call.digest(), b.since).Error
	if err != nil {
		return fmt.Errorf("keep the answer: %w", err)
	}
	return nil
}

// Abandon forgets a call that changed nothing, so that it can be made again.
func (s *Service) Abandon(ctx context.Context, b Begun) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTimeout)
	defer cancel()
	err := s.db.Write.WithContext(ctx).Exec(`DELETE FROM api_idempotency
		WHERE api_key_id = ? AND digest = ? AND status = 0 AND created_at = ?`,
		b.call.KeyID, b.call.digest(), b.since).Error
	if err != nil {
		return fmt.Errorf("forget the call: %w", err)
	}
	return nil
}

// Prune deletes answers whose time is over.
func (s *Service) Prune(ctx context.Context) error {
	before := models.At(s.now().Add(-Kept))
	if err := s.db.Write.WithContext(ctx).Exec("DELETE FROM api_idempotency WHERE created_at < ?", before).Error; err != nil {
		return fmt.Errorf("prune kept answers: %w", err)
	}
	return nil
}
