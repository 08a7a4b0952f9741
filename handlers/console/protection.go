package console

import (
	"net/http"
	"strconv"
	"strings"

	"latchkey/internal/access"
	"latchkey/internal/fault"
	"latchkey/internal/keys"
	"latchkey/models"
	"latchkey/views"
	"latchkey/views/ui"
)

const (
	protectionPath = "protection"
	addressesPath  = "addresses"
)

func (s *server) protectionRoutes() []Route {
	const one = "/w/:slug/" + keysPath + "/:id/"
	return []Route{
		{GET, one + scopesPath, In(access.ManageAPIKeys), s.showScopes},
		{POST, one + scopesPath, In(access.ManageAPIKeys), s.changeScopes},
		{GET, one + addressesPath, In(access.ManageKeys), s.showAddresses},
		{POST, one + addressesPath, In(access.ManageKeys), s.changeAddresses},
		{GET, one + protectionPath, In(access.ManageKeys), s.showProtection},
		{POST, one + protectionPath, In(access.ManageKeys), s.changeProtection},
	}
}

func (s *server) showProtection(c Ctx) error {
	p, err := s.protectionView(c)
	if err != nil {
		return err
	}
	return s.render(c, http.StatusOK, views.KeyProtection(p), nil)
}

func (s *server) changeProtection(c Ctx) error {
	v, f, id := visit(c), form(c), c.Param("id")
	patch, err := protectionOf(f.Get("rate_limit"), f.Get("on_leak"), f.Has("rate_limit"))
	if err == nil {
		_, err = s.Keys.Change(c.Request().Context(), v.Actor, id, patch, baseOf(f))
	}
	if err == nil {
		return s.done(c, v.path(keysPath, id)+"#protection", "Protection changed.")
	}
	p, viewErr := s.protectionView(c)
	if viewErr != nil {
		return viewErr
	}
	p.Form = sent(c, err, []string{"rate_limit", "on_leak"}, []string{"rate_limit", "on_leak"})
	return s.settingRefused(c, err, views.KeyProtection(p))
}

// protectionOf reads the form; an empty limit is none.
func protectionOf(limit, onLeak string, limited bool) (keys.Patch, error) {
	patch := keys.Patch{OnLeak: &onLeak}
	if !limited {
		return patch, nil
	}
	n := 0
	if limit = strings.TrimSpace(limit); limit != "" {
		var err error
		if n, err = strconv.Atoi(limit); err != nil || n < 1 {
			return patch, fault.Fields{"rate_limit": "Enter a whole number of requests a minute, or leave it empty for no limit."}.Err()
		}
	}
	patch.RateLimit = &n
	return patch, nil
}

func (s *server) protectionView(c Ctx) (views.KeyProtectionView, error) {
	v := visit(c)
	k, err := s.Keys.Get(c.Request().Context(), v.Actor, c.Param("id"))
	if err != nil {
		return views.KeyProtectionView{}, err
	}
	v.Env = k.Environment
	p := views.KeyProtectionView{
		Name: k.Name, BackHref: v.path(keysPath, k.ID), Locked: s.lockedNotice(c, k), Base: strconv.Itoa(k.SettingsVersion),
		Text: "What holds a key back that does too much, or that somebody has found.",
		Form: views.Form{Values: map[string]string{"on_leak": k.OnLeak}}, OnLeak: onLeakChoices,
		HasLimit: k.EndpointType != models.APIAccess, LimitHint: "More are answered 429 with Retry-After, and not stored. Empty: no limit of this key's own.",
	}
	if k.RateLimit > 0 {
		p.Form.Values["rate_limit"] = strconv.Itoa(k.RateLimit)
	}
	if !p.HasLimit {
		p.LimitHint = "API-access keys have no limit of their own: all of a workspace share the workspace's limit of calls a minute."
	}
	if p.Locked == nil {
		p.Action = v.path(keysPath, k.ID, protectionPath)
	}
	p.Page = s.keyShell(c, "Limit and leaks of "+k.Name)
	return p, nil
}

var onLeakChoices = []ui.RadioCard{{
	Value: models.OnLeakDeactivate, Label: "Deactivate it at once", Icon: ui.IconBan, Badge: "Recommended",
	Text: "Whoever found it can do nothing with it. Your own sender stops too, until it has a new key.",
}, {
	Value: models.OnLeakAlert, Label: "Only raise the alarm", Icon: ui.IconWarn,
	Text: "The key goes on working for everybody who has it. Choose this only where an outage is worse, and somebody reads the alarm.",
}}

// keyProtection is what a key's page says of it.
func (s *server) keyProtection(c Ctx, k keys.Item) views.KeyProtectionFacts {
	v := visit(c)
	p := views.KeyProtectionFacts{Href: v.path(keysPath, k.ID, protectionPath), AddressesHref: v.path(keysPath, k.ID, addressesPath), Action: "Change"}
	if s.lockedNotice(c, k) != nil {
		p.Action = "Show"
	}
	limit := ui.Fact{Label: "Limit", Value: "None of its own"}
	switch {
	case k.EndpointType == models.APIAccess:
		limit.Value, limit.Hint = "The workspace's", "All its API-access keys share it."
	case k.RateLimit > 0:
		limit.Value = ui.Count(k.RateLimit) + " requests a minute"
	}
	leak := ui.Fact{Label: "Reported as leaked", Value: "It is deactivated at once"}
	if k.OnLeak == models.OnLeakAlert {
		leak.Value, leak.Hint = "Only an alarm", "The key goes on working."
	}
	p.Facts = append(p.Facts, limit, leak, addressFact(k))
	return p
}
