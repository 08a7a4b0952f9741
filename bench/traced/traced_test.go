package traced_test

import (
	"database/sql"
	"path/filepath"
	"strings"
	"testing"

	"latchkey/bench/traced"
)

func TestStatementsAreKeptWithCallsRowsAndArguments(t *testing.T) {
	file := filepath.Join(t.TempDir(), "statements.json")
	t.Setenv(traced.FileEnv, file)
	db, err := sql.Open(traced.Name, filepath.Join(t.TempDir(), "traced.db"))
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	exec := func(query string, args ...any) {
		t.Helper()
		if _, err := db.Exec(query, args...); err != nil {
			t.Fatal(err)
		}
	}
	exec("CREATE TABLE t (n INTEGER, b BLOB, s TEXT, f REAL)")
	for n := range 3 {
		exec("INSERT INTO t VALUES (?, ?, ?, ?)", n, []byte{1, 2}, "text", 0.5)
	}
	prepared, err := db.Prepare("SELECT n FROM t WHERE n >= ? AND s = ?")
	if err != nil {
		t.Fatal(err)
	}
	found, err := prepared.Query(1, "text")
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	for found.Next() {
		count++
	}
	if err := found.Err(); err != nil || count != 2 {
		t.Fatalf("%d rows, %v", count, err)
	}
	_, failed := db.Exec("INSERT INTO nowhere VALUES (?)", nil)
	if failed == nil {
		t.Fatal("a table that is not there was written to")
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	list, err := traced.Read(file)
	if err != nil {
		t.Fatal(err)
	}
	by := map[string]traced.Statement{}
	for _, s := range list {
		by[s.Text] = s
	}
	insert := by["INSERT INTO t VALUES (?, ?, ?, ?)"]
	if insert.Calls != 3 || len(insert.Args) != 4 || insert.Args[1].Value().([]byte)[1] != 2 || insert.Args[2].Value() != "text" || insert.Args[3].Value() != 0.5 {
		t.Errorf("%+v", insert)
	}
	query := by["SELECT n FROM t WHERE n >= ? AND s = ?"]
	if query.Calls != 1 || query.Rows != 2 || query.Args[0].Value() != int64(1) || query.Total < query.Worst {
		t.Errorf("%+v", query)
	}
	if wrong := by["INSERT INTO nowhere VALUES (?)"]; !strings.Contains(wrong.Error, "no such table") || wrong.Args[0].Value() != nil {
		t.Errorf("%+v", wrong)
	}
}
