package mapping

import (
	"encoding/json"
	"fmt"
	"slices"
)

// Program is a compiled template. Immutable, safe for concurrent use.
type Program struct {
	template Template
	rows     []compiledRow
}

type compiledRow struct {
	target     Target
	paths      []path
	transforms []bound
	constant   *coerced
	fallback   *coerced
	required   bool
}

// Template is what was compiled, its paths and transforms in their normal spelling.
func (p *Program) Template() Template { return p.template.clone() }

func (t Template) clone() Template {
	rows := slices.Clone(t.Rows)
	for i := range rows {
		rows[i].From, rows[i].Transform = slices.Clone(rows[i].From), slices.Clone(rows[i].Transform)
	}
	return Template{Rows: rows}
}

// Compile checks a template. Every finding is an error that says what is wrong and what to do; with
// any of them the program is nil.
func Compile(t Template) (*Program, []Finding) {
	c := compiler{seen: map[string]int{}}
	if len(t.Rows) > MaxRows {
		c.add(Finding{Row: -1, Code: CodeTooManyRows, Problem: fmt.Sprintf("The template has %d rows. At most %d are allowed.", len(t.Rows), MaxRows)})
		return nil, c.findings
	}
	p := &Program{template: t.clone()}
	for i := range t.Rows {
		p.rows = append(p.rows, c.row(i, &p.template.Rows[i]))
	}
	if _, ok := c.seen[TargetOrgID]; !ok {
		c.add(Finding{Row: -1, Field: "target", Target: TargetOrgID, Code: CodeMissingOrgID,
			Problem: "The template has no row for org_id. Add one: it says which organisation a payload is about."})
	}
	if len(c.findings) > 0 {
		return nil, c.findings
	}
	return p, nil
}

type compiler struct {
	findings []Finding
	seen     map[string]int // target -> row
	at       Finding        // row and target of the current row
}

func (c *compiler) add(f Finding) { c.findings = append(c.findings, f) }

// note adds a finding about the current row.
func (c *compiler) note(field, path, code, problem string) {
	f := c.at
	f.Field, f.Path, f.Code, f.Problem = field, path, code, problem
	c.add(f)
}

// row compiles one, and puts the normal spelling into r.
func (c *compiler) row(i int, r *Row) compiledRow {
	c.at = Finding{Row: i, Target: r.Target}
	out := compiledRow{required: r.Required || r.Target == TargetOrgID}
	known := c.target(i, r, &out)
	c.paths(r, &out)
	c.transforms(r, &out)
	hasValue := !absent(r.Value)
	switch {
	case len(r.From) == 0 && !hasValue:
		c.note("from", "", CodeMissingSource, "The row has no path and no constant. Add the path of the value, e.g. $.traits.plan.")
	case len(r.From) > 0 && hasValue:
		c.note("value", "", CodeTwoSources, "The row has both a path and a constant. Remove one; for a value to fall back on use the default.")
	}
	if known && hasValue {
		out.constant = c.literal("value", CodeBadValue, "constant", r.Value, out.target, out.transforms)
	}
	if known && !absent(r.Default) {
		out.fallback = c.literal("default", CodeBadDefault, "default", r.Default, out.target, nil)
	}
	return out
}

// absent is true for null too: forms and the JSON view may leave one.
func absent(raw json.RawMessage) bool { return len(raw) == 0 || string(raw) == "null" }

func (c *compiler) target(i int, r *Row, out *compiledRow) bool {
	target, ok := TargetNamed(r.Target)
	if !ok {
		c.at.Target = cleanText(cutText(r.Target, 2*maxShown, "…"))
		c.note("target", "", CodeUnknownTarget, targetProblem(r.Target))
		return false
	}
	if earlier, twice := c.seen[r.Target]; twice {
		c.note("target", "", CodeDuplicateTarget, fmt.Sprintf("Row %d fills %s already. Put this row's paths there, or remove one of the two.", earlier+1, r.Target))
	} else {
		c.seen[r.Target] = i
	}
	out.target = target
	return true
}

func (c *compiler) paths(r *Row, out *compiledRow) {
	if len(r.From) > MaxPaths {
		c.note("from", "", CodeTooManyPaths, fmt.Sprintf("The row has %d paths. At most %d are allowed.", len(r.From), MaxPaths))
		return
	}
	for i, text := range r.From {
		p, err := parsePath(text)
		if err != nil {
			c.note("from", cleanText(cutText(text, MaxPathBytes, "…")), CodePathSyntax, fmt.Sprintf("Path %s, position %d: %s", quoteText(text), err.at, err.problem))
			continue
		}
		r.From[i] = p.text
		out.paths = append(out.paths, p)
	}
}

func (c *compiler) transforms(r *Row, out *compiledRow) {
	if len(r.Transform) > MaxTransforms {
		c.note("transform", "", CodeTooManyTransforms, fmt.Sprintf("The row has %d transforms. At most %d are allowed.", len(r.Transform), MaxTransforms))
		return
	}
	for i, text := range r.Transform {
		t, code, problem := bindTransform(text)
		if code != "" {
			c.note("transform", "", code, problem)
			continue
		}
		r.Transform[i] = t.text
		out.transforms = append(out.transforms, t)
	}
}

// literal gives a constant or default the target's type, once for all payloads.
func (c *compiler) literal(field, code, noun string, raw json.RawMessage, target Target, transforms []bound) *coerced {
	if len(raw) > MaxJSON {
		c.note(field, "", code, fmt.Sprintf("The %s has %d bytes. At most %d are allowed.", noun, len(raw), MaxJSON))
		return nil
	}
	v, err := Decode(raw)
	if err != nil {
		c.note(field, "", code, fmt.Sprintf("The %s is not valid JSON. Write a number, true, false, or a text in double quotes.", noun))
		return nil
	}
	w := &work{budget: budget{maxVisits}}
	v, _, problem := runAll(w, transforms, v)
	switch {
	case problem != "":
		c.note(field, "", code, fmt.Sprintf("The %s does not go through the transforms: %s.", noun, problem))
		return nil
	case isEmpty(v, &w.budget):
		c.note(field, "", code, fmt.Sprintf("The %s is empty. Write a value, or remove it.", noun))
		return nil
	}
	result := w.coerce(target, v)
	if problem := literalProblem(w, result, target, noun, v); problem != "" {
		c.note(field, "", code, problem)
		return nil
	}
	result.json = slices.Clip(result.json) // shared by all results from here on
	return &result
}

func literalProblem(w *work, result coerced, target Target, noun string, v any) string {
	switch {
	case result.clash != "" && result.why != "":
		return fmt.Sprintf("The %s %s.", noun, result.why)
	case result.clash != "":
		return fmt.Sprintf("%s expects %s; the %s is %s.", target.Name, expectations[target.Type], noun, describe(v))
	case result.why != "":
		return fmt.Sprintf("The %s cannot be kept whole: %s.", noun, result.why)
	case w.truncated:
		return fmt.Sprintf("The %s has more than %d bytes. Shorten it.", noun, MaxText)
	case w.sanitised:
		return fmt.Sprintf("The %s has characters that cannot be stored. Remove them.", noun)
	case w.several:
		return fmt.Sprintf("The %s has several values; %s takes one.", noun, target.Name)
	}
	return ""
}

// runAll applies the transforms in order; on a problem it says which one failed.
func runAll(w *work, transforms []bound, v any) (result any, failed, problem string) {
	for _, t := range transforms {
		if v == nil {
			return nil, "", ""
		}
		if v, problem = t.apply(w, v); problem != "" {
			return nil, t.text, problem
		}
	}
	return v, "", ""
}
