package endpoints_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"latchkey/internal/apptest"
	"latchkey/internal/database"
	"latchkey/internal/endpoints"
	"latchkey/models"
)

func (w *world) list(f endpoints.Filter) endpoints.Page {
	w.t.Helper()
	page, err := w.s.List(w.t.Context(), w.owner, f)
	if err != nil {
		w.t.Fatal(err)
	}
	return page
}

func described(text string) func(*endpoints.Form) {
	return func(f *endpoints.Form) { f.Description = text }
}

func names(page endpoints.Page) string {
	out := make([]string, len(page.Items))
	for i, item := range page.Items {
		out[i] = item.Description
	}
	return strings.Join(out, " ")
}

func TestTheListIsFilteredCountedAndPaged(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		w.create(described("one"), func(f *endpoints.Form) { f.URL = "http://127.0.0.1:9/100%25_sure" })
		two := w.create(described("two"))
		three := w.create(described("three"))
		w.create(described("test"), func(f *endpoints.Form) { f.Environment = models.Test })
		if err := w.s.Disable(t.Context(), w.owner, two.ID); err != nil {
			t.Fatal(err)
		}
		w.exec("UPDATE endpoint_states SET failing_since = ? WHERE endpoint_id IN (?, ?)", models.At(noon), two.ID, three.ID)
		for want, f := range map[string]endpoints.Filter{
			"test three two one": {},
			"three two one":      {Environment: models.Live},
			"three one":          {Environment: models.Live, Status: "enabled"},
			"two":                {Status: "disabled"},
			"three":              {Status: "failing"},
			"one":                {Q: "100%25_S"},
			"":                   {Q: "1__%"},
			"test three":         {Limit: 2},
		} {
			if got := names(w.list(f)); got != want {
				t.Errorf("%+v lists %q, want %q", f, got, want)
			}
		}
		first := w.list(endpoints.Filter{Limit: 2})
		if rest := w.list(endpoints.Filter{Limit: 2, Before: first.Next}); names(rest) != "two one" || rest.Next != "" {
			t.Errorf("then %q, next %q", names(rest), rest.Next)
		}
		if got := w.list(endpoints.Filter{Environment: models.Live, Status: "disabled"}).Counts; fmt.Sprint(got) != "map[:3 disabled:1 enabled:2 failing:1]" {
			t.Errorf("counts %v", got)
		}
	})
}

func TestHealthIsThatOfTheLastDay(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		made, quiet := w.create(), w.create()
		minute := noon.Unix() / 60
		for ago, counts := range map[int64][2]int64{0: {5, 1}, 1439: {3, 0}, 1440: {100, 100}} {
			w.insert(&models.EndpointMinute{EndpointID: made.ID, Minute: minute - ago, Delivered: counts[0], Failed: counts[1], DurationUS: 1})
		}
		w.exec("UPDATE endpoint_states SET failing_since = ?, paused_until = ? WHERE endpoint_id = ?",
			models.At(noon.Add(-time.Hour)), models.At(noon.Add(time.Minute)), made.ID)
		w.delivery(made.Item, func(d *models.Delivery) { d.NextAttemptAt = models.At(noon.Add(time.Hour)) })
		w.delivery(made.Item)
		w.delivery(made.Item, ended(models.DeliveryFailed))
		for range 2 {
			w.delivery(made.Item, ended(models.DeliverySkipped))
		}
		page := w.list(endpoints.Filter{})
		if got := page.Items[1]; got.ID != made.ID || got.Delivered24h != 8 || got.Failed24h != 1 || got.SuccessPercent() != 88 || got.Pending != 2 || got.Failed != 1 || got.Skipped != 2 ||
			!got.NextAttemptAt.Equal(noon.Add(time.Minute)) || !got.DisablesAt.Equal(noon.Add(-time.Hour+endpoints.DisabledAfter)) || !got.Failing() {
			t.Errorf("health %+v", got)
		}
		if got := page.Items[0]; got.ID != quiet.ID || got.SuccessPercent() != -1 || !got.NextAttemptAt.IsZero() || got.Failing() {
			t.Errorf("health of a quiet one %+v", got)
		}
		w.exec("UPDATE endpoint_states SET paused_until = NULL")
		if got := w.get(made.ID); !got.NextAttemptAt.Equal(noon) {
			t.Errorf("next attempt %v", got.NextAttemptAt)
		}
	})
}

func TestChartsHaveABucketForEachStepOfTheirSpan(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		w.now = noon.Add(7 * time.Minute)
		made := w.create()
		minute := noon.Unix() / 60
		for at, counts := range map[int64][3]int64{minute: {1, 1, 300}, minute + 7: {2, 0, 60}, minute - 1: {1, 0, 40}, minute - 9*1440: {9, 9, 9}} {
			w.insert(&models.EndpointMinute{EndpointID: made.ID, Minute: at, Delivered: counts[0], Failed: counts[1], DurationUS: counts[2]})
		}
		for _, c := range []struct {
			span       time.Duration
			n          int
			step       time.Duration
			last, then endpoints.Bucket
		}{
			{time.Hour, 60, time.Minute, endpoints.Bucket{Start: w.now, Delivered: 2, AverageUS: 30}, endpoints.Bucket{Start: w.now.Add(-time.Minute)}},
			{24 * time.Hour, 96, 15 * time.Minute, endpoints.Bucket{Start: noon, Delivered: 3, Failed: 1, AverageUS: 90}, endpoints.Bucket{Start: noon.Add(-15 * time.Minute), Delivered: 1, AverageUS: 40}},
			{7 * 24 * time.Hour, 84, 2 * time.Hour, endpoints.Bucket{Start: noon, Delivered: 3, Failed: 1, AverageUS: 90}, endpoints.Bucket{Start: noon.Add(-2 * time.Hour), Delivered: 1, AverageUS: 40}},
		} {
			got, err := w.s.Chart(t.Context(), w.owner, made.ID, c.span)
			if err != nil || len(got) != c.n {
				t.Fatalf("%s: %d buckets, %v", c.span, len(got), err)
			}
			if got[c.n-1] != c.last || got[c.n-2] != c.then || !got[0].Start.Equal(c.last.Start.Add(-time.Duration(c.n-1)*c.step)) {
				t.Errorf("%s: %+v, %+v, first %v", c.span, got[c.n-1], got[c.n-2], got[0].Start)
			}
		}
	})
}
