package views

import (
	"github.com/a-h/templ"

	"latchkey/views/ui"
)

// Form is what a form shows: the values to begin with or as they were sent, and what is wrong with them. Passwords are
// never among the values.
type Form struct {
	Values  map[string]string
	Errors  map[string]string // field -> sentence
	Problem string            // about the whole form, e.g. that email and password don't match
	Order   []string          // the fields as they stand on the page
}

func (f Form) value(name string) string { return f.Values[name] }

func (f Form) err(name string) string { return f.Errors[name] }

// summary is the list above the form; empty when nothing is wrong.
func (f Form) summary() ui.FormErrorsProps {
	p := ui.FormErrorsProps{Title: f.Problem}
	for _, name := range f.Order {
		if text := f.Errors[name]; text != "" {
			p.Items = append(p.Items, ui.FormError{Field: name, Text: text})
		}
	}
	return p
}

// withLabel adds an accessible name to the attributes of a control whose text alone does not tell it from its neighbours.
func withLabel(a templ.Attributes, label string) templ.Attributes {
	out := templ.Attributes{"aria-label": label}
	for k, v := range a {
		out[k] = v
	}
	return out
}

// rowForm makes the form of a dialog swap a row of the page beneath. As a page of its own there is no such row: the form
// stays plain.
func rowForm(action, row string, asPage bool) templ.Attributes {
	if asPage {
		return nil
	}
	return templ.Attributes{"hx-post": action, "hx-target": row, "hx-swap": "outerHTML"}
}
