package apptest

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"testing"

	"latchkey/internal/database"
)

// counted are the tables that reading and being refused write to: what was used, when and how often.
var counted = []string{"key_usage_minutes", "key_last_used", "key_scope_uses", "rate_slots"}

// Digests are what each table holds, but for the counters of use: two are equal when nothing was
// written between.
func Digests(t testing.TB, db *database.DB) map[string]string {
	t.Helper()
	query := "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
	if db.IsPostgres() {
		query = "SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema()"
	}
	var tables []string
	if err := db.Read.WithContext(t.Context()).Raw(query).Scan(&tables).Error; err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, name := range tables {
		if !slices.Contains(counted, name) {
			out[name] = digest(t, db, name)
		}
	}
	return out
}

func digest(t testing.TB, db *database.DB, table string) string {
	t.Helper()
	rows, err := db.Read.WithContext(t.Context()).Raw("SELECT * FROM " + table).Rows()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for rows.Next() {
		values, into := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, fmt.Sprintf("%q", values))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	slices.Sort(lines)
	sum := sha256.New()
	for _, line := range lines {
		fmt.Fprintln(sum, line)
	}
	return fmt.Sprintf("%d rows %x", len(lines), sum.Sum(nil)[:8])
}
