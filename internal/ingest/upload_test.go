package ingest_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"latchkey/internal/apptest"
	"latchkey/internal/database"
	"latchkey/internal/signals"
	"latchkey/models"
)

// stream is a bulk upload whose body the test writes as it goes.
type stream struct {
	body   *io.PipeWriter
	answer chan apptest.Reply
}

func startBulk(t *testing.T, a *apptest.App, path string) *stream {
	t.Helper()
	r, w := io.Pipe()
	s := &stream{body: w, answer: make(chan apptest.Reply, 1)}
	go func() { s.answer <- a.Send(t, http.MethodPost, path, r, "Content-Type", "application/x-ndjson") }()
	t.Cleanup(func() { _ = w.Close() })
	return s
}

func (s *stream) write(t *testing.T, lines ...string) {
	t.Helper()
	if _, err := io.WriteString(s.body, strings.Join(lines, "\n")+"\n"); err != nil {
		t.Fatal(err)
	}
}

func (s *stream) end(t *testing.T) apptest.Reply {
	t.Helper()
	_ = s.body.Close()
	return <-s.answer
}

func events(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf(`{"event":"row","userId":"%d"}`, i)
	}
	return out
}

func uploadsSeen(t *testing.T, a *apptest.App, f signals.UploadFilter) []signals.UploadItem {
	t.Helper()
	f.Environment = models.Live
	page, err := a.Signals.Uploads(t.Context(), a.Owner, f)
	if err != nil {
		t.Fatal(err)
	}
	return page.Items
}

func TestARunningUploadIsSeenFromEveryInstance(t *testing.T) {
	for name, cfg := range map[string]func(*testing.T) database.Config{
		"sqlite":   func(t *testing.T) database.Config { return apptest.SQLiteConfig(t) },
		"postgres": func(t *testing.T) database.Config { return apptest.PostgresConfig(t) },
	} {
		t.Run(name, func(t *testing.T) {
			c := cfg(t)
			one, two := apptest.Start(t, open(t, c)), apptest.Start(t, open(t, c))
			two.Owner = one.Owner
			s := startBulk(t, one, bulkPath(t, one))
			s.write(t, append(events(1500), "not json")...)
			var seen signals.UploadItem
			apptest.Eventually(t, "the progress of the first chunk", func() bool {
				found := uploadsSeen(t, two, signals.UploadFilter{Status: models.UploadRunning})
				if len(found) == 1 {
					seen = found[0]
				}
				return seen.Accepted == 1000
			})
			if seen.BytesRead == 0 || seen.BytesTotal != nil || *seen.ResumeFromLine != 1001 || seen.KeyName == "" || !seen.EndedAt.IsZero() {
				t.Errorf("while it runs: %+v", seen)
			}
			answer := s.end(t)
			apptest.Eventually(t, "its end", func() bool {
				var err error
				seen, err = two.Signals.Upload(t.Context(), two.Owner, seen.ID)
				return err == nil && seen.Status == models.UploadDone
			})
			if seen.ID != answer.Header.Get("X-Request-Id") || seen.Lines != 1501 || seen.Accepted != 1500 || seen.Rejected != 1 ||
				seen.ResumeFromLine != nil || seen.EndedAt.IsZero() {
				t.Errorf("afterwards: %+v", seen)
			}
		})
	}
}

func bulkPath(t *testing.T, a *apptest.App) string {
	return "/api/signal-staging/bulk/" + a.NewKey(t).Value.Reveal()
}

func TestAnUploadThatWasCutOffSaysWhyAndWhereToGoOn(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		a := apptest.Start(t, db)
		body := `[{"event":"a"},{"event":"b"},{"eve`
		got := a.Post(t, bulkPath(t, a), body)
		var seen signals.UploadItem
		apptest.Eventually(t, "the upload", func() bool {
			var err error
			seen, err = a.Signals.Upload(t.Context(), a.Owner, got.Header.Get("X-Request-Id"))
			return err == nil
		})
		if seen.Status != models.UploadCutOff || *seen.ResumeFromLine != 3 || seen.Message == "" || *seen.BytesTotal != int64(len(body)) || seen.BytesRead != int64(len(body)) {
			t.Errorf("the upload: %+v", seen)
		}
	})
}

func TestAnUploadWhoseInstanceDiedShowsAsInterrupted(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		a := apptest.Start(t, db)
		s := startBulk(t, a, bulkPath(t, a))
		s.write(t, events(1000)...)
		apptest.Eventually(t, "the upload", func() bool { return len(uploadsSeen(t, a, signals.UploadFilter{Status: models.UploadRunning})) == 1 })
		later := signals.New(db, func() time.Time { return a.Clock.Now().Add(2 * time.Minute) }) // nobody wrote the row for so long
		page, err := later.Uploads(t.Context(), a.Owner, signals.UploadFilter{Environment: models.Live, Status: signals.UploadInterrupted})
		if err != nil || len(page.Items) != 1 || page.Items[0].Status != signals.UploadInterrupted {
			t.Errorf("%v: %+v", err, page.Items)
		}
		s.end(t)
	})
}

// TestARefusedChunkEndsTheUploadAtItsFirstLine: what was read while the chunk was on its way counts
// for nothing, refused lines included.
func TestARefusedChunkEndsTheUploadAtItsFirstLine(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		a := apptest.Start(t, db)
		k := a.NewKey(t)
		s := startBulk(t, a, "/api/signal-staging/bulk/"+k.Value.Reveal())
		s.write(t, append(events(500), append([]string{"bad"}, events(500)...)...)...)
		apptest.Eventually(t, "the first chunk", func() bool { return a.CountSignals(t) == 1000 })
		if _, err := a.Keys.Revoke(t.Context(), a.Owner, k.Key.ID); err != nil {
			t.Fatal(err)
		}
		s.write(t, append([]string{"bad"}, events(1000)...)...)
		_, _ = io.WriteString(s.body, strings.Repeat("bad\n", 50)+strings.Join(events(5000), "\n"))
		got := s.end(t)
		v := got.JSON(t)
		if got.Status != 401 || got.Code(t) != "deactivated_api_key" || v["accepted"] != json.Number("1000") || v["resume_from_line"] != json.Number("1003") ||
			v["received"] != json.Number("2002") || v["rejected"] != json.Number("2") || len(v["errors"].([]any)) != 2 {
			t.Errorf("answer %d %s", got.Status, got.Body)
		}
		if n := a.CountSignals(t); n != 1000 {
			t.Errorf("stored %d", n)
		}
	})
}

func TestALineThatLooksLikeAListIsALineWhenTheSenderSaysSo(t *testing.T) {
	a := apptest.Start(t, apptest.SQLite(t))
	for _, first := range []string{`[{"event":"a"}]`, `{"batch":[{"event":"a"}]}`, `{`} {
		got := a.Post(t, bulkPath(t, a)+"?from_line=7", first+"\n"+`{"event":"b"}`, "Content-Type", "application/x-ndjson; form=lines")
		v := got.JSON(t)
		if got.Status != 207 || v["accepted"] != json.Number("1") || v["errors"].([]any)[0].(map[string]any)["line"] != json.Number("7") {
			t.Errorf("%s: %d %s", first, got.Status, got.Body)
		}
	}
}

func TestASenderMayHaveMoreRefusedLinesListed(t *testing.T) {
	a := apptest.Start(t, apptest.SQLite(t))
	body := `{"event":"a"}` + strings.Repeat("\nbad", 600)
	for query, want := range map[string]int{"": 100, "?errors=1": 1, "?errors=1000": 600} {
		got := a.Post(t, bulkPath(t, a)+query, body)
		if listed := len(got.JSON(t)["errors"].([]any)); got.Status != 207 || listed != want {
			t.Errorf("%q: %d, %d listed", query, got.Status, listed)
		}
	}
	for _, query := range []string{"?errors=0", "?errors=1001", "?errors=x"} {
		if got := a.Post(t, bulkPath(t, a)+query, body); got.Status != 400 || got.Code(t) != "invalid_parameter" {
			t.Errorf("%q: %d %s", query, got.Status, got.Body)
		}
	}
}
