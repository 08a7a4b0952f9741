package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"latchkey/bench/traced"
	"latchkey/internal/database"
)

// sqlitePlans builds the product once more with a driver that keeps its statements, and explains them
// on the file when it has stopped.
type sqlitePlans struct {
	*sitting
	file string
}

const (
	openingFile = "internal/database/sqlite.go"
	opening     = `sql.Open("sqlite", dsn)`
	imported    = `modernc "modernc.org/sqlite"`
)

func (e *sqlitePlans) record(ctx context.Context, p *product) (err error) {
	e.file = filepath.Join(e.dir, "statements.json")
	p.binary, err = e.build(ctx)
	p.env = append(p.env, traced.FileEnv+"="+e.file)
	return err
}

// build replaces one line of the product while it is compiled, and nothing on the disk
// (https://pkg.go.dev/cmd/go, -overlay).
func (e *sqlitePlans) build(ctx context.Context) (binary string, err error) {
	source, err := os.ReadFile(openingFile)
	if err != nil {
		return "", err
	}
	text := string(source)
	if strings.Count(text, opening) != 1 || strings.Count(text, imported) != 1 {
		return "", fmt.Errorf("%s must have one %s and import %s once: tell bench/plans_sqlite.go what it has now", openingFile, opening, imported)
	}
	text = strings.Replace(text, opening, fmt.Sprintf("sql.Open(%q, dsn)", traced.Name), 1)
	text = strings.Replace(text, imported, imported+"\n\n\t_ \"latchkey/bench/traced\"", 1)
	replaced, err := filepath.Abs(openingFile)
	if err != nil {
		return "", err
	}
	with, list := filepath.Join(e.dir, "sqlite.go.traced"), filepath.Join(e.dir, "overlay.json")
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{replaced: with}})
	if err := errors.Join(err, os.WriteFile(with, []byte(text), 0o600), os.WriteFile(list, overlay, 0o600)); err != nil {
		return "", err
	}
	binary = filepath.Join(e.dir, "latchkey-traced")
	build := exec.CommandContext(ctx, "go", "build", "-overlay", list, "-o", binary, ".")
	build.Env, build.Stderr = append(os.Environ(), "CGO_ENABLED=0"), os.Stderr
	return binary, build.Run()
}

func (e *sqlitePlans) statements(ctx context.Context, p *product) ([]*statement, error) {
	recorded, err := traced.Read(e.file)
	if err != nil {
		return nil, err
	}
	db, err := database.Open(ctx, p.config)
	if err != nil {
		return nil, err
	}
	defer func() { _ = db.Close() }()
	sizes, err := countTables(ctx, db)
	if err != nil {
		return nil, err
	}
	g := newGrouped()
	for _, s := range recorded {
		plan, failed := explainSQLite(ctx, db, s)
		text := strings.Join(plan, "\n")
		if failed != nil {
			text = "  no plan: " + failed.Error() + "\n"
		} else if len(plan) == 0 {
			text = "  nothing is read\n"
		}
		if s.Error != "" {
			text += "\n  failed once: " + s.Error
		}
		text += fmt.Sprintf("\n  %d rows in %s; all calls %s\n", s.Rows, short(s.Worst), short(s.Total))
		one := g.add(s.Text, s.Worst, func() string { return text }, sqliteKinds(plan), sqliteFindings(plan, s, sizes))
		one.calls += s.Calls - 1
		one.total += s.Total - s.Worst
	}
	return g.list(), nil
}

func countTables(ctx context.Context, db *database.DB) (map[string]int64, error) {
	var names []string
	r := db.Read.WithContext(ctx)
	if err := r.Raw("SELECT name FROM sqlite_master WHERE type = 'table'").Scan(&names).Error; err != nil {
		return nil, err
	}
	sizes := map[string]int64{}
	for _, name := range names {
		var n int64
		if err := r.Raw("SELECT COUNT(*) FROM " + name).Row().Scan(&n); err != nil {
			return nil, err
		}
		sizes[name] = n
	}
	return sizes, nil
}

// explainSQLite asks with the arguments of the slowest run: a pattern of LIKE, for one, decides which
// index serves (https://www.sqlite.org/eqp.html).
func explainSQLite(ctx context.Context, db *database.DB, s traced.Statement) (plan []string, err error) {
	pool, err := db.Write.DB()
	if err != nil {
		return nil, err
	}
	args := make([]any, len(s.Args))
	for i, a := range s.Args {
		args[i] = a.Value()
	}
	rows, err := pool.QueryContext(ctx, "EXPLAIN QUERY PLAN "+s.Text, args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	depth := map[int]int{}
	for rows.Next() {
		var id, parent, unused int
		var detail string
		if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
			return nil, err
		}
		depth[id] = depth[parent] + 1
		plan = append(plan, strings.Repeat("  ", depth[id])+detail)
	}
	return plan, rows.Err()
}

var scanned = regexp.MustCompile(`^(SCAN|SEARCH) (\S+)(?: USING (?:AUTOMATIC )?(?:PARTIAL )?(?:COVERING )?INDEX (\S+)| USING (INTEGER PRIMARY KEY|PRIMARY KEY))?(?: \(([^)]*)\))?`)

// wide are conditions on an index that leave all that a workspace has.
var wide = []string{"workspace_id=?", "workspace_id=? AND environment=?"}

func sqliteKinds(plan []string) []string {
	var list []string
	for _, line := range plan {
		line = strings.TrimSpace(line)
		if m := scanned.FindStringSubmatch(line); m != nil && !strings.HasSuffix(m[2], "-ROW") && m[2] != "CONSTANT" { // of VALUES
			list = append(list, strings.TrimSpace(m[1]+" "+m[2]+" "+m[3]+m[4]))
		} else if strings.HasPrefix(line, "USE TEMP B-TREE") {
			list = append(list, strings.ToLower(line))
		}
	}
	return list
}

// slowScan is from when on the reading of a whole index, or of all that a workspace has, is told: lists
// read one from its end, and stop. With the workspace alone they do not: its index goes on with the
// environment.
const slowScan = 20 * time.Millisecond

// sqliteFindings tell tables that are read whole, and large indexes where that took long. SQLite does
// not count what it reads: the number is that of the table's rows.
func sqliteFindings(plan []string, s traced.Statement, sizes map[string]int64) map[string]int64 {
	found := map[string]int64{}
	for _, line := range plan {
		m := scanned.FindStringSubmatch(strings.TrimSpace(line))
		if m == nil {
			continue
		}
		table := tableOf(m[2], s.Text, sizes)
		rows := sizes[table]
		switch {
		case rows <= manyRows:
		case m[1] == "SEARCH":
			if m[5] == wide[0] || slices.Contains(wide, m[5]) && s.Worst > slowScan {
				found["all of a workspace by "+m[3]] += rows
			}
		case strings.HasPrefix(m[3], "sqlite_autoindex") || m[3] == "" && m[4] == "":
			found["scan of "+table] += rows
		case s.Worst > slowScan:
			found["scan of the index "+m[3]] += rows
		}
	}
	return found
}

// tableOf finds the table of an alias in the statement's text; the alias itself where there is none.
func tableOf(alias, text string, sizes map[string]int64) string {
	if _, ok := sizes[alias]; ok {
		return alias
	}
	for _, m := range regexp.MustCompile(`(?i)\b(\w+)"?\s+(?:AS\s+)?"?`+regexp.QuoteMeta(alias)+`\b`).FindAllStringSubmatch(text, -1) {
		if _, ok := sizes[m[1]]; ok {
			return m[1]
		}
	}
	return alias
}
