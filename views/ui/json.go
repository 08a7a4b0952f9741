package ui

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strconv"
)

// JSONKind is what a JSONNode is.
type JSONKind int

const (
	JSONNull JSONKind = iota
	JSONString
	JSONNumber
	JSONBool
	JSONObject
	JSONArray
)

// JSONNode is one value of a JSON document. Text is a scalar as it is to be read (a string in its quotes).
type JSONNode struct {
	Key      string
	HasKey   bool
	Kind     JSONKind
	Text     string
	Children []JSONNode
}

// JSONViewProps is a payload viewer: objects and arrays fold, everything is escaped. Levels below OpenDepth start folded
// (at least 2).
type JSONViewProps struct {
	Label     string
	Root      JSONNode
	OpenDepth int
}

// jsonNodeLimit bounds a page: a payload of a megabyte of commas must not become a hundred megabytes of HTML.
const (
	jsonNodeLimit  = 5000
	jsonDepthLimit = 100
)

// ErrJSONTooLarge says that a document has more values or levels than a page should show; show its text instead.
var ErrJSONTooLarge = errors.New("document too large to show as a tree")

// ParseJSON reads one JSON document into a tree, keeping the order and spelling of what was sent: repeated names stay
// repeated, numbers keep their digits.
func ParseJSON(raw []byte) (JSONNode, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	budget := jsonNodeLimit
	root, err := parseValue(dec, 0, &budget)
	if err != nil {
		return JSONNode{}, err
	}
	if _, err := dec.Token(); err != io.EOF {
		return JSONNode{}, errors.New("more than one JSON value")
	}
	return root, nil
}

func parseValue(dec *json.Decoder, depth int, budget *int) (JSONNode, error) {
	*budget--
	if *budget < 0 || depth > jsonDepthLimit {
		return JSONNode{}, ErrJSONTooLarge
	}
	tok, err := dec.Token()
	if err != nil {
		return JSONNode{}, err
	}
	switch v := tok.(type) {
	case json.Delim:
		return parseComposite(dec, v, depth, budget)
	case string:
		return JSONNode{Kind: JSONString, Text: quote(v)}, nil
	case json.Number:
		return JSONNode{Kind: JSONNumber, Text: v.String()}, nil
	case bool:
		return JSONNode{Kind: JSONBool, Text: strconv.FormatBool(v)}, nil
	default:
		return JSONNode{Kind: JSONNull, Text: "null"}, nil
	}
}

func parseComposite(dec *json.Decoder, open json.Delim, depth int, budget *int) (JSONNode, error) {
	n := JSONNode{Kind: JSONArray}
	if open == '{' {
		n.Kind = JSONObject
	}
	for dec.More() {
		key := ""
		if n.Kind == JSONObject {
			tok, err := dec.Token()
			if err != nil {
				return n, err
			}
			key, _ = tok.(string)
		}
		child, err := parseValue(dec, depth+1, budget)
		if err != nil {
			return n, err
		}
		child.Key, child.HasKey = key, n.Kind == JSONObject
		n.Children = append(n.Children, child)
	}
	_, err := dec.Token() // the closing bracket
	return n, err
}

// quote writes a string as JSON, leaving < > & readable: the template escapes them.
func quote(s string) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil {
		return strconv.Quote(s)
	}
	return string(bytes.TrimRight(b.Bytes(), "\n"))
}

func (n JSONNode) composite() bool { return len(n.Children) > 0 }

func (n JSONNode) brackets() (string, string) {
	if n.Kind == JSONArray {
		return "[", "]"
	}
	return "{", "}"
}

func (n JSONNode) size() string {
	if n.Kind == JSONArray {
		return plural(len(n.Children), "item")
	}
	if len(n.Children) == 1 {
		return "1 property"
	}
	return strconv.Itoa(len(n.Children)) + " properties"
}

func (n JSONNode) scalar() string {
	switch {
	case n.Kind == JSONObject:
		return "{}"
	case n.Kind == JSONArray:
		return "[]"
	default:
		return n.Text
	}
}

func jsonClass(k JSONKind) string {
	switch k {
	case JSONString:
		return "json-string"
	case JSONNumber:
		return "json-number"
	case JSONBool, JSONNull:
		return "json-word"
	default:
		return ""
	}
}

func comma(last bool) string {
	if last {
		return ""
	}
	return ","
}
