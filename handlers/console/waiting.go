package console

import (
	"net/http"
	"net/url"
	"strconv"

	"latchkey/internal/access"
	"latchkey/internal/fault"
	"latchkey/internal/keys"
	"latchkey/internal/orgs"
	"latchkey/models"
	"latchkey/views"
	"latchkey/views/ui"
)

// waitingPart follows a key's path.
const waitingPart = "waiting"

func (s *server) waitingRoutes() []Route {
	const list = "/w/:slug/" + keysPath + "/:id/" + waitingPart
	manage := In(access.ManageKeys)
	return []Route{
		{GET, list, manage, s.listWaiting},
		{POST, list + "/replays", manage, s.replayAll},
		{GET, list + "/replays/:replay", manage, s.showReplay},
		{POST, list + "/replays/:replay/stop", manage, s.stopReplay},
		{GET, list + "/:update", manage, s.showWaiting},
		{GET, list + "/:update/raw", manage, s.downloadWaiting},
		{POST, list + "/:update/replays", manage, s.replayOne},
	}
}

// waitingKey is the key of the path, when it is one that updates can wait for.
func (s *server) waitingKey(c Ctx) (keys.Item, error) {
	v := visit(c)
	k, err := s.Keys.Get(c.Request().Context(), v.Actor, c.Param("id"))
	if err != nil {
		return keys.Item{}, err
	}
	if k.EndpointType != models.ProductOrgs {
		return keys.Item{}, fault.New(fault.NotFound, "This key takes no product org updates.")
	}
	v.Env = k.Environment
	return k, nil
}

func (s *server) listWaiting(c Ctx) error {
	k, err := s.waitingKey(c)
	if err != nil {
		return err
	}
	v, ctx := visit(c), c.Request().Context()
	at := orgs.Cursor{Before: c.QueryParam("before"), After: c.QueryParam("after")}
	found, err := s.Orgs.Waiting(ctx, v.Actor, k.ID, at, 0)
	if err != nil {
		return err
	}
	count, err := s.Orgs.WaitingCount(ctx, v.Actor, k.ID)
	if err != nil {
		return err
	}
	last, err := s.Orgs.LastReplay(ctx, v.Actor, k.ID)
	if err != nil {
		return err
	}
	here := v.path(keysPath, k.ID, waitingPart)
	running := last != nil && last.Status == "running"
	p := views.WaitingView{
		KeyName: k.Name, KeyHref: v.path(keysPath, k.ID), TemplateHref: v.path(keysPath, k.ID, "template"), Count: waitingText(count) + ".",
		Paging: pagesOf(here, found.Paging),
	}
	if last != nil {
		r := s.replayView(c, k.ID, *last)
		r.WaitingHref = "" // it is this page
		p.Replay = &r
	}
	for _, u := range found.Items {
		p.Rows = append(p.Rows, s.waitingRow(c, u, !running))
	}
	switch {
	case len(p.Rows) == 0 && at == (orgs.Cursor{}):
		p.Empty = &ui.EmptyStateProps{Icon: ui.IconCheckCircle, Title: "Nothing waits.", Text: "Every update that was kept of this key is mapped. What its template cannot map is listed here, and can be replayed once the template is corrected."}
	case running:
	case c.QueryParam("preview") != "":
		if p.Preview, err = s.previewView(c, k.ID); err != nil {
			return err
		}
	default:
		p.PreviewHref = withQuery(here, url.Values{"preview": {"1"}})
	}
	p.Page = s.keyShell(c, "Waiting updates of "+k.Name)
	return s.render(c, http.StatusOK, views.Waiting(p), nil)
}

func (s *server) waitingRow(c Ctx, u orgs.Update, replay bool) views.WaitingRow {
	v := visit(c)
	row := views.WaitingRow{
		ID: u.ID, Href: v.path(keysPath, u.APIKeyID, waitingPart, u.ID), Received: s.exactTime(c, u.ReceivedAt.Time),
		Status: updateOutcomes[u.Status].badge, Problems: waitingReasons(u), SampleHref: sampleHref(v, u.APIKeyID, sampleUpdate+u.ID),
	}
	if replay {
		row.Replay = v.path(keysPath, u.APIKeyID, waitingPart, u.ID, "replays")
	}
	return row
}

// waitingReasons say why an update waits.
func waitingReasons(u orgs.Update) []string {
	if texts := problemTexts(u.Found); len(texts) > 0 {
		return texts
	}
	if u.TemplateVersion == 0 {
		return []string{"The key had no payload template yet."}
	}
	return []string{"Version " + strconv.Itoa(u.TemplateVersion) + " of the template could not map it."}
}

// sampleHref leads to the template page of a key with a sample in it.
func sampleHref(v *visitor, keyID, sample string) string {
	return withQuery(v.path(keysPath, keyID, "template"), url.Values{"sample": {sample}})
}

func (s *server) showWaiting(c Ctx) error {
	k, err := s.waitingKey(c)
	if err != nil {
		return err
	}
	v, ctx := visit(c), c.Request().Context()
	u, err := s.Orgs.WaitingUpdate(ctx, v.Actor, k.ID, c.Param("update"))
	if err != nil {
		return err
	}
	payload, err := s.Orgs.Payload(ctx, v.Actor, u.ID)
	if err != nil {
		return err
	}
	here := v.path(keysPath, k.ID, waitingPart, u.ID)
	received := s.exactTime(c, u.ReceivedAt.Time)
	p := views.WaitingUpdateView{
		Title: "Waiting update", ID: u.ID, Badges: []ui.BadgeProps{updateOutcomes[u.Status].badge, envBadge(u.Environment)},
		BackHref: v.path(keysPath, k.ID, waitingPart), Problems: waitingReasons(u), SampleHref: sampleHref(v, k.ID, sampleUpdate+u.ID), Replay: here + "/replays",
		Payload: *payloadView("Payload of the update", payload.Raw, here+"/raw"),
		Facts: []ui.Fact{
			{Label: "Received", Time: &received, Hint: s.time(c, u.ReceivedAt.Time, "").Relative},
			{Label: "Key", Value: k.Name, Href: v.path(keysPath, k.ID)},
			{Label: "Request", Value: u.RequestID, Mono: true, Href: v.path(requestsPath, u.RequestID)},
			{Label: "Template version", Value: strconv.Itoa(u.TemplateVersion), Hint: "that could not map it"},
		},
	}
	if u.TemplateVersion == 0 {
		p.Facts[3] = ui.Fact{Label: "Template version", Value: "None yet"}
	}
	if u.MessageID != "" {
		p.Facts = append(p.Facts, ui.Fact{Label: "Message ID", Value: u.MessageID, Mono: true})
	}
	p.Page = s.keyShell(c, p.Title)
	return s.render(c, http.StatusOK, views.WaitingUpdate(p), nil)
}

func (s *server) downloadWaiting(c Ctx) error {
	v, ctx := visit(c), c.Request().Context()
	u, err := s.Orgs.WaitingUpdate(ctx, v.Actor, c.Param("id"), c.Param("update"))
	if err != nil {
		return err
	}
	payload, err := s.Orgs.Payload(ctx, v.Actor, u.ID)
	if err != nil {
		return err
	}
	return attachment(c, "update-"+u.ID, payload.Raw)
}
