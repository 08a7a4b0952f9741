package console

import (
	"strconv"
	"strings"
	"time"

	"latchkey/internal/keys"
	"latchkey/internal/signals"
	"latchkey/models"
	"latchkey/views"
	"latchkey/views/ui"
)

// spanNames say the spans in words; unit heads the table's first column.
var spanNames = map[string]struct{ tab, title, unit, layout string }{
	"24h": {"24 hours", "Events in the last 24 hours", "Hour", "15:04"},
	"7d":  {"7 days", "Events in the last 7 days", "6 hours from", "Mon 15:04"},
	"30d": {"30 days", "Events in the last 30 days", "Day (UTC)", "2 Jan"},
}

func (s *server) keyChart(c Ctx, k keys.Item) (ui.ChartProps, []ui.Tab, error) {
	v := visit(c)
	span := keys.SpanNamed(c.QueryParam("span"))
	buckets, err := s.Keys.Usage(c.Request().Context(), v.Actor, k.ID, span)
	if err != nil {
		return ui.ChartProps{}, nil, err
	}
	words := spanNames[span.Name]
	chart := ui.ChartProps{ID: "usage-chart", Title: words.title, Unit: words.unit}
	if k.EndpointType == models.APIAccess {
		chart.Title, chart.AcceptedName, chart.RejectedName = "Calls in the last "+words.tab, "Answered", "Refused"
	}
	for _, b := range buckets {
		chart.Buckets = append(chart.Buckets, ui.Bucket{
			Label: bucketStart(b.Start, span, v.Account.Zone).Format(words.layout), Accepted: int(b.Accepted), Rejected: int(b.Rejected),
		})
	}
	var tabs []ui.Tab
	for _, other := range keys.Spans {
		tabs = append(tabs, ui.Tab{
			Label: spanNames[other.Name].tab, Href: v.path(keysPath, k.ID) + "?span=" + other.Name + "#usage", Current: other.Name == span.Name,
		})
	}
	return chart, tabs, nil
}

// bucketStart is in the reader's zone, except for days: theirs begin at midnight UTC.
func bucketStart(at time.Time, span keys.Span, zone *time.Location) time.Time {
	if span.Width == 24*time.Hour {
		return at.UTC()
	}
	return at.In(zone)
}

func (s *server) keyRequest(c Ctx, r signals.RequestItem) views.KeyRequestRow {
	return views.KeyRequestRow{
		Time: s.time(c, r.ReceivedAt.Time, ""), Href: visit(c).path("requests", r.ID),
		Status: requestBadge(r), Event: orText(r.Event, "–"), Text: requestText(r), IP: r.IP,
	}
}

func requestBadge(r signals.RequestItem) ui.BadgeProps {
	label := strconv.Itoa(r.Status)
	switch {
	case r.Status >= 300:
		return ui.BadgeProps{Label: label + " Rejected", Tone: ui.ToneDanger}
	case r.Rejected > 0:
		return ui.BadgeProps{Label: label + " Partly", Tone: ui.ToneWarn}
	default:
		return ui.BadgeProps{Label: label + " Accepted", Tone: ui.ToneOK}
	}
}

// requestText is what was stored, or the sentence that the sender got.
func requestText(r signals.RequestItem) string {
	noun := "event"
	if strings.Contains(r.Route, "/product-orgs/") {
		noun = "update"
	}
	switch {
	case r.Message != "":
		return r.Message
	case r.Accepted == 0 && r.Duplicates > 0:
		return counted(r.Duplicates, "duplicate")
	case r.Duplicates > 0:
		return counted(r.Accepted, noun) + ", " + counted(r.Duplicates, "duplicate")
	default:
		return counted(r.Accepted, noun)
	}
}
