// Package ui is the kit of the console: small templ components that take one struct each. It knows templ and nothing else
// of Latchkey; texts, times and numbers arrive ready to read.
//
// Actions: Button, LinkButton, IconButton, Menu (row and account menus, a popover), CopyButton.
//
// Forms: Input, Textarea, Select, Checkbox, RadioCards; all go through Field, which ties label, hint and error to the control.
// FormErrors is the summary of a refused form. Class "form" lays one out, "actions" holds its buttons.
//
// Lists: Tabs (status, with counts), FilterBar (GET form), Table with Row and Cell (cards on a phone), Pagination,
// EmptyState. A row with an ID is what HTMX swaps, and the same component that the page loops over.
//
// Page parts: PageHeader, Section, Card, Banner, Facts and FactRow, StatGrid and Stat, Checklist, Badge, Avatar, Kbd, Time.
//
// Machine text: CopyField (selects itself; with Guard, leaving uncopied asks once), CodeBlock, CodeTabs, JSONView with
// ParseJSON.
//
// Numbers: Chart (stacked bars with their table), Curve (a line in steps with its table), Sparkline, Count.
//
// Dialogs: Dialog frames a confirmation as a fragment and as a page; OpensDialog gives a link the attributes that show its
// page in the layout's one <dialog>; DialogActions and DialogCancel are its buttons.
//
// Live: Toast and ToastSwap (the status region), Live (an event stream into a list, which pauses itself), LiveSlot with
// Waiting (a place that turns green).
//
// Everything works without script; static/app.js acts on data- attributes and makes it quicker. There is no style attribute and
// no inline script anywhere: the Content-Security-Policy forbids both, and a test in this package looks for them.
package ui
