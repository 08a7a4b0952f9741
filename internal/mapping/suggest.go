package mapping

import (
	"slices"
	"strings"
	"unicode"
)

const (
	maxSuggestDepth = 8
	maxCandidates   = 2000
)

// Suggest proposes rows for a payload by the names of its members: one row a target, org_id first. Each
// row compiles, and gives a value of the target's type for this very sample.
func Suggest(sample any) []Row {
	candidates := candidatesOf(sample)
	used := map[string]bool{}
	var rows []Row
	for _, target := range targets {
		if row, ok := suggestRow(target, candidates, sample, used); ok {
			used[row.From[0]] = true
			rows = append(rows, row)
		}
	}
	return rows
}

// candidate is a member of the sample. words are its names from the root on, in one spelling and
// joined by dots; indexes are left out.
type candidate struct {
	path  path
	words string
	value any
}

func suggestRow(target Target, candidates []candidate, sample any, used map[string]bool) (Row, bool) {
	for _, pattern := range patterns[target.Name] {
		for _, c := range candidates {
			if used[c.path.text] || !c.matches(pattern) || c.isEventID(sample) || target.Name == TargetOccurredAt && c.isBirthday(sample) {
				continue
			}
			row := Row{Target: target.Name, From: []string{c.path.text}, Required: target.Name == TargetOrgID}
			row.Transform = suggestTransforms(target, c)
			if suits(row, sample) {
				return row, true
			}
		}
	}
	return Row{}, false
}

// matches compares from the end; ^ anchors a pattern at the root.
func (c candidate) matches(pattern string) bool {
	if anchored, ok := strings.CutPrefix(pattern, "^"); ok {
		return c.words == anchored
	}
	rest, ok := strings.CutSuffix(c.words, pattern)
	return ok && (rest == "" || strings.HasSuffix(rest, "."))
}

// isEventID knows the ids at which an event is found again, rather than an organisation: those at the
// root of an envelope, and Stripe's of anything but a customer.
func (c candidate) isEventID(sample any) bool {
	switch c.words {
	case "id":
		return isEnvelope(sample)
	case "data.object.id":
		id, _ := c.value.(string)
		return !strings.HasPrefix(id, "cus_")
	}
	return false
}

// isBirthday tells that a time of creation is the organisation's own, the same in every payload: that
// of an event stands in an envelope.
func (c candidate) isBirthday(sample any) bool {
	switch c.words {
	case "created", "created_at", "data.created_at":
		return !isEnvelope(sample)
	}
	return false
}

// isEnvelope tells that the payload says what happened.
func isEnvelope(sample any) bool {
	root, _ := sample.(map[string]any)
	for _, name := range []string{"event", "event_name", "event_type", "type", "topic", "kind", "activity"} {
		if _, there := root[name]; there {
			return true
		}
	}
	return false
}

// suits tries the row on the sample: a suggestion that warns is none.
func suits(row Row, sample any) bool {
	c := compiler{seen: map[string]int{}}
	compiled := c.row(0, &row)
	if len(c.findings) > 0 {
		return false
	}
	result := (&Program{rows: []compiledRow{compiled}}).Apply(sample)
	return len(result.Errors)+len(result.Warnings) == 0 && result.Rows[0].Origin == FromPath && result.Rows[0].After() != nil
}

func suggestTransforms(target Target, c candidate) []string {
	switch target.Name {
	case "user_count", "seats":
		if _, ok := c.value.([]any); ok {
			return []string{"count"}
		}
	case "mrr":
		if strings.HasSuffix(c.words, "arr") || strings.HasSuffix(c.words, "annual_recurring_revenue") {
			return []string{"divide:12", "round:2"}
		}
		if c.inCents() {
			return []string{"divide:100"}
		}
	case "currency":
		return []string{"upper"}
	case "trial_status":
		if _, ok := c.value.(bool); ok {
			return []string{"map:true=active,false=none"}
		}
	}
	return nil
}

// inCents knows members that say so, and vendors that always send the smallest unit: Stripe's events
// (docs.stripe.com/api/events) and Chargebee's (apidocs.chargebee.com/docs/api/events).
func (c candidate) inCents() bool {
	last := c.words[strings.LastIndexByte(c.words, '.')+1:]
	return strings.HasSuffix(last, "_cents") || last == "unit_amount" ||
		strings.HasPrefix(c.words, "data.object.") || strings.HasPrefix(c.words, "content.")
}

// sideshows are members that speak of something else than the organisation.
var sideshows = []string{"library", "integrations", "previous_attributes", "device", "os", "campaign", "page", "screen", "app", "locale", "location"}

// candidatesOf lists members breadth first, so that of two alike the one nearer to the root comes first.
func candidatesOf(sample any) []candidate {
	b := budget{maxVisits}
	level := []candidate{{value: sample}}
	var all []candidate
	for range maxSuggestDepth {
		var next []candidate
		for _, parent := range level {
			for _, c := range parent.children(&b) {
				if len(all) == maxCandidates {
					return all
				}
				all, next = append(all, c), append(next, c)
			}
		}
		level = next
	}
	return all
}

func (c candidate) children(b *budget) []candidate {
	switch v := c.value.(type) {
	case map[string]any:
		if len(v) > maxCandidates {
			return nil
		}
		names, _ := sortedNames(v, b)
		var list []candidate
		for _, name := range names {
			word := normalName(name)
			if slices.Contains(sideshows, word) {
				continue
			}
			if word != "value" && c.words != "" {
				word = c.words + "." + word
			} else if word == "value" {
				word = c.words // HubSpot wraps each property: {"name": {"value": "Acme"}}
			}
			list = append(list, c.child(step{kind: stepName, name: name}, word, v[name]))
		}
		return list
	case []any:
		if len(v) > 0 {
			return []candidate{c.child(step{kind: stepIndex}, c.words, v[0])}
		}
	}
	return nil
}

func (c candidate) child(s step, words string, v any) candidate {
	return candidate{path: newPath(append(slices.Clip(c.path.steps), s)), words: words, value: v}
}

// normalName spells groupId, "Group ID", $group_id and group-id alike: group_id.
func normalName(name string) string {
	var b strings.Builder
	runes := []rune(cutText(name, MaxFlagName, ""))
	for i, r := range runes {
		switch {
		case unicode.IsUpper(r):
			lowerBefore := i > 0 && (unicode.IsLower(runes[i-1]) || unicode.IsDigit(runes[i-1]))
			lowerAfter := i > 0 && unicode.IsUpper(runes[i-1]) && i+1 < len(runes) && unicode.IsLower(runes[i+1])
			if lowerBefore || lowerAfter {
				b.WriteByte('_')
			}
			b.WriteRune(unicode.ToLower(r))
		case unicode.IsLetter(r) || unicode.IsDigit(r):
			b.WriteRune(r)
		default:
			b.WriteByte('_')
		}
	}
	return strings.Trim(strings.Join(strings.FieldsFunc(b.String(), func(r rune) bool { return r == '_' }), "_"), "_")
}
