package mapping

import (
	"encoding/json"
	"math/bits"
	"slices"
	"strings"
)

const (
	// maxVisits bounds the members of lists and objects that one payload's rows may look at
	// together. Steps to a single value are not counted: the template's limits bound them.
	maxVisits = 200_000
	// maxFound bounds the values of one path.
	maxFound = 10_000
)

// many is the values of a path with [*] or a filter, or the parts of a split text: several where a
// target may want one. A list in the payload stays []any.
type many []any

// budget counts down what one Apply may still look at.
type budget struct{ left int }

// spend is false, from then on for good, when the budget does not cover n.
func (b *budget) spend(n int) bool {
	if n > b.left {
		b.left = 0
		return false
	}
	b.left -= n
	return true
}

// find follows the path. found is false when nothing is there, and v is a many when the path can
// give several values. over tells that there was too much to look at.
func (p path) find(root any, b *budget) (v any, found, over bool) {
	current := root
	for i, s := range p.steps {
		if s.kind == stepAll || s.kind == stepFilter {
			list, ok := fanOut(current, p.steps[i:], b)
			return list, len(list) > 0, !ok
		}
		if current, found = s.one(current); !found {
			return nil, false, false
		}
	}
	return current, true, false
}

// one follows a name or an index.
func (s step) one(v any) (any, bool) {
	switch s.kind {
	case stepName:
		object, _ := v.(map[string]any)
		member, ok := object[s.name]
		return member, ok
	case stepIndex:
		list, _ := v.([]any)
		i := s.index
		if i < 0 {
			i += len(list)
		}
		if i >= 0 && i < len(list) {
			return list[i], true
		}
	}
	return nil, false
}

// fanOut follows steps of which the first has several values, breadth first.
func fanOut(v any, steps []step, b *budget) (many, bool) {
	nodes := many{v}
	for _, s := range steps {
		var next many
		for _, node := range nodes {
			if !b.spend(1) {
				return nil, false
			}
			if s.kind == stepName || s.kind == stepIndex {
				if member, ok := s.one(node); ok {
					next = append(next, member)
				}
				continue
			}
			var ok bool
			if next, ok = s.members(node, next, b); !ok {
				return nil, false
			}
		}
		nodes = next
	}
	return nodes, true
}

// members appends what [*] or a filter takes of one node.
func (s step) members(node any, to many, b *budget) (many, bool) {
	list, ok := childrenOf(node, b)
	if !ok {
		return nil, false
	}
	for _, member := range list {
		if s.kind == stepFilter {
			if !b.spend(len(s.where.names)) {
				return nil, false
			}
			if !s.where.keeps(member) {
				continue
			}
		}
		if len(to) == maxFound {
			return nil, false
		}
		to = append(to, member)
	}
	return to, true
}

// childrenOf pays for looking at each child. An object's are in the order of their names, so that
// the same payload gives the same result each time.
func childrenOf(node any, b *budget) ([]any, bool) {
	switch node := node.(type) {
	case []any:
		return node, b.spend(len(node))
	case map[string]any:
		names, ok := sortedNames(node, b)
		if !ok {
			return nil, false
		}
		list := make([]any, len(names))
		for i, name := range names {
			list[i] = node[name]
		}
		return list, true
	}
	return nil, true
}

// sortedNames costs what sorting does.
func sortedNames(object map[string]any, b *budget) ([]string, bool) {
	if !b.spend(len(object) * (2 + bits.Len(uint(len(object)))/2)) {
		return nil, false
	}
	names := make([]string, 0, len(object))
	for name := range object {
		names = append(names, name)
	}
	slices.Sort(names)
	return names, true
}

func (f *filter) keeps(v any) bool {
	for _, name := range f.names {
		object, _ := v.(map[string]any)
		member, ok := object[name]
		if !ok {
			return false
		}
		v = member
	}
	switch want := f.want.(type) {
	case string:
		text, ok := v.(string)
		return ok && text == want
	case bool:
		is, ok := v.(bool)
		return ok && is == want
	case json.Number:
		number, ok := v.(json.Number)
		return ok && sameNumber(number, want)
	}
	return false
}

// sameNumber compares by value; want is in its plain spelling.
func sameNumber(number, want json.Number) bool {
	if number == want {
		return true
	}
	if !strings.ContainsAny(string(number[:min(len(number), maxNumberText)]), ".eE") && number != "-0" {
		return false
	}
	d, problem := parseDecimal(string(number))
	return problem == "" && d.text() == string(want)
}

// isEmpty tells null, blank text, {}, and lists of nothing else.
func isEmpty(v any, b *budget) bool {
	switch v := v.(type) {
	case nil:
		return true
	case string:
		return len(v) <= maxWork && strings.TrimSpace(v) == ""
	case map[string]any:
		return len(v) == 0
	case many:
		return allEmpty(v, b)
	case []any:
		return allEmpty(v, b)
	}
	return false
}

func allEmpty(list []any, b *budget) bool {
	for _, v := range list {
		if !b.spend(1+sizeOf(v)/16) || !isBlank(v) {
			return false
		}
	}
	return true
}

// sizeOf is how many bytes of a text are to be looked at; a digit is four times the work.
func sizeOf(v any) int {
	switch v := v.(type) {
	case string:
		return min(len(v), maxWork)
	case json.Number:
		return 4 * min(len(v), maxNumberText)
	}
	return 0
}

// isBlank is isEmpty for an element, of which there can be many.
func isBlank(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case string:
		return len(v) <= maxWork && strings.TrimSpace(v) == ""
	case map[string]any:
		return len(v) == 0
	case []any:
		return len(v) == 0
	}
	return false
}
