package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"latchkey/internal/database"
)

// postgresPlans has the product's own connections load auto_explain, and reads the server's log.
type postgresPlans struct {
	*sitting
	log  string
	from int64
}

// autoExplain is what the product's connections set when they begin; a superuser may
// (https://www.postgresql.org/docs/current/auto-explain.html).
var autoExplain = []string{
	"session_preload_libraries=auto_explain", "auto_explain.log_min_duration=0", "auto_explain.log_analyze=on",
	"auto_explain.log_nested_statements=on", "auto_explain.log_format=json", "auto_explain.sample_rate=1",
}

func (e *postgresPlans) record(_ context.Context, p *product) error {
	// Where the server writes what it would say on its error output.
	log, err := os.Readlink(fmt.Sprintf("/proc/%d/fd/2", e.postgres.process))
	if err != nil {
		return fmt.Errorf("find the server's log: %w; run `make bench`, which starts a Postgres of its own", err)
	}
	info, err := os.Stat(log)
	if err != nil || !info.Mode().IsRegular() {
		return errors.Join(err, fmt.Errorf("the server's log is no file (%s); run `make bench`, which starts a Postgres of its own", log))
	}
	e.log, e.from = log, info.Size()
	u, err := url.Parse(p.config.URL)
	if err != nil {
		return err
	}
	values := u.Query()
	values.Set("options", "-c "+strings.Join(autoExplain, " -c "))
	u.RawQuery = strings.ReplaceAll(values.Encode(), "+", "%20") // pgx takes a plus for itself
	p.env = append(p.env, "LATCHKEY_DATABASE_URL="+u.String())
	return nil
}

func (e *postgresPlans) statements(ctx context.Context, p *product) ([]*statement, error) {
	sizes, err := rowsOfTables(ctx, p)
	if err != nil {
		return nil, err
	}
	file, err := os.Open(e.log)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	if _, err := file.Seek(e.from, io.SeekStart); err != nil {
		return nil, err
	}
	g := newGrouped()
	err = readAutoExplain(file, func(took time.Duration, text string, root *planNode) {
		g.add(text, took, func() string { return root.text() }, root.kinds(), root.findings(sizes))
	})
	return g.list(), err
}

// rowsOfTables are Postgres' own estimates, as of the last vacuum.
func rowsOfTables(ctx context.Context, p *product) (map[string]int64, error) {
	sizes := map[string]int64{}
	db, err := database.Open(ctx, p.config)
	if err != nil {
		return nil, err
	}
	defer func() { _ = db.Close() }()
	rows, err := db.Pool.Query(ctx, "SELECT relname, reltuples::BIGINT FROM pg_class WHERE relkind = 'r'")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		var n int64
		if err := rows.Scan(&name, &n); err != nil {
			return nil, err
		}
		sizes[name] = n
	}
	return sizes, rows.Err()
}

var planLine = regexp.MustCompile(`LOG:  duration: ([0-9.]+) ms  plan:\s*$`)

// readAutoExplain reads plans in JSON from a server's log. An entry's lines but the first begin with a
// tab.
func readAutoExplain(log io.Reader, found func(took time.Duration, text string, root *planNode)) error {
	in := bufio.NewReaderSize(log, 1<<20)
	var took time.Duration
	var text strings.Builder
	end := func() {
		if text.Len() > 0 {
			var entry struct {
				Text string    `json:"Query Text"`
				Plan *planNode `json:"Plan"`
			}
			if json.Unmarshal([]byte(text.String()), &entry) == nil && entry.Plan != nil {
				found(took, entry.Text, entry.Plan)
			}
		}
		text.Reset()
		took = -1
	}
	took = -1
	for {
		line, err := in.ReadString('\n')
		switch m := planLine.FindStringSubmatch(strings.TrimRight(line, "\n")); {
		case m != nil:
			end()
			ms, _ := strconv.ParseFloat(m[1], 64)
			took = time.Duration(ms * float64(time.Millisecond))
		case took >= 0 && strings.HasPrefix(line, "\t"):
			text.WriteString(line)
		default:
			end()
		}
		if err == io.EOF {
			end()
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// planNode is a node of a plan in JSON (https://www.postgresql.org/docs/current/sql-explain.html).
type planNode struct {
	Type      string   `json:"Node Type"`
	Join      string   `json:"Join Type"`
	Operation string   `json:"Operation"`
	Relation  string   `json:"Relation Name"`
	Index     string   `json:"Index Name"`
	Subplan   string   `json:"Subplan Name"`
	Cond      string   `json:"Index Cond"`
	Recheck   string   `json:"Recheck Cond"`
	Filter    string   `json:"Filter"`
	Rows      float64  `json:"Actual Rows"`
	Loops     float64  `json:"Actual Loops"`
	Time      float64  `json:"Actual Total Time"`
	Removed   float64  `json:"Rows Removed by Filter"`
	Rechecked float64  `json:"Rows Removed by Index Recheck"`
	SortBy    []string `json:"Sort Key"`
	SpaceKB   float64  `json:"Sort Space Used"`
	Space     string   `json:"Sort Space Type"`
	Plans     []*planNode
}

func (n *planNode) each(fn func(n *planNode, depth int)) { n.eachFrom(0, fn) }

func (n *planNode) eachFrom(depth int, fn func(n *planNode, depth int)) {
	fn(n, depth)
	for _, below := range n.Plans {
		below.eachFrom(depth+1, fn)
	}
}

// text is the plan as people read it.
func (n *planNode) text() string {
	var b strings.Builder
	n.each(func(n *planNode, depth int) {
		indent := strings.Repeat("  ", depth+1)
		b.WriteString(indent + n.title())
		if n.Loops == 0 {
			b.WriteString(" (never executed)\n")
			return
		}
		fmt.Fprintf(&b, " (%.3f ms, rows %.0f, loops %.0f)\n", n.Time*n.Loops, n.Rows, n.Loops)
		for _, detail := range []struct{ name, value string }{{"Index Cond", n.Cond}, {"Recheck Cond", n.Recheck}, {"Filter", n.Filter}, {"Sort Key", strings.Join(n.SortBy, ", ")}} {
			if detail.value != "" {
				fmt.Fprintf(&b, "%s    %s: %s\n", indent, detail.name, detail.value)
			}
		}
		if n.Removed+n.Rechecked > 0 {
			fmt.Fprintf(&b, "%s    Rows Removed: %.0f by filter, %.0f by recheck\n", indent, n.Removed, n.Rechecked)
		}
		if n.Space != "" {
			fmt.Fprintf(&b, "%s    Sort Space: %.0f kB %s\n", indent, n.SpaceKB, n.Space)
		}
	})
	return b.String()
}

func (n *planNode) title() string {
	title := n.Type
	if n.Operation != "" {
		title = n.Operation
	}
	for _, part := range []struct{ before, value string }{{" ", n.Join}, {" using ", n.Index}, {" on ", n.Relation}, {", ", n.Subplan}} {
		if part.value != "" {
			title += part.before + part.value
		}
	}
	return title
}

// kinds are the ways in which tables were read, in the plan's order.
func (n *planNode) kinds() []string {
	var list []string
	n.each(func(n *planNode, _ int) {
		if strings.HasSuffix(n.Type, "Scan") && n.Loops > 0 && (n.Relation != "" || n.Index != "") {
			list = append(list, strings.TrimSuffix(n.Type, " Scan")+" "+part(cmp.Or(n.Relation, n.Index)))
		}
	})
	return list
}

// findings tell what reads more than it should: how many rows, by what was found.
func (n *planNode) findings(sizes map[string]int64) map[string]int64 {
	found := map[string]int64{}
	n.each(func(n *planNode, _ int) {
		if n.Loops == 0 {
			return
		}
		where := part(n.Relation)
		if n.Relation == "" {
			where = strings.ToLower(n.title())
		}
		read := int64((n.Rows + n.Removed + n.Rechecked) * n.Loops)
		if n.Type == "Seq Scan" && (sizes[n.Relation] > manyRows || read > manyRows) {
			found["sequential scan of "+where] += read
		} else if strings.HasSuffix(n.Type, "Scan") && n.Relation != "" && read > 5*manyRows {
			found["many rows by index of "+where] += read
		}
		if removed := int64((n.Removed + n.Rechecked) * n.Loops); removed > manyRows {
			found["removed by filter on "+where] += removed
		}
		if n.Space == "Disk" {
			found["sort on disk, kB"] += int64(n.SpaceKB)
		}
	})
	return found
}
