package mapping

import (
	"encoding/json"
	"fmt"
	"strings"
)

// maxWork bounds the text that transforms work on. A longer one is cut first, with a warning.
const maxWork = 4096

// TransformInfo describes one transform of the closed list. Argument is empty when there is none;
// in brackets when it may be left out.
type TransformInfo struct{ Name, Argument, Text string }

// bound is a transform with its argument, ready to run.
type bound struct {
	text string
	each bool // of a list, it takes each element
	run  func(w *work, v any) (any, string)
}

// work is what applying one payload carries from row to row, and what happened in the current row.
type work struct {
	budget    budget
	sanitised bool
	truncated bool
	several   bool
}

// family makes bound transforms of one name.
type family struct {
	TransformInfo
	each bool
	bind func(argument string) (run func(*work, any) (any, string), problem string)
}

// families is the closed list, in the order in which a person would look for them.
var families = []family{
	{TransformInfo{"trim", "", "Removes spaces at both ends."}, true, onText(strings.TrimSpace)},
	{TransformInfo{"lower", "", "Makes all letters small."}, true, onText(strings.ToLower)},
	{TransformInfo{"upper", "", "Makes all letters capital."}, true, onText(strings.ToUpper)},
	{TransformInfo{"string", "", "A number, true or false as text."}, true, noArgument(toText)},
	{TransformInfo{"int", "", "A whole number; decimals are dropped."}, true, noArgument(toInt)},
	{TransformInfo{"number", "", "A number, read from text too."}, true, noArgument(toNumber)},
	{TransformInfo{"bool", "", "True for true, yes, on, y, t, 1; false for false, no, off, n, f, 0."}, true, noArgument(toBool)},
	{TransformInfo{"date", "", "A time as RFC 3339 in UTC, from ISO 8601 or seconds, milliseconds since 1970."}, true, noArgument(toDate)},
	{TransformInfo{"divide", "N", "Divides by N, e.g. divide:100 for cents; at most 12 further decimals."}, true, bindDivide},
	{TransformInfo{"multiply", "N", "Multiplies by N, e.g. multiply:12."}, true, bindMultiply},
	{TransformInfo{"round", "[N]", "Rounds to N decimals, 0 when left out; halves away from zero."}, true, bindRound},
	{TransformInfo{"first", "", "The first value of a list that is not empty."}, false, noArgument(first)},
	{TransformInfo{"last", "", "The last value of a list that is not empty."}, false, noArgument(last)},
	{TransformInfo{"count", "", "How many values of a list are not empty, or how many members an object has."}, false, noArgument(countValues)},
	{TransformInfo{"sum", "", "The sum of a list of numbers."}, false, noArgument(sum)},
	{TransformInfo{"join", "SEP", "The values of a list as one text, with SEP between them."}, false, bindJoin},
	{TransformInfo{"split", "SEP", "A text's parts between each SEP, as a list."}, false, bindSplit},
	{TransformInfo{"map", "a=b,c=d", "Replaces text a by b and c by d; *=e replaces every other, else it stays. Write \\, and \\= for the signs themselves."}, true, bindMap},
	{TransformInfo{"prefix", "X", "Puts X before the text."}, true, bindPrefix},
	{TransformInfo{"suffix", "X", "Puts X after the text."}, true, bindSuffix},
	{TransformInfo{"json", "", "The value as JSON text."}, false, noArgument(toJSON)},
}

// Transforms lists the transforms, in the order of the console.
func Transforms() []TransformInfo {
	list := make([]TransformInfo, len(families))
	for i, f := range families {
		list[i] = f.TransformInfo
	}
	return list
}

// bindTransform reads "name" or "name:argument". The code is empty when all is well.
func bindTransform(text string) (t bound, code, problem string) {
	name, argument, has := strings.Cut(text, ":")
	name = strings.ToLower(strings.TrimSpace(name))
	if len(text) > MaxArgument {
		return t, CodeBadArgument, fmt.Sprintf("The transform %s has %d bytes with its argument. At most %d are allowed.", quoteText(name), len(text), MaxArgument)
	}
	if cleanText(text) != text {
		return t, CodeBadArgument, "The transform has characters that cannot be stored. Type it again."
	}
	for _, f := range families {
		if f.Name != name {
			continue
		}
		if problem := f.argumentProblem(argument, has); problem != "" {
			return t, CodeBadArgument, problem
		}
		run, problem := f.bind(argument)
		if problem != "" {
			return t, CodeBadArgument, problem
		}
		t = bound{text: name, each: f.each, run: run}
		if has {
			t.text += ":" + argument
		}
		return t, "", ""
	}
	return t, CodeUnknownTransform, fmt.Sprintf("There is no transform %s. Choose among %s.", quoteText(name), transformNames())
}

func (f family) argumentProblem(argument string, has bool) string {
	switch {
	case f.Argument == "" && has:
		return fmt.Sprintf("%s takes no argument. Write it without the colon.", f.Name)
	case f.Argument != "" && f.Argument[0] != '[' && argument == "":
		return fmt.Sprintf("%s needs an argument. Write %s:%s.", f.Name, f.Name, f.Argument)
	}
	return ""
}

func transformNames() string {
	var names []string
	for _, f := range Transforms() {
		names = append(names, f.Name)
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}

// apply runs one transform; the problem is a clause such as `"abc" is not a number`.
func (t bound) apply(w *work, v any) (any, string) {
	list, ok := listOf(v)
	if !t.each || !ok {
		return t.run(w, w.short(v))
	}
	if len(list) > maxFound {
		return nil, overBudget
	}
	result := make(many, 0, len(list))
	for _, element := range list {
		if !w.budget.spend(8 + len(t.text)/2 + sizeOf(element)/8) {
			return nil, overBudget
		}
		if isBlank(element) {
			continue
		}
		changed, problem := t.run(w, w.short(element))
		if problem != "" {
			return nil, problem
		}
		result = append(result, changed)
	}
	if _, several := v.(many); several {
		return result, ""
	}
	return []any(result), ""
}

const overBudget = "there are too many values to look at"

func listOf(v any) ([]any, bool) {
	switch v := v.(type) {
	case many:
		return v, true
	case []any:
		return v, true
	}
	return nil, false
}

// short cuts a text that is longer than transforms work on.
func (w *work) short(v any) any {
	switch text := v.(type) {
	case string:
		if len(text) > maxWork {
			w.truncated = true
			return cutText(text, maxWork, "")
		}
	case json.Number:
		if len(text) > maxWork {
			w.truncated = true
			return string(text[:maxWork])
		}
	}
	return v
}

func noArgument(run func(*work, any) (any, string)) func(string) (func(*work, any) (any, string), string) {
	return func(string) (func(*work, any) (any, string), string) { return run, "" }
}

func onText(change func(string) string) func(string) (func(*work, any) (any, string), string) {
	return noArgument(func(_ *work, v any) (any, string) {
		text, ok := textOf(v)
		if !ok {
			return nil, describe(v) + " is not a text"
		}
		return change(text), ""
	})
}
