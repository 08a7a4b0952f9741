package console

import (
	"strconv"
	"time"

	"latchkey/internal/access"
	"latchkey/internal/endpoints"
	"latchkey/internal/notices"
	"latchkey/models"
	"latchkey/views"
	"latchkey/views/ui"
)

// failingOnHome bounds the list; the page of endpoints has all.
const failingOnHome = 10

// endpointHref leads to the endpoint of a notice; empty for those who may not open it.
func endpointHref(v *visitor, n notices.Item) string {
	id := n.Text("endpoint_id")
	if id == "" || !v.Actor.Can(access.ManageEndpoints) {
		return ""
	}
	return v.path(endpointsPath, id)
}

// endpointFailingWords warn of an endpoint on its way to being disabled.
func (s *server) endpointFailingWords(c Ctx, n notices.Item) noticeText {
	words := noticeText{tone: ui.ToneWarn, title: "Endpoint " + shortAddress(n.Text("url")) + " fails"}
	since, ends := instantOf(n, "failing_since"), instantOf(n, "disables_at")
	words.text = "Every attempt failed since " + s.time(c, since, "some time").Absolute + "." + noticeError(n)
	if ends.After(s.Now()) {
		words.text += " It will be disabled on " + s.time(c, ends, "").Absolute + " unless one succeeds."
	}
	if percent, _ := n.Values["percent"].(float64); percent >= 90 {
		words.tone = ui.ToneDanger
	}
	return words
}

// endpointDisabledWords say why an endpoint gets nothing any more.
func (s *server) endpointDisabledWords(n notices.Item) noticeText {
	words := noticeText{tone: ui.ToneDanger, title: "Endpoint " + shortAddress(n.Text("url")) + " was disabled"}
	words.text = disabledWords[n.Text("reason")].text
	if n.Text("reason") == models.DisabledFailing {
		words.text += noticeError(n)
	}
	if skipped, _ := n.Values["skipped"].(float64); skipped > 0 {
		words.text += " " + counted(int(skipped), "message") + " waiting for it became skipped."
	}
	words.text += " Enable it once its receiver is back, then replay what was skipped."
	return words
}

func noticeError(n notices.Item) string {
	if text := n.Text("error"); text != "" {
		return " " + joinSentences("The last attempt: "+text)
	}
	return ""
}

func instantOf(n notices.Item, name string) time.Time {
	at, err := time.Parse(time.RFC3339Nano, n.Text(name))
	if err != nil {
		return time.Time{}
	}
	return at
}

// homeEndpoints lists what cannot be delivered to at present.
func (s *server) homeEndpoints(c Ctx) ([]views.FailingRow, error) {
	v := visit(c)
	if !v.Actor.Can(access.ManageEndpoints) {
		return nil, nil
	}
	found, err := s.Endpoints.List(c.Request().Context(), v.Actor, endpoints.Filter{Environment: v.Env, Status: "failing", Limit: failingOnHome})
	var rows []views.FailingRow
	for _, e := range found.Items {
		row := views.FailingRow{
			Endpoint: shortAddress(e.Address()), Description: e.Description, Href: v.path(endpointsPath, e.ID), Since: s.time(c, e.State.FailingSince.Time, ""),
			Next: s.endpointNext(c, e), Ends: s.time(c, e.DisablesAt, "–"), Waiting: cappedCount(e.Pending),
			Answer: e.State.LastError,
		}
		if left := e.DisablesAt.Sub(s.Now()); left > 0 {
			row.Ends.Relative = "in " + longSpan(left)
		}
		if n := e.SuccessPercent(); n >= 0 {
			row.Rate = strconv.Itoa(n) + " %"
		}
		rows = append(rows, row)
	}
	return rows, err
}
