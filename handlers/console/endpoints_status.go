package console

import (
	"net/http"

	"latchkey/internal/endpoints"
	"latchkey/internal/fault"
	"latchkey/models"
	"latchkey/views"
)

func (s *server) confirmEndpointStatus(c Ctx) error {
	e, err := s.endpointOf(c)
	if err != nil {
		return err
	}
	p := s.endpointStatusView(c, e)
	return s.render(c, http.StatusOK, views.EndpointStatus(p), views.EndpointStatusDialog(p, false))
}

// endpointStatusView asks for the state that the endpoint is not in.
func (s *server) endpointStatusView(c Ctx, e endpoints.Item) views.EndpointStatusView {
	v, host := visit(c), hostOf(e.URL)
	href := v.path(endpointsPath, e.ID)
	p := views.EndpointStatusView{Action: href + "/status", BackHref: href}
	if e.Status == models.EndpointEnabled {
		p.Title, p.To, p.Button = "Disable "+host, models.EndpointDisabled, "Disable endpoint"
		p.Texts = []string{pendingText(e), "New messages are kept as skipped too. When you enable the endpoint again, you can replay what was skipped."}
	} else {
		p.Title, p.To, p.Button = "Enable "+host, models.EndpointEnabled, "Enable endpoint"
		p.Texts = []string{"New messages are sent to it from now on.", skippedText(e) + " Enabling does not send them: its page then offers to replay them."}
	}
	if c.QueryParam("from") == "list" || form(c).Get("from") == "list" {
		p.From, p.BackHref = "list", v.envPath(endpointsPath)
	}
	if !isHTMX(c) {
		p.Page = s.endpointShell(c, p.Title)
	}
	return p
}

func pendingText(e endpoints.Item) string {
	switch e.Pending {
	case 0:
		return "Nothing waits to be sent. Nothing is sent to it from now on."
	case 1:
		return "1 message waits to be sent: it is skipped. Nothing is sent to it from now on."
	default:
		return capital(countedUpTo(e.Pending)) + " messages wait to be sent: they are skipped. Nothing is sent to it from now on."
	}
}

func (s *server) changeEndpointStatus(c Ctx) error {
	e, err := s.endpointOf(c)
	if err != nil {
		return err
	}
	v, f, text := visit(c), form(c), ""
	switch f.Get("to") {
	case models.EndpointDisabled:
		err, text = s.Endpoints.Disable(c.Request().Context(), v.Actor, e.ID), "Disabled "+hostOf(e.URL)+". Nothing is sent to it any more."
	case models.EndpointEnabled:
		err, text = s.Endpoints.Enable(c.Request().Context(), v.Actor, e.ID), "Enabled "+hostOf(e.URL)+". New messages are sent to it from now on."
	default:
		return fault.New(fault.Invalid, "The form is damaged. Load the endpoint's page again.")
	}
	switch {
	case err != nil:
		return err
	case f.Get("from") == "list":
		return s.done(c, v.envPath(endpointsPath), text)
	default:
		return s.done(c, v.path(endpointsPath, e.ID), text)
	}
}
