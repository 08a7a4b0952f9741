package console

import (
	"net/http"

	"latchkey/internal/access"
	"latchkey/internal/fault"
	"latchkey/internal/keys"
	"latchkey/internal/leaks"
	"latchkey/views"
	"latchkey/views/ui"
)

const leaksPath = keysPath + "/leaks"

func (s *server) leakRoutes() []Route {
	return []Route{
		{GET, "/w/:slug/" + leaksPath, In(access.ManageKeys), s.leaks},
		{POST, "/w/:slug/" + leaksPath, In(access.ManageKeys), s.findLeaks},
		{GET, "/w/:slug/" + keysPath + "/scanner-rule.toml", In(access.ManageKeys), s.scannerRule},
	}
}

func (s *server) leaks(c Ctx) error {
	return s.render(c, http.StatusOK, views.Leaks(s.leaksView(c, s.finder(c))), nil)
}

// findLeaks answers within the POST, since what is pasted may be a key: it stands in no URL, and no
// page shows it again.
func (s *server) findLeaks(c Ctx) error {
	p := s.finder(c)
	found, err := s.Leaks.Find(c.Request().Context(), visit(c).Actor, form(c).Get("text"))
	if fault.Is(err, fault.Invalid) {
		p.Form = sent(c, err, nil, []string{"text"})
		return s.render(c, http.StatusUnprocessableEntity, views.Leaks(s.leaksView(c, p)), views.LeakFinder(p))
	}
	if err != nil {
		return err
	}
	p.Searched, p.Summary, p.Tone = true, foundSummary(found), ui.ToneInfo
	for _, f := range found {
		if f.Known {
			p.Tone = ui.ToneWarn
		}
		p.Rows = append(p.Rows, s.leakRow(c, f))
	}
	return s.render(c, http.StatusOK, views.Leaks(s.leaksView(c, p)), views.LeakFinder(p))
}

func (s *server) finder(c Ctx) views.LeakFinderView {
	return views.LeakFinderView{Action: visit(c).path(leaksPath)}
}

// foundSummary counts what was found.
func foundSummary(found []leaks.Found) string {
	known := map[string]bool{}
	strangers := 0
	for _, f := range found {
		if f.Known {
			known[f.Key.ID] = true
		} else {
			strangers++
		}
	}
	mine := "Found " + counted(len(known), "key") + " of this workspace."
	others := ui.Count(strangers) + " texts have the shape of a key, but are none of this workspace."
	if strangers == 1 {
		others = "1 text has the shape of a key, but is none of this workspace."
	}
	switch {
	case len(found) == 0:
		return "Nothing in this text is a key of this workspace, its prefix or its SHA-256."
	case strangers == 0:
		return mine
	case len(known) == 0:
		return "No key of this workspace was found. " + others
	default:
		return mine + " " + others
	}
}

func (s *server) leakRow(c Ctx, f leaks.Found) views.LeakRow {
	row := views.LeakRow{Line: ui.Count(f.Line), Shown: f.Shown, By: foundBy[f.By], Known: f.Known}
	if !f.Known {
		return row
	}
	v, k := visit(c), f.Key
	href := v.path(keysPath, k.ID)
	row.Name, row.Href, row.Masked = k.Name, href, masked(k.APIKey)
	row.Test = k.Environment == testEnv
	row.Value = valueWords(f)
	row.State = keyBadge(k.Item, s.Now())
	row.LastUsed = s.time(c, k.LastUsed.LastUsedAt.Time, "Never")
	if k.State(s.Now()) != "active" {
		return row
	}
	rotating := k.RotatingAt(s.Now())
	if f.By != leaks.ByPrefix && k.Value == keys.ValuePrevious && rotating {
		row.EndHref = href + "/rotation/end"
		return row
	}
	if k.Value == keys.ValueRetired {
		return row
	}
	row.DeactivateHref = href + "/deactivation"
	if !rotating {
		row.RotateHref = href + "/rotation"
	}
	return row
}

var foundBy = map[string]string{
	leaks.ByValue:  "Whole value",
	leaks.ByHash:   "SHA-256 of a value",
	leaks.ByPrefix: "Prefix only",
}

// valueWords tell which of a key's values was found.
func valueWords(f leaks.Found) string {
	switch {
	case f.By == leaks.ByPrefix:
		return "Cannot be told from the prefix"
	case f.Key.Value == keys.ValuePrevious:
		return "The value before the last rotation, which still works"
	case f.Key.Value == keys.ValueRetired:
		return "A value from before a rotation, which no longer works"
	default:
		return "The present value"
	}
}

func (s *server) leaksView(c Ctx, p views.LeakFinderView) views.LeaksView {
	v := visit(c)
	base := s.base(c)
	return views.LeaksView{
		Page: s.shell(c, page{Title: "Leaked keys", Nav: navKeys}), BackHref: v.path(keysPath), Finder: p,
		Regex: leaks.ScannerRegex(s.Keys.Brand()), Rule: leaks.ScannerRule(s.Keys.Brand()), RuleHref: v.path(keysPath, "scanner-rule.toml"),
		Alerts: s.GitHubAlerts, AlertURL: base + "/api/v1/secret-scanning/github",
		Revoke: "curl -X POST '" + base + "/api/v1/credentials/revoke' \\\n  -H 'Content-Type: application/json' \\\n  -d '[\"" +
			maskedKey(s.Keys.Brand()+"_"+liveEnv) + "\"]'",
	}
}

// scannerRule is the rule as a file for gitleaks.
func (s *server) scannerRule(c Ctx) error {
	startDownload(c, "text/plain; charset=utf-8", "scanner-rule.toml")
	return c.String(http.StatusOK, leaks.ScannerRule(s.Keys.Brand()))
}
