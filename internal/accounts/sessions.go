package accounts

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"latchkey/internal/audit"
	"latchkey/internal/database"
	"latchkey/internal/fault"
	"latchkey/models"
)

// seenEvery bounds how often a session's row is written for having been seen.
const seenEvery = time.Minute

// Visit is a valid session with its account; Account.ID is empty when nobody is signed in.
type Visit struct {
	SessionID string
	Account   models.Account
	Data      []byte
	seenAt    time.Time
}

// Visit looks up the session of a cookie. A session that is unknown, idle for too long or too old
// is no error: the visit is empty then.
func (s *Service) Visit(ctx context.Context, token string) (Visit, error) {
	if token == "" {
		return Visit{}, nil
	}
	rows, err := gorm.G[models.Session](s.db.Read).Where("token_hash = ?", hashToken(token)).Limit(1).Find(ctx)
	if err != nil {
		return Visit{}, fmt.Errorf("select session: %w", err)
	}
	if len(rows) == 0 || !s.alive(rows[0]) {
		return Visit{}, nil
	}
	v := Visit{SessionID: rows[0].ID, Data: rows[0].Data, seenAt: rows[0].LastSeenAt.Time}
	if rows[0].AccountID == nil {
		return v, nil
	}
	if v.Account, err = account(ctx, s.db.Read, *rows[0].AccountID); fault.Is(err, fault.NotFound) {
		return Visit{}, nil
	}
	return v, err
}

func (s *Service) alive(row models.Session) bool {
	now := s.now()
	return now.Before(row.ExpiresAt.Time) && now.Before(row.LastSeenAt.Add(s.cfg.IdleTimeout))
}

// Seen notes that the session is in use, and from where; at most once a minute.
func (s *Service) Seen(ctx context.Context, v Visit, client Client) error {
	now := s.now()
	if v.Account.ID == "" || now.Before(v.seenAt.Add(seenEvery)) {
		return nil
	}
	_, err := gorm.G[models.Session](s.db.Write).Where("id = ?", v.SessionID).Set(clause.Assignments(map[string]any{
		"last_seen_at": models.At(now), "ip": client.IP, "user_agent": clip(client.UserAgent, 500),
	})).Update(ctx)
	if err != nil {
		return fmt.Errorf("note that the session was seen: %w", err)
	}
	return nil
}

// beginSession inserts a session for the account, within tx.
func (s *Service) beginSession(ctx context.Context, tx *gorm.DB, a models.Account, client Client) (SignedIn, error) {
	text, hash, err := s.newToken()
	if err != nil {
		return SignedIn{}, err
	}
	now := s.now()
	row := models.Session{
		ID: newID(), TokenHash: hash, AccountID: &a.ID, IP: client.IP, UserAgent: clip(client.UserAgent, 500),
		CreatedAt: models.At(now), LastSeenAt: models.At(now), ExpiresAt: models.At(now.Add(s.cfg.AbsoluteTimeout)),
	}
	if err := gorm.G[models.Session](tx).Create(ctx, &row); err != nil {
		return SignedIn{}, fmt.Errorf("create session: %w", err)
	}
	return SignedIn{Token: text, Account: a}, nil
}

// SignOut ends the session of a cookie; an unknown one is no error.
func (s *Service) SignOut(ctx context.Context, v Visit, client Client) error {
	if v.SessionID == "" {
		return nil
	}
	return s.db.Tx(ctx, func(tx *gorm.DB) error {
		n, err := gorm.G[models.Session](tx).Where("id = ?", v.SessionID).Delete(ctx)
		if err != nil {
			return fmt.Errorf("delete session: %w", err)
		}
		if n == 0 || v.Account.ID == "" {
			return nil
		}
		return s.recordEnded(ctx, tx, v.Account, client, n)
	})
}

// Sessions lists the account's sessions that are still valid, the latest seen first.
func (s *Service) Sessions(ctx context.Context, accountID string) ([]models.Session, error) {
	rows, err := gorm.G[models.Session](s.db.Read).Where("account_id = ?", accountID).Order("last_seen_at DESC, id").Find(ctx)
	if err != nil {
		return nil, fmt.Errorf("list sessions: %w", err)
	}
	valid := rows[:0]
	for _, row := range rows {
		if s.alive(row) {
			valid = append(valid, row)
		}
	}
	return valid, nil
}

// EndSession ends one session of the account, or returns NotFound.
func (s *Service) EndSession(ctx context.Context, a models.Account, sessionID string, client Client) error {
	gone := fault.New(fault.NotFound, "This session has ended already.")
	if !database.ValidID(sessionID) {
		return gone
	}
	return s.db.Tx(ctx, func(tx *gorm.DB) error {
		n, err := gorm.G[models.Session](tx).Where("id = ? AND account_id = ?", sessionID, a.ID).Delete(ctx)
		if err != nil {
			return fmt.Errorf("delete session: %w", err)
		}
		if n == 0 {
			return gone
		}
		return s.recordEnded(ctx, tx, a, client, n)
	})
}

// EndOtherSessions ends every session of the account but the one given, and says how many.
func (s *Service) EndOtherSessions(ctx context.Context, v Visit, client Client) (int, error) {
	var n int
	err := s.db.Tx(ctx, func(tx *gorm.DB) (err error) {
		n, err = gorm.G[models.Session](tx).Where("account_id = ? AND id <> ?", v.Account.ID, v.SessionID).Delete(ctx)
		if err != nil || n == 0 {
			return err
		}
		return s.recordEnded(ctx, tx, v.Account, client, n)
	})
	if err != nil {
		return 0, fmt.Errorf("end other sessions: %w", err)
	}
	return n, nil
}

func (s *Service) recordEnded(ctx context.Context, tx *gorm.DB, a models.Account, client Client, n int) error {
	return audit.Record(ctx, tx, s.now(), self(a, client), audit.Change{
		Action: "session.ended", Target: accountTarget(a), After: audit.Values{"sessions_ended": n},
	})
}

func deleteSessionByToken(ctx context.Context, tx *gorm.DB, token string) error {
	if token == "" {
		return nil
	}
	if _, err := gorm.G[models.Session](tx).Where("token_hash = ?", hashToken(token)).Delete(ctx); err != nil {
		return fmt.Errorf("delete the old session: %w", err)
	}
	return nil
}

// endSessionsOf ends every session of the account, within tx.
func endSessionsOf(ctx context.Context, tx *gorm.DB, accountID string) (int, error) {
	n, err := gorm.G[models.Session](tx).Where("account_id = ?", accountID).Delete(ctx)
	if err != nil {
		return 0, fmt.Errorf("delete the account's sessions: %w", err)
	}
	return n, nil
}

// lockAccount reads the account for a change, so that two changes wait for each other.
func lockAccount(ctx context.Context, tx *gorm.DB, id string) (models.Account, error) {
	a, err := gorm.G[models.Account](tx, rowLock).Where("id = ?", id).Take(ctx)
	if database.IsNotFound(err) {
		return a, fault.New(fault.NotFound, "This account does not exist.")
	}
	if err != nil {
		return a, fmt.Errorf("lock account: %w", err)
	}
	return a, nil
}

// PruneSessions deletes sessions that are over, throttles and set-up tokens that no longer count.
func (s *Service) PruneSessions(ctx context.Context) error {
	now := s.now()
	return s.db.Tx(ctx, func(tx *gorm.DB) error {
		_, err := gorm.G[models.Session](tx).
			Where("expires_at <= ? OR last_seen_at <= ?", models.At(now), models.At(now.Add(-s.cfg.IdleTimeout))).Delete(ctx)
		if err != nil {
			return fmt.Errorf("prune sessions: %w", err)
		}
		_, err = gorm.G[models.SignInThrottle](tx).
			Where("window_start <= ? AND (blocked_until IS NULL OR blocked_until <= ?)", models.At(now.Add(-throttleWindow)), models.At(now)).Delete(ctx)
		if err != nil {
			return fmt.Errorf("prune throttles: %w", err)
		}
		_, err = gorm.G[models.SetupToken](tx).Where("created_at <= ?", models.At(now.Add(-setupTokenLife))).Delete(ctx)
		if err != nil {
			return fmt.Errorf("prune set-up tokens: %w", err)
		}
		return nil
	})
}

func clip(s string, n int) string {
	if len(s) > n {
		s = s[:n]
	}
	// A byte sequence that is no text, or NUL, is refused by Postgres and not by SQLite.
	return cleanText(s)
}
