package ui

import "github.com/a-h/templ"

// FieldProps is what every field has: a name, a label, a hint and, after a failed submit, an error sentence.
// Field wires them; Input, Textarea, Select and the others go through it.
type FieldProps struct {
	Name      string
	ID        string // "field-" + Name unless set
	Label     string
	Hint      string
	Error     string // a full sentence that says what to do
	Optional  bool   // adds "(optional)" to the label
	HideLabel bool   // keeps the label for screen readers only
}

// FieldID is the id of the control; errors link to it.
func (p FieldProps) FieldID() string {
	if p.ID != "" {
		return p.ID
	}
	return "field-" + p.Name
}

// Control returns the attributes that tie a custom control to its Field: id, name, aria-describedby, aria-invalid.
func (p FieldProps) Control() templ.Attributes {
	id := p.FieldID()
	a := templ.Attributes{"id": id, "name": p.Name}
	if d := p.describedBy(); d != "" {
		a["aria-describedby"] = d
	}
	if p.Error != "" {
		a["aria-invalid"] = "true"
	}
	return a
}

func (p FieldProps) describedBy() string {
	id, d := p.FieldID(), ""
	if p.Hint != "" {
		d = id + "-hint"
	}
	if p.Error != "" {
		if d != "" {
			d += " "
		}
		d += id + "-error"
	}
	return d
}

// InputProps is a one-line text field with its label, hint and error.
type InputProps struct {
	Name, ID, Label, Hint, Error string
	Optional, HideLabel          bool
	Type                         string // "text" unless set
	Value                        string
	Placeholder                  string
	Autocomplete                 string
	InputMode                    string
	MaxLength                    int
	Required                     bool
	ReadOnly                     bool
	Disabled                     bool
	AutoFocus                    bool
	Mono                         bool // for what a machine reads
	Attrs                        templ.Attributes
}

func (p InputProps) field() FieldProps {
	return FieldProps{Name: p.Name, ID: p.ID, Label: p.Label, Hint: p.Hint, Error: p.Error, Optional: p.Optional, HideLabel: p.HideLabel}
}

// TextareaProps is a many-line text field.
type TextareaProps struct {
	Name, ID, Label, Hint, Error string
	Optional, HideLabel          bool
	Value                        string
	Placeholder                  string
	Rows                         int // at least 4
	MaxLength                    int
	Required, ReadOnly, Disabled bool
	Mono                         bool
	Attrs                        templ.Attributes
}

func (p TextareaProps) field() FieldProps {
	return FieldProps{Name: p.Name, ID: p.ID, Label: p.Label, Hint: p.Hint, Error: p.Error, Optional: p.Optional, HideLabel: p.HideLabel}
}

// Option is one choice of a Select.
type Option struct {
	Value, Label string
	Disabled     bool
}

// SelectProps is a native <select>; the option whose Value equals Value is chosen.
type SelectProps struct {
	Name, ID, Label, Hint, Error string
	Optional, HideLabel          bool
	Value                        string
	Options                      []Option
	Required, Disabled           bool
	Attrs                        templ.Attributes
}

func (p SelectProps) field() FieldProps {
	return FieldProps{Name: p.Name, ID: p.ID, Label: p.Label, Hint: p.Hint, Error: p.Error, Optional: p.Optional, HideLabel: p.HideLabel}
}

// CheckboxProps is one box with its label to the right. Value is "on" unless set.
type CheckboxProps struct {
	Name, ID, Label, Hint, Error string
	Value                        string
	Badge                        string // e.g. "Recommended"
	Checked, Disabled            bool
	Attrs                        templ.Attributes
}

func (p CheckboxProps) field() FieldProps {
	return FieldProps{Name: p.Name, ID: p.ID, Label: p.Label, Hint: p.Hint, Error: p.Error}
}

// RadioCard is one choice that explains itself.
type RadioCard struct {
	Value    string
	Label    string
	Text     string
	Icon     IconName
	Badge    string
	Disabled bool
	Reason   string // why it is disabled
	Attrs    templ.Attributes
}

// RadioCardsProps is a group of radio buttons drawn as cards; the card whose Value equals Value is chosen.
// Columns 0 stacks them; 2, 3 and 4 put them side by side on wide screens.
type RadioCardsProps struct {
	Name, ID, Label, Hint, Error string
	Value                        string
	Columns                      int
	Options                      []RadioCard
}

func (p RadioCardsProps) field() FieldProps {
	return FieldProps{Name: p.Name, ID: p.ID, Label: p.Label, Hint: p.Hint, Error: p.Error}
}

func (p RadioCardsProps) grid() string {
	switch p.Columns {
	case 2:
		return "grid gap-2 sm:grid-cols-2"
	case 3:
		return "grid gap-2 sm:grid-cols-3"
	case 4:
		return "grid gap-2 grid-cols-2 sm:grid-cols-4"
	case 5:
		return "grid gap-2 grid-cols-2 sm:grid-cols-5"
	default:
		return "grid gap-2"
	}
}

// FormErrorsProps is the summary above a form that was refused: one line a field, linked to it.
type FormErrorsProps struct {
	Title string // "Please correct 2 fields." unless set by the caller
	Items []FormError
}

// FormError names a field by the Name it was rendered with; without one the sentence stands alone.
type FormError struct {
	Field string
	Text  string
}

func controlClass(mono bool) string {
	if mono {
		return "control font-mono"
	}
	return "control"
}

func fieldLabelClass(hidden bool) string {
	if hidden {
		return "sr-only"
	}
	return "field-label"
}
