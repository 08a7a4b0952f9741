package console

import (
	"log/slog"
	"time"

	"latchkey/internal/access"
	"latchkey/internal/leaks"
	"latchkey/internal/notices"
	"latchkey/models"
	"latchkey/views"
	"latchkey/views/ui"
)

const (
	noticesOnHome = 20
	// urgentAmong bounds how many open notices a page looks through for one that cannot wait.
	urgentAmong  = 100
	urgentWithin = 24 * time.Hour
)

func (s *server) noticeRoutes() []Route {
	return []Route{
		{POST, "/w/:slug/notices/dismissal", In(access.ManageKeys), s.dismissNotices},
		{POST, "/w/:slug/notices/:id/dismissal", In(access.ManageKeys), s.dismissNotice},
	}
}

// dismissNotice closes one notice for everybody in the workspace.
func (s *server) dismissNotice(c Ctx) error {
	v := visit(c)
	if err := s.Notices.Dismiss(c.Request().Context(), v.Actor, c.Param("id")); err != nil {
		return err
	}
	if !isHTMX(c) {
		return s.done(c, v.envPath(), "Notice dismissed.")
	}
	p, err := s.homeNotices(c)
	if err != nil {
		return err
	}
	p.Swapped = true
	return s.swapped(c, views.Notices(p), "Notice dismissed.")
}

func (s *server) dismissNotices(c Ctx) error {
	v := visit(c)
	n, err := s.Notices.DismissAll(c.Request().Context(), v.Actor)
	if err != nil {
		return err
	}
	text := "Dismissed " + counted(n, "notice") + "."
	if !isHTMX(c) {
		return s.done(c, v.envPath(), text)
	}
	return s.swapped(c, views.Notices(views.NoticesView{Swapped: true}), text)
}

// homeNotices are the open ones, in words.
func (s *server) homeNotices(c Ctx) (views.NoticesView, error) {
	v := visit(c)
	open, err := s.Notices.Open(c.Request().Context(), v.Actor, noticesOnHome)
	p := views.NoticesView{DismissAll: v.path("notices/dismissal")}
	for _, n := range open {
		p.Rows = append(p.Rows, s.noticeRow(c, n))
	}
	return p, err
}

func (s *server) noticeRow(c Ctx, n notices.Item) views.NoticeRow {
	v, words := visit(c), s.noticeWords(c, n)
	row := views.NoticeRow{
		ID: n.ID, Tone: words.tone, Title: words.title, Text: words.text, When: s.time(c, n.CreatedAt.Time, ""),
		Dismiss: v.path("notices", n.ID, "dismissal"), Test: n.KeyEnvironment == models.Test,
	}
	if n.APIKeyID != nil && n.KeyName != "" {
		row.KeyHref = v.path(keysPath, *n.APIKeyID)
	}
	if n.Kind == notices.EndpointFailing || n.Kind == notices.EndpointDisabled {
		row.KeyHref, row.Test = endpointHref(v, n), n.Text("environment") == models.Test
	}
	return row
}

// noticeText is a notice as people read it.
type noticeText struct {
	tone        ui.Tone
	title, text string
}

func (s *server) noticeWords(c Ctx, n notices.Item) noticeText {
	switch n.Kind {
	case notices.Expiring:
		return s.expiringWords(c, n)
	case notices.Expired:
		return noticeText{ui.ToneWarn, "Key " + n.KeyName + " has expired",
			"It ended on " + s.time(c, n.ExpiresAt(), "").Absolute + ". Requests with it are rejected." + s.recently(c, n)}
	case notices.Leaked:
		return s.leakWords(c, n)
	case notices.EndpointFailing:
		return s.endpointFailingWords(c, n)
	case notices.EndpointDisabled:
		return s.endpointDisabledWords(n)
	default:
		return noticeText{ui.ToneInfo, n.Kind, n.KeyName}
	}
}

func (s *server) expiringWords(c Ctx, n notices.Item) noticeText {
	at := n.ExpiresAt()
	if !at.After(s.Now()) {
		return noticeText{ui.ToneWarn, "Key " + n.KeyName + " has expired", "It ended on " + s.time(c, at, "").Absolute + "."}
	}
	words := noticeText{ui.ToneWarn, "Key " + n.KeyName + " expires " + ui.Relative(at, s.Now()), "It ends on " + s.time(c, at, "").Absolute + "." + s.recently(c, n)}
	if at.Sub(s.Now()) <= urgentWithin {
		words.tone = ui.ToneDanger
	}
	return words
}

// recently says what would be missed; nothing when it cannot be counted.
func (s *server) recently(c Ctx, n notices.Item) string {
	if n.APIKeyID == nil {
		return ""
	}
	traffic, err := s.Keys.Traffic(c.Request().Context(), visit(c).Actor, *n.APIKeyID)
	switch {
	case err != nil:
		return ""
	case traffic.Last24h == 0:
		return " It received no request in the last 24 hours."
	case traffic.Last24h == 1:
		return " It received 1 request in the last 24 hours."
	default:
		return " It received " + ui.Count(int(traffic.Last24h)) + " requests in the last 24 hours."
	}
}

// alert is the one line above a page: a leak that nobody has looked at, or a key that ends within a
// day. Nothing else is worth a place on every page, and an error here is not worth the page.
func (s *server) alert(c Ctx) *views.Alert {
	v, ctx := visit(c), c.Request().Context()
	if v.Actor.WorkspaceID == "" || !v.Actor.Can(access.ManageKeys) {
		return nil
	}
	open, err := s.Notices.Open(ctx, v.Actor, urgentAmong)
	if err != nil {
		slog.WarnContext(ctx, "notices not listed", "error", err, "request_id", requestID(c))
		return nil
	}
	var urgent []notices.Item
	for _, n := range open {
		if s.urgent(n) {
			urgent = append(urgent, n)
		}
	}
	switch len(urgent) {
	case 0:
		return nil
	case 1:
		n := urgent[0]
		out := &views.Alert{Text: s.alertText(n), Danger: n.Kind == notices.Leaked, Label: "Show key", Href: v.path()}
		if n.APIKeyID != nil {
			out.Href = v.path(keysPath, *n.APIKeyID)
		}
		return out
	default:
		out := &views.Alert{Text: ui.Count(len(urgent)) + " notices about keys cannot wait.", Label: "Show notices", Href: v.path()}
		for _, n := range urgent {
			out.Danger = out.Danger || n.Kind == notices.Leaked
		}
		return out
	}
}

func (s *server) urgent(n notices.Item) bool {
	switch n.Kind {
	case notices.Leaked:
		return n.Text("outcome") != leaks.OutcomeOver
	case notices.Expiring:
		left := n.ExpiresAt().Sub(s.Now())
		return left > 0 && left <= urgentWithin
	default:
		return false
	}
}

func (s *server) alertText(n notices.Item) string {
	if n.Kind == notices.Leaked {
		return leakTitle(n) + "."
	}
	return "Key " + n.KeyName + " expires " + ui.Relative(n.ExpiresAt(), s.Now()) + "."
}
