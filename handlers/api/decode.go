package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"latchkey/internal/fault"
)

// opt is a member of a body that may be absent, null or a value: what a change of one member needs
// to tell apart.
type opt[T any] struct {
	Given bool // the member is there
	Null  bool // ... and is null; Value is zero then
	Value T
}

// pointer is nil for an absent member, and the value else: zero for null.
func (o opt[T]) pointer() *T {
	if !o.Given {
		return nil
	}
	return &o.Value
}

func (o *opt[T]) take(d *decoder, raw json.RawMessage, path string) {
	o.Given, o.Null = true, isNull(raw)
	if !o.Null {
		d.value(raw, reflect.ValueOf(&o.Value).Elem(), path)
	}
}

// taker is a type that reads its own JSON, null included.
type taker interface {
	take(d *decoder, raw json.RawMessage, path string)
}

// decode reads the body, which must be one JSON object, into form: a pointer to a struct whose json
// tags name all the members there are, in this very case. Members may be strings, booleans, whole
// numbers, time.Time, slices, structs, json.RawMessage, and opt of these, with the tag null:"no" where
// null is refused. Nothing is required here: what is absent stays zero, and the use-case says what
// it needs.
func (c *call) decode(form any) error {
	tree, err := c.parse()
	if err != nil {
		return err
	}
	if tree[0] != '{' {
		return newProblem(http.StatusBadRequest, codeInvalidJSON, "The body must be a JSON object, in braces.")
	}
	return decodeValue(tree, form)
}

const (
	// maxFindings is how much of what is wrong with one body is told: whoever gets twenty sentences
	// has enough to do, and an answer must not be larger than what it is about.
	maxFindings = 20
	// maxItems is more than any list of a form may hold; the use-cases have bounds of their own.
	maxItems = 10_000
)

func decodeValue(tree json.RawMessage, into any) error {
	d := &decoder{fields: fault.Fields{}}
	d.value(tree, reflect.ValueOf(into).Elem(), "")
	return d.err()
}

// parse checks the body's content type and its syntax.
func (c *call) parse() (json.RawMessage, error) {
	if err := checkContentType(c.echo.Request().Header); err != nil {
		return nil, err
	}
	return parseJSON(c.body)
}

// decodeOptional is decode for routes whose body may be left out whole.
func (c *call) decodeOptional(form any) error {
	if len(c.body) == 0 {
		return nil
	}
	return c.decode(form)
}

// decoder fills a form and collects what is wrong, by the member's path: name, rows[2].target.
type decoder struct {
	unknown []string
	fields  fault.Fields
}

// err tells unknown members before anything else: a body with one was meant for something else.
func (d *decoder) err() error {
	if len(d.unknown) == 0 {
		return d.fields.Err()
	}
	slices.Sort(d.unknown)
	told, more := d.unknown, ""
	if len(told) > maxFindings {
		told, more = told[:maxFindings], fmt.Sprintf(" and %d more", len(told)-maxFindings)
	}
	p := newProblem(http.StatusUnprocessableEntity, codeUnknownMember,
		"The body has members that this URL does not take: "+strings.Join(told, ", ")+more+". Nothing was changed.")
	for _, name := range told {
		p.Errors = append(p.Errors, fieldError{name, "There is no such member here, or it is not for callers to set."})
	}
	return p
}

func (d *decoder) wrong(path, want string) { d.add(path, "This must be "+want+".") }

func (d *decoder) add(path, sentence string) {
	if !d.full() {
		d.fields.Add(path, sentence)
	}
}

func (d *decoder) full() bool { return len(d.fields) >= maxFindings }

func (d *decoder) value(raw json.RawMessage, into reflect.Value, path string) {
	switch target := into.Addr().Interface().(type) {
	case taker:
		target.take(d, raw, path)
		return
	case *json.RawMessage:
		*target = raw
		return
	case *time.Time:
		d.instant(raw, target, path)
		return
	}
	switch into.Kind() {
	case reflect.Struct:
		d.object(raw, into, path)
	case reflect.Slice:
		d.list(raw, into, path)
	case reflect.String:
		d.text(raw, into, path)
	case reflect.Bool:
		if text := string(raw); text == "true" || text == "false" {
			into.SetBool(text == "true")
			return
		}
		d.wrong(path, "true or false")
	case reflect.Int, reflect.Int64:
		n, err := strconv.ParseInt(string(raw), 10, into.Type().Bits())
		if err != nil {
			d.wrong(path, "a whole number")
			return
		}
		into.SetInt(n)
	default:
		panic(fmt.Sprintf("api: a form has a member of the type %s", into.Type()))
	}
}

func (d *decoder) text(raw json.RawMessage, into reflect.Value, path string) {
	var text string
	if raw[0] != '"' || json.Unmarshal(raw, &text) != nil {
		d.wrong(path, "a string")
		return
	}
	if strings.Contains(text, "\x00") {
		d.add(path, "The character U+0000 cannot be stored. Leave it out.")
		return
	}
	into.SetString(text)
}

func (d *decoder) instant(raw json.RawMessage, into *time.Time, path string) {
	var text string
	if raw[0] != '"' || json.Unmarshal(raw, &text) != nil {
		d.add(path, timeProblem)
		return
	}
	t, ok := parseTime(text)
	if !ok {
		d.add(path, timeProblem)
		return
	}
	*into = t
}

func (d *decoder) list(raw json.RawMessage, into reflect.Value, path string) {
	var items []json.RawMessage
	if raw[0] != '[' || json.Unmarshal(raw, &items) != nil {
		d.wrong(path, "a list, in brackets")
		return
	}
	if len(items) > maxItems {
		d.wrong(path, fmt.Sprintf("a list of at most %d items", maxItems))
		return
	}
	into.Set(reflect.MakeSlice(into.Type(), len(items), len(items)))
	for i, item := range items {
		if d.full() {
			return
		}
		d.value(item, into.Index(i), path+"["+strconv.Itoa(i)+"]")
	}
}

func (d *decoder) object(raw json.RawMessage, into reflect.Value, path string) {
	var members map[string]json.RawMessage
	if raw[0] != '{' || json.Unmarshal(raw, &members) != nil {
		d.wrong(path, "an object, in braces")
		return
	}
	known := membersOf(into)
	for name, value := range members {
		at := name
		if path != "" {
			at = path + "." + name
		}
		field, ok := known[name]
		if !ok {
			d.unknown = append(d.unknown, clip(at))
			continue
		}
		if field.nonull && isNull(value) {
			d.add(at, "This cannot be null. Give a value, or leave the member out.")
			continue
		}
		d.value(value, field.Value, at)
	}
}

// member is a field of a form; one that is tagged null:"no" takes no null.
type member struct {
	reflect.Value
	nonull bool
}

// membersOf are the fields of a form by their json names, those of embedded structs among them.
func membersOf(v reflect.Value) map[string]member {
	out := map[string]member{}
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if f.Anonymous {
			for name, field := range membersOf(v.Field(i)) {
				out[name] = field
			}
			continue
		}
		if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" && name != "-" {
			out[name] = member{v.Field(i), f.Tag.Get("null") == "no"}
		}
	}
	return out
}

func isNull(raw json.RawMessage) bool { return string(raw) == "null" }
