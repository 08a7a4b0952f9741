package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"latchkey/internal/database"
)

// prototypeEnv names the prototype's database: the URL of a Postgres, or a SQLite file.
const prototypeEnv = "BENCH_PROTOTYPE_DATABASE"

const (
	prototypeKey   = "sk_live_a2f9c0de6b1d4e8f93a7"
	prototypeKeys  = 10_000 // as many as a product has beside its own
	prototypeQueue = 4096   // requests that may wait, and the most that are committed at once
)

// event is what the prototype stores of a request; done is told when it is committed.
type event struct {
	id, key  uuid.UUID
	received int64 // microseconds
	raw      []byte
	done     chan error
}

// eventStore writes a group of events durably, all or none.
type eventStore interface {
	write(ctx context.Context, events []*event) error
}

// servePrototype is the yardstick that stores: group commit and nothing else. A key is looked up in a
// map, the body is read and seen to be JSON, and one writer commits whatever has queued while the
// last group was in the database. What the product takes longer is what its features cost.
func servePrototype() error {
	ctx := context.Background()
	store, err := openEvents(ctx, os.Getenv(prototypeEnv))
	if err != nil {
		return err
	}
	queue := make(chan *event, prototypeQueue)
	go writeGroups(ctx, store, queue)
	keys := map[string]uuid.UUID{prototypeKey: uuid.Must(uuid.NewV7())}
	for i := range prototypeKeys {
		keys[fmt.Sprintf("sk_live_%020x", i)] = uuid.Must(uuid.NewV7())
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	e := echo.New()
	e.HideBanner, e.HidePort, e.Listener = true, true, listener
	e.POST("/:key", func(c echo.Context) error { return takeEvent(c, keys, queue) })
	fmt.Printf("group-commit prototype at http://%s\n", listener.Addr())
	return e.Start("")
}

func takeEvent(c echo.Context, keys map[string]uuid.UUID, queue chan<- *event) error {
	key, ok := keys[c.Param("key")]
	if !ok {
		return c.NoContent(http.StatusUnauthorized)
	}
	raw, err := io.ReadAll(c.Request().Body)
	if err != nil {
		return err
	}
	if !json.Valid(raw) {
		return c.NoContent(http.StatusBadRequest)
	}
	id, err := uuid.NewV7()
	if err != nil {
		return err
	}
	one := &event{id: id, key: key, received: time.Now().UnixMicro(), raw: raw, done: make(chan error, 1)}
	queue <- one
	if err := <-one.done; err != nil {
		return err
	}
	return c.JSON(http.StatusOK, map[string]any{"status": "accepted", "id": id})
}

// writeGroups takes what there is, without a timer.
func writeGroups(ctx context.Context, store eventStore, queue <-chan *event) {
	group := make([]*event, 0, prototypeQueue)
	for first := range queue {
		group = append(group[:0], first)
		for more := true; more && len(group) < cap(group); {
			select {
			case next := <-queue:
				group = append(group, next)
			default:
				more = false
			}
		}
		err := store.write(ctx, group)
		for _, e := range group {
			e.done <- err
		}
	}
}

// prototype is such a server on a database of its own, seen from the bench.
type prototype struct {
	database     string // as the report calls it
	config       database.Config
	server       *process
	postmaster   int   // 0 on SQLite
	acknowledged int64 // events answered 200
}

func (s *sitting) startPrototype(ctx context.Context, name string) (*prototype, error) {
	p := &prototype{database: inSQLite, config: database.Config{Path: filepath.Join(s.dir, "prototype", "prototype.db")}}
	where := p.config.Path
	if name == "postgres" {
		address, drop, err := s.postgres.create(ctx)
		if err != nil {
			return nil, err
		}
		s.later(drop)
		p.database, p.config, p.postmaster, where = inPostgres, database.Config{URL: address}, s.postgres.process, address
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	if p.server, err = start(ctx, append(os.Environ(), prototypeEnv+"="+where), self, prototypeArgument); err != nil {
		return nil, err
	}
	s.later(func() error { _ = p.server.stop(); return nil })
	s.prototypes = append(s.prototypes, p)
	return p, nil
}

func (p *prototype) send(connections int, length time.Duration) measure {
	m, ok := sendBare(p.server, p.postmaster, post("/"+prototypeKey, jsonType, nil, item(false)), connections, length)
	p.acknowledged += ok
	return m
}

// line is the same for the table of a mode.
func (p *prototype) line(name string, connections int) *line {
	return &line{name: name, run: func(length time.Duration) (shot, error) {
		m := p.send(connections, length)
		return shot{perSecond: m.items, hist: m.hist, errors: m.errors, cpu: map[string]time.Duration{
			kindServer: m.serverCPU, kindPostgres: m.postgresCPU, kindGenerator: m.generatorCPU,
		}}, nil
	}}
}

// check compares what was acknowledged with what is stored.
func (p *prototype) check(ctx context.Context) (string, error) {
	db, err := database.Open(ctx, p.config)
	if err != nil {
		return "", err
	}
	defer func() { _ = db.Close() }()
	var stored int64
	if err := db.Read.WithContext(ctx).Raw("SELECT COUNT(*) FROM events").Row().Scan(&stored); err != nil {
		return "", fmt.Errorf("%s: count what the prototype stored: %w", p.database, err)
	}
	text := fmt.Sprintf("%s: %s events acknowledged by the prototype, %s stored.", p.database, thousands(p.acknowledged), thousands(stored))
	if stored != p.acknowledged {
		return text, errors.New(text + " These must be equal.")
	}
	return text, nil
}

// isURL tells a Postgres from a file.
func isURL(where string) bool {
	return strings.HasPrefix(where, "postgres") && strings.Contains(where, "://")
}
