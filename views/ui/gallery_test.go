package ui_test

import (
	"context"
	"io"
	"strings"
	"testing"

	"github.com/a-h/templ"

	"latchkey/views/ui"
)

// hostile breaks out of text, of both kinds of attribute quotes and of a script element, if anything lets it.
const hostile = `"'><script>alert(1)</script><img src=x onerror=alert(1)>`

// gallery is every component of the kit with hostile text wherever a person or a payload could put some.
func gallery() map[string]templ.Component {
	h := hostile
	attrs := templ.Attributes{"data-x": h}
	option := []ui.Option{{Value: h, Label: h}}
	child := templ.Raw("<b>child</b>")
	return map[string]templ.Component{
		"Avatar":        ui.Avatar(ui.AvatarProps{Name: h}),
		"Badge":         ui.Badge(ui.BadgeProps{Tone: ui.ToneWarn, Label: h}),
		"Banner":        with(child, ui.Banner(ui.BannerProps{Tone: ui.ToneDanger, ID: h, Title: h, Text: h, ActionLabel: h, ActionHref: h})),
		"Button":        ui.Button(ui.ButtonProps{Label: h, ID: h, Name: h, Value: h, Form: h, Disabled: true, DisabledReason: h, Attrs: attrs}),
		"Card":          with(child, ui.Card(ui.CardProps{ID: h, Attrs: attrs})),
		"Cell":          with(child, ui.Cell(ui.CellProps{Label: h})),
		"Chart":         ui.Chart(ui.ChartProps{ID: "c", Title: h, Summary: h, Unit: h, Buckets: []ui.Bucket{{Label: h, Accepted: 3, Rejected: 1}}}),
		"Checkbox":      ui.Checkbox(ui.CheckboxProps{Name: h, Label: h, Hint: h, Error: h, Value: h, Badge: h, Attrs: attrs}),
		"Checklist":     ui.Checklist(ui.ChecklistProps{Label: h, Items: []ui.ChecklistItem{{ID: h, Title: h, Text: h, Code: h, ActionLabel: h, ActionHref: h}}}),
		"ChecklistStep": ui.ChecklistStep(ui.ChecklistItem{ID: h, Title: h, Text: h, Current: true, Code: h, ActionLabel: h, ActionHref: h}),
		"CodeBlock":     ui.CodeBlock(ui.CodeBlockProps{ID: h, Code: h, Label: h, ShowLabel: true}),
		"CodeTabs":      ui.CodeTabs(ui.CodeTabsProps{ID: h, Label: h, Tabs: []ui.CodeTab{{Label: h, Code: h}, {Label: "Go", Code: h}}}),
		"CopyButton":    ui.CopyButton(ui.CopyButtonProps{Text: h, Label: h, Words: true, Attrs: attrs}),
		"CopyField":     ui.CopyField(ui.CopyFieldProps{ID: h, Label: h, Hint: h, Value: h, Guard: true}),
		"Dialog":        with(child, ui.Dialog(ui.DialogProps{Title: h, Text: h, Tone: ui.ToneDanger})),
		"DialogActions": with(child, ui.DialogActions()),
		"DialogCancel":  ui.DialogCancel(ui.LinkButtonProps{Href: h, Label: h, Attrs: attrs}),
		"EmptyState":    with(child, ui.EmptyState(ui.EmptyStateProps{Icon: ui.IconKey, Title: h, Text: h, Code: h, CodeLabel: h, ActionLabel: h, ActionHref: h})),
		"FactRow":       with(child, ui.FactRow(ui.FactRowProps{Label: h})),
		"Facts":         ui.Facts(ui.FactsProps{Items: []ui.Fact{{Label: h, Value: h, Hint: h, Copy: true, Mono: true}, {Label: h, Value: h, Href: h}}}),
		"Field":         with(child, ui.Field(ui.FieldProps{Name: h, Label: h, Hint: h, Error: h})),
		"FilterBar":     with(child, ui.FilterBar(ui.FilterBarProps{Action: h, SearchName: h, SearchLabel: h, SearchValue: h, SearchPlaceholder: h, Hidden: []ui.HiddenField{{Name: h, Value: h}}, ClearHref: h, Attrs: attrs})),
		"FormErrors":    ui.FormErrors(ui.FormErrorsProps{Title: h, Items: []ui.FormError{{Field: h, Text: h}, {Text: h}}}),
		"Icon":          ui.Icon(ui.IconName(h)),
		"IconButton":    ui.IconButton(ui.IconButtonProps{Label: h, Icon: ui.IconClose, ID: h, Name: h, Value: h, Attrs: attrs}),
		"Input":         ui.Input(ui.InputProps{Name: h, Label: h, Hint: h, Error: h, Type: h, Value: h, Placeholder: h, Autocomplete: h, InputMode: h, Attrs: attrs}),
		"JSONView":      ui.JSONView(ui.JSONViewProps{Label: h, Root: ui.JSONNode{Kind: ui.JSONObject, Children: []ui.JSONNode{{HasKey: true, Key: h, Kind: ui.JSONString, Text: h}}}}),
		"Kbd":           ui.Kbd(ui.KbdProps{Keys: []string{h}}),
		"LinkButton":    ui.LinkButton(ui.LinkButtonProps{Label: h, Href: h, ID: h, Attrs: attrs}),
		"Live":          ui.Live(ui.LiveProps{ID: h, URL: h, Target: h, Swap: h, Label: h, OffHref: h}),
		"LiveSlot":      with(child, ui.LiveSlot(ui.LiveSlotProps{ID: h, URL: h})),
		"Menu":          ui.Menu(ui.MenuProps{ID: h, Label: h, Text: h, Items: []ui.MenuItem{{Label: h, Href: h}}}),
		"MenuList":      ui.MenuList([]ui.MenuItem{{Label: h, Href: h, Attrs: attrs}, {Label: h, Action: h}, {Label: h, Disabled: true, Reason: h}}),
		"PageHeader":    with(child, ui.PageHeader(ui.PageHeaderProps{Title: h, Text: h, Mono: h, BackLabel: h, BackHref: h, Badges: []ui.BadgeProps{{Label: h}}})),
		"Pagination":    ui.Pagination(ui.PaginationProps{NewerHref: h, OlderHref: h, Summary: h}),
		"RadioCards":    ui.RadioCards(ui.RadioCardsProps{Name: h, Label: h, Hint: h, Error: h, Value: h, Options: []ui.RadioCard{{Value: h, Label: h, Text: h, Badge: h, Disabled: true, Reason: h, Attrs: attrs}}}),
		"Row":           with(child, ui.Row(ui.RowProps{ID: h, Attrs: attrs})),
		"Section":       with(child, ui.Section(ui.SectionProps{ID: h, Title: h, Text: h, ActionLabel: h, ActionHref: h, Attrs: attrs})),
		"Select":        ui.Select(ui.SelectProps{Name: h, Label: h, Hint: h, Error: h, Value: h, Options: option, Attrs: attrs}),
		"Sparkline":     ui.Sparkline(ui.SparklineProps{Label: h, Values: []int{1, 2, 3}}),
		"Curve":         ui.Curve(ui.CurveProps{ID: "c", Title: h, Now: h, Column: h, Until: 30, Points: []ui.CurvePoint{{When: h, Y: -3, Text: h}, {At: 20, When: h, Y: 830.1, Text: h}}}),
		"Stat":          ui.Stat(ui.StatProps{Label: h, Value: h, Hint: h, Href: h}),
		"StatGrid":      with(child, ui.StatGrid()),
		"Table":         with(child, ui.Table(ui.TableProps{ID: h, BodyID: h, Caption: h, Columns: []ui.Column{{Label: h}, {Label: h, Hidden: true}}})),
		"Tabs":          ui.Tabs(ui.TabsProps{Label: h, Items: []ui.Tab{{Label: h, Count: h, Href: h, Current: true, Attrs: attrs}}}),
		"Textarea":      ui.Textarea(ui.TextareaProps{Name: h, Label: h, Hint: h, Error: h, Value: h + "</textarea>", Placeholder: h, Attrs: attrs}),
		"Time":          ui.Time(ui.TimeProps{DateTime: h, Relative: h, Absolute: h}),
		"Toast":         ui.Toast(ui.ToastProps{Text: h}),
		"ToastSwap":     ui.ToastSwap(ui.ToastProps{Text: h}),
		"Waiting":       with(child, ui.Waiting(ui.WaitingProps{ID: h, Text: h})),
	}
}

// with gives a component its children, as a template's braces do.
func with(child, parent templ.Component) templ.Component {
	return templ.ComponentFunc(func(ctx context.Context, w io.Writer) error {
		return parent.Render(templ.WithChildren(ctx, child), w)
	})
}

func render(t *testing.T, c templ.Component) string {
	t.Helper()
	var b strings.Builder
	if err := c.Render(t.Context(), &b); err != nil {
		t.Fatalf("render: %v", err)
	}
	return b.String()
}
