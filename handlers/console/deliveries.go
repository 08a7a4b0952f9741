package console

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"latchkey/internal/access"
	"latchkey/internal/deliveries"
	"latchkey/internal/endpoints"
	"latchkey/internal/outbox"
	"latchkey/models"
	"latchkey/views"
	"latchkey/views/ui"
)

func (s *server) deliveryRoutes() []Route {
	const list = "/w/:slug/" + endpointsPath + "/:id/deliveries"
	const one, replays = list + "/:message", "/w/:slug/" + endpointsPath + "/:id/replays"
	manage := In(access.ManageEndpoints)
	return []Route{
		{GET, list, manage, s.listDeliveries},
		{GET, one, manage, s.showDelivery},
		{GET, one + "/body", manage, s.downloadDelivery},
		{POST, one + "/retry", manage, s.retryDelivery},
		{GET, replays + "/new", manage, s.planDeliveries},
		{POST, replays, manage, s.replayDeliveries},
		{GET, replays + "/:replay", manage, s.showDeliveryReplay},
		{POST, replays + "/:replay/stop", manage, s.stopDeliveryReplay},
	}
}

func (s *server) listDeliveries(c Ctx) error {
	e, err := s.endpointOf(c)
	if err != nil {
		return err
	}
	v, q := visit(c), deliveryQuery(c)
	found, err := s.Deliveries.List(c.Request().Context(), v.Actor, e.ID, deliveryFilter(c, q))
	if err != nil {
		return err
	}
	here := v.path(endpointsPath, e.ID, tabDeliveries)
	p := views.DeliveriesView{
		Frame: s.endpointFrame(c, e, tabDeliveries), Notices: s.endpointOff(c, e), Tabs: deliveryTabs(e, here, q), Filter: deliveryForm(c, here, q),
		Paging: ui.PaginationProps{OlderHref: cursorHref(here, q, "before", found.Next)},
	}
	if c.QueryParam("before") != "" {
		p.Paging.NewerHref, p.Paging.NewerLabel = withQuery(here, q), "Newest"
	}
	if e.Status == models.EndpointEnabled && e.Failed > 0 {
		p.RetryHref = planHref(v, e.ID, models.DeliveryFailed)
	}
	if e.Status == models.EndpointEnabled && e.Skipped > 0 {
		p.SkippedHref = planHref(v, e.ID, models.DeliverySkipped)
	}
	for _, d := range found.Items {
		p.Rows = append(p.Rows, s.deliveryRow(c, d))
	}
	if len(p.Rows) == 0 {
		p.Empty = noDeliveries(v, e, here, q)
	}
	if p.Running, err = s.runningReplay(c, e.ID); err != nil {
		return err
	}
	p.Page = s.endpointShell(c, "Deliveries to "+hostOf(e.URL))
	return s.render(c, http.StatusOK, views.Deliveries(p), nil)
}

// deliveryFilters are the parameters that narrow the list.
var deliveryFilters = []string{"status", "type", "from", "to"}

func deliveryQuery(c Ctx) url.Values {
	q := url.Values{}
	for _, name := range deliveryFilters {
		if value := strings.TrimSpace(c.QueryParam(name)); value != "" {
			q.Set(name, value)
		}
	}
	if !slices.ContainsFunc(deliveryStatuses, func(t [2]string) bool { return t[0] == q.Get("status") }) {
		q.Del("status")
	}
	return q
}

func deliveryFilter(c Ctx, q url.Values) deliveries.Filter {
	zone := visit(c).Account.Zone
	f := deliveries.Filter{
		Status: q.Get("status"), Type: q.Get("type"), From: inputInstant(q.Get("from"), zone), To: inputInstant(q.Get("to"), zone),
	}
	if id, ok := outbox.ParseID(c.QueryParam("before")); ok {
		f.Before = id
	}
	return f
}

var deliveryStatuses = [][2]string{
	{"", "All"}, {models.DeliveryPending, "Waiting"}, {models.DeliveryDelivered, "Delivered"}, {models.DeliveryFailed, "Failed"}, {models.DeliverySkipped, "Skipped"},
}

func deliveryTabs(e endpoints.Item, here string, q url.Values) []ui.Tab {
	counts := map[string]int64{models.DeliveryPending: e.Pending, models.DeliveryFailed: e.Failed, models.DeliverySkipped: e.Skipped}
	var tabs []ui.Tab
	for _, t := range deliveryStatuses {
		tab := ui.Tab{Label: t[1], Href: withQuery(here, withValue(q, "status", t[0])), Current: q.Get("status") == t[0]}
		if n, counted := counts[t[0]]; counted {
			tab.Count = cappedCount(n)
		}
		tabs = append(tabs, tab)
	}
	return tabs
}

// cappedCount is a count that ends where counting more would take long.
func cappedCount(n int64) string {
	if n > endpoints.CountedUpTo {
		return ui.Count(endpoints.CountedUpTo) + "+"
	}
	return ui.Count(int(n))
}

func deliveryForm(c Ctx, here string, q url.Values) views.DeliveryFilter {
	f := views.DeliveryFilter{
		Bar:  ui.FilterBarProps{Action: here, SubmitLabel: "Filter"},
		Type: q.Get("type"), Types: []ui.Option{{Value: "", Label: "All types"}},
		From: q.Get("from"), To: q.Get("to"), More: q.Get("from") != "" || q.Get("to") != "",
		ZoneHint: "Times are in " + visit(c).Account.Zone.String() + "; choose another zone in your profile.",
	}
	for _, t := range outbox.Types {
		f.Types = append(f.Types, ui.Option{Value: string(t.Type), Label: string(t.Type)})
	}
	if status := q.Get("status"); status != "" {
		f.Bar.Hidden = []ui.HiddenField{{Name: "status", Value: status}}
	}
	if f.Type != "" || f.More {
		f.Bar.ClearHref = withQuery(here, onlyStatus(q))
	}
	return f
}

func onlyStatus(q url.Values) url.Values {
	if status := q.Get("status"); status != "" {
		return url.Values{"status": {status}}
	}
	return url.Values{}
}

// noDeliveries is the text of an empty list: none match, or none yet with what changes it.
func noDeliveries(v *visitor, e endpoints.Item, here string, q url.Values) *ui.EmptyStateProps {
	if len(q) > 0 {
		return noMatch("No deliveries match.", "No delivery to this endpoint fits the filters.", here)
	}
	return &ui.EmptyStateProps{
		Icon: ui.IconSend, Title: "Nothing was sent yet.",
		Text:        "Messages of the chosen types (" + strings.Join(e.Types, ", ") + ") are listed here once there are any. A test event shows at once whether the endpoint takes them.",
		ActionLabel: "Send test event", ActionHref: v.path(endpointsPath, e.ID, tabTest), Primary: true,
	}
}

func (s *server) deliveryRow(c Ctx, d deliveries.Item) views.DeliveryRow {
	id := outbox.PublicID(d.MessageID)
	row := views.DeliveryRow{
		ID: d.MessageID, Message: id, Href: visit(c).path(endpointsPath, d.EndpointID, tabDeliveries, id), Type: d.EventType,
		Attempts: strconv.Itoa(d.Attempts), Answer: lastAnswer(d.Delivery), Created: s.exactTime(c, d.CreatedAt.Time),
	}
	row.Status, row.Note, row.Next = s.deliveryWords(c, d.Delivery)
	return row
}

// endpointOff says why nothing is sent now, with the way to change it.
func (s *server) endpointOff(c Ctx, e endpoints.Item) []views.EndpointNotice {
	if e.Status == models.EndpointEnabled {
		return nil
	}
	return []views.EndpointNotice{s.disabledNotice(c, e)}
}
