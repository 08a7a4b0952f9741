package usage

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"gorm.io/gorm"

	"latchkey/internal/database"
	"latchkey/models"
)

// upsert says how rows are added to a table. The cells are written without GORM's models: with many
// busy keys the rows are as many as the events.
type upsert struct {
	table, key string  // the primary key's columns, with a comma
	cells      []cell  // of the primary key too
	set        string  // what becomes of a row that is there
	rows       [][]any // a string, an int64 or nil a cell
}

// cell is a column and its type, one of uuid, text and bigint.
type cell struct{ name, kind string }

func (u *upsert) columns() string {
	names := make([]string, len(u.cells))
	for i, c := range u.cells {
		names[i] = c.name
	}
	return strings.Join(names, ", ")
}

func (u *upsert) statement(source string) string {
	return "INSERT INTO " + u.table + " (" + u.columns() + ") " + source + " ON CONFLICT (" + u.key + ") DO UPDATE SET " + u.set
}

// write adds everything in one transaction. Rows are sorted, so that several instances lock them in
// one order.
func (g *gathered) write(ctx context.Context, db *database.DB) error {
	tables := []upsert{g.minuteRows(), g.lastRows(), g.scopeRows()}
	if db.IsPostgres() {
		return writePostgres(ctx, db, tables)
	}
	return db.Tx(ctx, func(tx *gorm.DB) error {
		for i := range tables {
			if err := tables[i].write(tx.WithContext(ctx)); err != nil {
				return err
			}
		}
		return nil
	})
}

// writePostgres sends all tables in one round trip, each as arrays, and commits in another: a
// connection that is lost before leaves nothing behind, and the counts can be sent again.
func writePostgres(ctx context.Context, db *database.DB, tables []upsert) error {
	batch := &pgx.Batch{}
	for i := range tables {
		if t := &tables[i]; len(t.rows) > 0 {
			text, columns := t.arrays()
			batch.Queue(text, columns...)
		}
	}
	err := pgx.BeginFunc(ctx, db.Pool, func(tx pgx.Tx) error { return tx.SendBatch(ctx, batch).Close() })
	if err != nil {
		return fmt.Errorf("add usage: %w", err)
	}
	return nil
}

func (u *upsert) arrays() (text string, columns []any) {
	source := make([]string, len(u.cells))
	for i, c := range u.cells {
		source[i] = fmt.Sprintf("$%d::%s[]", i+1, c.kind)
		columns = append(columns, c.column(u.rows, i))
	}
	return u.statement("SELECT * FROM unnest(" + strings.Join(source, ", ") + ") AS new"), columns
}

// column is one cell of each row; a pointer to nothing is NULL.
func (c cell) column(rows [][]any, i int) any {
	if c.kind == "bigint" {
		return column[int64](rows, i)
	}
	return column[string](rows, i)
}

func column[T any](rows [][]any, i int) []*T {
	out := make([]*T, len(rows))
	for n, row := range rows {
		if row[i] != nil {
			v := row[i].(T)
			out[n] = &v
		}
	}
	return out
}

// sizes are how many rows a statement writes on SQLite, within its bound of 32,766 parameters.
var sizes = []int{256, 16, 1}

func (u *upsert) write(tx *gorm.DB) error {
	one := "(?" + strings.Repeat(", ?", len(u.cells)-1) + ")"
	rows := u.rows
	for _, size := range sizes {
		text := u.statement("VALUES " + one + strings.Repeat(", "+one, size-1))
		for ; len(rows) >= size; rows = rows[size:] {
			if err := tx.Exec(text, slices.Concat(rows[:size]...)...).Error; err != nil {
				return fmt.Errorf("add usage to %s: %w", u.table, err)
			}
		}
	}
	return nil
}

// minuteRows add counts to the rows that are there.
func (g *gathered) minuteRows() upsert {
	u := upsert{table: "key_usage_minutes", key: "api_key_id, minute", cells: []cell{
		{"api_key_id", "uuid"}, {"minute", "bigint"}, {"workspace_id", "uuid"}, {"environment", "text"},
	}}
	var sums []string
	for _, name := range []string{"accepted", "duplicates", "rejected", "previous", "outside"} {
		u.cells = append(u.cells, cell{name, "bigint"})
		sums = append(sums, fmt.Sprintf("%[1]s = key_usage_minutes.%[1]s + excluded.%[1]s", name))
	}
	u.set = strings.Join(sums, ", ")
	sorted := slices.SortedFunc(maps.Values(g.minutes), func(a, b *models.KeyUsageMinute) int {
		return cmp.Or(cmp.Compare(a.APIKeyID, b.APIKeyID), cmp.Compare(a.Minute, b.Minute))
	})
	for _, m := range sorted {
		u.rows = append(u.rows, []any{
			m.APIKeyID, m.Minute, m.WorkspaceID, m.Environment, m.Accepted, m.Duplicates, m.Rejected, m.Previous, m.Outside,
		})
	}
	return u
}

// lastColumns are the columns of key_last_used, each with the instant that it belongs to.
var lastColumns = []struct{ name, kind, at string }{
	{"last_used_at", "bigint", "last_used_at"}, {"ip", "text", "last_used_at"}, {"user_agent", "text", "last_used_at"},
	{"last_refused_at", "bigint", "last_refused_at"}, {"refused_ip", "text", "last_refused_at"}, {"refused_user_agent", "text", "last_refused_at"},
	{"browser_seen_at", "bigint", "browser_seen_at"},
	{"previous_used_at", "bigint", "previous_used_at"}, {"previous_ip", "text", "previous_used_at"}, {"previous_user_agent", "text", "previous_used_at"},
	{"outside_at", "bigint", "outside_at"}, {"outside_ip", "text", "outside_at"},
}

// lastRows move last uses forward; what this instance has not seen stays as it is.
func (g *gathered) lastRows() upsert {
	u := upsert{table: "key_last_used", key: "api_key_id", cells: []cell{{"api_key_id", "uuid"}}}
	var newer []string
	for _, c := range lastColumns {
		u.cells = append(u.cells, cell{c.name, c.kind})
		newer = append(newer, fmt.Sprintf(
			"%[1]s = CASE WHEN COALESCE(excluded.%[2]s, 0) >= COALESCE(key_last_used.%[2]s, 1) THEN excluded.%[1]s ELSE key_last_used.%[1]s END", c.name, c.at))
	}
	u.set = strings.Join(newer, ", ")
	for _, l := range slices.SortedFunc(maps.Values(g.last), func(a, b *models.KeyLastUsed) int { return cmp.Compare(a.APIKeyID, b.APIKeyID) }) {
		u.rows = append(u.rows, []any{
			l.APIKeyID, micros(l.LastUsedAt), l.IP, l.UserAgent, micros(l.LastRefusedAt), l.RefusedIP, l.RefusedUserAgent, micros(l.BrowserSeenAt),
			micros(l.PreviousUsedAt), l.PreviousIP, l.PreviousUserAgent, micros(l.OutsideAt), l.OutsideIP,
		})
	}
	return u
}

// scopeRows move the last uses of scopes forward.
func (g *gathered) scopeRows() upsert {
	u := upsert{
		table: "key_scope_uses", key: "api_key_id, scope", cells: []cell{{"api_key_id", "uuid"}, {"scope", "text"}, {"last_used_at", "bigint"}},
		set: "last_used_at = CASE WHEN excluded.last_used_at > key_scope_uses.last_used_at THEN excluded.last_used_at ELSE key_scope_uses.last_used_at END",
	}
	sorted := slices.SortedFunc(maps.Keys(g.scopes), func(a, b scopeKey) int {
		return cmp.Or(cmp.Compare(a.keyID, b.keyID), cmp.Compare(a.scope, b.scope))
	})
	for _, k := range sorted {
		u.rows = append(u.rows, []any{k.keyID, k.scope, micros(models.At(g.scopes[k]))})
	}
	return u
}

// micros is an instant as it is stored; nil when there is none.
func micros(t models.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMicro()
}
