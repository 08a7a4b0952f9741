package database_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/pressly/goose/v3"

	"latchkey/internal/apptest"
	"latchkey/internal/database"
	"latchkey/migrations"
)

// beforeParts is the schema's version before signals lay in parts.
const beforeParts = 7

// provider applies migrations up to any version.
func provider(t *testing.T, db *database.DB) *goose.Provider {
	t.Helper()
	dialect := goose.DialectSQLite3
	if db.IsPostgres() {
		dialect = goose.DialectPostgres
	}
	p, err := goose.NewProvider(dialect, db.SQLDB(), migrations.FS, goose.WithGoMigrations(migrations.Steps(db.IsPostgres())...))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func exec(t *testing.T, db *database.DB, statement string, args ...any) {
	t.Helper()
	if err := db.Write.Exec(statement, args...).Error; err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

// scan reads one text; NULL is empty.
func scan(t *testing.T, db *database.DB, query string, args ...any) string {
	t.Helper()
	var text *string
	if err := db.Write.Raw(query, args...).Row().Scan(&text); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	if text == nil {
		return ""
	}
	return *text
}

func insertSignal(t *testing.T, db *database.DB) string {
	t.Helper()
	id := uuid.Must(uuid.NewV7()).String()
	exec(t, db, `INSERT INTO signals (id, workspace_id, environment, api_key_id, request_id, source, event, email, user_id, anonymous_id, group_id,
		message_id, warnings, occurred_at, received_at, raw) VALUES (?, ?, 'live', ?, ?, '', 'x', '', '', '', '', '', '', 1, 2, ?)`, id, id, id, id, []byte("{}"))
	return id
}

// indexes are the indexes of signals, with what they cover.
func indexes(t *testing.T, db *database.DB) string {
	if !db.IsPostgres() {
		return scan(t, db, "SELECT group_concat(sql, ';') FROM (SELECT sql FROM sqlite_master WHERE type = 'index' AND tbl_name = 'signals' ORDER BY name)")
	}
	text := scan(t, db, "SELECT string_agg(indexdef, ';' ORDER BY indexname) FROM pg_indexes WHERE schemaname = current_schema() AND tablename = 'signals'")
	return strings.ReplaceAll(text, " ON ONLY ", " ON ")
}

func TestAnUpgradeKeepsEverySignal(t *testing.T) {
	configs := map[string]func(testing.TB) database.Config{
		"sqlite": apptest.SQLiteConfig, "postgres": apptest.EmptyPostgresConfig,
	}
	for name, config := range configs {
		t.Run(name, func(t *testing.T) {
			db, err := database.Open(t.Context(), config(t))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = db.Close() })
			if _, err := provider(t, db).UpTo(t.Context(), beforeParts); err != nil {
				t.Fatal(err)
			}
			old, covered := []string{insertSignal(t, db), insertSignal(t, db)}, indexes(t, db)
			hasLog := lines(t, db)
			if _, err := db.Migrate(t.Context()); err != nil {
				t.Fatal(err)
			}
			ids := append(old, insertSignal(t, db))
			if got, want := scan(t, db, "SELECT COUNT(*) FROM signals WHERE id IN ?", ids), "3"; got != want {
				t.Errorf("%s signals, want %s", got, want)
			}
			if got := indexes(t, db); got != covered {
				t.Errorf("indexes:\n%s\nbefore:\n%s", got, covered)
			}
			if got := lines(t, db); got != hasLog {
				t.Errorf("the view request_log: %s, before: %s", got, hasLog)
			}
			back(t, db, ids, covered)
		})
	}
}

// lines tells whether there is a request log and that it can be read.
func lines(t *testing.T, db *database.DB) string {
	query := "SELECT COUNT(*) FROM sqlite_master WHERE type = 'view' AND name = 'request_log'"
	if db.IsPostgres() {
		query = "SELECT COUNT(*) FROM pg_views WHERE schemaname = current_schema() AND viewname = 'request_log'"
	}
	there := scan(t, db, query)
	if there == "1" {
		_ = scan(t, db, "SELECT COUNT(*) FROM request_log")
	}
	return there
}

// back undoes the step: no signal and no index may be lost on the way.
func back(t *testing.T, db *database.DB, ids []string, covered string) {
	t.Helper()
	if _, err := provider(t, db).DownTo(context.Background(), beforeParts); err != nil {
		t.Fatal(err)
	}
	if got, want := scan(t, db, "SELECT COUNT(*) FROM signals WHERE id IN ?", ids), fmt.Sprint(len(ids)); got != want {
		t.Errorf("%s signals after the way back, want %s", got, want)
	}
	if got := indexes(t, db); got != covered {
		t.Errorf("indexes after the way back:\n%s\nbefore:\n%s", got, covered)
	}
}

func TestOnPostgresOldSignalsBecomeTheFirstPartWhereTheyAre(t *testing.T) {
	db, err := database.Open(t.Context(), apptest.EmptyPostgresConfig(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if _, err := provider(t, db).UpTo(t.Context(), beforeParts); err != nil {
		t.Fatal(err)
	}
	insertSignal(t, db)
	file := scan(t, db, "SELECT pg_relation_filenode('signals')::text")
	// A first run may have been killed half-way.
	exec(t, db, "ALTER TABLE signals ADD CONSTRAINT signals_first_ids CHECK (id < 'ffffffff-ffff-ffff-ffff-ffffffffffff') NOT VALID")
	if _, err := provider(t, db).UpTo(t.Context(), beforeParts+1); err != nil {
		t.Fatal(err)
	}
	if got := scan(t, db, "SELECT pg_relation_filenode('signals_first')::text"); got != file {
		t.Errorf("the rows were copied: file %s, before %s", got, file)
	}
	if got := scan(t, db, "SELECT tableoid::regclass::text FROM signals WHERE id = ?", insertSignal(t, db)); got != "signals_first" {
		t.Errorf("a new signal went to %s", got)
	}
	exec(t, db, "DELETE FROM goose_db_version WHERE version_id > ?", beforeParts)
	if _, err := db.Migrate(t.Context()); err != nil {
		t.Errorf("again, after a run that ended before it was counted: %v", err)
	}
}
