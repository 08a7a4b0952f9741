package hygiene_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/internal/access"
	"latchkey/internal/apptest"
	"latchkey/internal/database"
	"latchkey/internal/fault"
	"latchkey/internal/hygiene"
	"latchkey/internal/keys"
	"latchkey/models"
)

func TestAKeyIsNeverUsedAfterAWeekAndIdleAfter30And90Days(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		unused, idle := w.create("Unused"), w.create("Idle")
		w.used(idle.Key, noon)
		for _, step := range []struct {
			after        time.Duration
			unused, idle []string
		}{
			{7*day - time.Second, nil, nil},
			{7 * day, []string{hygiene.NeverUsed}, nil},
			{30*day - time.Second, []string{hygiene.NeverUsed}, nil},
			{30 * day, []string{hygiene.NeverUsed}, []string{hygiene.Idle30}},
			{90 * day, []string{hygiene.NeverUsed}, []string{hygiene.Idle90}},
			{340 * day, []string{hygiene.NeverUsed}, []string{hygiene.Idle90}},
			{365 * day, nil, nil}, // expired
		} {
			w.now = noon.Add(step.after)
			w.wantKinds(unused.Key, step.unused...)
			w.wantKinds(idle.Key, step.idle...)
		}
	})
}

func TestOnlyKeysThatStillWorkAreFoundAndOnlyByThoseWhoMayManageThem(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		w.create("Webhook")
		w.create("API", granting(access.KeysRead))
		ended := w.create("Ended")
		if _, err := w.keys.Revoke(t.Context(), w.owner, ended.Key.ID); err != nil {
			t.Fatal(err)
		}
		w.now = noon.Add(8 * day)
		editor, viewer, alien := w.owner, w.owner, w.workspace("other")
		editor.Role, viewer.Role = access.Editor, access.Viewer
		for want, who := range map[int]access.Actor{2: w.owner, 1: editor, 0: alien} {
			page, err := w.s.List(t.Context(), who, hygiene.Filter{})
			if err != nil || len(page.Findings) != want || page.Counts[""] != want {
				t.Errorf("%s: %d findings, counts %v, %v; want %d", who.Role, len(page.Findings), page.Counts, err, want)
			}
		}
		if _, err := w.s.List(t.Context(), viewer, hygiene.Filter{}); !fault.Is(err, fault.Forbidden) {
			t.Errorf("a Viewer: %v", err)
		}
	})
}

func TestAKeyWithoutAnExpiryIsFoundUnlessAPolicySaysMore(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		k := w.create("Forever", forever).Key
		w.wantKinds(k, hygiene.NoExpiry)
		w.policy(0, true, false)
		w.wantKinds(k, hygiene.PolicyExpiry)
		w.policy(90, true, false)
		w.wantKinds(k, hygiene.PolicyExpiry)
		w.policy(90, false, false)
		w.wantKinds(k, hygiene.PolicyAge)
		w.exec("UPDATE workspaces SET plan = 'team' WHERE id = ?", w.owner.WorkspaceID)
		w.wantKinds(k, hygiene.NoExpiry)
	})
}

func TestAValueOlderThanThePolicyAllowsIsFoundAndOneThatWillBe(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		k := w.create("Yearly").Key
		w.policy(90, false, false)
		w.wantKinds(k, hygiene.PolicyAge)
		if f := w.finding(hygiene.PolicyAge); !strings.Contains(f.Text, "ends on 14 March 2027") || !strings.Contains(f.Text, "until 12 June 2026") {
			t.Errorf("text %q", f.Text)
		}
		w.exec("UPDATE api_keys SET value_since = ? WHERE id = ?", models.At(noon.Add(-200*day)), k.ID)
		if f := w.finding(hygiene.PolicyAge); !strings.Contains(f.Text, "200 days old") {
			t.Errorf("text %q", f.Text)
		}
		w.exec("UPDATE api_keys SET expires_at = ? WHERE id = ?", models.At(noon.Add(6*day)), k.ID)
		w.wantKinds(k) // it ends within the week that a fix would give it
	})
}

func TestAWebhookKeyWithoutASecretBreaksThePolicyThatAsksForOne(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		bare, api := w.create("Bare").Key, w.create("API", granting()).Key
		with := w.create("With", func(f *keys.CreateForm) { f.WithSecret = true }).Key
		w.policy(0, false, true)
		w.wantKinds(bare, hygiene.PolicySecret)
		w.wantKinds(api)
		w.wantKinds(with)
	})
}

func TestAKeySeenFromABrowserIsFoundUntilItsValueIsAnother(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		k := w.create("Page").Key
		w.seen(k, "browser_seen_at", noon.Add(time.Hour))
		w.wantKinds(k, hygiene.Browser)
		w.now = noon.Add(2 * time.Hour)
		if _, err := w.keys.Rotate(t.Context(), w.owner, k.ID, keys.RotateForm{Base: -1}); err != nil {
			t.Fatal(err)
		}
		w.wantKinds(k)
	})
}

func TestAnOldValueIsFoundWhenItEndsSoonAndWasUsedInTheLastHour(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		k := w.create("Rotating").Key
		if _, err := w.keys.Rotate(t.Context(), w.owner, k.ID, keys.RotateForm{Grace: 3 * day, Base: -1}); err != nil {
			t.Fatal(err)
		}
		for _, step := range []struct{ at, usedAt time.Duration }{{day, day}, {2*day + time.Minute, day}, {2*day + time.Minute, 2 * day}} {
			w.now = noon.Add(step.at)
			w.seen(k, "previous_used_at", noon.Add(step.usedAt))
			if step.at < 2*day || step.usedAt < step.at-time.Hour {
				w.wantKinds(k)
				continue
			}
			w.wantKinds(k, hygiene.OldValue)
			if f := w.finding(hygiene.OldValue); !strings.Contains(f.Text, "a minute ago and ends in 23 hours") {
				t.Errorf("text %q", f.Text)
			}
		}
	})
}

func TestScopesThatAnOldKeyNeverUsedAreNamed(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		wide := w.create("Wide", granting(access.ReadWorkspace, access.AuditRead)).Key
		fit := w.create("Fit", granting(access.KeysRead)).Key
		never := w.create("Never", granting(access.KeysRead)).Key
		for _, scope := range []access.Scope{access.KeysRead, access.SignalsRead, access.MembersRead} {
			w.insert(&models.KeyScopeUse{APIKeyID: wide.ID, Scope: string(scope), LastUsedAt: models.At(noon)})
		}
		w.insert(&models.KeyScopeUse{APIKeyID: fit.ID, Scope: string(access.KeysRead), LastUsedAt: models.At(noon)})
		w.now = noon.Add(29 * day)
		w.used(wide, w.now)
		w.used(fit, w.now)
		w.wantKinds(wide)
		w.now = noon.Add(31 * day)
		w.wantKinds(wide, hygiene.ScopesUnused)
		w.wantKinds(fit)
		w.wantKinds(never, hygiene.NeverUsed)
		f := w.finding(hygiene.ScopesUnused)
		want := []access.Scope{access.WorkspaceRead, access.OrgsRead, access.RequestsRead, access.TemplatesRead, access.AnalyticsRead, access.AuditRead, access.EndpointsRead}
		if !slices.Equal(f.Scopes, want) {
			t.Errorf("scopes %v, want %v", f.Scopes, want)
		}
	})
}

func TestAKeyWhoseMakerLeftIsFound(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		leaver := w.member(w.owner.WorkspaceID, "lea")
		made, err := w.keys.Create(t.Context(), leaver, w.form("Theirs"))
		if err != nil {
			t.Fatal(err)
		}
		byOperator, err := w.keys.Create(t.Context(), access.CommandLine(w.owner.WorkspaceID), w.form("Operator's"))
		if err != nil {
			t.Fatal(err)
		}
		w.wantKinds(made.Key)
		w.exec("DELETE FROM memberships WHERE account_id = ?", leaver.AccountID)
		w.wantKinds(made.Key, hygiene.MakerLeft)
		w.wantKinds(byOperator.Key)
		if f := w.finding(hygiene.MakerLeft); f.Key.CreatedByName != "lea" {
			t.Errorf("maker %q", f.Key.CreatedByName)
		}
	})
}

func TestPagesHoldEveryFindingOnceInTheOrderOfKinds(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		for i := range 9 {
			w.create(fmt.Sprint("Forever ", i), forever, func(f *keys.CreateForm) {
				if i%3 == 0 {
					f.Environment = models.Test
				}
			})
		}
		w.now = noon.Add(8 * day)
		want := map[string]int{"": 18, hygiene.NeverUsed: 9, hygiene.NoExpiry: 9}
		var got []string
		for next, n := "", 0; ; n++ {
			page := w.list(hygiene.Filter{Before: next, Limit: 4})
			for kind, count := range page.Counts {
				if want[kind] != count {
					t.Errorf("counts %v, want %v", page.Counts, want)
				}
			}
			for _, f := range page.Findings {
				got = append(got, f.Kind+f.Key.ID)
			}
			if next = page.Next; next == "" || n > 9 {
				break
			}
		}
		if distinct := slices.Compact(slices.Sorted(slices.Values(got))); len(got) != 18 || len(distinct) != 18 {
			t.Errorf("%d findings, %d distinct, want 18", len(got), len(distinct))
		}
		if !strings.HasPrefix(got[8], hygiene.NeverUsed) || !strings.HasPrefix(got[9], hygiene.NoExpiry) {
			t.Errorf("order %v", got)
		}
		test := w.list(hygiene.Filter{Environment: models.Test, Kind: hygiene.NoExpiry})
		if len(test.Findings) != 3 || test.Counts[hygiene.NeverUsed] != 3 {
			t.Errorf("test keys: %d findings, counts %v", len(test.Findings), test.Counts)
		}
		for _, odd := range []string{"x", "no_expiry.x", "none." + test.Findings[0].Key.ID} {
			if page := w.list(hygiene.Filter{Before: odd}); len(page.Findings) != 18 {
				t.Errorf("cursor %q: %d findings", odd, len(page.Findings))
			}
		}
	})
}

func TestEveryKindHasWordsAndAFix(t *testing.T) {
	for _, k := range hygiene.Kinds() {
		if k.Title == "" || !strings.HasSuffix(k.Text, ".") {
			t.Errorf("kind %+v", k)
		}
	}
}
