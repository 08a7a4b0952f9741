package console

import (
	"net/url"
	"time"

	"latchkey/internal/endpoints"
	"latchkey/models"
	"latchkey/views"
	"latchkey/views/ui"
)

// endpointNotices are what someone should know before reading on.
func (s *server) endpointNotices(c Ctx, e endpoints.Item) []views.EndpointNotice {
	var notices []views.EndpointNotice
	if locked := s.noSecretKey(); locked != nil {
		locked.Title = "This instance has no key to open signing secrets with, so nothing is sent."
		notices = append(notices, views.EndpointNotice{Banner: *locked})
	}
	switch {
	case e.Status != models.EndpointEnabled:
		notices = append(notices, s.disabledNotice(c, e))
	case e.Failing():
		notices = append(notices, s.failingNotice(c, e))
	case e.State.PausedUntil.After(s.Now()):
		notices = append(notices, views.EndpointNotice{Banner: ui.BannerProps{Tone: ui.ToneInfo, Title: "Paused.", Text: joinSentences(e.State.LastError, s.pauseText(e))}})
	}
	return notices
}

// disabledNotice says why, since when, what it cost and what to do.
func (s *server) disabledNotice(c Ctx, e endpoints.Item) views.EndpointNotice {
	href, words := visit(c).path(endpointsPath, e.ID), disabledWords[e.DisabledReason]
	n := views.EndpointNotice{
		Banner: ui.BannerProps{Tone: words.tone, Title: "Disabled " + ui.Relative(e.DisabledAt.Time, s.Now()) + "."},
		Actions: []ui.LinkButtonProps{
			{ID: "enable", Label: "Enable endpoint", Href: href + "/status", Icon: ui.IconPlay, Attrs: ui.OpensDialog(href + "/status")},
		},
	}
	if words.tone == ui.ToneNeutral {
		n.Banner.Tone = ui.ToneInfo
	}
	n.Banner.Text = joinSentences(words.text, lastError(e))
	n.More = append(n.More, skippedText(e))
	if e.DisabledReason == models.DisabledManual {
		n.More = append(n.More, "Enable it when messages shall arrive again, then replay what was skipped.")
	} else {
		n.More = append(n.More, "Repair the receiver or correct the URL, see with a test event that it answers, enable it, then replay what was skipped.")
	}
	return n
}

// lastError is what the last attempt ran into, where that is not what the rest of the notice says.
func lastError(e endpoints.Item) string {
	if e.State.LastError == "" || e.DisabledReason == models.DisabledManual || e.DisabledReason == models.DisabledGone {
		return ""
	}
	return "The last attempt: " + e.State.LastError
}

func skippedText(e endpoints.Item) string {
	switch e.Skipped {
	case 0:
		return "No message was skipped so far."
	case 1:
		return "1 message was skipped so far, and is kept."
	default:
		return capital(countedUpTo(e.Skipped)) + " messages were skipped so far, and are kept."
	}
}

func skippedNotice(c Ctx, e endpoints.Item) views.EndpointNotice {
	replay := visit(c).path(endpointsPath, e.ID, "replays/new") + "?kind=" + models.DeliverySkipped
	title := capital(countedUpTo(e.Skipped)) + " messages were skipped while it was disabled."
	if e.Skipped == 1 {
		title = "1 message was skipped while it was disabled."
	}
	return views.EndpointNotice{
		Banner:  ui.BannerProps{Tone: ui.ToneInfo, Title: title, Text: "They are kept for as long as this workspace keeps raw payloads."},
		Actions: []ui.LinkButtonProps{{Label: "Replay skipped messages", Href: replay, Icon: ui.IconRotate}},
	}
}

// failingNotice tells how far an endpoint is on its way to being disabled.
func (s *server) failingNotice(c Ctx, e endpoints.Item) views.EndpointNotice {
	href, since := visit(c).path(endpointsPath, e.ID), e.State.FailingSince.Time
	n := views.EndpointNotice{
		Banner:  ui.BannerProps{Tone: ui.ToneWarn, Title: "Failing for " + failingSpan(since, s.Now()) + ": no attempt has succeeded since " + s.time(c, since, "").Absolute + ".", Text: lastError(e)},
		Actions: []ui.LinkButtonProps{{Label: "See deliveries", Href: href + "/" + tabDeliveries, Icon: ui.IconList}, {Label: "Send test event", Href: href + "/" + tabTest, Icon: ui.IconSend}},
	}
	percent := failingPercent(since, s.Now())
	if percent >= 50 {
		n.More = append(n.More, ui.Count(percent)+" % of the way to being disabled.")
	}
	if percent >= 90 {
		n.Banner.Tone = ui.ToneDanger
	}
	if !e.DisablesAt.IsZero() {
		at := s.time(c, e.DisablesAt, "")
		n.More = append(n.More, "It will be disabled in "+longSpan(e.DisablesAt.Sub(s.Now()))+" ("+at.Absolute+"), unless an attempt succeeds before.")
	}
	if e.State.PausedUntil.After(s.Now()) {
		n.More = append(n.More, s.pauseText(e))
	}
	if e.Failed > 0 {
		q := url.Values{"kind": {models.DeliveryFailed}, "since": {since.UTC().Format(time.RFC3339)}}
		n.Actions = append(n.Actions, ui.LinkButtonProps{Label: "Retry all failed since then", Href: href + "/replays/new?" + q.Encode(), Icon: ui.IconRotate})
	}
	return n
}

// failingPercent is how much of the time is over after which a failing endpoint is disabled.
func failingPercent(since, now time.Time) int {
	return min(100, int(100*now.Sub(since)/endpoints.DisabledAfter))
}

func (s *server) pauseText(e endpoints.Item) string {
	left := e.State.PausedUntil.Sub(s.Now())
	text := counted(max(1, int(left/time.Second)), "second")
	if left >= time.Minute {
		text = longSpan(left)
	}
	return "Attempts pause for another " + text + ", so that the receiver can recover."
}

// capital begins a sentence.
func capital(text string) string {
	if text != "" && text[0] >= 'a' && text[0] <= 'z' {
		return string(text[0]-'a'+'A') + text[1:]
	}
	return text
}
