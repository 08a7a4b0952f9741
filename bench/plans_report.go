package main

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// statement is one text that the product ran, whatever its values.
type statement struct {
	text     string // as it was when it took longest
	calls    int64
	total    time.Duration
	worst    time.Duration
	plan     string           // of the worst
	kinds    []string         // how its tables were read then
	findings map[string]int64 // over all calls: the most rows of each
}

type grouped struct{ by map[string]*statement }

func newGrouped() *grouped { return &grouped{by: map[string]*statement{}} }

// add counts one call. The plan is made only where it is the slowest.
func (g *grouped) add(text string, took time.Duration, plan func() string, kinds []string, findings map[string]int64) *statement {
	key := shapeOfSQL(text)
	s := g.by[key]
	if s == nil {
		s = &statement{worst: -1, findings: map[string]int64{}}
		g.by[key] = s
	}
	s.calls++
	s.total += took
	if took > s.worst {
		s.text, s.worst, s.plan, s.kinds = strings.TrimSpace(text), took, plan(), kinds
	}
	for what, rows := range findings {
		s.findings[what] = max(s.findings[what], rows)
	}
	return s
}

// list is sorted, the slowest first.
func (g *grouped) list() []*statement {
	return slices.SortedFunc(maps.Values(g.by), func(a, b *statement) int {
		return cmp.Or(cmp.Compare(b.worst, a.worst), cmp.Compare(a.text, b.text))
	})
}

var (
	space      = regexp.MustCompile(`\s+`)
	parameter  = regexp.MustCompile(`\$[0-9]+`)
	literalID  = regexp.MustCompile(`'[0-9a-f]{8}-[0-9a-f-]{27}'`)
	parameters = regexp.MustCompile(`\?(, ?\?)*`)
	valueLists = regexp.MustCompile(`(\([?…, ]*\))(, ?\([?…, ]*\))*`)
	longList   = regexp.MustCompile(`((?:(?:\$[0-9]+|\?), ?){2})(?:(?:\$[0-9]+|\?), ?){6,}(?:\$[0-9]+|\?)`)
	bigNumber  = regexp.MustCompile(`\b[0-9]{5,}\b`)
	partName   = regexp.MustCompile(`\b(signals)_(?:[0-9][0-9a-z_]*|first|last)\b`)
)

// shapeOfSQL is what statements have in common that differ in their values only, or in how many.
func shapeOfSQL(text string) string {
	text = strings.TrimSpace(space.ReplaceAllString(text, " "))
	text = literalID.ReplaceAllString(parameter.ReplaceAllString(text, "?"), "?")
	text = bigNumber.ReplaceAllString(parameters.ReplaceAllString(text, "?…"), "N")
	return part(valueLists.ReplaceAllString(text, "$1…"))
}

// part calls a part of signals by the name of the whole.
func part(name string) string { return partName.ReplaceAllString(name, "$1") }

var tableIn = regexp.MustCompile(`(?i)\b(?:FROM|JOIN|INTO|UPDATE)\s+(?:ONLY\s+)?["` + "`" + `]?([a-z_]+)`)

// brief is the statement's first word and its tables.
func (s *statement) brief() string {
	first := strings.Fields(s.text + " ?")[0]
	var tables []string
	for _, m := range tableIn.FindAllStringSubmatch(part(s.text), -1) {
		if name := m[1]; !slices.Contains(tables, name) && !slices.Contains([]string{"select", "set", "lateral", "unnest", "only", "skip", "of", "nullif", "not"}, strings.ToLower(name)) {
			tables = append(tables, name)
		}
	}
	return strings.TrimSpace(first + " " + strings.Join(tables, ", "))
}

// told are the findings, the largest first.
func (s *statement) told() string {
	var list []string
	for _, what := range slices.SortedFunc(maps.Keys(s.findings), func(a, b string) int { return cmp.Compare(s.findings[b], s.findings[a]) }) {
		list = append(list, fmt.Sprintf("%s (%s)", what, thousands(s.findings[what])))
	}
	return strings.Join(list, "; ")
}

// writePlans writes every statement with its plan.
func writePlans(file string, list []*statement) error {
	var b strings.Builder
	for i, s := range list {
		fmt.Fprintf(&b, "%d. %s, worst %s, %s calls, all %s\n", i+1, s.brief(), short(s.worst), thousands(s.calls), short(s.total))
		if told := s.told(); told != "" {
			fmt.Fprintf(&b, "   !! %s\n", told)
		}
		fmt.Fprintf(&b, "\n%s\n\n%s\n", longList.ReplaceAllString(s.text, "$1…"), s.plan)
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return os.WriteFile(file, []byte(b.String()), 0o644)
}

const (
	slowestTold = 20
	kindsTold   = 4
	widthTold   = 60 // characters of a cell
)

// tellPlans shows what was found, and the slowest.
func tellPlans(b *strings.Builder, list []*statement) {
	var rows [][]string
	for i, s := range list {
		if i >= slowestTold && len(s.findings) == 0 {
			continue
		}
		rows = append(rows, []string{fmt.Sprint(i + 1), cut(s.brief()), thousands(s.calls), fmt.Sprintf("%.1f", float64(s.worst)/1e6), kindsOf(s.kinds), s.told()})
	}
	table(b, []string{"", "statement", "calls", "worst, ms", "read by", "found"}, rows)
}

func cut(text string) string {
	if r := []rune(text); len(r) > widthTold {
		return string(r[:widthTold-1]) + "…"
	}
	return text
}

// kindsOf counts equal ones.
func kindsOf(kinds []string) string {
	counts := map[string]int{}
	var order []string
	for _, kind := range kinds {
		if counts[kind]++; counts[kind] == 1 {
			order = append(order, kind)
		}
	}
	var list []string
	for _, kind := range order {
		if counts[kind] > 1 {
			kind += fmt.Sprintf(" ×%d", counts[kind])
		}
		list = append(list, kind)
	}
	if len(list) > kindsTold {
		list = append(list[:kindsTold], "…")
	}
	return strings.Join(list, ", ")
}
