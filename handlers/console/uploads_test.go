package console_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"latchkey/internal/apptest"
	"latchkey/internal/database"
)

func TestTheUploadsPageShowsARunningUploadAndHowItEnded(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		a := apptest.Start(t, db)
		b := signIn(t, a, ownerEmail)
		if page := b.Get("/w/acme/uploads").Text(); !strings.Contains(page, "No uploads yet.") || !strings.Contains(page, "latchkey import") {
			t.Errorf("empty: %s", page)
		}
		k := a.NewKey(t)
		r, w := io.Pipe()
		answer := make(chan apptest.Reply, 1)
		go func() { answer <- a.Send(t, http.MethodPost, "/api/signal-staging/bulk/"+k.Value.Reveal(), r) }()
		_, _ = io.WriteString(w, strings.Repeat("{\"event\":\"row\"}\n", 1200))
		for _, path := range []string{"/w/acme/uploads", "/w/acme", "/w/acme/settings/api-keys/" + k.Key.ID} {
			apptest.Eventually(t, path+" to show the running upload", func() bool {
				page := b.Get(path).Text()
				return strings.Contains(page, "Running") && strings.Contains(page, "1,000") && strings.Contains(page, "Website")
			})
		}
		_ = w.Close()
		id := (<-answer).Header.Get("X-Request-Id")
		apptest.Eventually(t, "its end", func() bool {
			page := b.Get("/w/acme/uploads").Text()
			return strings.Contains(page, "Done") && strings.Contains(page, "1,200")
		})
		if !strings.Contains(b.Get("/w/acme/uploads").Body, "/w/acme/requests/"+id) {
			t.Error("it does not lead to its request")
		}
		a.Post(t, "/api/signal-staging/bulk/"+k.Value.Reveal(), `[{"event":"a"},{"eve`)
		apptest.Eventually(t, "the upload that was cut off", func() bool {
			page := b.Get("/w/acme/uploads").Text()
			return strings.Contains(page, "Cut off") && strings.Contains(page, "Go on at line 2.")
		})
	})
}
