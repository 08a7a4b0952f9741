package console

import (
	"latchkey/internal/access"
	"latchkey/internal/source"
	"latchkey/models"
	"latchkey/views"
	"latchkey/views/ui"
)

// newKeyView is the form of a new key with its previews.
func (s *server) newKeyView(c Ctx, f views.Form, e templateEditor, nonce string) (views.NewKeyView, error) {
	v := visit(c)
	policy, err := s.keyPolicy(c)
	if err != nil {
		return views.NewKeyView{}, err
	}
	p := views.NewKeyView{
		BackHref: v.envPath(keysPath), Action: v.path(keysPath), Nonce: nonce, Form: f,
		Expirations: policy.forNew(s.Now()), ExpiryHint: joinSentences(policy.expiryHint(), "Requests are rejected from then on. You can change it while the key is active."), Zone: v.Account.Zone.String(), Base: s.base(c), Brand: s.Keys.Brand(),
		Environments: environmentCards, ImportHref: v.envPath(keysPath, importPath),
		Types: keyTypeCards(v.Actor, policy), Secret: views.NewKeySecret{On: f.Values["secret"] != "", Required: policy.Secret, Error: f.Errors["secret"]},
		Scopes: s.scopeFields(c, access.ParseScopes(f.Values["scopes"]), f.Errors["scopes"]),
		Editor: s.editorView(c, v.path(keysPath), "", e), OnError: onErrorChoices(), Saved: s.savedTemplates(c, ""),
	}
	if p.Like, err = s.likeView(c); err != nil {
		return p, err
	}
	for _, t := range keyTypes {
		p.Previews = append(p.Previews, views.NewKeyPreview{Type: t.Value, Path: t.Path, Body: t.sample()})
	}
	p.Templates = templateChoices(len(p.Saved) > 0)
	p.Sources = []ui.Option{{Value: "", Label: "Any sender"}}
	for _, vendor := range source.Vendors() {
		value := vendor.Name + "/"
		p.Sources = append(p.Sources, ui.Option{Value: value, Label: vendor.Title})
		p.Vendors = append(p.Vendors, views.NewKeyVendor{Value: value, Text: joinSentences(vendor.Expects, vendor.Where)})
	}
	p.Page = s.keyShell(c, "Create key")
	return p, nil
}

var environmentCards = []ui.RadioCard{
	{Value: models.Live, Label: "Live", Text: "Real data of real people.", Icon: ui.IconGlobe},
	{Value: models.Test, Label: "Test", Text: "For trying things out. Test data is kept apart everywhere.", Icon: ui.IconTest},
}

// keyTypeCards are the types with what is in the way of each.
func keyTypeCards(actor access.Actor, policy keyPolicy) []ui.RadioCard {
	var cards []ui.RadioCard
	for _, t := range keyTypes {
		card := ui.RadioCard{Value: t.Value, Label: t.Label, Text: t.Text, Icon: t.Icon, Attrs: map[string]any{"data-mirror-text": t.Path}}
		if t.Value == models.APIAccess {
			card.Reason = whyNoAPI(actor, policy)
			card.Disabled = card.Reason != ""
		}
		cards = append(cards, card)
	}
	return cards
}

// whyNoAPI is empty when the actor may make API-access keys.
func whyNoAPI(actor access.Actor, policy keyPolicy) string {
	if f := faultOf(actor.Require(access.ManageAPIKeys)); f != nil {
		return f.Message
	}
	if policy.Plan == models.PlanFree {
		return "The plan of this workspace, free, has no API access. An Owner can change the plan on the page Workspace."
	}
	return ""
}

// templateChoices are the ways to a template; a saved one only when there is any.
func templateChoices(saved bool) []ui.RadioCard {
	choices := []ui.RadioCard{
		{Value: templateMade, Label: "Make a template from a payload", Icon: ui.IconEdit, Text: "Paste a payload, or start from a vendor's sample, and see what becomes of it."},
	}
	if saved {
		choices = append(choices, ui.RadioCard{Value: templateSaved, Label: "Use a saved template", Icon: ui.IconFile, Text: "One that other keys of this workspace use. A change of it counts for all of them."})
	}
	return append(choices, ui.RadioCard{
		Value: templateLater, Label: "Wait for the first payload", Icon: ui.IconClock,
		Text: "Payloads are kept and wait. When the first one is there, you make the template from it, and then replay them.",
	})
}
