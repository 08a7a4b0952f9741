package openapi

import (
	"fmt"
	"iter"
	"strings"

	"go.yaml.in/yaml/v3"
)

// reader goes over the file's nodes, which keep its order, and remembers the first thing wrong.
type reader struct {
	root *yaml.Node
	err  error
}

func (r *reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf(format, args...)
	}
}

// resolve follows a reference within the file; name is its last part.
func (r *reader) resolve(n *yaml.Node) (target *yaml.Node, name string) {
	for range 10 {
		ref := text(n, "$ref")
		if ref == "" {
			return n, name
		}
		path, ok := strings.CutPrefix(ref, "#/")
		if !ok {
			r.fail("the reference %q leaves the file", ref)
			return nil, ""
		}
		n = r.root
		for part := range strings.SplitSeq(path, "/") {
			name = strings.ReplaceAll(strings.ReplaceAll(part, "~1", "/"), "~0", "~")
			n = member(n, name)
		}
		if n == nil {
			r.fail("the reference %q leads to nothing", ref)
			return nil, ""
		}
	}
	r.fail("the reference to %q goes round in circles", name)
	return nil, ""
}

func (r *reader) operation(method, path string, n *yaml.Node, shared []*yaml.Node) Operation {
	o := Operation{
		ID: text(n, "operationId"), Method: method, Path: path, Summary: text(n, "summary"), Description: text(n, "description"),
	}
	if o.ID == "" || o.Summary == "" {
		r.fail("%s %s has no operationId or no summary", method, path)
	}
	o.Scopes, o.Public = r.security(o.ID, n)
	for _, p := range append(append([]*yaml.Node{}, shared...), items(member(n, "parameters"))...) {
		o.Parameters = append(o.Parameters, r.parameter(p))
	}
	if body := member(n, "requestBody"); body != nil {
		body, _ = r.resolve(body)
		o.Body = r.body(member(body, "content"))
		if o.Body != nil {
			o.Body.Required, o.Body.Description = truth(body, "required"), text(body, "description")
		}
	}
	for status, a := range members(member(n, "responses")) {
		o.Answers = append(o.Answers, r.answer(status, a))
	}
	if _, ok := o.Success(); !ok {
		r.fail("%s has no answer for when it went well", o.ID)
	}
	return o
}

// security is what an operation asks for, its own or the file's.
func (r *reader) security(id string, n *yaml.Node) (scopes []string, public bool) {
	security := member(n, "security")
	if security == nil {
		security = member(r.root, "security")
	}
	if security == nil {
		r.fail("%s says nothing of its security", id)
		return nil, false
	}
	for _, alternative := range items(security) {
		for _, list := range members(alternative) {
			for _, s := range items(list) {
				scopes = append(scopes, s.Value)
			}
		}
	}
	return scopes, len(security.Content) == 0
}

func (r *reader) parameter(n *yaml.Node) Parameter {
	n, _ = r.resolve(n)
	m := r.schema(member(n, "schema"))
	p := Parameter{
		Name: text(n, "name"), In: text(n, "in"), Description: text(n, "description"), Required: truth(n, "required"),
		Type: m.Type, Default: m.Default, Values: m.Values, Example: scalar(member(n, "example")),
	}
	if m.Format != "" {
		p.Type += " (" + m.Format + ")"
	}
	return p
}

func (r *reader) answer(status string, n *yaml.Node) Answer {
	n, shared := r.resolve(n)
	a := Answer{Status: status, Description: text(n, "description"), Shared: shared, Body: r.body(member(n, "content"))}
	for name, h := range members(member(n, "headers")) {
		h, _ = r.resolve(h)
		a.Headers = append(a.Headers, Header{name, text(h, "description")})
	}
	return a
}

// body reads the first of the content types; the contract has one each.
func (r *reader) body(content *yaml.Node) *Body {
	for kind, n := range members(content) {
		schema := member(n, "schema")
		b := &Body{Type: kind, Shape: r.schema(schema).Type, Members: r.flatten(schema)}
		switch example := member(n, "example"); {
		case example != nil && strings.HasPrefix(kind, "text/"):
			b.Example = strings.TrimSuffix(example.Value, "\n")
		case example != nil:
			b.Example = asJSON(example)
		default:
			for _, named := range members(member(n, "examples")) {
				b.Example = asJSON(member(named, "value"))
				break
			}
		}
		return b
	}
	return nil
}

// members goes over a mapping in its order.
func members(n *yaml.Node) iter.Seq2[string, *yaml.Node] {
	return func(yield func(string, *yaml.Node) bool) {
		if n == nil || n.Kind != yaml.MappingNode {
			return
		}
		for i := 0; i+1 < len(n.Content); i += 2 {
			if !yield(n.Content[i].Value, n.Content[i+1]) {
				return
			}
		}
	}
}

func member(n *yaml.Node, name string) *yaml.Node {
	for key, value := range members(n) {
		if key == name {
			if value.Kind == yaml.AliasNode {
				return value.Alias
			}
			return value
		}
	}
	return nil
}

func items(n *yaml.Node) []*yaml.Node {
	if n == nil || n.Kind != yaml.SequenceNode {
		return nil
	}
	return n.Content
}

func text(n *yaml.Node, name string) string { return scalar(member(n, name)) }

func scalar(n *yaml.Node) string {
	if n == nil || n.Kind != yaml.ScalarNode {
		return ""
	}
	return strings.TrimSpace(n.Value)
}

func truth(n *yaml.Node, name string) bool { return text(n, name) == "true" }
