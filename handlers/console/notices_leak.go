package console

import (
	"latchkey/internal/keys"
	"latchkey/internal/leaks"
	"latchkey/internal/notices"
	"latchkey/views/ui"
)

// leakWords say what was reported, what became of it, and what is left to do.
func (s *server) leakWords(c Ctx, n notices.Item) noticeText {
	reported := "Reported by " + orText(n.Text("reporter"), "somebody") + "."
	if url := n.Text("url"); url != "" {
		reported += " Found at " + url + "."
	}
	words := noticeText{tone: ui.ToneDanger, title: leakTitle(n)}
	old := n.Text("value") == keys.ValuePrevious
	switch n.Text("outcome") {
	case leaks.OutcomeEnded:
		words.text = reported + " Whoever sends with it needs a new key."
		if old {
			words.tone, words.text = ui.ToneWarn, reported+" The present value goes on working."
		}
	case leaks.OutcomeOver:
		words.tone, words.text = ui.ToneInfo, reported+" Nobody can use it. Find out how it got there, so that the present value does not."
	default:
		words.text = reported + " " + s.stillOpen(c, n, old)
	}
	return words
}

func leakTitle(n notices.Item) string {
	what := "Key " + n.KeyName
	if n.Text("value") == keys.ValuePrevious {
		what = "The old value of key " + n.KeyName
	}
	switch n.Text("outcome") {
	case leaks.OutcomeEnded:
		if n.Text("value") == keys.ValuePrevious {
			return what + " was reported as leaked and has ended"
		}
		return what + " was reported as leaked and is deactivated"
	case leaks.OutcomeOver:
		return "A value of key " + n.KeyName + " that no longer works was reported as leaked"
	default:
		return what + " was reported as leaked"
	}
}

// stillOpen says what is left to do about a leak of which the key's setting is to tell only.
func (s *server) stillOpen(c Ctx, n notices.Item, old bool) string {
	if n.APIKeyID != nil {
		k, err := s.Keys.Get(c.Request().Context(), visit(c).Actor, *n.APIKeyID)
		if err == nil && (k.State(s.Now()) != "active" || old && !k.RotatingAt(s.Now())) {
			return "It has ended since."
		}
	}
	if old {
		return "The key's setting is to tell you only, so it still works. End it on the key's page."
	}
	return "The key's setting is to tell you only, so it still works. Rotate or deactivate it now."
}
