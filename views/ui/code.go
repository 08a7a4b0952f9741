package ui

import "github.com/a-h/templ"

// CopyButtonProps copies Text, or the value of the field with id Target. It says "Copied" only when it did.
type CopyButtonProps struct {
	Text   string
	Target string
	Label  string // accessible name, e.g. "Copy key"
	Words  bool   // shows the word "Copy" beside the icon
	Attrs  templ.Attributes
}

// CopyFieldProps is a read-only field that selects itself on focus, with a copy button. With Guard, leaving the page
// before it was copied asks once.
type CopyFieldProps struct {
	ID    string
	Label string
	Hint  string
	Value string
	Guard bool
}

// CodeBlockProps is a block of code with a copy button. Label names it for screen readers and, with ShowLabel, for everyone.
type CodeBlockProps struct {
	Code      string
	Label     string
	ShowLabel bool
	Wrap      bool
	NoCopy    bool
	ID        string
}

// CodeTabsProps shows the same example in several languages; it works without script. ID must be unique on the page.
type CodeTabsProps struct {
	ID    string
	Label string
	Tabs  []CodeTab // at most six
}

// CodeTab is one language of CodeTabs.
type CodeTab struct {
	Label string
	Code  string
}

func codeClass(wrap bool) string {
	if wrap {
		return "code whitespace-pre-wrap break-all"
	}
	return "code"
}
