package console

import (
	"strconv"
	"strings"

	"latchkey/internal/access"
	"latchkey/internal/keys"
	"latchkey/internal/orgs"
	"latchkey/internal/source"
	"latchkey/models"
	"latchkey/views"
	"latchkey/views/ui"
)

// keySettings fills what a key's page tells of its settings, each of which has a page of its own.
func (s *server) keySettings(c Ctx, k keys.Item, p *views.KeyView) (err error) {
	if k.EndpointType == models.APIAccess {
		p.Scopes, err = s.keyGrants(c, k)
		return err
	}
	if k.State(s.Now()) == "active" {
		p.TestHref = visit(c).path(keysPath, k.ID, testEventPath)
	}
	if p.Template, err = s.keyTemplate(c, k); err != nil {
		return err
	}
	if p.Template != nil && p.Template.Notice != nil {
		p.Notices = append(p.Notices, *p.Template.Notice)
	}
	p.Signature, err = s.keySignature(c, k)
	return err
}

// keyGrants are the scopes of an API-access key.
func (s *server) keyGrants(c Ctx, k keys.Item) (*views.KeyGrants, error) {
	rows, err := s.scopeRows(c, k)
	p := &views.KeyGrants{Rows: rows, Href: visit(c).path(keysPath, k.ID, scopesPath), Action: "Change scopes", Text: "Granted one by one."}
	if s.lockedNotice(c, k) != nil {
		p.Action = "Show scopes"
	}
	if preset := presetOf(access.ParseScopes(k.Scopes)); preset != "" {
		p.Text = "Granted by the preset " + string(preset) + "."
		if len(withoutPreset(access.ParseScopes(k.Scopes))) > 0 {
			p.Text = "Granted by the preset " + string(preset) + ", and one by one."
		}
	}
	return p, err
}

// keyTemplate is nil for a key that has none.
func (s *server) keyTemplate(c Ctx, k keys.Item) (*views.KeyTemplate, error) {
	if k.EndpointType != models.ProductOrgs {
		return nil, nil
	}
	v, ctx := visit(c), c.Request().Context()
	t, _, err := s.Templates.ForKey(ctx, v.Actor, k.ID)
	if err != nil {
		return nil, err
	}
	href := v.path(keysPath, k.ID, "template")
	out := &views.KeyTemplate{Href: href, Action: "Edit template"}
	if k.Status != models.KeyActive {
		out.Action = "Show template"
	}
	name := ui.Fact{Label: "Template", Value: "Of this key alone", Href: href}
	if t.Template.Name != "" {
		name.Value = t.Template.Name
		if n := len(t.Keys) - 1; n > 0 {
			name.Hint = "Shared with " + counted(n, "other key") + "."
		}
	}
	version := ui.Fact{Label: "Version", Value: "None yet", Hint: "What arrives is kept and waits for the first version."}
	if !t.Waiting() {
		version.Value, version.Href = strconv.Itoa(t.Template.Version), href+"/versions"
		version.Hint = "saved " + s.time(c, t.SavedAt, "").Relative + " by " + t.SavedBy
	}
	onError := ui.Fact{Label: "On error", Value: "Reject", Hint: "The sender gets 422 mapping_failed; the payload is kept and can be replayed."}
	if k.OnError == models.OnErrorQuarantine {
		onError.Value, onError.Hint = "Quarantine", "The sender gets 200; the payload is kept and can be replayed."
	}
	out.Facts = []ui.Fact{name, version, onError}
	if t.Waiting() && k.State(s.Now()) == "active" {
		out.Notice = &ui.BannerProps{
			Tone: ui.ToneInfo, Title: "This key has no payload template yet.",
			Text:        "What arrives is kept and waits. Make the template from the first payload; then replay what waits.",
			ActionLabel: "Make template", ActionHref: href,
		}
	}
	out.WaitingHref = v.path(keysPath, k.ID, "waiting")
	waiting, err := s.Orgs.WaitingCount(ctx, v.Actor, k.ID)
	out.Waiting = waitingText(waiting)
	return out, err
}

// waitingText counts what waits for a replay; empty when nothing does.
func waitingText(w orgs.KeyWaiting) string {
	var parts []string
	if w.Failed > 0 {
		parts = append(parts, ui.Count(int(w.Failed))+" failed")
	}
	if w.Held > 0 {
		parts = append(parts, ui.Count(int(w.Held))+" in quarantine")
	}
	text := strings.Join(parts, ", ")
	if w.More {
		return "At least " + text
	}
	return text
}

// keySignature says whose signature a key requires, and what failed last.
func (s *server) keySignature(c Ctx, k keys.Item) (*views.KeySignature, error) {
	if k.EndpointType == models.APIAccess || k.SignatureScheme == "" && k.Status != models.KeyActive {
		return nil, nil
	}
	p := &views.KeySignature{Href: visit(c).path(keysPath, k.ID, signaturePath), Action: "Require a signature", None: "None in the request log."}
	if k.SignatureScheme == "" {
		p.Facts = []ui.Fact{{Label: "Signed by", Value: "Not required", Hint: "The key alone is enough. Where the vendor signs what it sends, Latchkey can make sure that it really comes from there."}}
		return p, nil
	}
	p.Required, p.Action = true, "Change signature"
	p.Facts = []ui.Fact{{Label: "Signed by", Value: k.SignatureScheme}}
	if scheme := source.SchemeNamed(k.SignatureScheme); scheme != nil {
		p.Facts = []ui.Fact{{Label: "Signed by", Value: scheme.Title, Hint: "Header " + scheme.Header}}
	}
	if problem := unreadableSecret(s.Ingest.SignatureReadable(k.APIKey)); problem != "" {
		p.Facts = append(p.Facts, ui.Fact{Label: "Secret", Badge: &ui.BadgeProps{Label: "Cannot be read", Tone: ui.ToneDanger, Icon: ui.IconError}, Hint: problem})
	}
	var err error
	p.Failure, err = s.signatureFailure(c, k)
	return p, err
}
