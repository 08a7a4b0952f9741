package openapi

import (
	"errors"
	"fmt"

	"go.yaml.in/yaml/v3"
)

// Document is the contract as people read it: resolved, flattened and in the file's order.
type Document struct {
	Title, Version, Description string
	Bases                       []string    // paths of the servers
	Groups                      []Group     // by tag
	Messages                    []Operation // what is sent to others; Path is the type
}

// Group is the operations with one tag.
type Group struct {
	Name, Description string
	Operations        []Operation
}

// Operation is one method of one path.
type Operation struct {
	ID                   string
	Method               string // GET ...
	Path                 string // below a base, as in /workspaces/{id}
	Summary, Description string
	Scopes               []string // that the key needs
	Public               bool     // no key at all; else, without Scopes, any key will do
	Parameters           []Parameter
	Body                 *Body // nil: none is read
	Answers              []Answer
}

// Parameter is a part of the path, of the query, or a header.
type Parameter struct {
	Name, In, Description string
	Type                  string // in words
	Default, Example      string
	Values                []string // the only ones, when there are
	Required              bool
}

// Body is what is sent.
type Body struct {
	Required    bool
	Description string
	Type        string   // application/json ...
	Shape       string   // in words: object, array of strings ...
	Members     []Member // of the object, or of the array's items
	Example     string   // as JSON; empty when there is none
}

// Answer is what one status means.
type Answer struct {
	Status, Description string
	Headers             []Header
	Body                *Body  // nil: none
	Shared              string // name of the answer that several operations share; else empty
}

// Header is one header of an answer.
type Header struct{ Name, Description string }

// Member is one member of an object. Those of objects in it follow with their path: rotation.ends_at,
// rows[].target.
type Member struct {
	Name, Description string
	Type              string   // in words: string or null, array of strings
	Format            string   // uuid, date-time ...
	Values            []string // the only ones, when there are
	Default           string
	Required          bool // of a body that is sent; in an answer: always there
}

// Success is the answer of an operation that went well.
func (o Operation) Success() (Answer, bool) {
	for _, a := range o.Answers {
		if a.Status[0] == '2' {
			return a, true
		}
	}
	return Answer{}, false
}

// methods are the members of a path that are operations.
var methods = map[string]string{"get": "GET", "put": "PUT", "post": "POST", "patch": "PATCH", "delete": "DELETE"}

// Parse reads a contract such as Source. It refuses what it cannot show: a reference into nothing,
// an operation without its id, summary, security or one of the listed tags.
func Parse(source []byte) (*Document, error) {
	var file yaml.Node
	if err := yaml.Unmarshal(source, &file); err != nil {
		return nil, fmt.Errorf("read the contract: %w", err)
	}
	if len(file.Content) != 1 {
		return nil, errors.New("read the contract: it is empty")
	}
	r := &reader{root: file.Content[0]}
	d := r.document()
	if r.err != nil {
		return nil, fmt.Errorf("read the contract: %w", r.err)
	}
	return d, nil
}

func (r *reader) document() *Document {
	info := member(r.root, "info")
	d := &Document{Title: text(info, "title"), Version: text(info, "version"), Description: text(info, "description")}
	for _, s := range items(member(r.root, "servers")) {
		d.Bases = append(d.Bases, text(s, "url"))
	}
	at := map[string]int{}
	for i, t := range items(member(r.root, "tags")) {
		d.Groups = append(d.Groups, Group{Name: text(t, "name"), Description: text(t, "description")})
		at[text(t, "name")] = i
	}
	for path, node := range members(member(r.root, "paths")) {
		for name, op := range members(node) {
			method, ok := methods[name]
			if !ok {
				continue
			}
			o := r.operation(method, path, op, items(member(node, "parameters")))
			tags := items(member(op, "tags"))
			if len(tags) != 1 {
				r.fail("%s has %d tags, not one", o.ID, len(tags))
				continue
			}
			i, ok := at[tags[0].Value]
			if !ok {
				r.fail("%s has the tag %q, which is not listed", o.ID, tags[0].Value)
				continue
			}
			d.Groups[i].Operations = append(d.Groups[i].Operations, o)
		}
	}
	for name, node := range members(member(r.root, "webhooks")) {
		d.Messages = append(d.Messages, r.operation("POST", name, member(node, "post"), nil))
	}
	return d
}
