package ui

import "github.com/a-h/templ"

// Variant is the weight of a button. A page has one primary button.
type Variant int

const (
	Secondary Variant = iota // the zero value: most buttons
	Primary
	Danger
	Ghost
)

// Size is the height of a button: 36 px, or 28 px inside rows and toolbars (44 px on touch screens).
type Size int

const (
	Medium Size = iota
	Small
)

// ButtonProps describes a <button>. Type is "submit" unless set.
type ButtonProps struct {
	Label          string
	Variant        Variant
	Size           Size
	Type           string
	ID             string
	Name           string
	Value          string
	Form           string // id of the form it belongs to, when it stands outside
	Icon           IconName
	Full           bool // as wide as its container
	Disabled       bool
	DisabledReason string // shown beside the button; say why it is not allowed
	AutoFocus      bool   // inside a dialog: the least destructive control
	Attrs          templ.Attributes
}

// LinkButtonProps describes an <a> that looks like a button.
type LinkButtonProps struct {
	Label     string
	Href      string
	Variant   Variant
	Size      Size
	ID        string
	Icon      IconName
	Full      bool
	AutoFocus bool
	Attrs     templ.Attributes
}

// IconButtonProps describes a square button with an icon; Label is what a screen reader says.
type IconButtonProps struct {
	Label string
	Icon  IconName
	Type  string // "button" unless set
	ID    string
	Name  string
	Value string
	Attrs templ.Attributes
}

func buttonClass(v Variant, s Size, full bool) string {
	c := "btn"
	switch v {
	case Primary:
		c += " btn-primary"
	case Danger:
		c += " btn-danger"
	case Ghost:
		c += " btn-ghost"
	default:
		c += " btn-secondary"
	}
	if s == Small {
		c += " btn-small"
	}
	if full {
		c += " w-full"
	}
	return c
}

func orDefault(s, fallback string) string {
	if s == "" {
		return fallback
	}
	return s
}
