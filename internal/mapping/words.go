package mapping

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxShown is how many bytes of a payload's text a sentence quotes.
const maxShown = 60

// describe names a value in a sentence: "49 USD" in quotes, 12, true, a list of 3 values.
func describe(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case bool:
		return strconv.FormatBool(v)
	case json.Number:
		return cutText(string(v), maxShown, "…")
	case string:
		return quoteText(v)
	case many:
		return count(len(v), "value")
	case []any:
		return "a list of " + count(len(v), "value")
	case map[string]any:
		return "an object of " + count(len(v), "member")
	}
	return "a value of an unknown kind"
}

func quoteText(text string) string {
	short := cutText(text, maxShown, "…")
	short = strings.ToValidUTF8(strings.ReplaceAll(short, "\x00", "\uFFFD"), "\uFFFD")
	return `"` + strings.ReplaceAll(short, "\n", " ") + `"`
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}

// cutText keeps whole characters and adds the mark when it cut.
func cutText(text string, most int, mark string) string {
	if len(text) <= most {
		return text
	}
	for most > 0 && !utf8.RuneStart(text[most]) {
		most--
	}
	return text[:most] + mark
}

// textOf is the text of a scalar; a number's as it was written.
func textOf(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case json.Number:
		return string(v), true
	case bool:
		return strconv.FormatBool(v), true
	}
	return "", false
}

func scalarText(v any) string {
	text, _ := textOf(v)
	return text
}

// either joins alternatives: a, b or c.
func either(texts []string) string {
	if len(texts) < 2 {
		return strings.Join(texts, "")
	}
	last := len(texts) - 1
	return fmt.Sprintf("%s or %s", strings.Join(texts[:last], ", "), texts[last])
}

// numberOf reads a number or a text that is one.
func numberOf(v any) (decimal, string) {
	switch v := v.(type) {
	case json.Number:
		d, problem := parseDecimal(string(v))
		if problem != "" {
			problem = describe(v) + " " + problem
		}
		return d, problem
	case string:
		d, problem := parseDecimal(strings.TrimSpace(v[:min(len(v), maxWork)]))
		if problem != "" {
			problem = describe(v) + " " + problem
		}
		return d, problem
	}
	return decimal{}, describe(v) + " " + notANumber
}
