// Package apptest is for tests only: fresh databases of both kinds, the whole app, factories, and
// a client with a cookie jar.
package apptest

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"latchkey/internal/database"
)

// PostgresEnv names the variable with the URL of a server where tests may create databases.
const PostgresEnv = "LATCHKEY_TEST_POSTGRES"

// Each runs the test on SQLite, and on Postgres when PostgresEnv is set.
func Each(t *testing.T, test func(t *testing.T, db *database.DB)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { test(t, SQLite(t)) })
	t.Run("postgres", func(t *testing.T) { test(t, Postgres(t)) })
}

// SQLite opens a fresh, migrated database in a file of its own.
func SQLite(t testing.TB) *database.DB {
	t.Helper()
	cfg := SQLiteConfig(t)
	migrated, err := templateFile()
	if err != nil {
		t.Fatalf("make the template: %v", err)
	}
	if err := os.WriteFile(cfg.Path, migrated, 0o600); err != nil {
		t.Fatal(err)
	}
	return open(t, cfg)
}

// templateFile migrates once a test binary; each test has a copy of the file.
var templateFile = sync.OnceValues(func() (file []byte, err error) {
	dir, err := os.MkdirTemp("", "latchkey-template-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	cfg := database.Config{Path: filepath.Join(dir, "latchkey.db")}
	db, err := database.Open(context.Background(), cfg)
	if err != nil {
		return nil, err
	}
	_, err = db.Migrate(context.Background())
	// Closing puts what is in the write-ahead log into the file.
	if err := errors.Join(err, db.Close()); err != nil {
		return nil, err
	}
	return os.ReadFile(cfg.Path)
})

// SQLiteConfig names a fresh database file.
func SQLiteConfig(t testing.TB) database.Config {
	return database.Config{Path: filepath.Join(t.TempDir(), "latchkey.db")}
}

// Postgres opens a fresh, migrated database, or skips the test when no server is given.
func Postgres(t testing.TB) *database.DB {
	t.Helper()
	return open(t, PostgresConfig(t))
}

func open(t testing.TB, cfg database.Config) *database.DB {
	t.Helper()
	db, err := database.Open(t.Context(), cfg)
	if err != nil {
		t.Fatalf("open database: %v", err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if _, err := db.Migrate(t.Context()); err != nil {
		t.Fatalf("migrate: %v", err)
	}
	return db
}

var template struct {
	sync.Mutex
	name string
}

// PostgresConfig creates a database from a migrated template and drops it after the test.
func PostgresConfig(t testing.TB) database.Config {
	t.Helper()
	admin := os.Getenv(PostgresEnv)
	if admin == "" {
		t.Skipf("%s is not set", PostgresEnv)
	}
	name := "latchkey_test_" + randomName()
	// Copied as files: through the write-ahead log, which is the default, costs about twice as much.
	execAdmin(t, admin, "CREATE DATABASE "+name+" TEMPLATE "+templateDatabase(t, admin)+" STRATEGY FILE_COPY")
	t.Cleanup(func() { execAdmin(t, admin, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)") })
	return database.Config{URL: withDatabase(t, admin, name), MaxConns: 8}
}

// templateDatabase migrates once a test binary; each test copies the result.
func templateDatabase(t testing.TB, admin string) string {
	t.Helper()
	template.Lock()
	defer template.Unlock()
	if template.name != "" {
		return template.name
	}
	name := "latchkey_template_" + randomName()
	execAdmin(t, admin, "CREATE DATABASE "+name)
	db, err := database.Open(t.Context(), database.Config{URL: withDatabase(t, admin, name)})
	if err != nil {
		t.Fatalf("open template: %v", err)
	}
	defer func() { _ = db.Close() }()
	if _, err := db.Migrate(t.Context()); err != nil {
		t.Fatalf("migrate template: %v", err)
	}
	template.name = name
	return name
}

func execAdmin(t testing.TB, admin, statement string) {
	t.Helper()
	// Not the test's context: clean-ups run after it is cancelled.
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, admin)
	if err != nil {
		t.Fatalf("connect to %s: %v", PostgresEnv, err)
	}
	defer func() { _ = conn.Close(ctx) }()
	if _, err := conn.Exec(ctx, statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

func withDatabase(t testing.TB, admin, name string) string {
	t.Helper()
	u, err := url.Parse(admin)
	if err != nil {
		t.Fatalf("%s: %v", PostgresEnv, err)
	}
	u.Path = "/" + name
	return u.String()
}

func randomName() string {
	b := make([]byte, 6)
	_, _ = rand.Read(b)
	return hex.EncodeToString(b)
}

// EmptyPostgresConfig creates a database without tables.
func EmptyPostgresConfig(t testing.TB) database.Config {
	t.Helper()
	admin := os.Getenv(PostgresEnv)
	if admin == "" {
		t.Skipf("%s is not set", PostgresEnv)
	}
	name := "latchkey_test_" + randomName()
	execAdmin(t, admin, "CREATE DATABASE "+name)
	t.Cleanup(func() { execAdmin(t, admin, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)") })
	return database.Config{URL: withDatabase(t, admin, name), MaxConns: 8}
}

// WriteFile writes a file or fails the test.
func WriteFile(t testing.TB, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}
