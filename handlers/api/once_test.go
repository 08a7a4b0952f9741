package api_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"latchkey/internal/apptest"
	"latchkey/internal/database"
	"latchkey/models"
)

func (w *world) keysNamed(name string) int64 {
	w.t.Helper()
	var n int64
	if err := w.DB.Read.Model(&models.APIKey{}).Where("name = ?", name).Count(&n).Error; err != nil {
		w.t.Fatal(err)
	}
	return n
}

func TestACreationThatIsSentTwiceMakesOneKeyAndShowsItOnce(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		key := w.program("keys:write")
		body := strings.TrimSuffix(plainKey, "}") + `,"with_secret":true}`
		first := w.create(key, body, "Idempotency-Key", "deploy-7").want(201)
		if first.member("key") == "" || first.member("secret") == "" || first.Header.Get("Idempotent-Replayed") != "" {
			t.Errorf("first %s", first.Body)
		}
		p := w.ProgramWith(t, key.Value.Reveal())
		p.Base = "/v1" // the same call
		second := reply{p.Post(w.here("/api-keys"), body, "Idempotency-Key", "deploy-7"), t}.want(201)
		if second.Header.Get("Idempotent-Replayed") != "true" || second.Header.Get("Location") != first.Header.Get("Location") || second.Header.Get("ETag") != first.Header.Get("ETag") {
			t.Errorf("second %v", second.Header)
		}
		want := first.object()
		delete(want, "key")
		delete(want, "secret")
		if diff := cmp.Diff(want, second.object()); diff != "" {
			t.Error(diff)
		}
		var kept []models.APIIdempotency
		if err := db.Read.Find(&kept).Error; err != nil || len(kept) != 1 {
			t.Fatalf("%d kept, %v", len(kept), err)
		}
		for _, secret := range []string{first.member("key"), first.member("secret"), "deploy-7"} {
			if strings.Contains(string(kept[0].Body)+string(kept[0].Headers)+string(kept[0].Digest), secret) {
				t.Error("a secret was kept")
			}
		}
		w.create(key, plainKey, "Idempotency-Key", "deploy-7").refused(422, "idempotency_mismatch")
		w.create(key, body, "Idempotency-Key", "deploy-8").want(201)
		other := w.program("keys:write")
		w.create(other, body, "Idempotency-Key", "deploy-7").want(201)
		if n := w.keysNamed("Website"); n != 3 {
			t.Errorf("%d keys", n)
		}
		w.Clock.Advance(25 * time.Hour)
		if err := w.Repeats.Prune(t.Context()); err != nil {
			t.Fatal(err)
		}
		// Forgotten whole: after a day the same call is a new one.
		w.create(key, body, "Idempotency-Key", "deploy-7").want(201)
		if n := w.keysNamed("Website"); n != 4 {
			t.Errorf("%d keys after a day", n)
		}
	})
}

func TestTwentyCreationsAtOnceMakeOneKey(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		key := w.program("keys:write")
		var mu sync.Mutex
		shown, answers := 0, map[string]int{}
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				r := w.create(key, plainKey, "Idempotency-Key", "deploy-7")
				mu.Lock()
				defer mu.Unlock()
				switch {
				case r.Status == 409:
					answers[r.ProblemCode()]++
					if r.Header.Get("Retry-After") == "" {
						t.Error("no Retry-After")
					}
				case r.Status == 201:
					answers["made or replayed"]++
					if strings.Contains(string(r.Body), `"key":`) {
						shown++
					}
				default:
					t.Errorf("answer %d %s", r.Status, r.Body)
				}
			})
		}
		all.Wait()
		if n := w.keysNamed("Website"); n != 1 || shown != 1 || answers["made or replayed"]+answers["idempotency_in_progress"] != 20 {
			t.Errorf("%d keys, shown %d times, %v", n, shown, answers)
		}
		w.create(key, plainKey, "Idempotency-Key", "deploy-7").want(201)
	})
}

// The server stopped between the commit of the key and the keeping of the answer.
func TestACreationWhoseAnswerWasLostMakesNoSecondKey(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		key := w.program("keys:write")
		first := w.create(key, plainKey, "Idempotency-Key", "deploy-7").want(201)
		if err := db.Write.Exec("UPDATE api_idempotency SET status = 0, headers = NULL, body = NULL").Error; err != nil {
			t.Fatal(err)
		}
		w.create(key, plainKey, "Idempotency-Key", "deploy-7").refused(409, "idempotency_in_progress")
		w.Clock.Advance(3 * time.Minute)
		again := w.create(key, plainKey, "Idempotency-Key", "deploy-7").want(201)
		if again.member("id") != first.member("id") || again.member("key") != "" || again.Header.Get("Idempotent-Replayed") != "true" ||
			again.Header.Get("Location") != first.Header.Get("Location") {
			t.Errorf("again %s %v", again.Body, again.Header)
		}
		if n := w.keysNamed("Website"); n != 1 {
			t.Errorf("%d keys", n)
		}
		w.create(key, plainKey, "Idempotency-Key", "deploy-7").want(201)
	})
}

func TestARefusedCallMayBeSentAgainUnderTheSameKey(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		key := w.program("keys:write")
		w.create(key, `{"name":""}`, "Idempotency-Key", "deploy-7").refused(422, "validation_failed")
		w.create(key, plainKey, "Idempotency-Key", "deploy-7").want(201)
	})
}

func TestARotationIsRepeatedWithoutItsValue(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		key := w.program("keys:write")
		path := w.here("/api-keys/" + w.NewKey(t).Key.ID + "/rotate")
		first := w.as(key, "POST", path, "", "Idempotency-Key", "spring").want(200)
		second := w.as(key, "POST", path, "", "Idempotency-Key", "spring").want(200)
		want := first.object()
		if want["key"] == nil {
			t.Fatalf("no value: %s", first.Body)
		}
		delete(want, "key")
		if diff := cmp.Diff(want, second.object()); diff != "" {
			t.Error(diff)
		}
	})
}

func TestAnIdempotencyKeyIsOneShortText(t *testing.T) {
	w := newWorld(t, apptest.SQLite(t))
	key := w.program("keys:write")
	for _, bad := range []string{strings.Repeat("k", 256), "ключ"} {
		w.create(key, plainKey, "Idempotency-Key", bad).refused(400, "invalid_header")
	}
	w.create(key, plainKey, "Idempotency-Key", strings.Repeat("k", 255)).want(201)
}
