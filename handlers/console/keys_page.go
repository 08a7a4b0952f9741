package console

import (
	"net/http"
	"net/url"
	"time"

	"latchkey/internal/access"
	"latchkey/internal/keys"
	"latchkey/internal/signals"
	"latchkey/models"
	"latchkey/views"
	"latchkey/views/ui"
)

const (
	keyPageRequests = 10
	keyPageAudit    = 20
)

func (s *server) showKey(c Ctx) error {
	p, err := s.keyView(c)
	if err != nil {
		return err
	}
	return s.render(c, http.StatusOK, views.Key(p), nil)
}

func (s *server) renameKey(c Ctx) error {
	v, id := visit(c), c.Param("id")
	if err := s.Keys.Rename(c.Request().Context(), v.Actor, id, form(c).Get("name")); err != nil {
		return s.keyRefused(c, err, "name")
	}
	return s.done(c, v.path(keysPath, id), "Key renamed.")
}

func (s *server) changeKeyExpiry(c Ctx) error {
	v, f, id := visit(c), form(c), c.Param("id")
	at := expiryOf(f.Get("expires"), f.Get("expires_at"), s.Now(), v.Account.Zone)
	if err := s.Keys.ChangeExpiry(c.Request().Context(), v.Actor, id, at); err != nil {
		return s.keyRefused(c, err, "expires", "expires_at")
	}
	return s.done(c, v.path(keysPath, id), "Expiry changed.")
}

// keyRefused shows the key's page again with what was wrong; the other form keeps its own values.
func (s *server) keyRefused(c Ctx, err error, fields ...string) error {
	p, viewErr := s.keyView(c)
	if viewErr != nil {
		return viewErr
	}
	shown := atField(sent(c, err, fields, fields))
	p.Form.Errors, p.Form.Problem, p.Form.Order = shown.Errors, shown.Problem, shown.Order
	for name, value := range shown.Values {
		p.Form.Values[name] = value
	}
	return s.refused(c, err, views.Key(p), nil)
}

func (s *server) keyView(c Ctx) (views.KeyView, error) {
	v, ctx := visit(c), c.Request().Context()
	k, err := s.Keys.Get(ctx, v.Actor, c.Param("id"))
	if err != nil {
		return views.KeyView{}, err
	}
	v.Env = k.Environment
	p := s.keyParts(c, k)
	if err := s.keyExpirations(c, k, &p); err != nil {
		return p, err
	}
	if p.Chart, p.Spans, err = s.keyChart(c, k); err != nil {
		return p, err
	}
	if p.Rotation, err = s.keyRotation(c, k); err != nil {
		return p, err
	}
	if p.Requests, err = s.keyRequests(c, k); err != nil {
		return p, err
	}
	if p.Uploads, err = s.runningUploads(c, k.ID); err != nil {
		return p, err
	}
	p.AllUploads = allUploads(v)
	if err = s.keySettings(c, k, &p); err != nil {
		return p, err
	}
	p.Audit, err = s.keyAudit(c, k)
	// Last, so that a page that failed has not used up the message of the last action.
	p.Page = s.keyShell(c, k.Name)
	return p, err
}

// keyParts are those that follow from the key alone.
func (s *server) keyParts(c Ctx, k keys.Item) views.KeyView {
	v := visit(c)
	href := v.path(keysPath, k.ID)
	p := views.KeyView{
		Name: k.Name, Masked: masked(k.APIKey), ListHref: v.envPath(keysPath),
		Badges:  append(keyBadges(k, s.Now()), envBadge(k.Environment)),
		Notices: s.keyNotices(c, k), Facts: s.keyFacts(c, k),
		Rename: href + "/name", Form: views.Form{Values: map[string]string{"name": k.Name, "expires": expiryNever}},
		Protection: s.keyProtection(c, k),
		AuditLog:   v.path("audit") + "?" + url.Values{"target": {k.ID}}.Encode(),
	}
	if k.State(s.Now()) != "active" {
		p.LikeHref = likeHref(c, k.ID)
	} else {
		p.URLs, p.URLsText = s.keyURLs(c, k), "Put the key in place of {key}. Only the sender knows it: Latchkey keeps a hash."
		if k.EndpointType == models.APIAccess {
			p.URLsText = "The key goes into the header Authorization of every call."
			p.Curl = apiCall(s.base(c)+apiPath+"/me", masked(k.APIKey)).curl()
		}
		if !k.RotatingAt(s.Now()) {
			p.RotateHref = href + "/" + rotationPath
		}
		p.Expiry, p.Zone = href+"/expiry", v.Account.Zone.String()
	}
	if !k.ExpiresAt.IsZero() {
		p.Form.Values["expires"], p.Form.Values["expires_at"] = expiryAt, k.ExpiresAt.In(v.Account.Zone).Format(inputTime)
	}
	if k.Status == models.KeyActive {
		p.DeactivateHref = href + "/deactivation"
	}
	return p
}

// keyExpirations are the choices that the workspace's policy leaves to the key.
func (s *server) keyExpirations(c Ctx, k keys.Item, p *views.KeyView) error {
	policy, err := s.keyPolicy(c)
	if err != nil || p.Expiry == "" {
		return err
	}
	p.Expirations, p.ExpiryHint = policy.expirations(k.ValueSince.Time, s.Now()), "Counted from now. Requests are rejected from then on."
	if policy.MaxDays > 0 {
		p.ExpiryHint = joinSentences(p.ExpiryHint, policy.expiryHint(), "For this one that is until "+s.time(c, policy.limit(k.ValueSince.Time), "").Absolute+"; rotate it for longer")
	} else {
		p.ExpiryHint = joinSentences(p.ExpiryHint, policy.expiryHint())
	}
	return nil
}

func envBadge(env string) ui.BadgeProps {
	if env == testEnv {
		return ui.BadgeProps{Label: "Test", Tone: ui.ToneTest}
	}
	return ui.BadgeProps{Label: "Live", Icon: ui.IconGlobe}
}

func (s *server) keyFacts(c Ctx, k keys.Item) []ui.Fact {
	created, used, expires := s.time(c, k.CreatedAt.Time, ""), s.time(c, k.LastUsed.LastUsedAt.Time, "Never"), s.time(c, k.ExpiresAt.Time, "Never")
	facts := []ui.Fact{
		{Label: "Endpoint type", Value: keyTypeNamed(k.EndpointType).Label},
		s.keyValue(k),
	}
	if k.EndpointType != models.APIAccess {
		facts = append(facts, ui.Fact{Label: "Shared secret", Value: yesNo(k.SecretHash != nil, "Required, in the header X-Api-Secret", "Not required")})
	}
	facts = append(facts, []ui.Fact{
		{Label: "Last used", Time: &used, Hint: from(k.LastUsed.IP, k.LastUsed.UserAgent)},
		{Label: "Created", Time: &created, Hint: "by " + madeBy(k)},
	}...)
	if k.Status == models.KeyActive {
		facts = append(facts, ui.Fact{Label: "Expires", Time: &expires})
	} else {
		ended := s.time(c, k.DeactivatedAt.Time, "")
		facts = append(facts, ui.Fact{Label: "Deactivated", Time: &ended, Hint: "by " + orCommandLine(k.DeactivatedBy)})
	}
	return append(facts, ui.Fact{Label: "Key ID", Value: k.ID, Mono: true, Copy: true})
}

// keyValue is what may be known of the present value.
func (s *server) keyValue(k keys.Item) ui.Fact {
	fact := ui.Fact{Label: "Key", Value: masked(k.APIKey), Mono: true, Hint: "The rest was shown once, when the key was created."}
	switch {
	case k.Imported:
		fact.Hint = "Imported by its SHA-256: Latchkey has never had the key itself."
	case k.ValueSince.After(k.CreatedAt.Time):
		fact.Hint = "The rest was shown once, when the key was rotated " + ui.Relative(k.ValueSince.Time, s.Now()) + "."
	}
	return fact
}

// madeBy names the maker: a person, or an API-access key and who answers for it.
func madeBy(k keys.Item) string {
	if k.CreatedByKey == nil {
		return orCommandLine(k.CreatedByName)
	}
	return "the API key " + orText(k.CreatedByKeyName, "that is gone") + " of " + orCommandLine(k.CreatedByName)
}

func yesNo(is bool, yes, no string) string {
	if is {
		return yes
	}
	return no
}

// from says where a request came from, as far as it is known.
func from(ip, userAgent string) string {
	switch {
	case ip == "":
		return ""
	case userAgent == "":
		return "from " + ip
	default:
		return "from " + ip + " with " + userAgent
	}
}

func (s *server) keyURLs(c Ctx, k keys.Item) []ui.Fact {
	base, path := s.base(c), keyTypeNamed(k.EndpointType).Path
	url := func(label, tail, hint string) ui.Fact {
		return ui.Fact{Label: label, Value: base + tail, Mono: true, Copy: true, Hint: hint}
	}
	switch k.EndpointType {
	case models.APIAccess:
		return []ui.Fact{
			url("Base", apiPath, ""),
			{Label: "Reference", Value: "All calls, with what each needs", Href: "/docs/api"},
		}
	case models.ProductOrgs:
		return []ui.Fact{
			url("Updates", path+"/{key}", ""),
			url("Batch", path+"/{key}/batch", "Up to 1,000 items."),
			url("Key in a header", path, "Better where the sender can: Authorization: Bearer {key}. URLs end up in logs."),
		}
	}
	return []ui.Fact{
		url("Events", path+"/{key}", ""),
		url("One vendor's webhooks", path+"/{source}/{key}", "{source} is the vendor's name, such as hubspot or stripe; Sources lists them."),
		url("Batch", path+"/{key}/batch", "Up to 1,000 items."),
		url("Bulk stream", "/api/signal-staging/bulk/{key}", "NDJSON, gzip too."),
		url("Key in a header", path, "Better where the sender can: Authorization: Bearer {key}. URLs end up in logs."),
	}
}

// quietAfter is how long no call has to come for a dead key to count as quiet.
const quietAfter = 24 * time.Hour

// keyNotices are what someone should know before reading on.
func (s *server) keyNotices(c Ctx, k keys.Item) []ui.BannerProps {
	var notices []ui.BannerProps
	now, u := s.Now(), k.LastUsed
	if shown := c.QueryParam("shown"); shown != "" && !k.Imported {
		notices = append(notices, ui.BannerProps{
			Tone: ui.ToneInfo, Title: "The full key was shown already, when it was " + yesNo(shown == "rotated", "rotated", "created") + ".",
			Text:        "It can't be shown again: Latchkey keeps only a hash of it. If nobody copied it, create another one and deactivate this one.",
			ActionLabel: "Create another like it", ActionHref: likeHref(c, k.ID),
		})
	}
	if k.EndpointType == models.APIAccess && visit(c).Workspace.Plan == models.PlanFree {
		notices = append(notices, ui.BannerProps{
			Tone: ui.ToneWarn, Title: "The plan of this workspace has no API access.", Text: "Calls with this key get 403 plan_required, until an Owner changes the plan.",
		})
	}
	if state := k.State(now); state != "active" {
		notices = append(notices, s.deadKeyNotice(k, state, now))
	}
	if !u.BrowserSeenAt.IsZero() {
		notices = append(notices, ui.BannerProps{
			Tone: ui.ToneWarn, Title: "This key was used from a browser " + ui.Relative(u.BrowserSeenAt.Time, now) + ".",
			Text:        "Keys are for servers: whoever opens that page can read the key. Move the call to a server, then replace the key.",
			ActionLabel: "Create another like it", ActionHref: likeHref(c, k.ID),
		})
	}
	return notices
}

// deadKeyNotice tells whether somebody still calls with a key that is over.
func (s *server) deadKeyNotice(k keys.Item, state string, now time.Time) ui.BannerProps {
	u, ended := k.LastUsed, k.ExpiresAt
	if state == "deactivated" {
		ended = k.DeactivatedAt
	}
	title := "This key " + yesNo(state == "expired", "expired ", "was deactivated ") + ui.Relative(ended.Time, now) + "."
	switch {
	case u.LastRefusedAt.IsZero() || u.LastRefusedAt.Before(ended.Time):
		return ui.BannerProps{Tone: ui.ToneInfo, Title: title, Text: "No call came with it since."}
	case now.Sub(u.LastRefusedAt.Time) < quietAfter:
		return ui.BannerProps{Tone: ui.ToneWarn, Title: title, Text: "Calls still arrive with it and are rejected: the latest " +
			ui.Relative(u.LastRefusedAt.Time, now) + " " + from(u.RefusedIP, u.RefusedUserAgent) + "."}
	default:
		return ui.BannerProps{Tone: ui.ToneInfo, Title: title, Text: "It has gone quiet: the last rejected call came " +
			ui.Relative(u.LastRefusedAt.Time, now) + " " + from(u.RefusedIP, u.RefusedUserAgent) + "."}
	}
}

func (s *server) keyAudit(c Ctx, k keys.Item) ([]views.AuditRow, error) {
	v := visit(c)
	if !v.Actor.Can(access.ReadAudit) {
		return nil, nil
	}
	entries, err := s.Audit.OfTarget(c.Request().Context(), v.Actor, k.ID, keyPageAudit)
	rows := make([]views.AuditRow, 0, len(entries))
	for _, e := range entries {
		rows = append(rows, s.auditRow(c, e))
	}
	return rows, err
}

// keyRequests is nil for a key that sends nothing into the request log.
func (s *server) keyRequests(c Ctx, k keys.Item) (*views.KeyRequests, error) {
	if k.EndpointType == models.APIAccess {
		return nil, nil
	}
	v := visit(c)
	q := url.Values{"key": {k.ID}}
	if k.Environment == testEnv {
		q.Set("env", testEnv)
	}
	p := &views.KeyRequests{
		AllHref: v.path("requests") + "?" + q.Encode(),
		Empty:   ui.EmptyStateProps{Icon: ui.IconActivity, Title: "No requests with this key yet."},
	}
	if k.State(s.Now()) == "active" {
		p.Empty.Text = "With the key in place of the dots, this line sends a first one:"
		p.Empty.Code, p.Empty.CodeLabel = s.sampleOf(c, k.Environment, keyTypeNamed(k.EndpointType)).curl(), "Example request"
	}
	found, err := s.Signals.Requests(c.Request().Context(), v.Actor, signals.RequestFilter{Environment: k.Environment, KeyID: k.ID, Limit: keyPageRequests})
	for _, r := range found.Items {
		p.Rows = append(p.Rows, s.keyRequest(c, r))
	}
	return p, err
}
