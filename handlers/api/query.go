package api

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"latchkey/internal/database"
	"latchkey/internal/fault"
	"latchkey/models"
)

// maxQueryText bounds what a search may ask for.
const maxQueryText = 500

// query reads the parameters of a call and collects what is wrong with them.
type query struct {
	c      *call
	fields fault.Fields
}

func (c *call) query() *query { return &query{c: c, fields: fault.Fields{}} }

// err is the refusal, when something was wrong.
func (q *query) err() error { return q.fields.Err() }

func (q *query) get(name string) string {
	if !slices.Contains(q.c.route.Query, name) {
		panic("api: " + q.c.route.Operation + " reads the parameter " + name + " that its route does not list")
	}
	return q.c.echo.QueryParam(name)
}

// has tells whether a parameter was given, though empty.
func (q *query) has(name string) bool { return q.c.echo.QueryParams().Has(name) }

// text is a parameter as it is.
func (q *query) text(name string) string {
	text := q.get(name)
	if utf8.RuneCountInString(text) > maxQueryText {
		q.fields.Add(name, fmt.Sprintf("Use at most %d characters.", maxQueryText))
		return ""
	}
	return text
}

// oneOf is a parameter with a closed list of values; empty when it was not given.
func (q *query) oneOf(name string, values ...string) string {
	v := q.get(name)
	if !q.has(name) {
		return ""
	}
	if !slices.Contains(values, v) {
		q.fields.Add(name, "Use one of: "+strings.Join(values, ", ")+".")
		return ""
	}
	return v
}

// environment is live or test; empty when it was not given.
func (q *query) environment() string { return q.oneOf("environment", models.Live, models.Test) }

// number is a whole number within bounds, or fallback when it was not given.
func (q *query) number(name string, low, high, fallback int) int {
	text := q.get(name)
	if !q.has(name) {
		return fallback
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < low || n > high {
		q.fields.Add(name, fmt.Sprintf("Use a whole number from %d to %d.", low, high))
		return fallback
	}
	return n
}

// limit is how many items a list may have.
func (q *query) limit() int { return q.number("limit", 1, maxLimit, defaultLimit) }

// instant is a time in RFC 3339; zero when it was not given.
func (q *query) instant(name string) time.Time {
	text := q.get(name)
	if !q.has(name) {
		return time.Time{}
	}
	t, ok := parseTime(text)
	if !ok {
		q.fields.Add(name, timeProblem)
		return time.Time{}
	}
	return t
}

// id is a UUID as this instance writes them; empty when it was not given.
func (q *query) id(name string) string {
	text := q.get(name)
	if q.has(name) && !database.ValidID(text) {
		q.fields.Add(name, "Use an id as this API gives it: a UUID in lower case.")
		return ""
	}
	return text
}

// cursor is where the page begins, as it was handed to list; empty for the first page.
func (q *query) cursor() string {
	text := q.get("cursor")
	if !q.has("cursor") {
		return ""
	}
	at, ok := decodeCursor(text)
	if !ok {
		q.badCursor()
	}
	return at
}

// cursorID is cursor for lists that are kept in the order of ids.
func (q *query) cursorID() string {
	at := q.cursor()
	if at != "" && !database.ValidID(at) {
		q.badCursor()
		return ""
	}
	return at
}

// badCursor refuses a cursor that no list of ours gave.
func (q *query) badCursor() {
	q.fields.Add("cursor", "Use the address in the Link header of the page before; a cursor cannot be made up.")
}

// checkQuery refuses parameters that the route does not have, by name, and those given twice.
func checkQuery(c Ctx, r Route) error {
	unknown, twice := []string{}, []string{}
	for name, values := range c.QueryParams() {
		switch {
		case !slices.Contains(r.Query, name):
			unknown = append(unknown, name)
		case len(values) > 1:
			twice = append(twice, name)
		}
	}
	slices.Sort(unknown)
	slices.Sort(twice)
	unknown, twice = unknown[:min(len(unknown), maxFindings)], twice[:min(len(twice), maxFindings)]
	p := &problem{Status: 400, Code: codeUnknownParameter}
	for _, name := range unknown {
		p.Errors = append(p.Errors, fieldError{clip(name), "There is no such parameter here."})
	}
	for _, name := range twice {
		p.Errors = append(p.Errors, fieldError{name, "Give this parameter once."})
	}
	if len(p.Errors) == 0 {
		return nil
	}
	p.Detail = "The query has parameters that this URL does not take, or one of them twice."
	if len(r.Query) > 0 {
		p.Detail += " It takes: " + strings.Join(r.Query, ", ") + "."
	}
	return p
}

// clip keeps a made-up name from filling an answer.
func clip(name string) string {
	if utf8.RuneCountInString(name) > 100 {
		return string([]rune(name)[:100]) + "…"
	}
	return name
}

func storable(text string) bool { return utf8.ValidString(text) && !strings.Contains(text, "\x00") }
