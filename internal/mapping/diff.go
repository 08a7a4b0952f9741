package mapping

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Kinds of changes.
const (
	Added   = "added"
	Removed = "removed"
	Changed = "changed"
)

// RowChange is a difference between two templates at one target, each part of it a sentence.
type RowChange struct {
	Target string
	Kind   string // Added, Removed or Changed
	Words  []string
}

// Diff says what b has other than a, in the order of a with what is new behind. The order of the rows
// is no difference, since it means nothing to the result.
func Diff(a, b Template) []RowChange {
	var changes []RowChange
	before, after := byTarget(a), byTarget(b)
	for _, row := range a.Rows {
		now, still := after[row.Target]
		if !still {
			changes = append(changes, RowChange{row.Target, Removed, []string{"Was filled from " + source(row) + "."}})
		} else if words := rowWords(before[row.Target], now); len(words) > 0 {
			changes = append(changes, RowChange{row.Target, Changed, words})
		}
	}
	for _, row := range b.Rows {
		if _, was := before[row.Target]; !was {
			changes = append(changes, RowChange{row.Target, Added, addedWords(row)})
		}
	}
	return changes
}

func byTarget(t Template) map[string]Row {
	rows := make(map[string]Row, len(t.Rows))
	for _, row := range t.Rows {
		rows[row.Target] = row
	}
	return rows
}

func source(r Row) string {
	if !absent(r.Value) {
		return "the constant " + compact(r.Value)
	}
	return either(r.From)
}

func addedWords(r Row) []string {
	words := []string{"Filled from " + source(r) + "."}
	if len(r.Transform) > 0 {
		words = append(words, "Transformed by "+chain(r.Transform)+".")
	}
	if !absent(r.Default) {
		words = append(words, "Falls back on "+compact(r.Default)+".")
	}
	if r.Required {
		words = append(words, "Required.")
	}
	return words
}

func rowWords(a, b Row) []string {
	var words []string
	if source(a) != source(b) {
		words = append(words, fmt.Sprintf("Filled from %s instead of %s.", source(b), source(a)))
	}
	if !slices.Equal(a.Transform, b.Transform) {
		words = append(words, transformWords(chain(a.Transform), chain(b.Transform)))
	}
	if fallback(a) != fallback(b) {
		words = append(words, fmt.Sprintf("Falls back on %s instead of %s.", fallback(b), fallback(a)))
	}
	if a.Required != b.Required {
		words = append(words, map[bool]string{true: "Is required now.", false: "Is no longer required."}[b.Required])
	}
	return words
}

func transformWords(a, b string) string {
	switch {
	case a == "":
		return "Transformed by " + b + " now."
	case b == "":
		return "No longer transformed by " + a + "."
	default:
		return fmt.Sprintf("Transformed by %s instead of %s.", b, a)
	}
}

func chain(transforms []string) string {
	return strings.Join(transforms, ", then ")
}

func fallback(r Row) string {
	if absent(r.Default) {
		return "nothing"
	}
	return compact(r.Default)
}

func compact(raw json.RawMessage) string {
	var b bytes.Buffer
	if json.Compact(&b, raw) != nil {
		return cleanText(cutText(string(raw), maxShown, "…"))
	}
	return cutText(b.String(), 4*maxShown, "…")
}
