package mapping

import (
	"encoding/json"
	"strconv"
	"strings"
)

func first(w *work, v any) (any, string) {
	list, ok := listOf(v)
	if !ok {
		return v, ""
	}
	for _, element := range list {
		if !w.budget.spend(1 + sizeOf(element)/16) {
			return nil, overBudget
		}
		if !isBlank(element) {
			return element, ""
		}
	}
	return nil, ""
}

func last(w *work, v any) (any, string) {
	list, ok := listOf(v)
	if !ok {
		return v, ""
	}
	for i := len(list) - 1; i >= 0; i-- {
		if !w.budget.spend(1 + sizeOf(list[i])/16) {
			return nil, overBudget
		}
		if !isBlank(list[i]) {
			return list[i], ""
		}
	}
	return nil, ""
}

func countValues(w *work, v any) (any, string) {
	n := 1
	if object, ok := v.(map[string]any); ok {
		n = len(object)
	} else if list, ok := listOf(v); ok {
		n = 0
		for _, element := range list {
			if !w.budget.spend(1 + sizeOf(element)/16) {
				return nil, overBudget
			}
			if !isBlank(element) {
				n++
			}
		}
	}
	return json.Number(strconv.Itoa(n)), ""
}

func sum(w *work, v any) (any, string) {
	list, ok := listOf(v)
	if !ok {
		list = []any{v}
	}
	var total decimal
	for _, element := range list {
		if !w.budget.spend(8 + sizeOf(element)/8) {
			return nil, overBudget
		}
		if isBlank(element) {
			continue
		}
		d, problem := numberOf(element)
		if problem == "" {
			if total, problem = total.plus(d); problem != "" {
				problem = "the sum " + problem
			}
		}
		if problem != "" {
			return nil, problem
		}
	}
	return json.Number(total.text()), ""
}

func bindJoin(separator string) (func(*work, any) (any, string), string) {
	return func(w *work, v any) (any, string) {
		list, ok := listOf(v)
		if !ok {
			list = []any{v}
		}
		var b strings.Builder
		for _, element := range list {
			if !w.budget.spend(2 + sizeOf(element)/16) {
				return nil, overBudget
			}
			if isBlank(element) {
				continue
			}
			text, ok := textOf(element)
			if !ok {
				return nil, describe(element) + " is not a text"
			}
			if b.Len() > 0 {
				b.WriteString(separator)
			}
			b.WriteString(text[:min(len(text), maxWork+1)])
			if b.Len() > maxWork {
				break
			}
		}
		return w.short(b.String()), ""
	}, ""
}

func bindSplit(separator string) (func(*work, any) (any, string), string) {
	return func(w *work, v any) (any, string) {
		text, ok := textOf(v)
		if !ok {
			return nil, describe(v) + " is not a text"
		}
		parts := strings.Split(text, separator)
		if !w.budget.spend(len(parts)) {
			return nil, overBudget
		}
		list := make(many, len(parts))
		for i, part := range parts {
			list[i] = part
		}
		return list, ""
	}, ""
}

func toJSON(w *work, v any) (any, string) {
	text, problem := w.encode(v, maxWork)
	if problem != "" {
		return nil, describe(v) + " " + problem
	}
	return string(text), ""
}
