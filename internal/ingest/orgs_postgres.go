package ingest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"latchkey/internal/orgs"
	"latchkey/internal/outbox"
	"latchkey/models"
)

// orgPostgres writes a group of updates in three round trips: the keys' states; the message ids and
// the organisations, locked; what came of it, and the commit. Message ids are claimed before
// organisations are locked, and both in sorted order, so that two instances cannot wait for each
// other in a circle.
type orgPostgres struct {
	pool *pgxpool.Pool
	subs subscriptions
}

func (s *orgPostgres) ping(ctx context.Context) error { return s.pool.Ping(ctx) }

// attempts are made when another instance makes the same organisation at the same time: it is
// found at the next.
const attempts = 4

func (s *orgPostgres) commit(ctx context.Context, now time.Time, jobs []*job, _ []*models.GatewayRequest) (dead map[*job]error, err error) {
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return nil, fmt.Errorf("acquire a connection: %w", err)
	}
	defer conn.Release()
	for range attempts {
		if dead, err = s.try(ctx, conn, now, jobs); err == nil {
			return dead, nil
		}
		// A connection that cannot even roll back is closed by its release.
		_, _ = conn.Exec(context.WithoutCancel(ctx), "ROLLBACK")
		var failed *pgconn.PgError
		if !errors.As(err, &failed) || failed.ConstraintName != "product_orgs_key" {
			break
		}
	}
	return nil, err
}

func (s *orgPostgres) try(ctx context.Context, conn *pgxpool.Conn, now time.Time, jobs []*job) (map[*job]error, error) {
	states := map[string]keyState{}
	batch := &pgx.Batch{}
	batch.Queue("BEGIN")
	batch.Queue(lockState)
	versions, moved := map[string]int{}, false
	batch.Queue("SELECT version FROM outbox_state").QueryRow(func(row pgx.Row) error {
		var version int64
		err := row.Scan(&version)
		moved = s.subs.known == nil || s.subs.known.Version != version
		return err
	})
	// A template that is being saved waits for this transaction, or this one for it.
	batch.Queue("SELECT id::text, version FROM templates WHERE id = ANY($1::uuid[]) ORDER BY id FOR SHARE", pgUUIDs(templateIDs(jobs))).
		Query(func(rows pgx.Rows) error { return scanVersions(rows, versions) })
	batch.Queue(`
		SELECT id::text, status, COALESCE(expires_at, 0), settings_version, COALESCE(template_id::text, '')
		FROM api_keys WHERE id = ANY($1::uuid[])`, pgUUIDs(keyIDs(jobs))).
		Query(func(rows pgx.Rows) error { return scanOrgStates(rows, states, versions) })
	if err := conn.SendBatch(ctx, batch).Close(); err != nil {
		return nil, fmt.Errorf("check keys: %w", err)
	}
	if moved {
		if err := s.subs.reload(ctx, outbox.Postgres(conn)); err != nil {
			return nil, err
		}
	}
	live, dead := judgeOrgs(jobs, states, now)
	p := newPlan(live, now)
	p.told = newOutgoing(s.subs.known, now)
	known, err := s.lock(ctx, conn, p)
	if err != nil {
		return nil, err
	}
	p.apply(known)
	return dead, s.write(ctx, conn, p, live)
}

func scanVersions(rows pgx.Rows, versions map[string]int) error {
	for rows.Next() {
		var id string
		var version int
		if err := rows.Scan(&id, &version); err != nil {
			return err
		}
		versions[id] = version
	}
	return rows.Err()
}

func scanOrgStates(rows pgx.Rows, states map[string]keyState, versions map[string]int) error {
	for rows.Next() {
		var id string
		var expires int64
		var state keyState
		if err := rows.Scan(&id, &state.status, &expires, &state.settings, &state.template); err != nil {
			return err
		}
		if expires != 0 {
			state.expiresAt = models.At(time.UnixMicro(expires))
		}
		state.version = versions[state.template]
		states[id] = state
	}
	return rows.Err()
}

// lock claims the message ids and locks the organisations and the replayed rows.
func (s *orgPostgres) lock(ctx context.Context, conn *pgxpool.Conn, p *plan) (map[digest]original, error) {
	batch, won, waiting := &pgx.Batch{}, map[digest]bool{}, map[string]bool{}
	replays := p.replays()
	if len(replays) > 0 {
		batch.Queue(`
			SELECT id::text FROM product_org_updates
			WHERE id = ANY($1::uuid[]) AND status IN ('failed', 'quarantined') ORDER BY id FOR UPDATE`, pgUUIDs(replays)).
			Query(func(rows pgx.Rows) error {
				ids, err := pgx.CollectRows(rows, pgx.RowTo[string])
				for _, id := range ids {
					waiting[id] = true
				}
				return err
			})
	}
	claims := p.claims()
	if len(claims) > 0 {
		s.claim(batch, claims, p.now, won)
	}
	if refs := p.refs(); len(refs) > 0 {
		lockOrgs(batch, refs, p.orgs)
	}
	if batch.Len() == 0 {
		return nil, nil
	}
	if err := conn.SendBatch(ctx, batch).Close(); err != nil {
		return nil, fmt.Errorf("claim message ids and lock organisations: %w", err)
	}
	if len(replays) > 0 {
		p.dropReplayed(waiting)
	}
	if repeats := lost(claims, won); len(repeats) > 0 {
		return originals(ctx, conn, repeats)
	}
	return nil, nil
}

// claim inserts the digests, and finds out which were there before.
func (s *orgPostgres) claim(batch *pgx.Batch, claims []*update, now time.Time, won map[digest]bool) {
	digests, ids, payloads := make([][]byte, len(claims)), make(uuids, len(claims)), make([][]byte, len(claims))
	for i, u := range claims {
		digests[i], ids[i], payloads[i] = u.row.Digest, pgUUID(&u.row.ID), u.payload[:]
	}
	batch.Queue(claimDigests, digests, ids, payloads, now.UnixMicro(), now.Add(-dedupWindow).UnixMicro()).
		Query(func(rows pgx.Rows) error {
			claimed, err := pgx.CollectRows(rows, pgx.RowTo[[]byte])
			for _, d := range claimed {
				won[digest(d)] = true
			}
			return err
		})
}

// lost are the digests of claims that were not won.
func lost(claims []*update, won map[digest]bool) [][]byte {
	var out [][]byte
	for _, u := range claims {
		if !won[digest(u.row.Digest)] {
			out = append(out, u.row.Digest)
		}
	}
	return out
}

func lockOrgs(batch *pgx.Batch, refs []orgRef, found map[orgRef]*orgRow) {
	workspaces, environments, names := make(uuids, len(refs)), make([]string, len(refs)), make([]string, len(refs))
	for i, ref := range refs {
		workspaces[i], environments[i], names[i] = pgUUID(&ref.workspaceID), ref.environment, ref.key
	}
	batch.Queue(`
		SELECT o.id::text, o.workspace_id::text, o.environment, o.org_key, o.fields, o.updates, o.last_digest, o.last_update_id::text,
			o.last_event_at, o.created_at, o.updated_at
		FROM unnest($1::uuid[], $2::text[], $3::text[]) AS wanted (workspace_id, environment, org_key)
		JOIN product_orgs o ON o.workspace_id = wanted.workspace_id AND o.environment = wanted.environment AND o.org_key = wanted.org_key
		ORDER BY o.workspace_id, o.environment, o.org_key COLLATE "C"
		FOR UPDATE OF o`, workspaces, environments, names).
		Query(func(rows pgx.Rows) error {
			for rows.Next() {
				org := &orgRow{}
				err := rows.Scan(&org.ID, &org.WorkspaceID, &org.Environment, &org.OrgKey, &org.Fields, &org.Updates, &org.LastDigest, &org.LastUpdateID,
					&org.LastEventAt, &org.CreatedAt, &org.UpdatedAt)
				if err == nil {
					err = org.read(found)
				}
				if err != nil {
					return err
				}
			}
			return rows.Err()
		})
}

// read decodes the values of a row and files it.
func (o *orgRow) read(found map[orgRef]*orgRow) (err error) {
	if o.state, err = orgs.Decode(o.Fields); err != nil {
		return fmt.Errorf("read organisation %s: %w", o.ID, err)
	}
	found[orgRef{o.WorkspaceID, o.Environment, o.OrgKey}] = o
	return nil
}

// write queues the rows that came of the plan, and the commit.
func (s *orgPostgres) write(ctx context.Context, conn *pgxpool.Conn, p *plan, jobs []*job) error {
	batch := &pgx.Batch{}
	made, changed := p.written()
	queueOrgs(batch, insertOrgs, made)
	queueOrgs(batch, updateOrgs, changed)
	inserted, rewritten := p.kept()
	queueUpdates(batch, insertUpdates, inserted)
	queueUpdates(batch, rewriteUpdates, rewritten)
	for _, j := range jobs {
		j.count()
	}
	rows := lines(jobs, nil, p.now)
	p.told.refusals(rows)
	queueRequests(queue{batch}, rows)
	if p.told.err != nil {
		return p.told.err
	}
	p.told.queue(queue{batch})
	batch.Queue("COMMIT")
	if err := conn.SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("write organisations and commit: %w", err)
	}
	s.subs.bell.Ring(p.told.endpoints()...)
	return nil
}

// queue is pgx's batch as a queuer.
type queue struct{ *pgx.Batch }

func (q queue) queue(sql string, args ...any) { q.Queue(sql, args...) }

const orgColumns = `id, workspace_id, environment, org_key, name, domain, plan, trial_status, mrr, user_count, fields, updates,
	last_digest, last_update_id, last_event_at, created_at, updated_at`

const orgArrays = `unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::float8[], $10::bigint[],
	$11::bytea[], $12::bigint[], $13::bytea[], $14::uuid[], $15::bigint[], $16::bigint[], $17::bigint[]) AS new (` + orgColumns + `)`

var (
	insertOrgs = "INSERT INTO product_orgs (" + orgColumns + ") SELECT " + orgColumns + " FROM " + orgArrays
	updateOrgs = "UPDATE product_orgs o SET " + assignments("name, domain, plan, trial_status, mrr, user_count, fields, updates, last_digest, last_update_id, last_event_at, updated_at") +
		" FROM " + orgArrays + " WHERE o.id = new.id"
)

// assignments sets columns to those of the same name in new.
func assignments(columns string) string {
	names := strings.Split(columns, ", ")
	for i, name := range names {
		names[i] = name + " = new." + name
	}
	return strings.Join(names, ", ")
}

func queueOrgs(batch *pgx.Batch, statement string, rows []*models.ProductOrg) {
	n := len(rows)
	if n == 0 {
		return
	}
	ids, workspaces, environments, names := make(uuids, n), make(uuids, n), make([]string, n), make([]string, n)
	titles, domains, plans, trials := make([]string, n), make([]string, n), make([]string, n), make([]string, n)
	mrr, users, fields, updates := make([]*float64, n), make([]*int64, n), make([][]byte, n), make([]int64, n)
	digests, last, events, created, updated := make([][]byte, n), make(uuids, n), make([]int64, n), make([]int64, n), make([]int64, n)
	for i, o := range rows {
		ids[i], workspaces[i], environments[i], names[i] = pgUUID(&o.ID), pgUUID(&o.WorkspaceID), o.Environment, o.OrgKey
		titles[i], domains[i], plans[i], trials[i] = o.Name, o.Domain, o.Plan, o.TrialStatus
		mrr[i], users[i], fields[i], updates[i] = o.MRR, o.UserCount, o.Fields, o.Updates
		digests[i], last[i] = o.LastDigest, pgUUID(o.LastUpdateID)
		events[i], created[i], updated[i] = o.LastEventAt.UnixMicro(), o.CreatedAt.UnixMicro(), o.UpdatedAt.UnixMicro()
	}
	batch.Queue(statement, ids, workspaces, environments, names, titles, domains, plans, trials, mrr, users, fields, updates, digests, last, events, created, updated)
}

const updateColumns = `id, workspace_id, environment, api_key_id, request_id, item_index, org_id, org_key, status, template_id, template_version,
	message_id, digest, warnings, changes, problems, mrr, user_count, occurred_at, received_at, replayed_at, replayed_by, raw`

const updateArrays = `unnest($1::uuid[], $2::uuid[], $3::text[], $4::uuid[], $5::uuid[], $6::int[], $7::uuid[], $8::text[], $9::text[], $10::uuid[], $11::int[],
	$12::text[], $13::bytea[], $14::text[], $15::bytea[], $16::bytea[], $17::float8[], $18::bigint[], $19::bigint[], $20::bigint[], $21::bigint[], $22::uuid[], $23::bytea[])
	AS new (` + updateColumns + `)`

var (
	insertUpdates  = "INSERT INTO product_org_updates (" + updateColumns + ") SELECT " + updateColumns + " FROM " + updateArrays
	rewriteUpdates = "UPDATE product_org_updates u SET " +
		assignments("org_id, org_key, status, template_id, template_version, message_id, digest, warnings, changes, problems, mrr, user_count, occurred_at, replayed_at, replayed_by") +
		" FROM " + updateArrays + " WHERE u.id = new.id"
)

func queueUpdates(batch *pgx.Batch, statement string, rows []*models.ProductOrgUpdate) {
	n := len(rows)
	if n == 0 {
		return
	}
	ids, workspaces, keys, requests, orgIDs := make(uuids, n), make(uuids, n), make(uuids, n), make(uuids, n), make(uuids, n)
	environments, orgKeys, statuses, messages, warnings := make([]string, n), make([]string, n), make([]string, n), make([]string, n), make([]string, n)
	indexes, versions, templates := make([]int32, n), make([]int32, n), make(uuids, n)
	digests, changes, problems, raws := make([][]byte, n), make([][]byte, n), make([][]byte, n), make([][]byte, n)
	mrr, users, occurred, received := make([]*float64, n), make([]*int64, n), make([]int64, n), make([]int64, n)
	replayed, replayers := make([]*int64, n), make(uuids, n)
	for i, u := range rows {
		ids[i], workspaces[i], keys[i], requests[i], orgIDs[i] = pgUUID(&u.ID), pgUUID(&u.WorkspaceID), pgUUID(&u.APIKeyID), pgUUID(&u.RequestID), pgUUID(u.OrgID)
		environments[i], orgKeys[i], statuses[i], messages[i], warnings[i] = u.Environment, u.OrgKey, u.Status, u.MessageID, u.Warnings
		indexes[i], versions[i], templates[i] = int32(u.ItemIndex), int32(u.TemplateVersion), pgUUID(u.TemplateID)
		digests[i], changes[i], problems[i], raws[i] = u.Digest, u.Changes, u.Problems, u.Raw
		mrr[i], users[i], occurred[i], received[i] = u.MRR, u.UserCount, u.OccurredAt.UnixMicro(), u.ReceivedAt.UnixMicro()
		if !u.ReplayedAt.IsZero() {
			at := u.ReplayedAt.UnixMicro()
			replayed[i] = &at
		}
		replayers[i] = pgUUID(u.ReplayedBy)
	}
	if statement == rewriteUpdates {
		raws = slices.Repeat([][]byte{nil}, n) // the bytes stay as they are
	}
	batch.Queue(statement, ids, workspaces, environments, keys, requests, indexes, orgIDs, orgKeys, statuses, templates, versions,
		messages, digests, warnings, changes, problems, mrr, users, occurred, received, replayed, replayers, raws)
}
