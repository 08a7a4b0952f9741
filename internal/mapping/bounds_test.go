package mapping

import (
	"fmt"
	"strings"
	"testing"
)

const mib = 1 << 20

// fill repeats an element in a list until it has about a MiB.
func fill(element func(i int) string) string {
	var b strings.Builder
	b.WriteByte('[')
	for i := 0; b.Len() < mib-20_000; i++ {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(element(i))
	}
	return b.String() + "]"
}

func same(text string) func(int) string { return func(int) string { return text } }

// hugePayloads are a MiB of what is worst in some way.
func hugePayloads() map[string]string {
	object := func(i int) string { return fmt.Sprintf(`"%d":" "`, i) }
	wide := fill(object)
	return map[string]string{
		"numbers":        fill(same("1")),
		"blanks":         fill(same(`" "`)),
		"empty lists":    fill(same("[]")),
		"pairs":          fill(same("[1,2]")),
		"objects":        fill(func(i int) string { return fmt.Sprintf(`{"k":%d,"v":"w"}`, i) }),
		"long numbers":   fill(same(strings.Repeat("7", 99))),
		"long texts":     fill(same(`"` + strings.Repeat("é", 2040) + `"`)),
		"long blanks":    fill(same(`"` + strings.Repeat(" ", 4000) + `"`)),
		"a wide object":  "{" + wide[1:len(wide)-1] + "}",
		"wide objects":   fill(same("{" + strings.Join([]string{object(1), object(2), object(3), object(4)}, ",") + "}")),
		"one text":       `{"t":"` + strings.Repeat("é", mib/2) + `"}`,
		"one number":     `{"t":` + strings.Repeat("9", mib) + `}`,
		"a deep list":    strings.Repeat("[", 9_999) + strings.Repeat("]", 9_999),
		"a deep object":  strings.Repeat(`{"t":`, 9_999) + "1" + strings.Repeat("}", 9_999),
		"nested objects": strings.Repeat(`{"a":{"b":[`+strings.Repeat("0,", 5_000), 100) + "1" + strings.Repeat("]}}", 100),
	}
}

// worstProgram has every row, path and transform that is allowed, all alike.
func worstProgram(t testing.TB, path, transform string) *Program {
	t.Helper()
	var template Template
	for i := range MaxRows {
		row := Row{Target: fmt.Sprintf("custom.c%d", i)}
		if i < len(targets) {
			row.Target = targets[i].Name
		}
		for range MaxPaths {
			row.From = append(row.From, path)
		}
		for range MaxTransforms {
			if transform != "" {
				row.Transform = append(row.Transform, transform)
			}
		}
		template.Rows = append(template.Rows, row)
	}
	p, findings := Compile(template)
	if p == nil {
		t.Fatal(findings)
	}
	return p
}

func TestAMiBOfAnythingStaysWithinTheBudgetUnderTheWorstTemplates(t *testing.T) {
	paths := []string{"$", "$.t", "$[*]", "$[*][*]", "$" + strings.Repeat("[*]", MaxSteps), "$" + strings.Repeat("[0]", MaxSteps), "$[?(@.k.a.b.c.d==1.5)]", "$[*].v"}
	transforms := []string{"", "upper", "divide:3.0000000000000000000000000000000000000007", "sum", "count", "join:,", "split:é", "json", "date", "last"}
	for name, text := range hugePayloads() {
		root := decode(t, text)
		for _, path := range paths {
			for _, transform := range transforms {
				result, w := worstProgram(t, path, transform).apply(root)
				if w.budget.left < 0 || w.budget.left > maxVisits {
					t.Fatalf("%s, %.20s %s: %d left", name, path, transform, w.budget.left)
				}
				checkResult(t, result)
			}
		}
		if leaves := Leaves(root, 1000); len(leaves) > 1000 {
			t.Errorf("%s: %d leaves", name, len(leaves))
		}
		Suggest(root)
	}
}

func TestOverTheBudgetThereIsAFindingAndNoPartOfAValue(t *testing.T) {
	p := compileText(t, `[{"target":"org_id","value":"o"},{"target":"mrr","from":["$[*][*]"],"transform":["sum"]},{"target":"user_count","from":["$"],"transform":["count"],"required":true},{"target":"plan","from":["$[0][0]"]}]`)
	r := p.Apply(decode(t, fill(same("[1,2]"))))
	if values(r) != `mrr=null plan="1"` || len(r.Warnings) != 1 || len(r.Errors) != 1 {
		t.Errorf("%s %v %v", values(r), r.Warnings, r.Errors)
	}
	for _, f := range append(r.Warnings, r.Errors...) {
		if f.Code != CodeTooManyValues {
			t.Errorf("%+v", f)
		}
	}
}
