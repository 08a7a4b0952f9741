package ingest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"latchkey/models"
)

// orgSQLite writes a group of updates in one transaction, which holds the write lock from its
// BEGIN.
type orgSQLite struct {
	db   *sql.DB
	subs subscriptions
}

func (s *orgSQLite) ping(ctx context.Context) error {
	_, err := s.db.ExecContext(ctx, "SELECT 1")
	return err
}

func (s *orgSQLite) commit(ctx context.Context, now time.Time, jobs []*job, _ []*models.GatewayRequest) (map[*job]error, error) {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return nil, fmt.Errorf("begin: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // does nothing after the commit
	states, err := orgStates(ctx, tx, keyIDs(jobs))
	if err != nil {
		return nil, err
	}
	if err := s.subs.refresh(ctx, tx); err != nil {
		return nil, err
	}
	live, dead := judgeOrgs(jobs, states, now)
	p := newPlan(live, now)
	p.told = newOutgoing(s.subs.known, now)
	known, err := s.lock(ctx, tx, p)
	if err != nil {
		return nil, err
	}
	p.apply(known)
	if err := s.write(ctx, tx, p, live); err != nil {
		return nil, err
	}
	if err := tx.Commit(); err != nil {
		return nil, fmt.Errorf("commit: %w", err)
	}
	s.subs.bell.Ring(p.told.endpoints()...)
	return dead, nil
}

func orgStates(ctx context.Context, tx *sql.Tx, ids []string) (map[string]keyState, error) {
	states := make(map[string]keyState, len(ids))
	for _, id := range ids {
		var state keyState
		err := tx.QueryRowContext(ctx, `
			SELECT k.status, k.expires_at, k.settings_version, COALESCE(k.template_id, ''), COALESCE(t.version, 0)
			FROM api_keys k LEFT JOIN templates t ON t.id = k.template_id WHERE k.id = ?`, id).
			Scan(&state.status, &state.expiresAt, &state.settings, &state.template, &state.version)
		if errors.Is(err, sql.ErrNoRows) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("check keys: %w", err)
		}
		states[id] = state
	}
	return states, nil
}

// lock claims the message ids and reads what the updates are about; the transaction has its lock.
func (s *orgSQLite) lock(ctx context.Context, tx *sql.Tx, p *plan) (map[digest]original, error) {
	if replays := p.replays(); len(replays) > 0 {
		waiting := map[string]bool{}
		for _, id := range replays {
			var n int
			err := tx.QueryRowContext(ctx, "SELECT COUNT(*) FROM product_org_updates WHERE id = ? AND status IN ('failed', 'quarantined')", id).Scan(&n)
			if err != nil {
				return nil, fmt.Errorf("read replayed updates: %w", err)
			}
			waiting[id] = n == 1
		}
		p.dropReplayed(waiting)
	}
	known, err := claimOrgs(ctx, tx, p)
	if err != nil {
		return nil, err
	}
	return known, readOrgs(ctx, tx, p)
}

func claimOrgs(ctx context.Context, tx *sql.Tx, p *plan) (map[digest]original, error) {
	claims, known := p.claims(), map[digest]original{}
	if len(claims) == 0 {
		return known, nil
	}
	stmt, err := tx.PrepareContext(ctx, claimDigest)
	if err != nil {
		return nil, fmt.Errorf("claim message ids: %w", err)
	}
	defer func() { _ = stmt.Close() }()
	for _, u := range claims {
		done, err := stmt.ExecContext(ctx, u.row.Digest, u.row.ID, u.payload[:], p.now.UnixMicro(), p.now.Add(-dedupWindow).UnixMicro())
		if err != nil {
			return nil, fmt.Errorf("claim message ids: %w", err)
		}
		if n, _ := done.RowsAffected(); n == 1 {
			continue
		}
		var o original
		err = tx.QueryRowContext(ctx, "SELECT signal_id, payload_digest FROM signal_dedup WHERE digest = ?", u.row.Digest).Scan(&o.signalID, &o.payload)
		if err != nil {
			return nil, fmt.Errorf("look up first update: %w", err)
		}
		known[digest(u.row.Digest)] = o
	}
	return known, nil
}

func readOrgs(ctx context.Context, tx *sql.Tx, p *plan) error {
	refs := p.refs()
	if len(refs) == 0 {
		return nil
	}
	stmt, err := tx.PrepareContext(ctx, `
		SELECT id, fields, updates, last_digest, last_update_id, last_event_at, created_at, updated_at
		FROM product_orgs WHERE workspace_id = ? AND environment = ? AND org_key = ?`)
	if err != nil {
		return fmt.Errorf("read organisations: %w", err)
	}
	defer func() { _ = stmt.Close() }()
	for _, ref := range refs {
		org := &orgRow{ProductOrg: models.ProductOrg{WorkspaceID: ref.workspaceID, Environment: ref.environment, OrgKey: ref.key}}
		err := stmt.QueryRowContext(ctx, ref.workspaceID, ref.environment, ref.key).
			Scan(&org.ID, &org.Fields, &org.Updates, &org.LastDigest, &org.LastUpdateID, &org.LastEventAt, &org.CreatedAt, &org.UpdatedAt)
		if errors.Is(err, sql.ErrNoRows) {
			continue
		}
		if err == nil {
			err = org.read(p.orgs)
		}
		if err != nil {
			return fmt.Errorf("read organisations: %w", err)
		}
	}
	return nil
}

func (s *orgSQLite) write(ctx context.Context, tx *sql.Tx, p *plan, jobs []*job) error {
	made, changed := p.written()
	err := insertEach(ctx, tx, "product_orgs", orgColumns, len(made), func(i int) []any {
		o := made[i]
		return []any{
			o.ID, o.WorkspaceID, o.Environment, o.OrgKey, o.Name, o.Domain, o.Plan, o.TrialStatus, o.MRR, o.UserCount, o.Fields, o.Updates,
			o.LastDigest, o.LastUpdateID, o.LastEventAt, o.CreatedAt, o.UpdatedAt,
		}
	})
	if err != nil {
		return err
	}
	err = each(ctx, tx, `
		UPDATE product_orgs SET name = ?, domain = ?, plan = ?, trial_status = ?, mrr = ?, user_count = ?, fields = ?, updates = ?,
			last_digest = ?, last_update_id = ?, last_event_at = ?, updated_at = ? WHERE id = ?`, len(changed), func(i int) []any {
		o := changed[i]
		return []any{
			o.Name, o.Domain, o.Plan, o.TrialStatus, o.MRR, o.UserCount, o.Fields, o.Updates,
			o.LastDigest, o.LastUpdateID, o.LastEventAt, o.UpdatedAt, o.ID,
		}
	})
	if err != nil {
		return err
	}
	if err := writeUpdates(ctx, tx, p); err != nil {
		return err
	}
	for _, j := range jobs {
		j.count()
	}
	rows := lines(jobs, nil, p.now)
	p.told.refusals(rows)
	if err := insertRequests(ctx, tx, rows); err != nil {
		return err
	}
	return p.told.write(ctx, tx)
}

func writeUpdates(ctx context.Context, tx *sql.Tx, p *plan) error {
	inserted, rewritten := p.kept()
	err := insertEach(ctx, tx, "product_org_updates", updateColumns, len(inserted), func(i int) []any {
		u := inserted[i]
		return []any{
			u.ID, u.WorkspaceID, u.Environment, u.APIKeyID, u.RequestID, u.ItemIndex, u.OrgID, u.OrgKey, u.Status, u.TemplateID, u.TemplateVersion,
			u.MessageID, u.Digest, u.Warnings, u.Changes, u.Problems, u.MRR, u.UserCount, u.OccurredAt, u.ReceivedAt, u.ReplayedAt, u.ReplayedBy, u.Raw,
		}
	})
	if err != nil {
		return err
	}
	return each(ctx, tx, `
		UPDATE product_org_updates SET org_id = ?, org_key = ?, status = ?, template_id = ?, template_version = ?, message_id = ?, digest = ?,
			warnings = ?, changes = ?, problems = ?, mrr = ?, user_count = ?, occurred_at = ?, replayed_at = ?, replayed_by = ? WHERE id = ?`,
		len(rewritten), func(i int) []any {
			u := rewritten[i]
			return []any{
				u.OrgID, u.OrgKey, u.Status, u.TemplateID, u.TemplateVersion, u.MessageID, u.Digest,
				u.Warnings, u.Changes, u.Problems, u.MRR, u.UserCount, u.OccurredAt, u.ReplayedAt, u.ReplayedBy, u.ID,
			}
		})
}

// insertEach inserts n rows with one prepared statement.
func insertEach(ctx context.Context, tx *sql.Tx, table, columns string, n int, row func(int) []any) error {
	return each(ctx, tx, insertValues(table, columns, 1), n, row)
}

// insertValues is a statement that inserts n rows.
func insertValues(table, columns string, n int) string {
	row := "(" + strings.TrimSuffix(strings.Repeat("?, ", strings.Count(columns, ",")+1), ", ") + ")"
	return "INSERT INTO " + table + " (" + columns + ") VALUES " + strings.TrimSuffix(strings.Repeat(row+", ", n), ", ")
}

// each runs a statement n times, prepared once.
func each(ctx context.Context, tx *sql.Tx, statement string, n int, row func(int) []any) error {
	if n == 0 {
		return nil
	}
	stmt, err := tx.PrepareContext(ctx, statement)
	if err != nil {
		return fmt.Errorf("prepare: %w", err)
	}
	defer func() { _ = stmt.Close() }()
	// A row takes microseconds, and the transaction's beginning and end heed ctx. The driver would
	// start a goroutine for each row to watch it.
	unwatched := context.WithoutCancel(ctx)
	for i := range n {
		if _, err := stmt.ExecContext(unwatched, row(i)...); err != nil {
			words := strings.Fields(statement)
			return fmt.Errorf("%s: %w", strings.Join(words[:min(3, len(words))], " "), err)
		}
	}
	return nil
}
