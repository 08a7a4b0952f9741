package ui_test

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"latchkey/views/ui"
)

// parse returns every element of a fragment.
func parse(t *testing.T, source string) []*html.Node {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(source))
	if err != nil {
		t.Fatalf("parse: %v", err)
	}
	var all []*html.Node
	for n := range doc.Descendants() {
		if n.Type == html.ElementNode {
			all = append(all, n)
		}
	}
	return all
}

func attr(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

func hasAttr(n *html.Node, key string) bool {
	for _, a := range n.Attr {
		if a.Key == key {
			return true
		}
	}
	return false
}

func find(nodes []*html.Node, tag string) *html.Node {
	for _, n := range nodes {
		if n.Data == tag {
			return n
		}
	}
	return nil
}

func byID(nodes []*html.Node, id string) *html.Node {
	for _, n := range nodes {
		if attr(n, "id") == id {
			return n
		}
	}
	return nil
}

func text(n *html.Node) string {
	var b strings.Builder
	for c := range n.Descendants() {
		if c.Type == html.TextNode {
			b.WriteString(c.Data)
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

func TestGalleryHoldsEveryComponent(t *testing.T) {
	files, err := filepath.Glob("*_templ.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("no generated files: %v", err)
	}
	shown := gallery()
	for _, name := range files {
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if ok && fn.Name.IsExported() && shown[fn.Name.Name] == nil {
				t.Errorf("component %s is not in the gallery: add it to gallery_test.go", fn.Name.Name)
			}
		}
	}
}

func TestHostileTextStaysText(t *testing.T) {
	for name, c := range gallery() {
		out := render(t, c)
		for _, n := range parse(t, out) {
			if n.Data == "script" || n.Data == "img" {
				t.Errorf("%s: hostile text became <%s>:\n%s", name, n.Data, out)
			}
			for _, a := range n.Attr {
				if strings.HasPrefix(a.Key, "on") {
					t.Errorf("%s: attribute %s on <%s>", name, a.Key, n.Data)
				}
			}
		}
	}
}

func TestNothingNeedsInlineStyleOrScript(t *testing.T) {
	for name, c := range gallery() {
		for _, n := range parse(t, render(t, c)) {
			if n.Data == "style" || n.Data == "script" || hasAttr(n, "style") {
				t.Errorf("%s: <%s> %v is forbidden by the Content-Security-Policy", name, n.Data, n.Attr)
			}
		}
	}
}

func TestScriptAddressesAreNotLinked(t *testing.T) {
	const bad = "javascript:alert(1)"
	for name, out := range map[string]string{
		"LinkButton":   render(t, ui.LinkButton(ui.LinkButtonProps{Label: "x", Href: bad})),
		"DialogCancel": render(t, ui.DialogCancel(ui.LinkButtonProps{Href: bad})),
		"Menu":         render(t, ui.MenuList([]ui.MenuItem{{Label: "x", Href: bad}, {Label: "x", Action: bad}})),
		"Tabs":         render(t, ui.Tabs(ui.TabsProps{Items: []ui.Tab{{Label: "x", Href: bad}}})),
		"Facts":        render(t, ui.Facts(ui.FactsProps{Items: []ui.Fact{{Label: "x", Value: "x", Href: bad}}})),
		"FilterBar":    render(t, ui.FilterBar(ui.FilterBarProps{Action: bad, ClearHref: bad})),
	} {
		if strings.Contains(out, "javascript:") {
			t.Errorf("%s links to a script: %s", name, out)
		}
	}
}

func TestFieldTiesLabelHintAndErrorToItsControl(t *testing.T) {
	for name, c := range map[string]string{
		"input":    render(t, ui.Input(ui.InputProps{Name: "n", Label: "Name", Hint: "Which system.", Error: "Give the key a name."})),
		"textarea": render(t, ui.Textarea(ui.TextareaProps{Name: "n", Label: "Name", Hint: "Which system.", Error: "Give the key a name."})),
		"select":   render(t, ui.Select(ui.SelectProps{Name: "n", Label: "Name", Hint: "Which system.", Error: "Give the key a name."})),
		"checkbox": render(t, ui.Checkbox(ui.CheckboxProps{Name: "n", Label: "Name", Hint: "Which system.", Error: "Give the key a name."})),
	} {
		t.Run(name, func(t *testing.T) {
			nodes := parse(t, c)
			control := byID(nodes, "field-n")
			if control == nil || attr(control, "name") != "n" {
				t.Fatalf("no control with id field-n and name n:\n%s", c)
			}
			if label := find(nodes, "label"); attr(label, "for") != "field-n" || text(label) != "Name" {
				t.Errorf("label %q is for %q", text(label), attr(label, "for"))
			}
			if attr(control, "aria-invalid") != "true" {
				t.Error("aria-invalid is not set")
			}
			var described []string
			for _, id := range strings.Fields(attr(control, "aria-describedby")) {
				n := byID(nodes, id)
				if n == nil {
					t.Fatalf("aria-describedby names %q, which does not exist", id)
				}
				described = append(described, text(n))
			}
			if got := strings.Join(described, " / "); got != "Which system. / Give the key a name." {
				t.Errorf("described by %q", got)
			}
		})
	}
}

func TestFieldWithoutErrorIsNotInvalid(t *testing.T) {
	out := render(t, ui.Input(ui.InputProps{Name: "n", Label: "Name"}))
	if strings.Contains(out, "aria-invalid") || strings.Contains(out, "aria-describedby") {
		t.Errorf("a plain field carries error wiring:\n%s", out)
	}
}

func TestFormErrorsLinkToTheirFields(t *testing.T) {
	summary := parse(t, render(t, ui.FormErrors(ui.FormErrorsProps{Items: []ui.FormError{{Field: "n", Text: "Give the key a name."}}})))
	field := parse(t, render(t, ui.Input(ui.InputProps{Name: "n", Label: "Name"})))
	link := find(summary, "a")
	if byID(field, strings.TrimPrefix(attr(link, "href"), "#")) == nil {
		t.Errorf("the summary links to %q, which no field has", attr(link, "href"))
	}
}

func TestRadioCardsCheckExactlyTheValue(t *testing.T) {
	out := render(t, ui.RadioCards(ui.RadioCardsProps{Name: "env", Label: "Environment", Value: "test", Options: []ui.RadioCard{{Value: "live"}, {Value: "test"}}}))
	for _, n := range parse(t, out) {
		if n.Data == "input" && hasAttr(n, "checked") != (attr(n, "value") == "test") {
			t.Errorf("radio %q checked: %v", attr(n, "value"), hasAttr(n, "checked"))
		}
	}
}

func TestChartTableTellsWhatTheBarsShow(t *testing.T) {
	buckets := []ui.Bucket{{Label: "10:00", Accepted: 1284, Rejected: 3}, {Label: "11:00"}, {Label: "12:00", Accepted: 40, Rejected: 40}}
	nodes := parse(t, render(t, ui.Chart(ui.ChartProps{ID: "c", Title: "Requests", Buckets: buckets})))
	var titles, rows []string
	heights := map[string][]float64{}
	for _, n := range nodes {
		switch {
		case n.Data == "title" && n.Parent.Data == "g":
			titles = append(titles, text(n))
		case n.Data == "rect" && attr(n, "class") != "chart-hit":
			h, err := strconv.ParseFloat(attr(n, "height"), 64)
			if err != nil {
				t.Fatalf("height: %v", err)
			}
			heights[attr(n, "class")] = append(heights[attr(n, "class")], h)
		case n.Data == "tr" && n.Parent.Data == "tbody":
			rows = append(rows, text(n))
		}
	}
	for i, b := range buckets {
		bar := b.Label + ": " + ui.Count(b.Accepted) + " accepted, " + ui.Count(b.Rejected) + " rejected"
		if titles[i] != bar {
			t.Errorf("bar %d is titled %q", i, titles[i])
		}
		cells := b.Label + ui.Count(b.Accepted) + ui.Count(b.Rejected)
		if strings.ReplaceAll(rows[i], " ", "") != cells {
			t.Errorf("row %d says %q, the bar %q", i, rows[i], bar)
		}
	}
	if got := heights["chart-accepted"]; len(got) != 2 || got[0] <= got[1] {
		t.Errorf("accepted bars %v: want one for each non-empty bucket, the larger number higher", got)
	}
	if got := heights["chart-rejected"]; len(got) != 2 || got[0] < 2 {
		t.Errorf("rejected bars %v: 3 of 1,287 must still be seen", got)
	}
}

func TestChartOfNothingIsStillAChart(t *testing.T) {
	for _, buckets := range [][]ui.Bucket{nil, {{Label: "10:00"}}} {
		out := render(t, ui.Chart(ui.ChartProps{ID: "c", Title: "Requests", Buckets: buckets}))
		if strings.Contains(out, "NaN") || strings.Contains(out, "Inf") {
			t.Errorf("%d empty buckets: %s", len(buckets), out)
		}
	}
}

func TestJSONTreeKeepsWhatWasSent(t *testing.T) {
	raw := `{"b":1,"a":12345678901234567890,"b":"<i>","list":[true,null,{}],"n":1.50}`
	root, err := ui.ParseJSON([]byte(raw))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range root.Children {
		got = append(got, c.Key+"="+c.Text)
	}
	if s := strings.Join(got, " "); s != `b=1 a=12345678901234567890 b="<i>" list= n=1.50` {
		t.Errorf("order, repeats or digits were lost: %s", s)
	}
	out := render(t, ui.JSONView(ui.JSONViewProps{Root: root}))
	if strings.Contains(out, "<i>") || !strings.Contains(out, "&lt;i&gt;") {
		t.Errorf("a string of the payload became markup:\n%s", out)
	}
}

func TestJSONTreeIsBounded(t *testing.T) {
	for name, raw := range map[string]string{
		"deep": strings.Repeat("[", 5000) + strings.Repeat("]", 5000),
		"wide": "[" + strings.Repeat("0,", 20000) + "0]",
	} {
		if _, err := ui.ParseJSON([]byte(raw)); !errors.Is(err, ui.ErrJSONTooLarge) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, raw := range []string{"", "{", `{"a":1} x`, "1 2", `{"a"}`} {
		if _, err := ui.ParseJSON([]byte(raw)); err == nil {
			t.Errorf("%q was read as a document", raw)
		}
	}
}

func TestRelativeTimesReadAsAPersonWouldSay(t *testing.T) {
	now := time.Date(2026, 3, 3, 12, 0, 0, 0, time.UTC)
	for ago, want := range map[time.Duration]string{
		0:                    "just now",
		42 * time.Second:     "42 seconds ago",
		-59 * time.Second:    "in 59 seconds",
		119 * time.Second:    "1 minute ago",
		23 * time.Hour:       "23 hours ago",
		-72 * time.Hour:      "in 3 days",
		61 * 24 * time.Hour:  "2 months ago",
		-2159 * time.Hour:    "in 3 months",
		800 * 24 * time.Hour: "2 years ago",
	} {
		if got := ui.Relative(now.Add(-ago), now); got != want {
			t.Errorf("%v: %q, want %q", ago, got, want)
		}
	}
	if got := ui.NewTime(time.Time{}, now, time.UTC, "Never"); got.Relative != "Never" || got.DateTime != "" {
		t.Errorf("a zero time reads %+v", got)
	}
}

func TestAbsoluteTimeIsReachableByKeyboard(t *testing.T) {
	out := render(t, ui.Time(ui.TimeProps{DateTime: "2026-03-03T12:00:00Z", Relative: "2 days ago", Absolute: "2026-03-03 13:00:00 CET (12:00 UTC)"}))
	n := find(parse(t, out), "time")
	if attr(n, "tabindex") != "0" || !strings.Contains(text(n), "13:00:00 CET") {
		t.Errorf("the absolute time cannot be reached: %s", out)
	}
}

func TestCopyButtonDoesNotSubmitTheFormAroundIt(t *testing.T) {
	n := find(parse(t, render(t, ui.CopyButton(ui.CopyButtonProps{Text: "x"}))), "button")
	if attr(n, "type") != "button" {
		t.Errorf("a copy button of type %q submits the form around it", attr(n, "type"))
	}
}

func TestCountsHaveCommas(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1284: "1,284", 1000000: "1,000,000", -1284: "-1,284"} {
		if got := ui.Count(n); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}
