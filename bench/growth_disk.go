package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"syscall"

	"latchkey/internal/database"
)

// relation is what one table or index takes on the disk.
type relation struct {
	name  string
	index bool
	bytes int64
}

// postgresRelations adds up the parts of signals, and of each of its indexes.
const postgresRelations = `
	WITH parts AS (SELECT relid FROM pg_partition_tree('signals') WHERE isleaf)
	SELECT 'signals', FALSE, COALESCE(SUM(pg_table_size(relid)), 0)::BIGINT FROM parts
	UNION ALL
	SELECT COALESCE(parent.relname, child.relname)::TEXT, TRUE, SUM(pg_relation_size(i.indexrelid))::BIGINT
	FROM parts
	JOIN pg_index i ON i.indrelid = parts.relid
	JOIN pg_class child ON child.oid = i.indexrelid
	LEFT JOIN pg_inherits h ON h.inhrelid = i.indexrelid
	LEFT JOIN pg_class parent ON parent.oid = h.inhparent
	GROUP BY 1
	ORDER BY 2, 3 DESC`

// sqliteRelations reads every page of the file once (https://www.sqlite.org/dbstat.html).
const sqliteRelations = `
	SELECT m.name, m.type = 'index', SUM(d.pgsize)
	FROM dbstat d
	JOIN sqlite_master m ON m.name = d.name
	WHERE m.tbl_name = 'signals' AND d.aggregate = TRUE
	GROUP BY 1, 2
	ORDER BY 2, 3 DESC`

// measureDisk adds to the table what a signal takes.
func (g *growing) measureDisk(ctx context.Context) error {
	return g.opened(ctx, func(db *database.DB) error {
		whole, query := "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()", sqliteRelations
		if db.IsPostgres() {
			whole, query = "SELECT pg_database_size(current_database())", postgresRelations
		}
		r := db.Read.WithContext(ctx)
		var all int64
		if err := r.Raw(whole).Row().Scan(&all); err != nil {
			return fmt.Errorf("size of the database: %w", err)
		}
		rows, err := r.Raw(query).Rows()
		if err != nil {
			return fmt.Errorf("size of the tables: %w", err)
		}
		defer func() { _ = rows.Close() }()
		var relations []relation
		for rows.Next() {
			var one relation
			if err := rows.Scan(&one.name, &one.index, &one.bytes); err != nil {
				return err
			}
			relations = append(relations, one)
		}
		g.table.addDisk(all, relations, g.signals)
		return rows.Err()
	})
}

// addDisk tells bytes a signal: of everything, of the table, of its indexes together and each.
func (t *growthTable) addDisk(all int64, relations []relation, signals int64) {
	each := func(bytes int64) string { return fmt.Sprintf("%.0f", float64(bytes)/float64(signals)) }
	table, indexes := int64(0), int64(0)
	for _, r := range relations {
		if r.index {
			indexes += r.bytes
		} else {
			table += r.bytes
		}
	}
	t.add("disk, bytes a signal: whole database", each(all))
	t.add("of it the table", each(table))
	t.add("of it the table's indexes", each(indexes))
	for _, r := range relations {
		if r.index {
			name := r.name
			if strings.HasPrefix(name, "sqlite_autoindex") || strings.HasSuffix(name, "_pkey") {
				name = "primary key"
			}
			t.add("— "+name, each(r.bytes))
		}
	}
}

// roomFor looks whether the disk of a database holds the largest size.
func (s *sitting) roomFor(ctx context.Context, name string, sizes []float64) error {
	where := s.dir
	if name == "postgres" {
		err := s.postgres.scan(ctx, "SHOW data_directory", &where)
		if _, missing := os.Stat(where); err != nil || missing != nil {
			fmt.Fprintln(os.Stderr, "Postgres: its disk is not of this machine, or not to be read; that there is room was not checked.")
			return nil
		}
	}
	var fs syscall.Statfs_t
	if err := syscall.Statfs(where, &fs); err != nil {
		return fmt.Errorf("free disk of %s: %w", where, err)
	}
	free := int64(fs.Bavail) * fs.Bsize
	if needed := growthNeeds(sizes); free < needed {
		return fmt.Errorf("%s: growth to %g million signals needs %s under %s, where %s are free; free some, choose smaller sizes, or another disk (-dir for SQLite, TMPDIR for Postgres)",
			name, sizes[len(sizes)-1], gigabytes(needed), where, gigabytes(free))
	}
	return nil
}

// growthNeeds is how many bytes the largest size takes, and what is written at each.
func growthNeeds(sizes []float64) int64 {
	return int64((sizes[len(sizes)-1] + growthWritten*float64(len(sizes))) * million * growthBytes)
}

func gigabytes(n int64) string { return fmt.Sprintf("%.1f GB", float64(n)/1e9) }

// growthTable has a column a size.
type growthTable struct {
	sizes []string
	names []string // of the rows, in the order in which they first came
	cells map[string]map[string]string
}

func (t *growthTable) begin(size string) { t.sizes = append(t.sizes, size) }

// add fills a cell of the newest column.
func (t *growthTable) add(name, cell string) {
	if t.cells == nil {
		t.cells = map[string]map[string]string{}
	}
	if t.cells[name] == nil {
		t.names, t.cells[name] = append(t.names, name), map[string]string{}
	}
	t.cells[name][t.sizes[len(t.sizes)-1]] = cell
}

func (t *growthTable) write(b *strings.Builder) {
	rows := make([][]string, len(t.names))
	for i, name := range t.names {
		rows[i] = []string{name}
		for _, size := range t.sizes {
			rows[i] = append(rows[i], t.cells[name][size])
		}
	}
	table(b, append([]string{""}, t.sizes...), rows)
}

// last is the newest column as text.
func (t *growthTable) last() string {
	var b strings.Builder
	for _, name := range t.names {
		fmt.Fprintf(&b, "  %-60s %s\n", name, t.cells[name][t.sizes[len(t.sizes)-1]])
	}
	return b.String()
}
