package ui

import "github.com/a-h/templ"

// Align places the text of a column. Numbers go right.
type Align int

const (
	Left Align = iota
	Right
)

// Column is a column header. Hidden keeps its label for screen readers (the column of row menus). SortHref makes it a link
// that orders the list by it; Sorted says how it is ordered now. Cards on a phone have no headers: offer the orders elsewhere
// too.
type Column struct {
	Label    string
	Align    Align
	Hidden   bool
	SortHref string
	Sorted   Order
}

// Order is that of a sorted column, as aria-sort names it.
type Order string

// The orders; the zero value is none.
const (
	Ascending  Order = "ascending"
	Descending Order = "descending"
)

func (o Order) arrow() string {
	switch o {
	case Ascending:
		return "↑"
	case Descending:
		return "↓"
	default:
		return ""
	}
}

// TableProps is a table whose rows become cards under 1024 px. Children are Rows. BodyID is the id of the tbody, for swaps.
type TableProps struct {
	ID      string
	BodyID  string
	Caption string // what the table lists; for screen readers
	Columns []Column
}

// RowProps is one row; ID makes it a swap unit. Muted is for dead things that stay listed.
type RowProps struct {
	ID    string
	Muted bool
	Attrs templ.Attributes
}

// CellProps is one cell; children are its content. Label repeats the column header on a phone's card; leave it empty for
// the Primary cell (the card's title) and for Actions (the row menu, at the card's corner).
type CellProps struct {
	Label   string
	Align   Align
	Primary bool
	Actions bool
	Mono    bool
	NoWrap  bool
}

// Tab is one filter tab, a link. Count is preformatted; empty shows none.
type Tab struct {
	Label   string
	Count   string
	Href    string
	Current bool
	Attrs   templ.Attributes
}

// TabsProps is a row of links that filter the list below; Label names the group.
type TabsProps struct {
	Label string
	Items []Tab
}

// PaginationProps pages by cursor. An empty href leaves its link out; Summary is e.g. "Showing 50 of 1,284".
type PaginationProps struct {
	NewerHref string
	OlderHref string
	Summary   string
	// "Newer" and "Older" unless set: for lists in another order than that of time.
	NewerLabel, OlderLabel string
}

// FilterBarProps is a GET form above a list. Children are its selects. Search is left out when SearchName is empty.
// Hidden carries what else is in the URL (the status tab). With Script, selects submit at once.
type FilterBarProps struct {
	Action            string
	SearchName        string // usually "q"
	SearchLabel       string
	SearchValue       string
	SearchPlaceholder string
	SubmitLabel       string // "Search" unless set
	Hidden            []HiddenField
	ClearHref         string // shown when filters are set
	Post              bool   // sends the form as a POST, where what is searched may be a secret; the answer leads to the URL
	Attrs             templ.Attributes
}

// HiddenField is a name and value sent along.
type HiddenField struct {
	Name, Value string
}

// MenuProps is a button that opens a list of links and actions; it works without script. ID must be unique on the page.
type MenuProps struct {
	ID     string
	Label  string // accessible name, e.g. "Actions for Production"
	Text   string // when set, a small button with this text instead of the three dots
	Footer bool   // opens upwards (account menu)
	Items  []MenuItem
}

// MenuItem is a link (Href) or a POST (Action). A disabled one says why.
type MenuItem struct {
	Label    string
	Href     string
	Action   string
	Icon     IconName
	Danger   bool
	Current  bool
	Disabled bool
	Reason   string
	Attrs    templ.Attributes
}

// DialogProps frames a confirmation. The same component is the fragment inside the layout's one <dialog> and, with
// AsPage, the content of a page. Children are text, fields and a DialogActions.
type DialogProps struct {
	Title  string
	Text   string
	Tone   Tone
	AsPage bool
}

// LiveProps opens an event stream and swaps its unnamed messages into Target. It pauses itself after five minutes and
// offers to go on. Without script it says so.
type LiveProps struct {
	ID      string
	URL     string
	Target  string // CSS selector
	Swap    string // "afterbegin" unless set
	Label   string // "Live" unless set
	OffHref string // the page without Live
}

// OpensDialog returns the attributes of a link whose page is shown in the dialog when there is script. The link's own
// href stays the page.
func OpensDialog(href string) templ.Attributes {
	return templ.Attributes{"hx-get": href, "hx-target": "#dialog-content", "hx-swap": "innerHTML", "data-dialog": true}
}

func cellClass(p CellProps) string {
	c := "cell"
	if p.Primary {
		c += " cell-primary"
	}
	if p.Actions {
		c += " cell-actions"
	}
	if p.Align == Right {
		c += " cell-right"
	}
	if p.Mono {
		c += " font-mono"
	}
	if p.NoWrap {
		c += " whitespace-nowrap"
	}
	return c
}

func columnClass(a Align) string {
	if a == Right {
		return "cell-right"
	}
	return ""
}

func rowClass(muted bool) string {
	if muted {
		return "row text-muted"
	}
	return "row"
}

func menuClass(up bool) string {
	if up {
		return "menu menu-up"
	}
	return "menu"
}

func menuItemClass(it MenuItem) string {
	if it.Danger {
		return "menu-item text-danger"
	}
	return "menu-item"
}
