package orgs_test

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"latchkey/internal/apptest"
	"latchkey/internal/database"
	"latchkey/internal/orgs"
	"latchkey/models"
)

func TestAnExportHasEveryOrganisationOfTheFilterWithNumbersAsSent(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		for i := range 230 {
			w.org(fmt.Sprintf("o%03d", i), []string{"plan", `"team"`})
		}
		big := w.org("big", []string{
			"plan", `"enterprise"`, "name", `"=HYPERLINK(1)"`, "mrr", "-12345678901234567890.10", "user_count", "9007199254740993",
			"feature_flags.beta", "true", "feature_flags.a<b", "false", "custom.region", `"eu"`,
		})
		var b bytes.Buffer
		if err := w.s.WriteCSV(t.Context(), w.viewer(), orgs.Filter{Environment: models.Live}, &b); err != nil {
			t.Fatal(err)
		}
		lines, err := csv.NewReader(&b).ReadAll()
		if err != nil || len(lines) != 232 {
			t.Fatalf("%d lines, %v", len(lines), err)
		}
		got := map[string]string{}
		for i, name := range lines[0] {
			got[name] = lines[1][i]
		}
		want := map[string]string{
			"org_id": "big", "name": "'=HYPERLINK(1)", "domain": "", "plan": "enterprise", "status": "", "user_count": "9007199254740993", "seats": "",
			"mrr": "-12345678901234567890.10", "currency": "", "trial_status": "", "trial_ends_at": "", "owner_email": "",
			"feature_flags": "a<b=false beta=true", "updates": "1", "created_at": "2026-03-14T12:00:00Z", "updated_at": "2026-03-14T12:00:00Z",
			"last_event_at": "2026-03-14T12:00:00Z", "id": big.ID, "custom.region": "eu",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		b.Reset()
		if err := w.s.WriteNDJSON(t.Context(), w.viewer(), orgs.Filter{Environment: models.Live, Plan: "enterprise"}, &b); err != nil {
			t.Fatal(err)
		}
		line := fmt.Sprintf(`{"id":%q,"org_id":"big","environment":"live","values":{"mrr":-12345678901234567890.10,"name":"=HYPERLINK(1)","plan":"enterprise","user_count":9007199254740993},`+
			`"feature_flags":{"a<b":false,"beta":true},"custom":{"region":"eu"},"updates":1,"created_at":"2026-03-14T12:00:00Z","updated_at":"2026-03-14T12:00:00Z","last_event_at":"2026-03-14T12:00:00Z"}`, big.ID)
		if got := strings.TrimSuffix(b.String(), "\n"); got != line {
			t.Errorf("line %s\nwant %s", got, line)
		}
	})
}

func TestAnExportIsInTheAuditLog(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		if err := w.s.WriteCSV(t.Context(), w.mine, orgs.Filter{Environment: models.Live, Plan: "team"}, &bytes.Buffer{}); err != nil {
			t.Fatal(err)
		}
		var e models.AuditEntry
		if err := db.Read.Take(&e).Error; err != nil {
			t.Fatal(err)
		}
		if e.Action != "product_orgs.exported" || e.ActorLabel != "ed@mine.example" || string(e.After) != `{"environment":"live","format":"csv","plan":"team"}` {
			t.Errorf("entry %+v, after %s", e, e.After)
		}
	})
}
