package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"latchkey/internal/apptest"
	"latchkey/internal/database"
)

// Each number of rows is written whole, whatever statements it takes.
func TestPrototypeStoresWhatItAcknowledges(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		where := filepath.Join(t.TempDir(), "prototype.db")
		read := db
		if db.IsPostgres() {
			where = db.Pool.Config().ConnString()
		}
		store, err := openEvents(t.Context(), where)
		if err != nil {
			t.Fatal(err)
		}
		if !db.IsPostgres() {
			if read, err = database.Open(t.Context(), database.Config{Path: where}); err != nil {
				t.Fatal(err)
			}
			defer func() { _ = read.Close() }()
		}
		want := 0
		for _, n := range []int{1, 7, 8, 9, 64, 73, 200} {
			var group []*event
			for range n {
				group = append(group, &event{id: uuid.Must(uuid.NewV7()), key: uuid.New(), received: int64(n), raw: []byte(`{"n":1}`)})
			}
			if err := store.write(t.Context(), group); err != nil {
				t.Fatal(err)
			}
			want += n
		}
		var got int
		if err := read.Read.Raw("SELECT COUNT(*) FROM events").Row().Scan(&got); err != nil || got != want {
			t.Errorf("%d events, %v; want %d", got, err, want)
		}
	})
}

// groups remembers how many events came at once, and can refuse them.
type groups struct {
	mu      sync.Mutex
	sizes   []int
	refused error
	gate    chan struct{}
}

func (g *groups) write(_ context.Context, events []*event) error {
	<-g.gate
	g.mu.Lock()
	defer g.mu.Unlock()
	g.sizes = append(g.sizes, len(events))
	return g.refused
}

func TestPrototypeCommitsWhatQueuedMeanwhileAtOnce(t *testing.T) {
	store := &groups{gate: make(chan struct{})}
	queue := make(chan *event, 16)
	var done []chan error
	for range 10 {
		e := &event{done: make(chan error, 1)}
		done = append(done, e.done)
		queue <- e
	}
	go writeGroups(t.Context(), store, queue)
	close(store.gate)
	for _, d := range done {
		if err := <-d; err != nil {
			t.Error(err)
		}
	}
	if want := []int{10}; !slices.Equal(store.sizes, want) {
		t.Errorf("groups of %v, want %v", store.sizes, want)
	}
}

func TestPrototypeAnswersOnlyWhatWasCommitted(t *testing.T) {
	for name, c := range map[string]struct {
		key, body string
		refused   error
		want      int
	}{
		"stored":      {key: prototypeKey, body: `{}`, want: http.StatusOK},
		"unknown key": {key: "sk_live_0", body: `{}`, want: http.StatusUnauthorized},
		"no JSON":     {key: prototypeKey, body: `{`, want: http.StatusBadRequest},
		"not stored":  {key: prototypeKey, body: `{}`, refused: errors.New("disk full"), want: http.StatusInternalServerError},
	} {
		store := &groups{gate: make(chan struct{}), refused: c.refused}
		close(store.gate)
		queue := make(chan *event, 16)
		go writeGroups(t.Context(), store, queue)
		e := echo.New()
		e.Logger.SetOutput(io.Discard)
		e.POST("/:key", func(ctx echo.Context) error { return takeEvent(ctx, map[string]uuid.UUID{prototypeKey: {}}, queue) })
		answer := httptest.NewRecorder()
		e.ServeHTTP(answer, httptest.NewRequest(http.MethodPost, "/"+c.key, strings.NewReader(c.body)))
		if answer.Code != c.want {
			t.Errorf("%s: %d, want %d", name, answer.Code, c.want)
		}
		close(queue)
	}
}
