package mapping

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"latchkey/internal/payload"
)

// maxEmail is in bytes; payload.Address refuses more, this keeps it from reading it.
const maxEmail = 400

var expectations = map[string]string{
	TypeText: "a text", TypeInteger: "a whole number", TypeNumber: "a number", TypeTime: "a time",
	TypeEmail: "an email address", TypeFlags: "an object of flags or a list of names", TypeAny: "a value",
}

// coerced is a value in the form in which it is kept. clash is a code, with why a clause after "the
// payload has ..." when that alone would not explain it.
type coerced struct {
	text  string    // of texts, for org_id
	at    time.Time // of times
	json  json.RawMessage
	flags map[string]json.RawMessage
	clash string
	why   string
}

func clash() coerced { return coerced{clash: CodeTypeClash} }

// coerce gives a value the target's type. Several values where one is wanted give the first.
func (w *work) coerce(t Target, v any) coerced {
	switch t.Type {
	case TypeFlags:
		return w.coerceFlags(v)
	case TypeAny:
		return w.coerceAny(v)
	}
	if list, ok := v.(many); ok {
		one, problem := w.only(list)
		if problem != "" {
			return coerced{clash: CodeTooManyValues, why: problem}
		}
		v = one
	}
	switch t.Type {
	case TypeInteger:
		return coerceInteger(v)
	case TypeNumber:
		return coerceNumber(v)
	case TypeTime:
		return coerceTime(v)
	case TypeEmail:
		return w.coerceEmail(v)
	}
	return w.coerceText(t, v)
}

// only is the first value that is not blank, noting when there are more.
func (w *work) only(list many) (any, string) {
	var found any
	for _, v := range list {
		if !w.budget.spend(1 + sizeOf(v)/16) {
			return nil, overBudget
		}
		if isBlank(v) {
			continue
		}
		if found != nil {
			w.several = true
			break
		}
		found = v
	}
	return found, ""
}

func (w *work) coerceText(t Target, v any) coerced {
	text, ok := textOf(v)
	if _, is := v.(bool); is || !ok {
		return clash()
	}
	if t.Name == TargetOrgID {
		// An id cut short would be another organisation's.
		if len(text) > MaxText {
			return coerced{clash: CodeTooLong, why: fmt.Sprintf("has more than %d bytes", MaxText)}
		}
		text = strings.TrimSpace(text)
	}
	if len(text) > MaxText {
		text, w.truncated = cutText(text, MaxText, ""), true
	}
	raw, problem := w.encode(text, 8*MaxText)
	if problem != "" {
		return coerced{clash: CodeTooLong, why: problem}
	}
	return coerced{text: cleanText(text), json: raw}
}

// cleanText is what encode makes of a text, before quoting.
func cleanText(text string) string {
	return strings.ToValidUTF8(strings.ReplaceAll(text, "\x00", "\uFFFD"), "\uFFFD")
}

func coerceInteger(v any) coerced {
	d, problem := numberOf(v)
	if problem != "" {
		return clash()
	}
	if _, ok := d.int64(); !ok {
		return clash()
	}
	return coerced{json: json.RawMessage(d.text())}
}

func coerceNumber(v any) coerced {
	d, problem := numberOf(v)
	if problem != "" {
		return clash()
	}
	return coerced{json: json.RawMessage(d.text())}
}

func coerceTime(v any) coerced {
	at, ok := timeOf(v)
	if !ok {
		return clash()
	}
	return coerced{at: at, json: json.RawMessage(`"` + timeText(at) + `"`)}
}

func (w *work) coerceEmail(v any) coerced {
	text, _ := v.(string)
	if len(text) > maxEmail {
		return clash()
	}
	address, ok := payload.Address(text)
	if !ok || cleanText(address) != address {
		return clash()
	}
	raw, _ := w.encode(address, 8*maxEmail)
	return coerced{text: address, json: raw}
}

func (w *work) coerceAny(v any) coerced {
	raw, problem := w.encode(v, MaxJSON)
	if problem != "" {
		return coerced{clash: CodeTooLong, why: problem}
	}
	return coerced{json: raw}
}
