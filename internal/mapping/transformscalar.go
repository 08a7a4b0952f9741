package mapping

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"latchkey/internal/payload"
)

func toText(_ *work, v any) (any, string) {
	text, ok := textOf(v)
	if !ok {
		return nil, describe(v) + " has no text. Use json for it"
	}
	return text, ""
}

func toNumber(_ *work, v any) (any, string) {
	d, problem := numberOf(v)
	return numberValue(d, problem)
}

func toInt(_ *work, v any) (any, string) {
	d, problem := numberOf(v)
	return numberValue(d.truncated(), problem)
}

func numberValue(d decimal, problem string) (any, string) {
	if problem != "" {
		return nil, problem
	}
	return json.Number(d.text()), ""
}

var truths = map[string]bool{
	"true": true, "yes": true, "on": true, "y": true, "t": true, "1": true,
	"false": false, "no": false, "off": false, "n": false, "f": false, "0": false,
}

func toBool(_ *work, v any) (any, string) {
	if text, ok := textOf(v); ok && len(text) <= maxNumberText {
		if is, ok := truths[strings.ToLower(strings.TrimSpace(text))]; ok {
			return is, ""
		}
	}
	return nil, describe(v) + " is neither true nor false"
}

func toDate(_ *work, v any) (any, string) {
	at, ok := timeOf(v)
	if !ok {
		return nil, describe(v) + " is not a time"
	}
	return timeText(at), ""
}

// timeOf reads a text or an epoch, see payload.ParseTime. Databases keep microseconds.
func timeOf(v any) (time.Time, bool) {
	text, ok := textOf(v)
	if _, is := v.(bool); is || !ok || len(text) > maxNumberText {
		return time.Time{}, false
	}
	at, ok := payload.ParseTime(text)
	return at.UTC().Truncate(time.Microsecond), ok
}

func timeText(at time.Time) string { return at.Format(time.RFC3339Nano) }

// constant reads the number that a transform works with.
func constant(name, argument string) (decimal, string) {
	d, problem := parseDecimal(strings.TrimSpace(argument))
	if problem != "" {
		return d, fmt.Sprintf("%s needs a number; %s %s. Write e.g. %s:100.", name, quoteText(argument), problem, name)
	}
	return d, ""
}

func bindDivide(argument string) (func(*work, any) (any, string), string) {
	by, problem := constant("divide", argument)
	if problem == "" && by.digits == "" {
		problem = "divide cannot divide by zero. Write e.g. divide:100."
	}
	return arithmetic(func(d decimal) (decimal, string) { return d.over(by) }), problem
}

func bindMultiply(argument string) (func(*work, any) (any, string), string) {
	by, problem := constant("multiply", argument)
	return arithmetic(func(d decimal) (decimal, string) { return d.times(by) }), problem
}

func bindRound(argument string) (func(*work, any) (any, string), string) {
	decimals := 0
	if argument != "" {
		n, err := strconv.Atoi(strings.TrimSpace(argument))
		if err != nil || n < 0 || n > quotientDigits {
			return nil, fmt.Sprintf("round needs a number of decimals from 0 to %d. Write e.g. round:2.", quotientDigits)
		}
		decimals = n
	}
	return arithmetic(func(d decimal) (decimal, string) { return d.rounded(decimals) }), ""
}

func arithmetic(change func(decimal) (decimal, string)) func(*work, any) (any, string) {
	return func(_ *work, v any) (any, string) {
		d, problem := numberOf(v)
		if problem == "" {
			if d, problem = change(d); problem != "" {
				problem = "the result for " + describe(v) + " " + problem
			}
		}
		return numberValue(d, problem)
	}
}

func bindPrefix(x string) (func(*work, any) (any, string), string) {
	run, problem := onText(func(text string) string { return x + text })("")
	return run, problem
}

func bindSuffix(x string) (func(*work, any) (any, string), string) {
	run, problem := onText(func(text string) string { return text + x })("")
	return run, problem
}

// bindMap reads a=b,c=d. What is not named stays as it is, unless *= says otherwise: losing a value
// that a vendor added later would be worse than showing it as sent.
func bindMap(argument string) (func(*work, any) (any, string), string) {
	pairs, other, problem := readPairs(argument)
	if problem != "" {
		return nil, problem
	}
	return func(_ *work, v any) (any, string) {
		text, ok := textOf(v)
		if !ok {
			return nil, describe(v) + " is not a text"
		}
		if to, ok := pairs[text]; ok {
			return to, ""
		}
		if other != nil {
			return *other, ""
		}
		return v, ""
	}, ""
}

func readPairs(argument string) (pairs map[string]string, other *string, problem string) {
	pairs = map[string]string{}
	for _, part := range splitEscaped(argument, ',') {
		sides := splitEscaped(part, '=')
		if len(sides) != 2 {
			return nil, nil, fmt.Sprintf("map needs pairs such as a=b,c=d; %s is none. Write \\= or \\, for the signs themselves.", quoteText(part))
		}
		from, to := unescape(strings.TrimSpace(sides[0])), unescape(strings.TrimSpace(sides[1]))
		if strings.TrimSpace(sides[0]) == "*" {
			if other != nil {
				return nil, nil, "map has *= twice. Keep one."
			}
			other = &to
			continue
		}
		if _, twice := pairs[from]; twice {
			return nil, nil, fmt.Sprintf("map names %s twice. Keep one.", quoteText(from))
		}
		pairs[from] = to
	}
	return pairs, other, ""
}

// splitEscaped splits at sep where no backslash stands before it, and keeps the backslashes.
func splitEscaped(text string, sep byte) []string {
	var parts []string
	start := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case sep:
			parts = append(parts, text[start:i])
			start = i + 1
		}
	}
	return append(parts, text[start:])
}

func unescape(text string) string {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] == '\\' && i+1 < len(text) && strings.IndexByte(`\,=*`, text[i+1]) >= 0 {
			i++
		}
		b.WriteByte(text[i])
	}
	return b.String()
}
