package orgs_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"latchkey/internal/access"
	"latchkey/internal/apptest"
	"latchkey/internal/database"
	"latchkey/internal/fault"
	"latchkey/internal/orgs"
	"latchkey/models"
)

// some are seven organisations: ties and missing numbers in every order.
func (w *world) some() {
	w.t.Helper()
	w.org("a", []string{"mrr", "10", "user_count", "5"}, changedAt(1*time.Hour))
	w.org("b", []string{"mrr", "830.5"}, changedAt(7*time.Hour))
	w.org("c", []string{"user_count", "9007199254740993"}, changedAt(3*time.Hour))
	w.org("d", []string{"mrr", "-3", "user_count", "0"}, changedAt(3*time.Hour))
	w.org("e", nil, changedAt(5*time.Hour))
	w.org("f", []string{"mrr", "10", "user_count", "5"}, changedAt(6*time.Hour))
	w.org("g", nil, changedAt(2*time.Hour))
}

var orders = []struct {
	sort      orgs.Sort
	ascending bool
	want      string
}{
	{orgs.ByUpdate, false, "a g d c e f b"},
	{orgs.ByUpdate, true, "b f e c d g a"},
	{orgs.ByMRR, false, "b f a d g e c"},
	{orgs.ByMRR, true, "d a f b c e g"},
	{orgs.ByUsers, false, "c f a d g e b"},
	{orgs.ByUsers, true, "d a f c b e g"},
	{"", false, "a g d c e f b"},
	{"name; DROP TABLE", false, "a g d c e f b"},
}

func TestEveryOrderIsTheSameOnBothDatabasesAndPutsWhatHasNoNumberLast(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		w.some()
		for _, o := range orders {
			got := strings.Join(keysOf(w.list(orgs.Filter{Sort: o.sort, Ascending: o.ascending}).Items), " ")
			if got != o.want {
				t.Errorf("%s ascending %v: %s, want %s", o.sort, o.ascending, got, o.want)
			}
		}
	})
}

func TestPagesOfAnySizeShowEachOrganisationOnceOnwardsAndBack(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		w.some()
		for _, o := range orders {
			for size := 1; size <= 8; size++ {
				f := orgs.Filter{Sort: o.sort, Ascending: o.ascending, Limit: size}
				what := fmt.Sprintf("%s ascending %v, %d a page", o.sort, o.ascending, size)
				var seen []string
				last := w.list(f)
				for page := last; ; {
					seen = append(seen, keysOf(page.Items)...)
					last = page
					if page.Older == "" {
						break
					}
					f.At = orgs.Cursor{Before: page.Older}
					page = w.list(f)
				}
				if got := strings.Join(seen, " "); got != o.want {
					t.Errorf("%s: onwards %s, want %s", what, got, o.want)
				}
				back := keysOf(last.Items)
				for page := last; page.Newer != ""; {
					f.At = orgs.Cursor{After: page.Newer}
					page = w.list(f)
					back = append(keysOf(page.Items), back...)
				}
				if got := strings.Join(back, " "); got != o.want {
					t.Errorf("%s: back %s, want %s", what, got, o.want)
				}
			}
		}
	})
}

func TestFiltersNarrowTheList(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		w.org("org_1", []string{"name", `"Žluťoučký 100% kůň"`, "domain", `"kun.example"`, "plan", `"enterprise"`, "trial_status", `"converted"`, "mrr", "5"}, changedAt(1*time.Minute))
		w.org("org_10", []string{"name", `"Beta_Works"`, "plan", `"team"`, "trial_status", `"active"`, "mrr", "6"}, changedAt(2*time.Minute))
		w.org("ORG_11", []string{"name", `"Gamma"`, "plan", `"enterprise"`, "trial_status", `"active"`}, changedAt(3*time.Minute))
		w.org("in test", []string{"plan", `"enterprise"`}, func(o *models.ProductOrg) { o.Environment = models.Test })
		w.org("alien", []string{"plan", `"enterprise"`}, func(o *models.ProductOrg) { o.WorkspaceID = w.other.WorkspaceID })
		for name, c := range map[string]struct {
			f    orgs.Filter
			want []string
		}{
			"all":                       {orgs.Filter{}, []string{"org_1", "org_10", "ORG_11"}},
			"test":                      {orgs.Filter{Environment: models.Test}, []string{"in test"}},
			"plan":                      {orgs.Filter{Plan: "enterprise"}, []string{"org_1", "ORG_11"}},
			"plan, by MRR":              {orgs.Filter{Plan: "enterprise", Sort: orgs.ByMRR}, []string{"org_1", "ORG_11"}},
			"trial":                     {orgs.Filter{TrialStatus: "active"}, []string{"org_10", "ORG_11"}},
			"plan and trial":            {orgs.Filter{Plan: "team", TrialStatus: "active"}, []string{"org_10"}},
			"no such plan":              {orgs.Filter{Plan: "Enterprise"}, []string{}},
			"part of ids":               {orgs.Filter{Search: "RG_1"}, []string{"org_1", "org_10", "ORG_11"}},
			"a whole id stands first":   {orgs.Filter{Search: "org_10"}, []string{"org_10"}},
			"a whole id, and longer":    {orgs.Filter{Search: " org_1 "}, []string{"org_1", "org_10", "ORG_11"}},
			"a whole id, other plan":    {orgs.Filter{Search: "org_1", Plan: "team"}, []string{"org_10"}},
			"name":                      {orgs.Filter{Search: "gAMM"}, []string{"ORG_11"}},
			"name beyond ASCII":         {orgs.Filter{Search: "Žlu"}, []string{"org_1"}},
			"domain":                    {orgs.Filter{Search: "kun.ex"}, []string{"org_1"}},
			"percent is no wildcard":    {orgs.Filter{Search: "100%"}, []string{"org_1"}},
			"underscore is no wildcard": {orgs.Filter{Search: "beta_w"}, []string{"org_10"}},
			"quote":                     {orgs.Filter{Search: "'; --"}, []string{}},
		} {
			if diff := cmp.Diff(c.want, keysOf(w.list(c.f).Items)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
			if c.f.Environment == "" {
				c.f.Environment = models.Live
			}
			if n, err := w.s.Count(t.Context(), w.mine, c.f); err != nil || n.Match != int64(len(c.want)) {
				t.Errorf("%s: counted %+v, %v", name, n, err)
			}
		}
	})
}

func TestASearchPausesAndGoesOnWithoutMissingAny(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		want := []string{}
		for i := range 40 {
			values := []string{"trial_status", `"none"`}
			if i%3 == 0 {
				values = append(values, "mrr", fmt.Sprint(100-i))
			}
			key := fmt.Sprintf("o%02d", i)
			if i%9 == 0 {
				values[1] = `"active"`
				want = append(want, key)
			}
			w.org(key, values, changedAt(time.Duration(i)*time.Second))
		}
		w.s.LookThrough(5)
		for _, sort := range []orgs.Sort{orgs.ByUpdate, orgs.ByMRR} {
			f := orgs.Filter{TrialStatus: "active", Sort: sort}
			var got []string
			paused := false
			for steps := 0; ; steps++ {
				page := w.list(f)
				got, paused = append(got, keysOf(page.Items)...), paused || page.Paused
				if page.Older == "" {
					break
				}
				if steps > 20 {
					t.Fatal("it does not end")
				}
				f.At = orgs.Cursor{Before: page.Older}
			}
			if slices.Sort(got); !slices.Equal(got, want) || !paused {
				t.Errorf("by %s: %v, paused %v, want %v", sort, got, paused, want)
			}
		}
		if n, err := w.s.Count(t.Context(), w.mine, orgs.Filter{Environment: models.Live}); err != nil || !n.AtLeast || n.All != 5 {
			t.Errorf("counted %+v, %v", n, err)
		}
	})
}

func TestAnOrganisationAddedWhileReadingDisturbsNoPage(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		w.some()
		first := w.list(orgs.Filter{Sort: orgs.ByMRR, Limit: 2})
		w.org("new", []string{"mrr", "10000"})
		second := w.list(orgs.Filter{Sort: orgs.ByMRR, Limit: 2, At: orgs.Cursor{Before: first.Older}})
		if got := keysOf(second.Items); !slices.Equal(got, []string{"a", "d"}) {
			t.Errorf("second page %v", got)
		}
	})
}

func TestNobodyWithoutARoleReadsOrganisations(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		stranger := access.Actor{WorkspaceID: w.mine.WorkspaceID}
		_, err := w.s.List(t.Context(), stranger, orgs.Filter{Environment: models.Live})
		if !fault.Is(err, fault.Forbidden) {
			t.Errorf("list: %v", err)
		}
		if _, err := w.s.Waiting(t.Context(), w.viewer(), w.key, orgs.Cursor{}, 0); !fault.Is(err, fault.Forbidden) {
			t.Errorf("a Viewer's waiting: %v", err)
		}
		if _, err := w.s.WaitingCounts(t.Context(), w.viewer(), models.Live); !fault.Is(err, fault.Forbidden) {
			t.Errorf("a Viewer's counts: %v", err)
		}
	})
}

func TestTheChoicesAreThoseOfTheEnvironment(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		w.org("1", []string{"plan", `"team"`, "trial_status", `"active"`, "custom.region", `"eu"`, "custom.tier", "2"})
		w.org("2", []string{"plan", `"enterprise"`, "custom.csm", `"Ada"`})
		w.org("3", []string{"plan", `"team"`})
		w.org("4", nil)
		w.org("5", []string{"plan", `"hidden"`, "custom.hidden", "1"}, func(o *models.ProductOrg) { o.Environment = models.Test })
		plans, err := w.s.Plans(t.Context(), w.mine, models.Live)
		if diff := cmp.Diff([]string{"enterprise", "team"}, plans); diff != "" || err != nil {
			t.Errorf("plans %v %s", err, diff)
		}
		trials, err := w.s.TrialStatuses(t.Context(), w.mine, models.Live)
		if diff := cmp.Diff([]string{"active"}, trials); diff != "" || err != nil {
			t.Errorf("trials %v %s", err, diff)
		}
		columns, err := w.s.CustomColumns(t.Context(), w.mine, models.Live)
		if diff := cmp.Diff([]string{"custom.csm", "custom.region", "custom.tier"}, columns); diff != "" || err != nil {
			t.Errorf("columns %v %s", err, diff)
		}
	})
}
