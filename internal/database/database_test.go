package database_test

import (
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"latchkey/internal/apptest"
	"latchkey/internal/database"
)

func TestSeveralInstancesMigrateAtOnce(t *testing.T) {
	configs := map[string]func(testing.TB) database.Config{
		"sqlite": apptest.SQLiteConfig, "postgres": apptest.EmptyPostgresConfig,
	}
	for name, config := range configs {
		t.Run(name, func(t *testing.T) {
			cfg := config(t)
			var wg sync.WaitGroup
			for range 4 {
				wg.Go(func() {
					db, err := database.Open(t.Context(), cfg)
					if err != nil {
						t.Errorf("open: %v", err)
						return
					}
					defer db.Close()
					if _, err := db.Migrate(t.Context()); err != nil {
						t.Errorf("migrate: %v", err)
					}
					if n, err := db.Pending(t.Context()); n != 0 || err != nil {
						t.Errorf("pending = %d, %v; want none", n, err)
					}
				})
			}
			wg.Wait()
		})
	}
}

func TestStartUpErrorsSayWhatToChange(t *testing.T) {
	for name, tc := range map[string]struct {
		cfg  database.Config
		want string
	}{
		"not a URL":      {database.Config{URL: "postgres://u:hunter2@[::1"}, "looks like postgres://"},
		"nobody listens": {database.Config{URL: "postgres://u:hunter2@127.0.0.1:1/x"}, "LATCHKEY_DATABASE_URL"},
		"no directory":   {database.Config{Path: "/dev/null/x/latchkey.db"}, "LATCHKEY_DATA"},
		"not a database": {database.Config{Path: textFile(t)}, "latchkey.db"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := database.Open(t.Context(), tc.cfg)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Fatalf("error = %v, want one that contains %q", err, tc.want)
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the error holds the password: %v", err)
			}
		})
	}
}

func TestReadersCannotWrite(t *testing.T) {
	db := apptest.SQLite(t)
	if err := db.Read.Exec("DELETE FROM accounts").Error; err == nil {
		t.Error("a reader wrote")
	}
}

func textFile(t *testing.T) string {
	path := filepath.Join(t.TempDir(), "latchkey.db")
	apptest.WriteFile(t, path, strings.Repeat("this is no database\n", 100))
	return path
}
