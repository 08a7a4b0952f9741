package openapi

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxDepth ends schemas that hold themselves.
const maxDepth = 6

// schema describes one value in words.
func (r *reader) schema(n *yaml.Node) Member {
	m := Member{Description: text(n, "description")}
	n, _ = r.resolve(n)
	if m.Description == "" {
		m.Description = text(n, "description")
	}
	m.Format, m.Default = text(n, "format"), asJSON(member(n, "default"))
	m.Type = r.typeOf(n, 0)
	for _, v := range items(member(n, "enum")) {
		if v.Tag != "!!null" {
			m.Values = append(m.Values, v.Value)
		}
	}
	if c := member(n, "const"); c != nil {
		m.Values = []string{c.Value}
	}
	if list := member(n, "items"); list != nil && m.Values == nil {
		m.Values = r.schema(list).Values
	}
	return m
}

// typeOf is the type in words: "string or null", "array of objects".
func (r *reader) typeOf(n *yaml.Node, depth int) string {
	n, _ = r.resolve(n)
	if n == nil || depth > maxDepth {
		return "any value"
	}
	for _, name := range []string{"oneOf", "anyOf"} {
		if alternatives := items(member(n, name)); alternatives != nil {
			var words []string
			for _, a := range alternatives {
				words = append(words, r.typeOf(a, depth+1))
			}
			return strings.Join(slices.Compact(words), " or ")
		}
	}
	if all := items(member(n, "allOf")); all != nil {
		return r.typeOf(all[0], depth+1)
	}
	t := member(n, "type")
	if t == nil {
		return "any value"
	}
	words := []string{t.Value}
	if t.Kind == yaml.SequenceNode {
		words = nil
		for _, w := range t.Content {
			words = append(words, w.Value)
		}
	}
	for i, w := range words {
		switch {
		case w == "array":
			words[i] = "array of " + plural(r.typeOf(member(n, "items"), depth+1))
		case w == "object" && member(n, "properties") == nil && member(member(n, "additionalProperties"), "type") != nil:
			words[i] = "object of " + plural(r.typeOf(member(n, "additionalProperties"), depth+1))
		}
	}
	return strings.Join(words, " or ")
}

func plural(word string) string {
	switch word {
	case "string", "integer", "number", "boolean", "object":
		return word + "s"
	case "any value":
		return "any values"
	default:
		return word
	}
}

// flatten lists the members of an object, or of an array's objects, those of objects in it among
// them.
func (r *reader) flatten(n *yaml.Node) []Member {
	return r.below(n, "", 0)
}

func (r *reader) below(n *yaml.Node, path string, depth int) []Member {
	n, _ = r.resolve(n)
	if n == nil || depth > maxDepth {
		return nil
	}
	if list := member(n, "items"); list != nil {
		if path != "" {
			path = strings.TrimSuffix(path, ".") + "[]."
		}
		return r.below(list, path, depth+1)
	}
	var out []Member
	for _, name := range []string{"allOf", "oneOf", "anyOf"} {
		for _, part := range items(member(n, name)) {
			out = merge(out, r.below(part, path, depth+1))
		}
	}
	required := map[string]bool{}
	for _, name := range items(member(n, "required")) {
		required[name.Value] = true
	}
	for name, property := range members(member(n, "properties")) {
		m := r.schema(property)
		m.Name, m.Required = path+name, required[name]
		out = merge(out, []Member{m})
		out = merge(out, r.below(property, m.Name+".", depth+1))
	}
	if values := member(n, "additionalProperties"); values != nil && values.Kind == yaml.MappingNode {
		out = merge(out, r.below(values, path+"{name}.", depth+1))
	}
	return out
}

// merge adds members that are not there yet.
func merge(out, more []Member) []Member {
	for _, m := range more {
		if !slices.ContainsFunc(out, func(o Member) bool { return o.Name == m.Name }) {
			out = append(out, m)
		}
	}
	return out
}
