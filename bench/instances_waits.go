package main

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// What the instances' backends are at, and which locks are waited for.
const selectWaits = `
	SELECT COALESCE(wait_event_type || ':' || wait_event, 'CPU')
	FROM pg_stat_activity
	WHERE datname = current_database() AND application_name = 'latchkey' AND state = 'active'
	UNION ALL
	SELECT 'not granted: ' || locktype || ' ' || mode || COALESCE(' on ' || relation::regclass::text, '')
	FROM pg_locks
	WHERE NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`

const sampleEvery = 20 * time.Millisecond

// sampleWaits counts until ctx ends.
func (c *cluster) sampleWaits(ctx context.Context, name string) error {
	conn, err := pgx.Connect(context.WithoutCancel(ctx), c.product.config.URL)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	counts := c.waits[name]
	if counts == nil {
		counts = map[string]int{}
		c.waits[name] = counts
	}
	tick := time.NewTicker(sampleEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		rows, err := conn.Query(context.WithoutCancel(ctx), selectWaits)
		if err != nil {
			return err
		}
		waits, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			return err
		}
		for _, w := range waits {
			counts[w]++
		}
	}
}

// tableStat is what pg_stat_user_tables counts.
type tableStat struct{ inserted, updated, hot, dead int64 }

func (c *cluster) tableStats(ctx context.Context) (map[string]tableStat, error) {
	conn, err := pgx.Connect(ctx, c.product.config.URL)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close(ctx) }()
	rows, err := conn.Query(ctx, "SELECT relname, n_tup_ins, n_tup_upd, n_tup_hot_upd, n_dead_tup FROM pg_stat_user_tables")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	stats := map[string]tableStat{}
	for rows.Next() {
		var name string
		var s tableStat
		if err := rows.Scan(&name, &s.inserted, &s.updated, &s.hot, &s.dead); err != nil {
			return nil, err
		}
		stats[name] = s
	}
	return stats, rows.Err()
}
