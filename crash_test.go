package main

import (
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"gorm.io/gorm"

	"latchkey/internal/database"
	"latchkey/models"
)

const kills = 20

// TestEveryAcknowledgedSignalSurvivesKill9 is promise P1.
func TestEveryAcknowledgedSignalSurvivesKill9(t *testing.T) {
	each(t, func(t *testing.T, i *instance) {
		i.setUp(t)
		k := i.createKey(t)
		acknowledged := map[string]bool{}
		for round := range kills {
			s := i.serve(t)
			for id := range postUntilKilled(t, s, k.Key, round) {
				acknowledged[id] = true
			}
		}
		stored := i.signalIDs(t)
		for id := range acknowledged {
			if !stored[id] {
				t.Errorf("signal %s was acknowledged and is gone", id)
			}
		}
		t.Logf("%d acknowledged, %d stored, over %d kills", len(acknowledged), len(stored), kills)
		if len(acknowledged) < kills {
			t.Error("too little was acknowledged for this to mean anything")
		}
	})
}

// postUntilKilled loads the server from many connections, kills it in the middle, and returns the
// ids that were acknowledged.
func postUntilKilled(t *testing.T, s *server, key string, round int) map[string]bool {
	t.Helper()
	ids := map[string]bool{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	enough := make(chan struct{}, 1)
	for worker := range 16 {
		wg.Go(func() {
			for n := 0; ; n++ {
				body := `{"event":"load","userId":"` + strconv.Itoa(worker) + `","messageId":"` + strings.Join([]string{strconv.Itoa(round), strconv.Itoa(worker), strconv.Itoa(n)}, "-") + `"}`
				id, ok := post(s.url+"/api/signal-staging/webhook/"+key, body)
				if !ok {
					return
				}
				mu.Lock()
				ids[id] = true
				if len(ids) == 20+7*round {
					enough <- struct{}{}
				}
				mu.Unlock()
			}
		})
	}
	select {
	case <-enough:
	case <-time.After(20 * time.Second):
		t.Error("no traffic")
	}
	s.kill()
	wg.Wait()
	return ids
}

// post returns the id of an acknowledged signal.
func post(url, body string) (id string, ok bool) {
	res, err := http.Post(url, "application/json", strings.NewReader(body))
	if err != nil {
		return "", false
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		return "", false
	}
	var answer struct{ ID string }
	return answer.ID, json.Unmarshal(text, &answer) == nil
}

func (i *instance) open(t *testing.T) *database.DB {
	t.Helper()
	cfg := database.Config{Path: i.dir + "/data/latchkey.db"}
	for _, e := range i.env {
		if url, ok := strings.CutPrefix(e, "LATCHKEY_DATABASE_URL="); ok {
			cfg.URL = url
		}
	}
	db, err := database.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func (i *instance) signalIDs(t *testing.T) map[string]bool {
	t.Helper()
	rows, err := gorm.G[models.Signal](i.open(t).Read).Select("id").Find(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ids := map[string]bool{}
	for _, r := range rows {
		ids[r.ID] = true
	}
	return ids
}
