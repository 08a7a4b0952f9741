package fill_test

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"latchkey/bench/internal/fill"
	"latchkey/internal/apptest"
	"latchkey/internal/database"
)

func filled(t *testing.T, db *database.DB, o fill.Options) fill.Filled {
	t.Helper()
	const insert = `INSERT INTO workspaces (id, name, slug, plan, created_at, updated_at) VALUES (?, 'Bench', 'bench', 'team', 1, 1)`
	if err := db.Write.Exec(insert, uuid.Must(uuid.NewV7()).String()).Error; err != nil {
		t.Fatal(err)
	}
	made, err := fill.Fill(t.Context(), db, o)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func number(t *testing.T, db *database.DB, query string, args ...any) (n int64) {
	t.Helper()
	if err := db.Read.Raw(query, args...).Row().Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

func TestAFilledWorkspaceHasWhatWasAskedFor(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		until := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
		const signals = 60_000 // more than one transaction
		made := filled(t, db, fill.Options{Signals: signals, Keys: 700, Until: until, Span: time.Hour})
		if want := 700 - 700/20; len(made.Keys) != want {
			t.Errorf("%d active keys, want %d", len(made.Keys), want)
		}
		first, last := database.FirstID(until.Add(-time.Hour)).String(), database.FirstID(until).String()
		for query, want := range map[string]int64{
			"SELECT COUNT(*) FROM signals": signals,
			"SELECT COUNT(*) FROM signals WHERE id >= '" + first + "' AND id < '" + last + "'":                   signals,
			"SELECT COUNT(*) FROM signals WHERE length(raw) = 250":                                               signals,
			"SELECT COUNT(*) FROM signals WHERE event = '" + fill.RareEvent + "'":                                1,
			"SELECT COUNT(DISTINCT email) FROM signals":                                                          signals / 25,
			"SELECT COUNT(DISTINCT request_id) FROM signals":                                                     signals,
			"SELECT COUNT(DISTINCT api_key_id) FROM signals":                                                     600, // ten a minute
			"SELECT SUM(accepted) FROM key_usage_minutes":                                                        signals,
			"SELECT COUNT(*) FROM signals WHERE api_key_id IN (SELECT id FROM api_keys WHERE status = 'active')": signals,
		} {
			if got := number(t, db, query); got != want {
				t.Errorf("%s: %d, want %d", query, got, want)
			}
		}
		if got := number(t, db, "SELECT COUNT(*) FROM signals WHERE email = ?", fill.Address(7)); got < 1 {
			t.Errorf("%d signals of a person", got)
		}
	})
}

func TestFillingKeepsTheIndexes(t *testing.T) {
	db := apptest.SQLite(t)
	const count = "SELECT COUNT(*) FROM sqlite_master WHERE type = 'index'"
	before := number(t, db, count)
	filled(t, db, fill.Options{Signals: 10, Keys: 10})
	if after := number(t, db, count); after != before {
		t.Errorf("%d indexes, %d before", after, before)
	}
}

func TestFillingTwiceAdds(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		o := fill.Options{Signals: 1000, Keys: 10, Until: time.Now(), Span: time.Minute}
		filled(t, db, o)
		o.Keys = 0
		if _, err := fill.Fill(t.Context(), db, o); err != nil {
			t.Fatal(err)
		}
		if got := number(t, db, "SELECT COUNT(*) FROM signals"); got != 2000 {
			t.Errorf("%d signals", got)
		}
		if got := number(t, db, "SELECT SUM(accepted) FROM key_usage_minutes"); got != 2000 {
			t.Errorf("%d counted", got)
		}
	})
}
