package console

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"latchkey/internal/mapping"
	"latchkey/internal/signals"
	"latchkey/views"
	"latchkey/views/ui"
)

// maxLeaves is how many values of a sample become buttons; the text has them all.
const maxLeaves = 300

// sampleTree is the sample in the order and spelling of what was sent, each value with its path.
func sampleTree(t templateSample) (*views.SampleNode, string) {
	root, err := ui.ParseJSON(signals.Clean(t.text))
	if errors.Is(err, ui.ErrJSONTooLarge) {
		// Too much for a tree in the sender's order: the first values by their paths.
		return flatTree(mapping.Leaves(t.root, maxLeaves)), fmt.Sprintf("The payload is large. These are its first %d values; others can be typed as paths.", maxLeaves)
	}
	if err != nil {
		return nil, ""
	}
	b := treeBuilder{left: maxLeaves}
	tree := b.node(root, "", "")
	if b.left < 0 {
		return &tree, fmt.Sprintf("These are the first %d values of the payload; others can be typed as paths.", maxLeaves)
	}
	return &tree, ""
}

func flatTree(leaves []mapping.Leaf) *views.SampleNode {
	root := &views.SampleNode{Kind: ui.JSONObject}
	for _, l := range leaves {
		root.Children = append(root.Children, views.SampleNode{Name: shortPath(l.Path), Path: l.Path, Short: shortPath(l.Path), Text: l.Text, Kind: kindOf(l.Type)})
	}
	return root
}

func kindOf(leafType string) ui.JSONKind {
	switch leafType {
	case "number":
		return ui.JSONNumber
	case "string", "text":
		return ui.JSONString
	default:
		return ui.JSONBool
	}
}

type treeBuilder struct{ left int }

func (b *treeBuilder) node(n ui.JSONNode, name, path string) views.SampleNode {
	out := views.SampleNode{Name: name, Text: n.Text, Kind: n.Kind}
	switch n.Kind {
	case ui.JSONObject, ui.JSONArray:
		out.Text, out.Size = "empty", size(n)
		for i, child := range n.Children {
			if b.left < 0 {
				break
			}
			step, label := pathStep(child.Key), child.Key
			if n.Kind == ui.JSONArray {
				step, label = "["+strconv.Itoa(i)+"]", strconv.Itoa(i)
			}
			out.Children = append(out.Children, b.node(child, label, path+step))
		}
	default:
		if b.left--; b.left >= 0 {
			out.Path, out.Short = "$"+path, shortPath("$"+path)
		}
	}
	return out
}

func size(n ui.JSONNode) string {
	if n.Kind == ui.JSONArray {
		return counted(len(n.Children), "item")
	}
	return counted(len(n.Children), "member")
}

// shorthand is a name that a path writes behind a dot (RFC 9535, 2.5.1.1; ASCII is enough here).
var shorthand = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

var pathEscapes = strings.NewReplacer(`\`, `\\`, `'`, `\'`, "\n", `\n`, "\t", `\t`, "\r", `\r`)

// pathStep is the step of a path to a member.
func pathStep(name string) string {
	if shorthand.MatchString(name) {
		return "." + name
	}
	return "['" + pathEscapes.Replace(name) + "']"
}
