package console

import (
	"net/http"
	"strings"

	"latchkey/internal/access"
	"latchkey/internal/dispatch"
	"latchkey/internal/endpoints"
	"latchkey/internal/outbox"
	"latchkey/models"
	"latchkey/views"
	"latchkey/views/ui"
)

func (s *server) endpointTryRoutes() []Route {
	const one = "/w/:slug/" + endpointsPath + "/:id/" + tabTest
	return []Route{
		{GET, one, In(access.ManageEndpoints), s.newEndpointTry},
		{POST, one, In(access.ManageEndpoints), s.sendEndpointTry},
	}
}

func (s *server) newEndpointTry(c Ctx) error {
	e, err := s.endpointOf(c)
	if err != nil {
		return err
	}
	info := triedType(c.QueryParam("type"))
	return s.render(c, http.StatusOK, views.EndpointTry(s.endpointTryView(c, e, info, s.sampleFor(e, info))), nil)
}

// sendEndpointTry answers with the page itself: what was answered is told once, and stands among
// the deliveries for later.
func (s *server) sendEndpointTry(c Ctx) error {
	e, err := s.endpointOf(c)
	if err != nil {
		return err
	}
	f := form(c)
	info := triedType(f.Get("type"))
	// Browsers end a textarea's lines with CR LF; the text on the page had LF.
	body := strings.ReplaceAll(f.Get("body"), "\r\n", "\n")
	p := s.endpointTryView(c, e, info, body)
	result, err := s.Dispatch.Test(c.Request().Context(), visit(c).Actor, e.ID, dispatch.TestForm{Type: info.Type, Body: []byte(body)})
	if err != nil {
		p.Form = sent(c, err, nil, []string{"type", "body"})
		p.Form.Values["body"] = body
		return s.refused(c, err, views.EndpointTry(p), nil)
	}
	p.Result = s.tryResult(c, e, result)
	p.Code = verification{
		ID: outbox.PublicID(result.MessageID), Timestamp: sentValue(result, "webhook-timestamp"), Signatures: sentValue(result, "webhook-signature"),
	}.tabs()
	return s.render(c, http.StatusOK, views.EndpointTry(p), nil)
}

// triedType is the type with this name; without one, the type for tests.
func triedType(name string) outbox.TypeInfo {
	if info, ok := outbox.Type(name).Info(); ok {
		return info
	}
	info, _ := outbox.Test.Info()
	return info
}

func (s *server) endpointTryView(c Ctx, e endpoints.Item, info outbox.TypeInfo, body string) views.EndpointTryView {
	v := visit(c)
	here := v.path(endpointsPath, e.ID, tabTest)
	p := views.EndpointTryView{
		Frame: s.endpointFrame(c, e, tabTest), Notices: tryNotices(e), Here: here, Action: here, Type: string(info.Type), Text: info.Text, URL: e.URL,
		Form: views.Form{Values: map[string]string{"body": body}}, Code: verificationCode(""), Secret: v.path(endpointsPath, e.ID) + "#secret",
	}
	for _, t := range outbox.Types {
		p.Types = append(p.Types, ui.Option{Value: string(t.Type), Label: string(t.Type)})
	}
	p.Page = s.endpointShell(c, "Send a test event to "+hostOf(e.URL))
	return p
}

// tryNotices say what is to be known before something is sent.
func tryNotices(e endpoints.Item) []ui.BannerProps {
	var out []ui.BannerProps
	if e.Status != models.EndpointEnabled {
		out = append(out, ui.BannerProps{Tone: ui.ToneInfo, Title: "This endpoint is disabled.", Text: "A test event is sent all the same, so that you can see whether it works again."})
	}
	if e.Environment == models.Live {
		out = append(out, ui.BannerProps{Tone: ui.ToneWarn, Title: "This is a Live endpoint.", Text: "Its receiver cannot tell a test event of another type than webhook.test from a real one."})
	}
	return out
}

func sentValue(r dispatch.TestResult, name string) string {
	for n, value := range r.Headers {
		if strings.EqualFold(n, name) {
			return value
		}
	}
	return ""
}

func (s *server) tryResult(c Ctx, e endpoints.Item, r dispatch.TestResult) *views.TryResult {
	id, code := outbox.PublicID(r.MessageID), string(r.Result.Error)
	p := &views.TryResult{
		OK: r.Delivered, Outcome: attemptBadge(r.Result.Status, code), Sentence: "Delivered.", Duration: latency(r.Result.Duration.Microseconds()),
		Error: code, Detail: r.Result.Detail, Headers: requestHeaders(e, id, r.Headers), Href: visit(c).path(endpointsPath, e.ID, tabDeliveries, id),
	}
	if !r.Delivered {
		p.Sentence, p.Fix = "Not delivered.", attemptFix(r.Result.Status, code)
	}
	p.Answer, p.Cut, p.NoAnswer = answerOf(r.Result.Status, r.Result.Response, r.Result.Truncated)
	return p
}
