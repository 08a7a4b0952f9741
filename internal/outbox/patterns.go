package outbox

import (
	"slices"
	"strings"
)

// Patterns choose types: exact names, prefix.* and *.
type Patterns []string

// ParsePatterns reads patterns that are separated by spaces, commas or lines.
func ParsePatterns(text string) Patterns {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == ',' || r == '\n' || r == '\r' || r == '\t' })
}

// String separates the patterns by spaces, as they are stored.
func (p Patterns) String() string { return strings.Join(p, " ") }

// Match tells whether one of the patterns chooses the type.
func (p Patterns) Match(t Type) bool {
	return slices.ContainsFunc(p, func(pattern string) bool { return covers(pattern, string(t)) })
}

// covers tells whether a pattern chooses a type, or all that another pattern chooses.
func covers(pattern, name string) bool {
	if prefix, wild := strings.CutSuffix(pattern, "*"); wild && (prefix == "" || strings.HasSuffix(prefix, ".")) {
		return strings.HasPrefix(name, prefix)
	}
	return pattern == name
}

// Unknown are the patterns that choose no type there is.
func (p Patterns) Unknown() []string {
	var out []string
	for _, pattern := range p {
		if !slices.ContainsFunc(Types, func(info TypeInfo) bool { return covers(pattern, string(info.Type)) }) {
			out = append(out, pattern)
		}
	}
	return out
}

// Normal leaves out patterns that another one covers, and puts the rest in the order of Types.
func (p Patterns) Normal() Patterns {
	out := Patterns{}
	for i, pattern := range p {
		covered := slices.Contains(p[:i], pattern) ||
			slices.ContainsFunc(p, func(other string) bool { return other != pattern && covers(other, pattern) })
		if !covered {
			out = append(out, pattern)
		}
	}
	slices.SortStableFunc(out, func(a, b string) int { return place(a) - place(b) })
	return out
}

// place is where in Types the first type stands that a pattern chooses.
func place(pattern string) int {
	for i, info := range Types {
		if covers(pattern, string(info.Type)) {
			return i
		}
	}
	return len(Types)
}
