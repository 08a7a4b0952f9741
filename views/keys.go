package views

import "github.com/a-h/templ"

// shortcutKey makes a key of the keyboard click the control.
func shortcutKey(key string) templ.Attributes { return templ.Attributes{"data-key": key} }

// untouched tells a form that nobody has sent yet: its first field may have the focus.
func (f Form) untouched() bool { return f.Problem == "" && len(f.Errors) == 0 }

func (v DeactivateKeyView) attrs(asPage bool) templ.Attributes {
	return rowForm(v.Action, "#"+v.RowID, asPage || v.RowID == "")
}
