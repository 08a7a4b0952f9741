package mapping

import (
	"encoding/json"
	"fmt"
	"time"
)

// Result is what a payload gives under a template. With Errors it is not to be applied.
type Result struct {
	OrgID      string
	OccurredAt time.Time // UTC; zero: not mapped, or nothing found
	// Values holds canonical JSON by target; custom.<name> and feature_flags.<flag> have an entry
	// each. A target without an entry keeps what it has; null is a value that could not be read.
	// org_id and occurred_at are not in it.
	Values   map[string]json.RawMessage
	Errors   []Finding
	Warnings []Finding
	Rows     []RowResult // one a row, in the template's order
}

// Origins of a row's value.
const (
	FromPath     = "path"
	FromConstant = "value"
	FromDefault  = "default"
)

// RowResult tells what one row did, for the editor.
type RowResult struct {
	Target string
	Path   string // the path that gave the value, in its normal spelling; "" for other origins
	Origin string // FromPath, FromConstant or FromDefault; "" when nothing was found
	found  any
	value  coerced
}

// Before is what the path found, before any transform, as JSON; nil when nothing was found. What is
// too large to show becomes a text such as "a list of 5000 values".
func (r RowResult) Before() json.RawMessage {
	if r.found == nil {
		return nil
	}
	w := &work{}
	raw, problem := w.encode(r.found, MaxJSON)
	if problem != "" {
		raw, _ = w.encode(describe(r.found), MaxJSON)
	}
	return raw
}

// After is the value as it is kept, as JSON; nil when there is none.
func (r RowResult) After() json.RawMessage {
	if r.value.flags != nil {
		raw, err := json.Marshal(r.value.flags)
		if err != nil {
			return nil
		}
		return raw
	}
	return r.value.json
}

// Apply maps one payload, as Decode gives it. It never fails: what is wrong is in the result. It looks
// at a bounded part of the payload only, whatever its size.
func (p *Program) Apply(root any) Result {
	result, _ := p.apply(root)
	return result
}

func (p *Program) apply(root any) (Result, *work) {
	a := application{root: root, work: work{budget: budget{maxVisits}}}
	a.result.Values = make(map[string]json.RawMessage, len(p.rows))
	a.result.Rows = make([]RowResult, len(p.rows))
	for i := range p.rows {
		a.row(i, &p.rows[i])
	}
	return a.result, &a.work
}

type application struct {
	work
	root   any
	result Result
}

func (a *application) row(i int, r *compiledRow) {
	out := &a.result.Rows[i]
	out.Target = r.target.Name
	a.sanitised, a.truncated, a.several = false, false, false
	if r.constant != nil {
		out.Origin, out.value = FromConstant, *r.constant
		a.keep(r, out.value)
		return
	}
	v, over := a.search(r, out)
	if over {
		a.fail(i, r, out, CodeTooManyValues, fmt.Sprintf("%s: %s at %s. Name a smaller part of the payload.", r.target.Name, overBudget, out.Path))
		return
	}
	if v != nil {
		var failed, problem string
		if v, failed, problem = runAll(&a.work, r.transforms, v); problem != "" {
			code := CodeTransformFailed
			if problem == overBudget {
				code = CodeTooManyValues
			}
			a.fail(i, r, out, code, fmt.Sprintf("%s: %s failed, since %s.", r.target.Name, failed, problem))
			return
		}
	}
	if isEmpty(v, &a.budget) {
		a.missing(i, r, out)
		return
	}
	a.convert(i, r, out, v)
}

// search is the first value that is not empty. An empty list counts for a row that counts or sums.
func (a *application) search(r *compiledRow, out *RowResult) (v any, over bool) {
	counts := len(r.transforms) > 0 && (r.transforms[0].text == "count" || r.transforms[0].text == "sum")
	for i := range r.paths {
		p := &r.paths[i]
		v, found, over := p.find(a.root, &a.budget)
		if over {
			out.Path = p.text
			return nil, true
		}
		if !found || isEmpty(v, &a.budget) && !(counts && isContainer(v)) {
			continue
		}
		out.Path, out.Origin, out.found = p.text, FromPath, v
		return v, false
	}
	return nil, false
}

func isContainer(v any) bool {
	switch v.(type) {
	case []any, map[string]any:
		return true
	}
	return false
}

func (a *application) missing(i int, r *compiledRow, out *RowResult) {
	if r.fallback != nil {
		out.Path, out.Origin, out.found, out.value = "", FromDefault, nil, *r.fallback
		a.keep(r, out.value)
		return
	}
	if !r.required {
		return
	}
	if out.Origin != "" {
		a.error(i, r, out.Path, CodeRequiredMissing, fmt.Sprintf("%s is required, and the transforms leave nothing of %s at %s.", r.target.Name, describe(out.found), out.Path))
		return
	}
	texts := make([]string, len(r.paths))
	for j, p := range r.paths {
		texts[j] = p.text
	}
	a.error(i, r, texts[0], CodeRequiredMissing, fmt.Sprintf("%s is required, and the payload has nothing at %s.", r.target.Name, either(texts)))
}

func (a *application) convert(i int, r *compiledRow, out *RowResult, v any) {
	value := a.coerce(r.target, v)
	if value.clash != "" {
		a.fail(i, r, out, value.clash, clashProblem(r, value, v))
		return
	}
	if value.text == "" && r.target.Name == TargetOrgID {
		a.missing(i, r, out)
		return
	}
	out.value = value
	a.keep(r, value)
	a.remark(i, r, out, value)
}

func clashProblem(r *compiledRow, value coerced, v any) string {
	whose := "the payload has"
	if len(r.transforms) > 0 {
		whose = "the transforms give"
	}
	if value.why != "" {
		return fmt.Sprintf("%s: %s %s, which %s.", r.target.Name, whose, describe(v), value.why)
	}
	return fmt.Sprintf("%s expects %s; %s %s.", r.target.Name, expectations[r.target.Type], whose, describe(v))
}

// keep puts a value where the result has it.
func (a *application) keep(r *compiledRow, value coerced) {
	switch {
	case r.target.Name == TargetOrgID:
		a.result.OrgID = value.text
	case r.target.Name == TargetOccurredAt:
		a.result.OccurredAt = value.at
	case value.flags != nil:
		for name, raw := range value.flags {
			a.result.Values[FlagPrefix+name] = raw
		}
	default:
		a.result.Values[r.target.Name] = value.json
	}
}

// remark warns of what was changed in a value that was kept.
func (a *application) remark(i int, r *compiledRow, out *RowResult, value coerced) {
	name := r.target.Name
	if a.several {
		a.warn(i, r, out.Path, CodeSeveralValues, fmt.Sprintf("%s takes one value; of several the first was taken. Add first, last, count, sum or join.", name))
	}
	if a.truncated {
		a.warn(i, r, out.Path, CodeTruncated, fmt.Sprintf("%s: a long text was cut.", name))
	}
	if a.sanitised {
		a.warn(i, r, out.Path, CodeSanitised, fmt.Sprintf("%s: characters that cannot be stored were replaced by \uFFFD.", name))
	}
	if value.why != "" {
		a.warn(i, r, out.Path, CodeBadFlag, fmt.Sprintf("%s: %s.", name, value.why))
	}
}

// fail makes the value null with a warning, or refuses the payload where the row is required.
func (a *application) fail(i int, r *compiledRow, out *RowResult, code, problem string) {
	if r.required {
		a.error(i, r, out.Path, code, problem)
		return
	}
	a.warn(i, r, out.Path, code, problem)
	if r.target.Type == TypeFlags || r.target.Name == TargetOccurredAt {
		return
	}
	out.value = coerced{json: json.RawMessage("null")}
	a.result.Values[r.target.Name] = out.value.json
}

func (a *application) error(i int, r *compiledRow, path, code, problem string) {
	a.result.Errors = append(a.result.Errors, finding(i, r, path, code, problem))
}

func (a *application) warn(i int, r *compiledRow, path, code, problem string) {
	a.result.Warnings = append(a.result.Warnings, finding(i, r, path, code, problem))
}

func finding(i int, r *compiledRow, path, code, problem string) Finding {
	field := "from"
	if code == CodeTransformFailed {
		field = "transform"
	}
	return Finding{Row: i, Field: field, Target: r.target.Name, Path: path, Code: code, Problem: problem}
}
