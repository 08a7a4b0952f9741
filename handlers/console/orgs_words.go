package console

import (
	"encoding/json"
	"strings"

	"latchkey/internal/mapping"
	"latchkey/internal/orgs"
	"latchkey/models"
	"latchkey/views"
	"latchkey/views/ui"
)

const (
	// customPrefix begins the name of a custom field.
	customPrefix = "custom."
	// maxValueText bounds what a page shows of one value; exports have all of it.
	maxValueText = 1000
	// maxChanges bounds the fields that a page lists of one update.
	maxChanges = 40
)

// valueText is a value as people read it: a string without quotes, anything else as it was sent.
func valueText(value json.RawMessage) string {
	var text string
	switch {
	case len(value) == 0 || string(value) == "null":
		return ""
	case json.Unmarshal(value, &text) != nil:
		text = string(value)
	}
	if len(text) > maxValueText {
		text = strings.ToValidUTF8(text[:maxValueText], "") + "…"
	}
	return text
}

// grouped puts commas into a plain number of four digits or more; any other text stays as it is.
func grouped(number string) string {
	digits := strings.TrimPrefix(number, "-")
	sign := number[:len(number)-len(digits)]
	whole, fraction, point := strings.Cut(digits, ".")
	if len(whole) < 4 || len(whole) > 30 || strings.Trim(whole, "0123456789") != "" || strings.Trim(fraction, "0123456789") != "" {
		return number
	}
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if point {
		fraction = "." + fraction
	}
	return sign + whole + fraction
}

// fieldText is the value of a field: numbers that people compare are grouped, as they are in the list.
func fieldText(field string, value json.RawMessage) string {
	text := valueText(value)
	switch field {
	case "user_count", "seats":
		return grouped(text)
	case "mrr":
		return cents(grouped(text))
	default:
		return text
	}
}

// cents writes an amount with one decimal with two, as money is: 4,312.50. Any other amount stays exact.
func cents(amount string) string {
	if _, fraction, _ := strings.Cut(amount, "."); len(fraction) == 1 && strings.Trim(fraction, "0123456789") == "" {
		return amount + "0"
	}
	return amount
}

// money is the MRR with its currency, when both are known.
func money(s orgs.State) string {
	amount := cents(grouped(s.Text("mrr")))
	if valueText(s["mrr"].Value) == "" {
		return ""
	}
	return strings.TrimSpace(amount + " " + valueText(s["currency"].Value))
}

// updateOutcomes say what became of an update, and what that means.
var updateOutcomes = map[string]struct {
	badge ui.BadgeProps
	words string
}{
	models.UpdateApplied:     {ui.BadgeProps{Label: "Applied", Tone: ui.ToneOK}, ""},
	models.UpdateStale:       {ui.BadgeProps{Label: "Stale", Tone: ui.ToneWarn, Icon: ui.IconClock}, "Older than what was known: kept, not applied."},
	models.UpdateUnchanged:   {ui.BadgeProps{Label: "Unchanged", Icon: ui.IconCheck}, "The values were so already."},
	models.UpdateDuplicate:   {ui.BadgeProps{Label: "Duplicate", Icon: ui.IconCopy}, "The same update came before: nothing was changed."},
	models.UpdateFailed:      {ui.BadgeProps{Label: "Failed", Tone: ui.ToneDanger}, "Not mapped; the sender was told so. Kept for a replay."},
	models.UpdateQuarantined: {ui.BadgeProps{Label: "Quarantined", Tone: ui.ToneWarn}, "Not mapped; the sender was told that it was accepted. Kept for a replay."},
}

func changeViews(list []orgs.Change) (changes []views.ChangeView, more string) {
	if n := len(list) - maxChanges; n > 0 {
		list, more = list[:maxChanges], "and "+counted(n, "more field")
	}
	for _, c := range list {
		changes = append(changes, views.ChangeView{
			Field: c.Field, Before: fieldText(c.Field, c.Before), After: fieldText(c.Field, c.After), New: c.Before == nil, Stale: c.Stale,
		})
	}
	return changes, more
}

// problemTexts say what the template could not map: the field, then the problem in words.
func problemTexts(findings []mapping.Finding) []string {
	var texts []string
	for _, f := range findings {
		text := f.Problem
		if f.Target != "" && !strings.Contains(text, f.Target) {
			text = f.Target + ": " + text
		}
		texts = append(texts, text)
	}
	return texts
}
