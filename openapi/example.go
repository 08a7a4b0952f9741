package openapi

import (
	"bytes"
	"encoding/json"

	"go.yaml.in/yaml/v3"
)

// asJSON writes a value as JSON, with its members in the file's order; empty for none.
func asJSON(n *yaml.Node) string {
	if n == nil {
		return ""
	}
	var compact, pretty bytes.Buffer
	writeJSON(&compact, n)
	if json.Indent(&pretty, compact.Bytes(), "", "  ") != nil {
		return compact.String()
	}
	return pretty.String()
}

func writeJSON(b *bytes.Buffer, n *yaml.Node) {
	switch n.Kind {
	case yaml.AliasNode:
		writeJSON(b, n.Alias)
	case yaml.MappingNode:
		separator := byte('{')
		for name, value := range members(n) {
			b.WriteByte(separator)
			writeString(b, name)
			b.WriteByte(':')
			writeJSON(b, value)
			separator = ','
		}
		if separator == '{' {
			b.WriteByte('{')
		}
		b.WriteByte('}')
	case yaml.SequenceNode:
		b.WriteByte('[')
		for i, item := range n.Content {
			if i > 0 {
				b.WriteByte(',')
			}
			writeJSON(b, item)
		}
		b.WriteByte(']')
	default:
		writeScalar(b, n)
	}
}

// writeScalar writes numbers as they stand, and as strings what YAML would make more of, like dates.
func writeScalar(b *bytes.Buffer, n *yaml.Node) {
	switch n.Tag {
	case "!!null":
		b.WriteString("null")
	case "!!bool", "!!int", "!!float":
		if json.Valid([]byte(n.Value)) {
			b.WriteString(n.Value)
			return
		}
		writeString(b, n.Value)
	default:
		writeString(b, n.Value)
	}
}

func writeString(b *bytes.Buffer, text string) {
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	_ = e.Encode(text) // a string always encodes
	b.Truncate(b.Len() - 1)
}
