package dispatch

import (
	"context"
	"database/sql"
	"fmt"
)

func (s *sqliteStore) commit(ctx context.Context, g group) (written, error) {
	tx, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return written{}, fmt.Errorf("begin: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // does nothing after the commit
	done := g.nothing()
	if err := writeStates(ctx, tx, g, done.states); err != nil {
		return written{}, err
	}
	if err := writeOutcomes(ctx, tx, g, done.outcomes); err != nil {
		return written{}, err
	}
	if err := writeMinutes(ctx, tx, g); err != nil {
		return written{}, err
	}
	if err := tx.Commit(); err != nil {
		return written{}, fmt.Errorf("commit: %w", err)
	}
	return done, nil
}

func writeOutcomes(ctx context.Context, tx *sql.Tx, g group, applied []bool) error {
	update, err := tx.PrepareContext(ctx, `
		UPDATE deliveries
		SET status = ?, step = ?, attempts = attempts + 1, next_attempt_at = NULLIF(?, 0), last_status = ?, last_error = ?, finished_at = NULLIF(?, 0)
		WHERE endpoint_id = ? AND message_id = ? AND attempts = ?
			AND (+status = 'pending' OR +status = 'skipped' AND ? = 'delivered')`)
	if err != nil {
		return fmt.Errorf("write deliveries: %w", err)
	}
	defer func() { _ = update.Close() }()
	insert, err := tx.PrepareContext(ctx, `
		INSERT INTO delivery_attempts (endpoint_id, message_id, number, started_at, duration_us, status, error, detail, response, truncated, cause)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT DO NOTHING`)
	if err != nil {
		return fmt.Errorf("write attempts: %w", err)
	}
	defer func() { _ = insert.Close() }()
	for i, o := range g.outcomes {
		id := o.messageID.String()
		done, err := update.ExecContext(ctx, o.status, o.step, micros(o.next), o.http, o.error, micros(o.finished), o.owner.id, id, o.attempts, o.status)
		if err != nil {
			return fmt.Errorf("write delivery: %w", err)
		}
		if n, _ := done.RowsAffected(); n == 0 {
			continue
		}
		applied[i] = true
		_, err = insert.ExecContext(ctx, o.owner.id, id, o.attempts+1, micros(o.started), o.duration.Microseconds(), o.http, o.error, o.detail, o.response, o.truncated, o.cause)
		if err != nil {
			return fmt.Errorf("write attempt: %w", err)
		}
	}
	return nil
}

func writeStates(ctx context.Context, tx *sql.Tx, g group, kept []bool) error {
	for i, s := range g.states {
		done, err := tx.ExecContext(ctx, `
			UPDATE endpoint_states
			SET warned = CASE WHEN failing_since = NULLIF(?1, 0) THEN warned ELSE 0 END, failing_since = NULLIF(?1, 0), failures = ?2,
				last_success_at = NULLIF(?3, 0), last_failure_at = NULLIF(?4, 0), last_error = ?5, paused_until = NULLIF(?6, 0)
			WHERE endpoint_id = ?7 AND leased_by = ?8 AND failing_since IS NULLIF(?9, 0)`,
			micros(s.failingSince), s.failures, micros(s.lastSuccess), micros(s.lastFailure), s.lastError, micros(s.pausedUntil), s.uuid.String(), g.instance, micros(s.known))
		if err != nil {
			return fmt.Errorf("write states: %w", err)
		}
		n, _ := done.RowsAffected()
		kept[i] = n == 1
	}
	return nil
}

func writeMinutes(ctx context.Context, tx *sql.Tx, g group) error {
	for _, m := range g.minutes {
		_, err := tx.ExecContext(ctx, `
			INSERT INTO endpoint_minutes (endpoint_id, minute, delivered, failed, duration_us)
			VALUES (?, ?, ?, ?, ?)
			ON CONFLICT (endpoint_id, minute) DO UPDATE
			SET delivered = delivered + excluded.delivered, failed = failed + excluded.failed, duration_us = duration_us + excluded.duration_us`,
			m.endpointID, m.minute, m.delivered, m.failed, m.durationUS)
		if err != nil {
			return fmt.Errorf("write minutes: %w", err)
		}
	}
	return nil
}
