package console

import (
	"strings"

	"latchkey/internal/orgs"
	"latchkey/internal/signals"
	"latchkey/models"
	"latchkey/views"
	"latchkey/views/ui"
)

// takesOrgs tells that a request went to the product orgs' URL.
func takesOrgs(d signals.RequestDetail) bool { return strings.Contains(d.Route, "/product-orgs/") }

// orgRows lists what a request did to product orgs.
func (s *server) orgRows(c Ctx, p *views.RequestView, d signals.RequestDetail) error {
	v := visit(c)
	updates, total, err := s.Orgs.UpdateOfRequest(c.Request().Context(), v.Actor, d.ID)
	if err != nil {
		return err
	}
	mayEdit := d.KeyType == models.ProductOrgs && d.APIKeyID != nil && keyHref(v, *d.APIKeyID, d.KeyType) != ""
	for _, u := range updates {
		row := views.RequestUpdate{Update: s.orgUpdate(c, u)}
		if total > 1 || d.Accepted+d.Duplicates+d.Rejected > 1 {
			row.Place = "Item " + ui.Count(u.ItemIndex+1)
		}
		if mayEdit && total > 1 {
			row.SampleHref = sampleHref(v, u.APIKeyID, sampleUpdate+u.ID)
		}
		if mayEdit && waits(u) {
			p.WaitingHref = v.path(keysPath, u.APIKeyID, waitingPart)
		}
		if len(u.Found) == 0 && waits(u) {
			row.Update.Problems = waitingReasons(u)
		}
		p.Updates = append(p.Updates, row)
	}
	if mayEdit && d.Body != nil && total <= 1 {
		p.SampleHref = sampleHref(v, *d.APIKeyID, sampleRequest+d.ID)
	}
	p.UpdatesNote = updatesNote(d, len(updates), total)
	return nil
}

func waits(u orgs.Update) bool {
	return u.Status == models.UpdateFailed || u.Status == models.UpdateQuarantined
}

func updatesNote(d signals.RequestDetail, shown int, total int64) string {
	switch {
	case int64(shown) < total:
		return "The first " + ui.Count(shown) + " of " + ui.Count(int(total)) + "."
	case shown == 0 && d.Duplicates > 0 && d.Accepted == 0:
		return "The same update came before, so nothing was changed and nothing new is kept."
	case shown == 0 && d.Accepted > 0:
		return "The retention of its updates has ended."
	case d.Duplicates > 0:
		return ui.Count(d.Duplicates) + " repeated what came before, and are not kept again."
	default:
		return ""
	}
}
