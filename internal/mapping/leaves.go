package mapping

import (
	"encoding/json"
	"slices"
)

// Leaf is a value of a sample that has no further members. Type is text, number, boolean, null, list
// or object (the last two: empty, or too deep for a path).
type Leaf struct{ Path, Text, Type string }

// maxLeafText is how many bytes of a value a leaf shows.
const maxLeafText = 200

// Leaves lists at most so many leaves of a payload, members by name, each with the path that finds it.
func Leaves(sample any, most int) []Leaf {
	var leaves []Leaf
	visitLeaves(sample, func(steps []step, v any) bool {
		if len(leaves) >= most {
			return false
		}
		if p := newPath(steps); len(p.text) <= MaxPathBytes {
			leaves = append(leaves, Leaf{Path: p.text, Text: leafText(v), Type: leafType(v)})
		}
		return true
	})
	return leaves
}

// visitLeaves goes depth first until visit says no, or the budget of a payload is used up.
func visitLeaves(sample any, visit func(steps []step, v any) bool) {
	b := budget{maxVisits}
	var walk func(steps []step, v any) bool
	walk = func(steps []step, v any) bool {
		if !b.spend(1) {
			return false
		}
		if len(steps) == MaxSteps {
			return visit(steps, v)
		}
		switch v := v.(type) {
		case map[string]any:
			names, ok := sortedNames(v, &b)
			for _, name := range names {
				if ok = walk(append(slices.Clip(steps), step{kind: stepName, name: name}), v[name]); !ok {
					break
				}
			}
			if len(v) > 0 || !ok {
				return ok
			}
		case []any:
			for i, member := range v {
				if !walk(append(slices.Clip(steps), step{kind: stepIndex, index: i}), member) {
					return false
				}
			}
			if len(v) > 0 {
				return true
			}
		}
		return visit(steps, v)
	}
	walk(nil, sample)
}

func leafType(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case string:
		return "text"
	case bool:
		return "boolean"
	case json.Number:
		return "number"
	case []any:
		return "list"
	}
	return "object"
}

func leafText(v any) string {
	if text, ok := textOf(v); ok {
		return cleanText(cutText(text, maxLeafText, "…"))
	}
	return describe(v)
}
