package console

import (
	"slices"
	"strconv"
	"strings"

	"latchkey/internal/mapping"
)

// templateEditor is what the editor shows, between two requests only in its form.
type templateEditor struct {
	Rows   []templateRow
	Sample templateSample
	Focus  string // id of the control that has the focus after an action
}

// act does what one of the editor's buttons says: "add", "up:3", "use:org.plan". Rows are counted
// from 1 there. It is false for a button that is not the editor's.
func (e *templateEditor) act(do string) bool {
	action, argument, _ := strings.Cut(do, ":")
	switch action {
	case "test", "sample", "enter":
	case "add":
		e.Rows = append(e.Rows, templateRow{})
		e.Focus = fieldID(len(e.Rows)-1, "target")
	case "suggest":
		e.suggest()
	case "use":
		e.use(argument)
	case "remove", "up", "down", "path", "step":
		n, err := strconv.Atoi(argument)
		if err == nil && n >= 1 && n <= len(e.Rows) {
			e.change(action, n-1)
		}
	default:
		return false
	}
	return true
}

func (e *templateEditor) change(action string, i int) {
	switch action {
	case "remove":
		e.Rows = slices.Delete(e.Rows, i, i+1)
		e.Focus = "template-add"
		if len(e.Rows) > 0 {
			e.Focus = fieldID(min(i, len(e.Rows)-1), "remove")
		}
	case "up":
		e.swap(i, i-1, "up")
	case "down":
		e.swap(i, i+1, "down")
	case "path":
		r := &e.Rows[i]
		r.Paths = append(r.Paths, "")
		if len(r.Paths) == 1 {
			r.Paths = append(r.Paths, "")
		}
		e.Focus = fieldID(i, "path"+strconv.Itoa(len(r.Paths)))
	case "step":
		r := &e.Rows[i]
		r.Steps = append(r.Steps, templateStep{})
		if len(r.Steps) == 1 {
			r.Steps = append(r.Steps, templateStep{})
		}
		e.Focus = fieldID(i, "transform"+strconv.Itoa(len(r.Steps)))
	}
}

// swap moves a row, and the focus with it.
func (e *templateEditor) swap(from, to int, button string) {
	if to < 0 || to >= len(e.Rows) {
		return
	}
	e.Rows[from], e.Rows[to] = e.Rows[to], e.Rows[from]
	switch { // the button that moves it on is gone at either end
	case to == 0:
		button = "down"
	case to == len(e.Rows)-1:
		button = "up"
	}
	e.Focus = fieldID(to, button)
}

// suggest adds what the sample offers for targets that have no row, and fills rows without a path.
func (e *templateEditor) suggest() {
	if !e.Sample.loaded() {
		e.Sample.Problem = orText(e.Sample.Problem, "Load a sample first: suggestions come from the names in it.")
		return
	}
	e.Rows = slices.DeleteFunc(e.Rows, templateRow.empty)
	suggested := mapping.Suggest(e.Sample.root)
	if len(suggested) == 0 {
		e.Sample.Note = "No name in this sample tells what it is. Add rows, and choose values for them below."
	}
	for _, found := range suggested {
		at := slices.IndexFunc(e.Rows, func(r templateRow) bool { return r.target() == found.Target })
		switch {
		case at < 0 && len(e.Rows) < mapping.MaxRows:
			e.Rows = append(e.Rows, rowOf(found))
		case at >= 0 && len(e.Rows[at].paths()) == 0 && e.Rows[at].Default == "":
			e.Rows[at] = rowOf(found)
		}
	}
}

// use takes a value of the sample into the first row without a path that has a target, else into
// a new row.
func (e *templateEditor) use(path string) {
	at := slices.IndexFunc(e.Rows, func(r templateRow) bool {
		return r.Target != "" && len(r.paths()) == 0 && strings.TrimSpace(r.Default) == ""
	})
	if at < 0 {
		if at = slices.IndexFunc(e.Rows, templateRow.empty); at < 0 {
			e.Rows, at = append(e.Rows, templateRow{}), len(e.Rows)
		}
		e.Rows[at] = e.rowFor(path)
	}
	e.Rows[at].Paths = []string{path}
	e.Focus = fieldID(at, "path1")
}

// rowFor proposes a target for a path: the one that suggestions would give it, unless it is taken,
// else a custom one by the path's last name.
func (e *templateEditor) rowFor(path string) templateRow {
	taken := func(target string) bool {
		return slices.ContainsFunc(e.Rows, func(r templateRow) bool { return r.target() == target })
	}
	for _, found := range mapping.Suggest(e.Sample.root) {
		if slices.ContainsFunc(found.From, func(p string) bool { return shortPath(p) == path }) && !taken(found.Target) {
			return rowOf(found)
		}
	}
	name := customName(path)
	if name == "" || taken(mapping.CustomPrefix+name) {
		return templateRow{}
	}
	return templateRow{Target: customTarget, Custom: name}
}

// customName makes a name of a path's last step.
func customName(path string) string {
	last := path[strings.LastIndexAny(path, ".[")+1:]
	if quoted, ok := strings.CutSuffix(path, "']"); ok {
		last = quoted[strings.LastIndex(quoted, "['")+2:]
	}
	return strings.Trim(strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '_', r == '-':
			return r
		case r == ' ', r == '.':
			return '_'
		}
		return -1
	}, last), "_-")
}

// fieldID is the id of a control of a row; rows count from 0.
func fieldID(i int, control string) string { return "row-" + strconv.Itoa(i+1) + "-" + control }
