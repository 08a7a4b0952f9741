package console

import (
	"net/http"
	"strings"

	"latchkey/internal/access"
	"latchkey/internal/fault"
	"latchkey/internal/keys"
	"latchkey/models"
	"latchkey/views"
	"latchkey/views/ui"
)

const testEventPath = "test"

func (s *server) testEventRoutes() []Route {
	const one = "/w/:slug/" + keysPath + "/:id/" + testEventPath
	return []Route{
		{GET, one, In(access.ManageKeys), s.newTestEvent},
		{POST, one, In(access.ManageKeys), s.sendTestEvent},
	}
}

func (s *server) newTestEvent(c Ctx) error {
	k, err := s.testKey(c)
	if err != nil {
		return err
	}
	samples, err := s.testSamples(c, k)
	if err != nil {
		return err
	}
	chosen, known := samples.named(c.QueryParam("sample"))
	p := s.testEventView(c, k, samples, chosen)
	if !known {
		p.Problem = "There is no such sample any more. Choose another one."
	}
	return s.render(c, http.StatusOK, views.TestEvent(p), nil)
}

// sendTestEvent answers with the page itself: what became of the event is told once, and stands in
// the request log for later.
func (s *server) sendTestEvent(c Ctx) error {
	v, ctx, f := visit(c), c.Request().Context(), form(c)
	k, err := s.testKey(c)
	if err != nil {
		return err
	}
	samples, err := s.testSamples(c, k)
	if err != nil {
		return err
	}
	chosen, known := samples.named(f.Get("sample"))
	if !known {
		return fault.New(fault.Invalid, "There is no such sample any more. Load the page again. Nothing was sent.")
	}
	if err := s.Keys.RecordTest(ctx, v.Actor, k.ID, chosen.Source); err != nil {
		return err
	}
	// Browsers end a textarea's lines with CR LF; the text on the page had LF.
	chosen.Body = strings.ReplaceAll(f.Get("payload"), "\r\n", "\n")
	event := testEvent{key: k, sample: chosen, ownID: f.Get("own_id") != ""}
	answer := s.deliver(c, &event)
	result, err := s.testResult(c, event, answer)
	if err != nil {
		return err
	}
	p := s.testEventView(c, k, samples, chosen)
	p.OwnID, p.Result = event.ownID, result
	return s.render(c, http.StatusOK, views.TestEvent(p), nil)
}

// testKey is the key of the path, whose environment becomes the page's.
func (s *server) testKey(c Ctx) (keys.Item, error) {
	v := visit(c)
	k, err := s.Keys.Get(c.Request().Context(), v.Actor, c.Param("id"))
	if err != nil {
		return k, err
	}
	if k.EndpointType == models.APIAccess {
		return k, fault.New(fault.NotFound, "This key takes no events.")
	}
	v.Env = k.Environment
	return k, nil
}

func (s *server) testEventView(c Ctx, k keys.Item, samples testSamples, chosen testSample) views.TestEventView {
	v := visit(c)
	here := v.path(keysPath, k.ID, testEventPath)
	p := views.TestEventView{
		Name: k.Name, BackHref: v.path(keysPath, k.ID), Here: here, Samples: samples.options(), Sample: chosen.Name,
		URL: s.base(c) + chosen.path(k) + "/" + maskedKey(k.KeyPrefix), Headers: headerLines(chosen.Headers),
		Form: views.Form{Values: map[string]string{"payload": chosen.Body}},
	}
	state := k.State(s.Now())
	switch {
	case state != "active":
		p.Notices = append(p.Notices, ui.BannerProps{
			Tone: ui.ToneInfo, Title: "This key is " + state + ".", Text: "Its requests are rejected, test events too.",
			ActionLabel: "Create another like it", ActionHref: likeHref(c, k.ID),
		})
	case k.Environment == models.Live:
		p.Action = here
		p.Notices = append(p.Notices, ui.BannerProps{
			Tone: ui.ToneWarn, Title: "This is a Live key.",
			Text: "What you send is stored among the real data, and counts like it. Use a Test key to try things out.",
		})
	default:
		p.Action = here
	}
	p.Page = s.keyShell(c, "Send a test event with "+k.Name)
	return p
}

func headerLines(headers map[string]string) []string {
	var lines []string
	for _, name := range sortedNames(headers) {
		lines = append(lines, name+": "+headers[name])
	}
	return lines
}
