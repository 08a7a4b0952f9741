package hygiene

import (
	"fmt"
	"maps"
	"strings"

	"gorm.io/gorm"
)

// row is a key that a condition holds for: what a fix must find unchanged.
type row struct {
	ID              string
	SettingsVersion int
	Unused          int64 // scopes_unused: the scopes, as bits
}

// counts counts every kind in one pass over the keys.
func (l *look) counts(environment string) (map[string]int, error) {
	// Postgres would take the look-ups of all keys one by one for so dear that it compiles the query
	// first, which is slower than the query; SQLite is quicker with them.
	tables, used := from, usedOne
	if l.db.Name() == "postgres" && l.conditions[ScopesUnused] != "" {
		tables, used = from+joined, usedJoined
	}
	var columns, present []string
	for _, k := range kinds {
		if condition, ok := l.conditions[k.Kind]; ok {
			present = append(present, k.Kind)
			columns = append(columns, "COUNT(CASE WHEN "+strings.ReplaceAll(condition, usedOne, used)+" THEN 1 END)")
		}
	}
	q := l.query("SELECT "+strings.Join(columns, ", ")+tables, environment, "", nil)
	numbers, into := make([]int, len(present)), make([]any, len(present))
	for i := range numbers {
		into[i] = &numbers[i]
	}
	if err := q.Row().Scan(into...); err != nil {
		return nil, fmt.Errorf("count findings: %w", err)
	}
	counts := map[string]int{}
	for i, kind := range present {
		counts[kind] = numbers[i]
		counts[""] += numbers[i]
	}
	return counts, nil
}

// rows are the keys of one kind, the newest first; extra narrows them.
func (l *look) rows(kind, environment, extra string, args map[string]any, limit int) ([]row, error) {
	condition, ok := l.conditions[kind]
	if !ok {
		return nil, nil
	}
	unused := "0"
	if kind == ScopesUnused {
		unused = l.unused(usedOne)
	}
	args = maps.Clone(args)
	if args == nil {
		args = map[string]any{}
	}
	args["limit"] = limit
	q := l.query("SELECT k.id, k.settings_version, "+unused+" AS unused"+from, environment,
		" AND "+condition+extra+" ORDER BY k.id DESC LIMIT @limit", args)
	var rows []row
	if err := q.Scan(&rows).Error; err != nil {
		return nil, fmt.Errorf("find %s: %w", kind, err)
	}
	return rows, nil
}

func (l *look) query(selects, environment, rest string, extra map[string]any) *gorm.DB {
	args := maps.Clone(l.args)
	maps.Copy(args, extra)
	where := l.where
	if environment != "" {
		where += " AND k.environment = @environment"
		args["environment"] = environment
	}
	return l.db.Raw(selects+where+rest, args)
}
