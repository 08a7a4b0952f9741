package mapping

import (
	"encoding/json"
	"strings"
)

// coerceFlags reads {"beta": true, "limit": 5}, ["beta", "sso"], or [{"key": "beta", "enabled": true}].
// A flag that cannot be kept is left out with a warning; the others stay.
func (w *work) coerceFlags(v any) coerced {
	flags := &flagSet{w: w, values: map[string]json.RawMessage{}}
	switch v := v.(type) {
	case map[string]any:
		names, ok := sortedNames(v, &w.budget)
		if !ok {
			return coerced{clash: CodeTooManyValues, why: overBudget}
		}
		for _, name := range names {
			flags.add(name, flagValue(v[name], v[name]))
		}
	case many:
		flags.list(v)
	case []any:
		flags.list(v)
	default:
		return clash()
	}
	if flags.over {
		return coerced{clash: CodeTooManyValues, why: overBudget}
	}
	if flags.strange {
		return clash()
	}
	return coerced{flags: flags.values, why: flags.problem}
}

type flagSet struct {
	w       *work
	values  map[string]json.RawMessage
	problem string // why flags were left out
	over    bool
	strange bool // an element that names no flag
}

func (s *flagSet) list(list []any) {
	for _, element := range list {
		if !s.w.budget.spend(4 + sizeOf(element)/16) {
			s.over = true
			return
		}
		switch element := element.(type) {
		case nil:
		case string:
			s.add(element, true)
		case json.Number:
			s.add(string(element), true)
		case map[string]any:
			name, ok := element["key"].(string)
			if !ok {
				if name, ok = element["name"].(string); !ok {
					s.strange = true
					return
				}
			}
			s.add(name, flagValue(element, true))
		default:
			s.strange = true
			return
		}
	}
}

// flagValue reads the usual members of a flag that is an object: one that is off is false whatever its
// value, else its value counts, else that it is on. Without them it is otherwise.
func flagValue(v, otherwise any) any {
	object, ok := v.(map[string]any)
	if !ok {
		return otherwise
	}
	state := otherwise
	for _, name := range []string{"enabled", "on"} {
		if is, ok := object[name].(bool); ok {
			if !is {
				return false
			}
			state = true
		}
	}
	if value := object["value"]; value != nil {
		return value
	}
	return state
}

func (s *flagSet) add(name string, value any) {
	switch {
	case len(name) > MaxFlagName:
		s.problem = "a flag's name has more than 128 bytes"
		return
	case strings.TrimSpace(name) == "":
		s.problem = "a flag has no name"
		return
	case len(s.values) == MaxFlags:
		s.problem = "there are more than 100 flags, and the rest were left out"
		return
	}
	raw, problem := s.w.encode(value, MaxText)
	if problem != "" {
		s.problem = "the flag " + quoteText(name) + " " + problem
		return
	}
	clean := cleanText(name)
	s.w.sanitised = s.w.sanitised || clean != name || strings.Contains(name, "\uFFFD")
	s.values[clean] = raw
}
