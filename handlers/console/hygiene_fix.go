package console

import (
	"net/http"
	"slices"
	"strings"

	"latchkey/internal/fault"
	"latchkey/internal/hygiene"
	"latchkey/internal/keys"
	"latchkey/views"
)

// endingFixes are the fixes that deactivate the key.
var endingFixes = []string{hygiene.NeverUsed, hygiene.Idle90, hygiene.Browser, hygiene.MakerLeft}

// confirmFix names the effect of a fix that cannot be taken back.
func (s *server) confirmFix(c Ctx) error {
	k, err := s.Keys.Get(c.Request().Context(), visit(c).Actor, c.Param("id"))
	if err != nil {
		return err
	}
	p, err := s.fixView(c, k, c.QueryParam("fix"), hygieneQueryOf(c.QueryParams(), k.Environment))
	if err != nil {
		return err
	}
	return s.render(c, http.StatusOK, views.Fix(p), views.FixDialog(p, false))
}

// fixFinding does what the row's button says, and shows the list as it is then: one fix may mend
// several findings.
func (s *server) fixFinding(c Ctx) error {
	v, ctx, f, id := visit(c), c.Request().Context(), form(c), c.Param("id")
	k, err := s.Keys.Get(ctx, v.Actor, id)
	if err != nil {
		return err
	}
	q, fix := hygieneQueryOf(f, k.Environment), f.Get("fix")
	if err := s.confirmed(c, k, fix); err != nil {
		p, viewErr := s.fixView(c, k, fix, q)
		if viewErr != nil {
			return viewErr
		}
		p.Error = fault.FieldsOf(err)["confirm"]
		return s.refused(c, err, views.Fix(p), views.FixDialog(p, false))
	}
	done, err := s.Hygiene.Fix(ctx, v.Actor, fix, id)
	if err != nil {
		return err
	}
	if !isHTMX(c) {
		return s.done(c, q.first().href(v), done)
	}
	list, err := s.findings(c, q)
	if err != nil {
		return err
	}
	list.Swapped = true
	return s.swapped(c, views.Findings(list), done)
}

// confirmed asks for the name of a key that is in use before it is ended, as its own page does.
func (s *server) confirmed(c Ctx, k keys.Item, fix string) error {
	if !slices.Contains(endingFixes, fix) {
		return nil
	}
	traffic, err := s.Keys.Traffic(c.Request().Context(), visit(c).Actor, k.ID)
	if err != nil {
		return err
	}
	if traffic.NeedsName() && strings.TrimSpace(form(c).Get("confirm")) != k.Name {
		return fault.Fields{"confirm": "Type the key's name, " + k.Name + ", exactly as it stands here."}.Err()
	}
	return nil
}

func (s *server) fixView(c Ctx, k keys.Item, fix string, q hygieneQuery) (views.FixView, error) {
	v := visit(c)
	p := views.FixView{
		Name: k.Name, Fix: fix, Action: v.path(keysPath, k.ID, hygienePart), Hidden: q.hidden(), BackHref: q.href(v),
	}
	switch {
	case fix == hygiene.OldValueEnd:
		p.Title, p.Label = "End the old value of "+k.Name, "End old value"
		p.Text = "Requests with the value before the rotation will be rejected at once. The present value goes on working. This can't be undone."
	case slices.Contains(endingFixes, fix):
		traffic, err := s.Keys.Traffic(c.Request().Context(), v.Actor, k.ID)
		if err != nil {
			return p, err
		}
		p.Title, p.Label, p.TypeName = "Deactivate "+k.Name, "Deactivate key", traffic.NeedsName()
		p.Text = s.trafficText(k, traffic) + " Requests with this key will be rejected at once. This can't be undone."
	default:
		return p, fault.New(fault.NotFound, "There is nothing of that name to confirm. Choose it again on the page Key hygiene.")
	}
	v.Env = k.Environment
	if !isHTMX(c) {
		p.Page = s.keyShell(c, p.Title)
	}
	return p, nil
}
