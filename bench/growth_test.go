package main

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/internal/apptest"
	"latchkey/internal/database"
)

func TestSizesOfGrowthAreMillionsTheLeastFirst(t *testing.T) {
	got, err := sizesOf("20,0.1, 5,5")
	if want := []float64{0.1, 5, 20}; err != nil || !slices.Equal(got, want) {
		t.Errorf("%v, %v; want %v", got, err, want)
	}
	for _, bad := range []string{"", "many", "0", "-1", "1,,2", "1e9", "NaN"} {
		if got, err := sizesOf(bad); err == nil {
			t.Errorf("%q: %v", bad, got)
		}
	}
}

func TestGrowthNeedsRoomForTheLargestSizeAndTheRounds(t *testing.T) {
	if got, want := growthNeeds([]float64{1, 5, 20}), int64((20+3*growthWritten)*1e6*growthBytes); got != want {
		t.Errorf("%d, want %d", got, want)
	}
}

func TestGrowthRowsDifferAndHaveTheirSize(t *testing.T) {
	now := time.Date(2026, 11, 2, 9, 41, 0, 0, time.UTC)
	r := newGrowthRows(now)
	const n = 60_000
	events, people := map[string]int{}, map[string]int{}
	for line := range strings.Lines(string(r.rows(n, '\n'))) {
		var got struct {
			Event, Email, UserID string
			Timestamp            time.Time
		}
		if err := json.Unmarshal([]byte(line), &got); err != nil || len(line) != itemBytes+1 {
			t.Fatalf("%d bytes, %v: %s", len(line), err, line)
		}
		if age := now.Sub(got.Timestamp); age < -time.Second || age > growthSpan+time.Second {
			t.Fatalf("happened %v ago: %s", age, line)
		}
		events[got.Event]++
		people[got.Email]++
	}
	if len(events) != len(growthEvents)-2 || events["Contract Signed"] != 1 || events["Page Viewed"] < n/8 || len(people) < fewPeople {
		t.Errorf("%v, %d people", events, len(people))
	}
}

func TestGrowthTableHasAColumnASizeAndBytesASignal(t *testing.T) {
	var table growthTable
	table.begin("1 million")
	table.addDisk(9000, []relation{{"signals", false, 5000}, {"signals_event", true, 1000}, {"signals_pkey", true, 500}}, 10)
	table.begin("5 million")
	table.add("later only", "x")
	var b strings.Builder
	table.write(&b)
	for _, want := range []string{
		"|  | 1 million | 5 million |", "| disk, bytes a signal: whole database | 900 |  |", "| of it the table | 500 |  |",
		"| of it the table's indexes | 150 |  |", "| — signals_event | 100 |  |", "| — primary key | 50 |  |", "| later only |  | x |",
	} {
		if !strings.Contains(b.String(), want+"\n") {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
}

func TestTheDocumentHasRoomForBothTables(t *testing.T) {
	for _, m := range []marks{benchMarks, growthMarks} {
		if err := m.writable("../docs/performance.md"); err != nil {
			t.Error(err)
		}
	}
}

// What the queries call a table and an index is what the product has.
func TestDiskIsToldOfTheTableAndOfEachIndex(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		config := database.Config{}
		if db.IsPostgres() {
			config.URL = db.Pool.Config().ConnString()
		} else {
			var file string
			if err := db.Read.Raw("SELECT file FROM pragma_database_list WHERE name = 'main'").Row().Scan(&file); err != nil {
				t.Fatal(err)
			}
			config.Path = filepath.Clean(file)
		}
		g := &growing{product: &product{config: config}}
		g.signals = 1
		g.table.begin("now")
		if err := g.measureDisk(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"of it the table", "— primary key", "— signals_event", "— signals_log_key"} {
			if _, ok := g.table.cells[want]; !ok {
				t.Errorf("nothing of %q in %v", want, g.table.names)
			}
		}
	})
}
