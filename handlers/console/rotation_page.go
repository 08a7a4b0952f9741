package console

import (
	"strconv"
	"time"

	"latchkey/internal/keys"
	"latchkey/views"
	"latchkey/views/ui"
)

// extension is what one press of the button adds.
const extension = 24 * time.Hour

// rotationOf is a key of the path with its rotation; nil when none of its old values works.
func (s *server) rotationOf(c Ctx) (keys.Item, *keys.Rotation, error) {
	k, err := s.keyToRotate(c)
	if err != nil {
		return k, nil, err
	}
	r, err := s.Keys.Rotation(c.Request().Context(), visit(c).Actor, k.ID, keys.SpanNamed(c.QueryParam("span")))
	return k, r, err
}

// keyRotation is what a key's page tells of its old value; nil when there is none that works.
func (s *server) keyRotation(c Ctx, k keys.Item) (*views.KeyRotation, error) {
	if !k.RotatingAt(s.Now()) {
		return nil, nil
	}
	_, r, err := s.rotationOf(c)
	if err != nil || r == nil {
		return nil, err
	}
	href := visit(c).path(keysPath, k.ID, rotationPath)
	words := s.rotationWords(k, *r)
	until := r.EndsAt.Add(extension)
	p := &views.KeyRotation{
		Tone: words.tone, Title: words.use, Text: joinSentences("It stops in "+shortSpan(r.EndsAt.Sub(s.Now())), words.advice),
		Chart: s.rotationChart(c, *r), Extend: href + "/extension", Until: until.UTC().Format(time.RFC3339), EndHref: href + "/end",
	}
	switch {
	case s.lockedNotice(c, k) != nil:
		p.ExtendReason = "The key may do more than you may grant."
	case !k.ExpiresAt.IsZero() && !r.EndsAt.Before(k.ExpiresAt.Time):
		p.ExtendReason = "The key itself expires then."
	case until.Sub(s.Now()) > keys.MaxGrace:
		p.ExtendReason = "30 days from now is the most."
	}
	return p, nil
}

// rotationText is how an old value is used: a sentence, what to do about it, and how bad it is.
type rotationText struct {
	tone        ui.Tone
	use, advice string
}

func (s *server) rotationWords(k keys.Item, r keys.Rotation) rotationText {
	now := s.Now()
	if !r.OldUsedAt.IsZero() && now.Sub(r.OldUsedAt) < time.Hour {
		use := "Old value still in use: " + counted(max(1, int(r.OldLastHour)), "request") + " in the last hour"
		if r.OldIP != "" {
			use += ", latest from " + r.OldIP
		}
		if r.OldUserAgent != "" {
			use += " (" + r.OldUserAgent + ")"
		}
		return rotationText{ui.ToneWarn, use + ".", "Give this sender the new value before then"}
	}
	quiet := now.Sub(r.RetiredAt)
	use := "No traffic on the old value since the rotation, " + ui.Relative(r.RetiredAt, now) + "."
	if !r.OldUsedAt.IsZero() {
		quiet = now.Sub(r.OldUsedAt)
		use = "No traffic on the old value for " + longSpan(quiet) + "."
	}
	switch {
	case !newValueUsed(k, r):
		return rotationText{ui.ToneInfo, use, "The new value has not been used yet either: give it to every sender"}
	case quiet < time.Hour:
		return rotationText{ui.ToneInfo, use, "Wait an hour before you end it: a sender may call rarely"}
	default:
		return rotationText{ui.ToneOK, use + " Safe to end.", ""}
	}
}

// newValueUsed tells whether any request came with the value that a rotation made.
func newValueUsed(k keys.Item, r keys.Rotation) bool {
	for _, b := range r.Buckets {
		if b.New > 0 && b.Start.After(r.RetiredAt) {
			return true
		}
	}
	u := k.LastUsed
	return r.NewLastHour > 0 || u.LastUsedAt.After(r.RetiredAt) && u.LastUsedAt.After(u.PreviousUsedAt.Time)
}

func (s *server) rotationChart(c Ctx, r keys.Rotation) ui.ChartProps {
	span := keys.SpanNamed(c.QueryParam("span"))
	words := spanNames[span.Name]
	chart := ui.ChartProps{
		ID: "rotation-chart", Title: "Requests with each value, last " + words.tab, Unit: words.unit, AcceptedName: "New value", RejectedName: "Old value", Neutral: true,
	}
	for _, b := range r.Buckets {
		chart.Buckets = append(chart.Buckets, ui.Bucket{
			Label: bucketStart(b.Start, span, visit(c).Account.Zone).Format(words.layout), Accepted: int(b.New), Rejected: int(b.Old),
		})
	}
	return chart
}

// rotatedView is the page that shows the new value, once.
func (s *server) rotatedView(c Ctx, made keys.Rotated) views.RevealedKeyView {
	k := made.Key
	p := s.reveal(c, k, made.Value.Reveal(), "")
	p.Page, p.Title = s.keyShell(c, "Key rotated"), "New value of "+k.Name
	p.Text = "Latchkey keeps a hash of it, so nobody can look it up later. Put it in the place of the old one."
	p.Shown, p.WaitURL, p.Waiting = p.KeyHref+"?shown=rotated", p.WaitURL+"?value=new", "Waiting for the first request with the new value..."
	p.Old = &ui.BannerProps{Tone: ui.ToneWarn, Title: "The old value has ended.", Text: "Requests with it are rejected from now on."}
	if !made.EndsAt.IsZero() {
		ends := s.time(c, made.EndsAt, "")
		p.Old = &ui.BannerProps{
			Tone: ui.ToneInfo, Title: "The old value works until " + ends.Absolute + ".",
			Text: "That is " + ends.Relative + ". The key's page shows who still uses it, and ends or extends it.",
		}
	}
	if k.SecretHash != nil {
		p.SendTo = "" // this page does not have the secret that a test event would need
		p.Text += " The shared secret stays the same."
	}
	return p
}

// rotatedAlready says that the key has got a new value, whose time to be shown is over.
func (s *server) rotatedAlready(c Ctx, k keys.Item, status int) error {
	href := visit(c).path(keysPath, k.ID)
	p := views.KeyRotatedView{Title: "This key was rotated already", Name: k.Name, Masked: masked(k.APIKey), KeyHref: href, LikeHref: likeHref(c, k.ID)}
	if k.RotatingAt(s.Now()) {
		ends := s.time(c, k.PreviousEndsAt.Time, "")
		p.EndHref = href + "/" + rotationPath + "/end"
		p.Paragraphs = []string{
			"It got its new value " + ui.Relative(k.ValueSince.Time, s.Now()) + ". That value was shown once, in the answer to the rotation, and can't be shown again: Latchkey keeps only a hash of it.",
			"The old value works until " + ends.Absolute + ". A key has at most one old value, so it can be rotated again when that one has ended.",
			"If nobody copied the new value, create another key like this one, move the sender to it before the old value ends, and deactivate this key.",
		}
	} else {
		p.Title = "This key was changed meanwhile"
		p.Paragraphs = []string{
			"Somebody changed it after your page was loaded, perhaps by sending the same form twice. If that was a rotation, its new value was shown once, in the answer, and can't be shown again: Latchkey keeps only a hash of it.",
			"Look at the key before you rotate it again.",
		}
	}
	if !isHTMX(c) {
		p.Page = s.keyShell(c, p.Title)
	}
	return s.render(c, status, views.KeyRotated(p), views.KeyRotatedDialog(p))
}

// shortSpan is a length of time to look at: "18 h 12 min".
func shortSpan(d time.Duration) string {
	days, hours, minutes := int(d/(24*time.Hour)), int(d/time.Hour)%24, int(d/time.Minute)%60
	switch {
	case days > 0:
		return strconv.Itoa(days) + " d " + strconv.Itoa(hours) + " h"
	case hours > 0:
		return strconv.Itoa(hours) + " h " + strconv.Itoa(minutes) + " min"
	case minutes > 0:
		return strconv.Itoa(minutes) + " min"
	default:
		return "less than a minute"
	}
}

// longSpan is a length of time in a sentence: "3 hours".
func longSpan(d time.Duration) string {
	switch {
	case d >= 48*time.Hour:
		return counted(int(d/(24*time.Hour)), "day")
	case d >= time.Hour:
		return counted(int(d/time.Hour), "hour")
	default:
		return counted(max(1, int(d/time.Minute)), "minute")
	}
}
