package console_test

import (
	"encoding/csv"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"latchkey/internal/access"
)

func TestAuditShowsWhoDidWhatFromWhereWithBeforeAndAfter(t *testing.T) {
	a := app(t)
	ed := join(t, a, access.Editor, "ed@acme.example").Account
	b := signIn(t, a, ownerEmail)
	b.Post("/w/acme/settings/members/"+ed.ID+"/role", url.Values{"role": {"developer"}}).Want(http.StatusOK)
	b.Get("/w/acme/audit").Want(http.StatusOK).
		Shows("owner@acme.example changed the role of ed@acme.example", "role Before: editor After: developer", "127.0.0.1", "Request ID", "UTC")
}

func TestAuditFiltersLiveInTheURL(t *testing.T) {
	a := app(t)
	ed := join(t, a, access.Editor, "ed@acme.example").Account
	b := signIn(t, a, ownerEmail)
	const joined = "joined the workspace"
	b.Get("/w/acme/audit?action=member.joined").Shows(joined).Hides("set up this instance")
	b.Get("/w/acme/audit?actor=" + a.Owner.AccountID).Hides(joined)
	b.Get("/w/acme/audit?actor=" + ed.ID).Shows(joined)
	b.Get("/w/acme/audit?target=ED%40acme").Shows(joined)
	b.Get("/w/acme/audit?target=%25").Shows("No change matches", "Clear filters")
	b.Get("/w/acme/audit?from=2001-01-01&to=2001-12-31").Shows("No change matches")
	b.Get("/w/acme/audit?from=2001-01-01").Shows(joined)
	b.Get("/w/acme/audit?before=not-an-id&from=yesterday").Want(http.StatusOK).Shows(joined)
	page := b.Get("/w/acme/audit").Submit("Filter", map[string]string{"Who": "ed@acme.example"})
	page.Shows(joined)
	if page.URL.Query().Get("actor") != ed.ID {
		t.Errorf("URL = %s", page.URL)
	}
}

func TestAuditPagesBackAndForth(t *testing.T) {
	a := app(t)
	b := signIn(t, a, ownerEmail)
	for i := range 120 {
		settings := url.Values{"name": {"Acme"}, "raw_retention_days": {strings.Repeat("1", 1+i%3)}, "rejected_retention_days": {"7"}, "rate_limit": {"600"}}
		b.NotFollowing().Post("/w/acme/settings", settings)
	}
	first := b.Get("/w/acme/audit?action=workspace.settings_changed")
	seen := strings.Count(first.Body, `id="entry-`)
	second := first.Follow("Older")
	third := second.Follow("Older")
	for _, s := range []string{second.Body, third.Body} {
		seen += strings.Count(s, `id="entry-`)
	}
	if seen != 120 || third.HasLink("Older") || first.HasLink("Newer") {
		t.Errorf("%d entries over three pages, want 120", seen)
	}
	back := third.Follow("Newer")
	if strings.Count(back.Body, `id="entry-`) != 50 || entry(back.Body) != entry(second.Body) {
		t.Error("Newer does not lead back to the same page")
	}
}

// entry is the id of the first entry on a page.
func entry(body string) string {
	_, rest, _ := strings.Cut(body, `id="entry-`)
	id, _, _ := strings.Cut(rest, `"`)
	return id
}

func TestAuditExportsAreCompleteAndFormulasAreNeutralised(t *testing.T) {
	a := app(t)
	b := signIn(t, a, ownerEmail)
	b.Post("/w/acme/settings", url.Values{"name": {`=HYPERLINK("https://evil.example")`}, "raw_retention_days": {"30"}, "rejected_retention_days": {"7"}, "rate_limit": {"600"}}).Want(http.StatusOK)
	b.Post("/w/acme/settings", url.Values{"name": {"Acme"}, "raw_retention_days": {"30"}, "rejected_retention_days": {"7"}, "rate_limit": {"600"}}).Want(http.StatusOK)
	page := b.Get("/w/acme/audit")
	want := strings.Count(page.Body, `id="entry-`)

	sheet := b.Get(page.Link("Export CSV")).Want(http.StatusOK)
	if got := sheet.Header.Get("Content-Disposition"); !strings.Contains(got, "acme-audit.csv") {
		t.Errorf("Content-Disposition = %q", got)
	}
	rows, err := csv.NewReader(strings.NewReader(sheet.Body)).ReadAll()
	if err != nil || len(rows) != want+1 {
		t.Fatalf("%d lines, %v; want a header and %d", len(rows), err, want)
	}
	for _, row := range rows {
		for _, cell := range row {
			if cell != "" && strings.ContainsAny(cell[:1], "=+-@\t\r") {
				t.Errorf("a spreadsheet would run %q", cell)
			}
		}
	}
	if !strings.Contains(sheet.Body, `'=HYPERLINK`) {
		t.Error("the dangerous name is not in the export")
	}
	lines := strings.Split(strings.TrimSpace(b.Get(page.Link("Export NDJSON")).Want(http.StatusOK).Body), "\n")
	if len(lines) != want {
		t.Errorf("%d NDJSON lines, want %d", len(lines), want)
	}
	for _, line := range lines {
		if !json.Valid([]byte(line)) {
			t.Errorf("not JSON: %s", line)
		}
	}
}

func TestAProgramIsNamedByItsKeyAndCanBeFilteredBy(t *testing.T) {
	a := app(t)
	k, other := apiKey(t, a, access.ReadWriteWorkspace), a.NewKey(t, called("Before"))
	program := access.Actor{KeyID: k.Key.ID, KeyMaker: a.Owner.AccountID, WorkspaceID: a.Owner.WorkspaceID, Label: k.Key.Name, Scopes: access.ParseScopes(k.Key.Scopes)}
	if err := a.Keys.Rename(t.Context(), program, other.Key.ID, "After"); err != nil {
		t.Fatal(err)
	}
	b := signIn(t, a, ownerEmail)
	page := b.Get("/w/acme/audit").Submit("Filter", map[string]string{"Who": "CI"}).
		Shows("CI (API key) renamed the API key After", "Done by a program with the key CI").Hides("set up this instance")
	if got := page.URL.Query().Get("actor"); got != k.Key.ID {
		t.Errorf("filters by %q", got)
	}
	page.Follow("CI").At(keyPage(k)).Want(http.StatusOK)
	b.Get("/w/acme/audit?actor=" + a.Owner.AccountID).Hides("(API key)")
}
