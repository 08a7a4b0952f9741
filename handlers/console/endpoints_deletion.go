package console

import (
	"net/http"
	"strings"

	"latchkey/internal/endpoints"
	"latchkey/internal/fault"
	"latchkey/views"
)

func (s *server) confirmEndpointDeletion(c Ctx) error {
	e, err := s.endpointOf(c)
	if err != nil {
		return err
	}
	p := s.deleteEndpointView(c, e, nil)
	return s.render(c, http.StatusOK, views.DeleteEndpoint(p), views.DeleteEndpointDialog(p, false))
}

// deleteEndpointView says what goes; refusal is what was wrong with the form, if anything.
func (s *server) deleteEndpointView(c Ctx, e endpoints.Item, refusal error) views.DeleteEndpointView {
	href := visit(c).path(endpointsPath, e.ID)
	p := views.DeleteEndpointView{
		Host: hostOf(e.URL), URL: e.URL, Error: fault.FieldsOf(refusal)["confirm"], Action: href + "/deletion", BackHref: href,
		Text: "Nothing is sent to it any more. Its signing secret is wiped, and its deliveries are removed: " + lostText(e),
	}
	if !isHTMX(c) {
		p.Page = s.endpointShell(c, "Delete "+p.Host)
	}
	return p
}

// lostText counts what was not delivered.
func lostText(e endpoints.Item) string {
	if e.Pending+e.Failed+e.Skipped == 0 {
		return "none of them is undelivered."
	}
	return countedUpTo(e.Pending) + " waiting, " + countedUpTo(e.Failed) + " failed and " + countedUpTo(e.Skipped) + " skipped ones among them."
}

func (s *server) deleteEndpoint(c Ctx) error {
	e, err := s.endpointOf(c)
	if err != nil {
		return err
	}
	host := hostOf(e.URL)
	if strings.TrimSpace(form(c).Get("confirm")) != host {
		err := fault.Fields{"confirm": "Type " + host + " to confirm that it shall be deleted."}.Err()
		p := s.deleteEndpointView(c, e, err)
		return s.refused(c, err, views.DeleteEndpoint(p), views.DeleteEndpointDialog(p, false))
	}
	if err := s.Endpoints.Delete(c.Request().Context(), visit(c).Actor, e.ID); err != nil {
		return err
	}
	return s.done(c, visit(c).envPath(endpointsPath), "Deleted the endpoint "+host+".")
}
