package database_test

import (
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

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

// A commit that copies the log back holds its senders up; one alone would do it only at four times
// the length.
func TestALongWriteAheadLogIsCopiedBackWithoutACommit(t *testing.T) {
	db := apptest.SQLite(t)
	if err := db.Write.Exec("CREATE TABLE notes_of_the_test (id INTEGER PRIMARY KEY, body BLOB)").Error; err != nil {
		t.Fatal(err)
	}
	for i := range 60 {
		if err := db.Write.Exec("INSERT INTO notes_of_the_test (id, body) VALUES (?, randomblob(400000))", i).Error; err != nil {
			t.Fatal(err)
		}
	}
	for try := 0; ; try++ {
		var busy, pages, copied int
		if err := db.Read.Raw("PRAGMA wal_checkpoint(NOOP)").Row().Scan(&busy, &pages, &copied); err != nil {
			t.Fatal(err)
		}
		if pages-copied < 4000 {
			return
		}
		if try > 200 {
			t.Fatalf("%d pages are not copied back", pages-copied)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func textFile(t *testing.T) string {
	path := filepath.Join(t.TempDir(), "latchkey.db")
	apptest.WriteFile(t, path, strings.Repeat("this is no database\n", 100))
	return path
}
