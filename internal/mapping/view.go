package mapping

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// maxView is in bytes: every legal template fits, indented.
const maxView = 4 << 20

// JSON is the template for copy, paste and review: indented, members in a fixed order. A constant that
// is not JSON, which does not compile, is shown as the text that was typed.
func (t Template) JSON() []byte {
	rows := append([]Row{}, t.Rows...)
	for i := range rows {
		rows[i].Value, rows[i].Default = showable(rows[i].Value), showable(rows[i].Default)
	}
	t.Rows = rows
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if e.Encode(t) != nil {
		return nil
	}
	return b.Bytes()
}

func showable(raw json.RawMessage) json.RawMessage {
	if len(raw) == 0 || json.Valid(raw) {
		return raw
	}
	text, err := json.Marshal(cleanText(string(raw)))
	if err != nil {
		return nil
	}
	return text
}

// sentence is an error that people read as it is.
type sentence string

func (s sentence) Error() string { return string(s) }

// ParseJSON reads the JSON view. Members that mean nothing are refused by name: a typed "transfrom" would
// else be lost without a word. The error is a sentence for people.
func ParseJSON(text []byte) (Template, error) {
	if len(text) > maxView {
		return Template{}, sentence(fmt.Sprintf("The template has more than %d MiB.", maxView>>20))
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	var t Template
	if err := d.Decode(&t); err != nil {
		return Template{}, viewError(text, err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return Template{}, sentence("There is something after the template. Remove it.")
	}
	return t, nil
}

func viewError(text []byte, err error) error {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		line, column := position(text, int(syntax.Offset))
		return sentence(fmt.Sprintf("The template is not valid JSON at line %d, column %d: %s.", line, column, strings.TrimPrefix(syntax.Error(), "json: ")))
	case errors.As(err, &kind):
		return sentence(fmt.Sprintf("%s is a JSON %s here, which does not fit. A template is {\"rows\": [{\"target\": \"plan\", \"from\": [\"$.traits.plan\"]}]}.", memberName(kind.Field), kind.Value))
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return sentence("The template is empty or ends too early.")
	}
	if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		return sentence(fmt.Sprintf("A template has no member %s. A row has target, from, value, transform, default and required.", name))
	}
	return sentence("The template cannot be read as JSON.")
}

func memberName(field string) string {
	if field == "" {
		return "The template"
	}
	return "The member " + field
}

func position(text []byte, offset int) (line, column int) {
	before := text[:min(max(offset-1, 0), len(text))]
	return bytes.Count(before, []byte("\n")) + 1, len(before) - bytes.LastIndexByte(before, '\n')
}
