package console

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"

	"latchkey/internal/access"
	"latchkey/internal/fault"
	"latchkey/internal/keys"
	"latchkey/models"
	"latchkey/views"
	"latchkey/views/ui"
)

const scopesPath = "scopes"

// showScopes is a page of API-access keys alone.
func (s *server) showScopes(c Ctx) error {
	p, err := s.scopesView(c)
	if err != nil {
		return err
	}
	return s.render(c, http.StatusOK, views.KeyScopes(p), nil)
}

func (s *server) changeScopes(c Ctx) error {
	v, id, chosen := visit(c), c.Param("id"), scopesOf(form(c))
	before, err := s.apiKey(c)
	if err != nil {
		return err
	}
	if locked := s.lockedNotice(c, before); locked != nil {
		return fault.New(fault.Conflict, joinSentences(locked.Title, locked.Text))
	}
	if sameScopes(access.ParseScopes(before.Scopes), chosen) {
		return s.done(c, v.path(keysPath, id), "Scopes left as they were.")
	}
	_, err = s.Keys.Change(c.Request().Context(), v.Actor, id, keys.Patch{Scopes: &chosen}, baseOf(form(c)))
	if err == nil {
		return s.done(c, v.path(keysPath, id)+"#scopes", "Scopes changed. The next call goes by them.")
	}
	p, viewErr := s.scopesView(c)
	if viewErr != nil {
		return viewErr
	}
	p.Form = sent(c, err, nil, []string{"scopes"})
	p.Fields = s.scopeFields(c, chosen, p.Form.Errors["scopes"])
	return s.settingRefused(c, err, views.KeyScopes(p))
}

// apiKey is the key of the path when it is an API-access key; others have no scopes.
func (s *server) apiKey(c Ctx) (keys.Item, error) {
	k, err := s.Keys.Get(c.Request().Context(), visit(c).Actor, c.Param("id"))
	if err == nil && k.EndpointType != models.APIAccess {
		err = fault.New(fault.NotFound, "This key has no scopes; only API-access keys have them.")
	}
	return k, err
}

func (s *server) scopesView(c Ctx) (views.KeyScopesView, error) {
	v := visit(c)
	k, err := s.apiKey(c)
	if err != nil {
		return views.KeyScopesView{}, err
	}
	v.Env = k.Environment
	have := access.ParseScopes(k.Scopes)
	p := views.KeyScopesView{
		Name: k.Name, BackHref: v.path(keysPath, k.ID), Locked: s.lockedNotice(c, k), Base: strconv.Itoa(k.SettingsVersion),
		Fields: s.scopeFields(c, have, ""),
	}
	if p.Locked == nil {
		p.Action = v.path(keysPath, k.ID, scopesPath)
	}
	if p.Now, err = s.scopeRows(c, k); err != nil {
		return p, err
	}
	p.Page = s.keyShell(c, "Scopes of "+k.Name)
	return p, nil
}

// scopeRows are the single scopes that a key has, each with its last use.
func (s *server) scopeRows(c Ctx, k keys.Item) ([]views.KeyScope, error) {
	used, err := s.Keys.ScopeUses(c.Request().Context(), visit(c).Actor, k.ID)
	if err != nil {
		return nil, err
	}
	var rows []views.KeyScope
	row := func(scope access.Scope, at time.Time) {
		info, _ := scope.Info()
		rows = append(rows, views.KeyScope{Scope: string(scope), Text: info.Text, Used: s.time(c, at, "Never")})
	}
	have := access.ParseScopes(k.Scopes)
	for _, scope := range have.Fine() {
		row(scope, used[scope])
	}
	if slices.Contains(have, access.AdminFull) {
		rows = append(rows, views.KeyScope{
			Scope: string(access.AdminFull), Text: "Give keys that it makes admin:full too", Used: s.time(c, used[access.AdminFull], "Never"),
		})
	}
	return rows, nil
}

// lockedNotice says why this reader can neither change a key's scopes nor rotate it; nil when
// nothing is in the way.
func (s *server) lockedNotice(c Ctx, k keys.Item) *ui.BannerProps {
	if notice := s.overNotice(k); notice != nil {
		return notice
	}
	beyond, reason := scopesBeyond(visit(c).Actor, access.ParseScopes(k.Scopes))
	if len(beyond) == 0 {
		return nil
	}
	return &ui.BannerProps{
		Tone: ui.ToneWarn, Title: "This key may do more than you may grant: " + strings.Join(beyond, ", ") + ".",
		Text: "So its value and its settings are for somebody else to change. " + reason,
	}
}

// overNotice tells that a key's settings can no longer be changed; nil for one that is active.
func (s *server) overNotice(k keys.Item) *ui.BannerProps {
	state := k.State(s.Now())
	if state == "active" {
		return nil
	}
	return &ui.BannerProps{Tone: ui.ToneInfo, Title: "This key is " + state + ".", Text: "Its requests are rejected in any case, and its settings can no longer be changed."}
}

// scopesBeyond are the scopes that the actor may not grant, and why not.
func scopesBeyond(actor access.Actor, scopes access.Scopes) (beyond []string, reason string) {
	for _, scope := range scopes {
		if text := whyNotGrant(actor, scope); text != "" {
			beyond, reason = append(beyond, string(scope)), text
		}
	}
	return beyond, reason
}

// whyNotGrant is empty when the actor may give a key the scope.
func whyNotGrant(actor access.Actor, scope access.Scope) string {
	if actor.Grantable(scope) {
		return ""
	}
	info, _ := scope.Info()
	for _, needed := range []access.Action{access.ManageAPIKeys, info.Needs} {
		if f := faultOf(actor.Require(needed)); f != nil {
			return f.Message
		}
	}
	return "This version does not know the scope."
}

// scopeGroups are the single scopes as they belong together.
var scopeGroups = []struct {
	Title  string
	Scopes []access.Scope
}{
	{"Workspace", []access.Scope{access.WorkspaceRead, access.MembersRead, access.AuditRead}},
	{"Keys", []access.Scope{access.KeysRead, access.KeysWrite}},
	{"What arrived", []access.Scope{access.SignalsRead, access.OrgsRead, access.RequestsRead, access.AnalyticsRead}},
	{"Payload templates", []access.Scope{access.TemplatesRead, access.TemplatesWrite}},
	{"Outbound webhooks", []access.Scope{access.EndpointsRead, access.EndpointsWrite, access.EventsListen}},
}

// scopeFields is the choice of scopes with chosen filled in. What the reader may not grant is there
// with the reason.
func (s *server) scopeFields(c Ctx, chosen access.Scopes, problem string) views.ScopeFieldsView {
	actor := visit(c).Actor
	p := views.ScopeFieldsView{Preset: string(presetOf(chosen)), Error: problem}
	p.Presets = []ui.RadioCard{{Value: "", Label: "No preset", Text: "Only the single scopes that are ticked below."}}
	for _, preset := range access.Presets {
		reason := whyNotGrant(actor, preset.Scope)
		p.Presets = append(p.Presets, ui.RadioCard{
			Value: string(preset.Scope), Label: string(preset.Scope), Text: preset.Text + ".", Disabled: reason != "", Reason: reason,
		})
	}
	beside := withoutPreset(chosen)
	for _, g := range scopeGroups {
		group := views.ScopeGroup{Title: g.Title}
		for _, scope := range g.Scopes {
			info, _ := scope.Info()
			group.Scopes = append(group.Scopes, views.ScopeChoice{
				Scope: string(scope), Text: info.Text + ".", Chosen: beside.Has(scope), Reason: whyNotGrant(actor, scope), In: strings.Join(presetsWith(scope), " "),
			})
		}
		p.Groups = append(p.Groups, group)
	}
	return p
}

func presetsWith(scope access.Scope) []string {
	var names []string
	for _, preset := range access.Presets {
		if (access.Scopes{preset.Scope}).Has(scope) {
			names = append(names, string(preset.Scope))
		}
	}
	return names
}

// presetOf is the widest preset among the scopes, if there is any.
func presetOf(scopes access.Scopes) access.Scope {
	for _, preset := range slices.Backward(access.Presets) {
		if slices.Contains(scopes, preset.Scope) {
			return preset.Scope
		}
	}
	return ""
}

// withoutPreset are the scopes that are more than the preset.
func withoutPreset(scopes access.Scopes) access.Scopes {
	preset := access.Scopes{presetOf(scopes)}
	return preset.Wider(scopes)
}

// scopesOf reads the fields of the choice. A tick for what the preset holds says nothing new.
func scopesOf(f url.Values) access.Scopes {
	var scopes access.Scopes
	if preset := f.Get("scope_preset"); preset != "" {
		scopes = append(scopes, access.Scope(preset))
	}
	for _, scope := range f["scope"] {
		if !scopes.Has(access.Scope(scope)) {
			scopes = append(scopes, access.Scope(scope))
		}
	}
	return scopes.Normal()
}

// sameScopes tells that two lists grant the same, so that resource:* of the API survives a form that
// shows it by its parts.
func sameScopes(a, b access.Scopes) bool {
	return len(a.Wider(b)) == 0 && len(b.Wider(a)) == 0
}

// baseOf is the version of the key that a form was made from; -1 for one that does not say.
func baseOf(f url.Values) int {
	if n, err := strconv.Atoi(f.Get("base")); err == nil && n >= 0 {
		return n
	}
	return -1
}

// settingRefused shows a setting's form again: with 422 when it is wrong, with 409 when somebody
// else was quicker.
func (s *server) settingRefused(c Ctx, err error, page templ.Component) error {
	if errors.Is(err, keys.ErrMoved) {
		return s.render(c, http.StatusConflict, page, nil)
	}
	return s.refused(c, err, page, nil)
}
