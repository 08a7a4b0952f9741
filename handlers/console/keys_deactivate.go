package console

import (
	"net/http"
	"net/url"

	"github.com/a-h/templ"

	"latchkey/internal/fault"
	"latchkey/internal/keys"
	"latchkey/models"
	"latchkey/views"
	"latchkey/views/ui"
)

func (s *server) confirmKeyDeactivation(c Ctx) error {
	p, err := s.deactivationView(c, c.QueryParam("from"), nil)
	if err != nil {
		return err
	}
	return s.render(c, http.StatusOK, views.DeactivateKey(p), views.DeactivateKeyDialog(p, false))
}

func (s *server) deactivateKey(c Ctx) error {
	v, f, id := visit(c), form(c), c.Param("id")
	err := s.Keys.Deactivate(c.Request().Context(), v.Actor, id, f.Get("confirm"))
	switch {
	case fault.Is(err, fault.Invalid):
		p, viewErr := s.deactivationView(c, f.Get("from"), err)
		if viewErr != nil {
			return viewErr
		}
		return s.refused(c, err, views.DeactivateKey(p), views.DeactivateKeyDialog(p, false))
	case fault.KindOf(err) == fault.Internal && err != nil:
		return s.notDeactivated(c, id, err)
	case err != nil:
		return err
	}
	return s.deactivated(c, id, f.Get("from"))
}

// deactivated shows the key's end where it was asked for.
func (s *server) deactivated(c Ctx, id, from string) error {
	v := visit(c)
	k, err := s.Keys.Get(c.Request().Context(), v.Actor, id)
	if err != nil {
		return err
	}
	v.Env = k.Environment
	text := "Deactivated " + k.Name + ". Requests with this key are rejected from now on."
	switch {
	case from != "list":
		return s.done(c, v.path(keysPath, id), text)
	case !isHTMX(c):
		return s.done(c, v.envPath(keysPath), text)
	}
	parts := []templ.Component{views.KeyRow(s.keyRow(c, k))}
	if tabs := s.tabsOfSender(c); tabs != nil {
		parts = append(parts, views.KeyTabsSwap(tabs))
	}
	return s.swapped(c, templ.Join(parts...), text)
}

// tabsOfSender counts the tabs of the list that the browser shows; the row is what matters, so that
// a failure here leaves the old counts.
func (s *server) tabsOfSender(c Ctx) []ui.Tab {
	here, err := url.Parse(c.Request().Header.Get("HX-Current-URL"))
	if err != nil {
		return nil
	}
	q := keyQueryOf(here.Query(), here.Query().Get("env"))
	found, err := s.Keys.List(c.Request().Context(), visit(c).Actor, q.filter())
	if err != nil {
		return nil
	}
	return s.keyTabs(c, q, found.Counts)
}

// notDeactivated says what became of the key when the database failed in between.
func (s *server) notDeactivated(c Ctx, id string, cause error) error {
	state := "Whether the key is still active could not be found out either. Open its page before you try again."
	if k, err := s.Keys.Get(c.Request().Context(), visit(c).Actor, id); err == nil && k.Status == models.KeyActive {
		state = "The key is still active. Try again."
	}
	return fault.Wrap(fault.Unavailable, "Couldn't deactivate: the database didn't answer. "+state, cause)
}

// deactivationView states the real traffic; refusal is what was wrong with the form, if anything.
func (s *server) deactivationView(c Ctx, from string, refusal error) (views.DeactivateKeyView, error) {
	v, ctx := visit(c), c.Request().Context()
	k, err := s.Keys.Get(ctx, v.Actor, c.Param("id"))
	if err != nil {
		return views.DeactivateKeyView{}, err
	}
	if k.Status != models.KeyActive {
		return views.DeactivateKeyView{}, fault.New(fault.Conflict, k.Name+" is deactivated already.")
	}
	traffic, err := s.Keys.Traffic(ctx, v.Actor, k.ID)
	if err != nil {
		return views.DeactivateKeyView{}, err
	}
	v.Env = k.Environment
	href := v.path(keysPath, k.ID)
	p := views.DeactivateKeyView{
		Name: k.Name, Traffic: s.trafficText(k, traffic), TypeName: traffic.NeedsName(),
		Error: fault.FieldsOf(refusal)["confirm"], Action: href + "/deactivation", BackHref: href,
	}
	if from == "list" {
		p.From, p.RowID, p.BackHref = from, "key-"+k.ID, v.envPath(keysPath)
	}
	if !isHTMX(c) {
		p.Page = s.keyShell(c, "Deactivate "+k.Name)
	}
	return p, nil
}

// trafficText is what ending the key would cut off.
func (s *server) trafficText(k keys.Item, t keys.Traffic) string {
	got := "received " + events(t.Last24h)
	none := "received no events"
	if k.EndpointType == models.APIAccess {
		got, none = "made "+counted(int(t.Last24h), "call"), "made no calls"
	}
	latest := ""
	if !t.LatestAt.IsZero() {
		latest = ui.Relative(t.LatestAt, s.Now())
		if t.LatestIP != "" {
			latest += " from " + t.LatestIP
		}
	}
	switch {
	case t.Last24h > 0 && latest != "":
		return "It " + got + " in the last 24 hours, the latest " + latest + "."
	case t.Last24h > 0:
		return "It " + got + " in the last 24 hours."
	case latest != "":
		return "It " + none + " in the last 24 hours; the latest request came " + latest + "."
	default:
		return "It has never been used."
	}
}

func events(n int64) string {
	if n == 1 {
		return "1 event"
	}
	return ui.Count(int(n)) + " events"
}
