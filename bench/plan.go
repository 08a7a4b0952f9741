package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// Columns of ratios.
const (
	overPgbench = "÷ pgbench"
	overEcho    = "÷ bare Echo"
	overSingle  = "÷ single posts"
	overUnnest  = "÷ INSERT..unnest"
	overUnnest2 = "÷ the same, 2 clients"
	overCopy    = "÷ COPY"
	overClient  = "÷ bare client"
	overSocket  = "÷ bare socket"
	overProto   = "÷ prototype"
)

// Names of yardsticks.
const (
	nameSocket  = "bare socket: what the generator can send"
	nameEcho    = "bare Echo handler"
	nameEchoGet = "bare Echo handler, GET"
	nameInserts = "pgbench, single-row inserts"
	nameUnnest  = "INSERT..unnest of 100 rows a transaction, bare table"
	nameProto   = "group-commit prototype: a key, JSON, one INSERT a group"
	nameCopy    = "COPY into a table like signals, with its indexes"
)

// yardsticks are the tasks that others are held against.
type yardsticks struct {
	echo, rows      map[int]*task // by connections
	get             *task
	unnest, unnest2 *task
	copied          *task
	single          map[*product]*task // with the usual number of connections
	proto           map[string]*task   // by database and connections, as of protoOf
}

// plan lists a round: yardsticks stand next to what is held against them.
func (s *sitting) plan(ctx context.Context, inserts *pgbench) error {
	y := &yardsticks{echo: map[int]*task{}, rows: map[int]*task{}, single: map[*product]*task{}, proto: map[string]*task{}}
	s.planServers(ctx, y, inserts)
	s.planPrototypes(y)
	list := scenarios(s.options)
	used := func(section string) bool {
		return slices.ContainsFunc(list, func(sc scenario) bool { return sc.section == section && s.only.MatchString(sc.name) })
	}
	many := used(inMany)
	for _, sc := range list {
		if !s.only.MatchString(sc.name) && !(sc.name == singlePosts && sc.connections == s.usual() && s.only.MatchString(halfLoad)) {
			continue
		}
		if sc.section == inMany && many {
			many = false
			if err := s.planTables(ctx, y); err != nil {
				return err
			}
		}
		products := s.products
		if sc.large {
			products = s.large
		}
		for _, p := range products {
			s.add(s.task(ctx, sc, p, y))
		}
	}
	s.planDeliveries(ctx)
	s.planEnds(ctx)
	return nil
}

func (s *sitting) add(t *task) *task {
	s.tasks = append(s.tasks, t)
	return t
}

func (s *sitting) planServers(ctx context.Context, y *yardsticks, inserts *pgbench) {
	n := s.usual()
	request := post("/key", jsonType, nil, item(false))
	socket := s.add(&task{section: inYardsticks, name: nameSocket, connections: n, run: func(length time.Duration) (measure, error) {
		return s.sendBare(s.socket, request, n, length)
	}})
	for _, n := range s.counts {
		y.echo[n] = s.add(&task{section: inYardsticks, name: nameEcho, connections: n, run: func(length time.Duration) (measure, error) {
			return s.sendBare(s.bare, request, n, length)
		}})
		if n == s.usual() {
			y.echo[n].against(overSocket, socket)
		}
		if inserts == nil {
			continue
		}
		clients := min(n, pgbenchAtMost, s.postgres.connections-40) // the products' pools need some too
		if y.rows[n] = y.rows[clients]; y.rows[n] == nil {
			y.rows[n] = s.add(&task{section: inYardsticks, name: nameInserts, connections: clients, run: func(length time.Duration) (measure, error) {
				return inserts.run(ctx, clients, length)
			}})
			y.rows[clients] = y.rows[n]
		}
	}
	y.get = s.add(&task{section: inYardsticks, name: nameEchoGet, connections: n, run: func(length time.Duration) (measure, error) {
		return s.sendBare(s.bare, get("/me"), n, length)
	}})
}

func (s *sitting) sendBare(bare *process, request []byte, connections int, length time.Duration) (measure, error) {
	m, _ := sendBare(bare, 0, request, connections, length)
	return m, nil
}

// planPrototypes adds the prototype on each database with each number of connections.
func (s *sitting) planPrototypes(y *yardsticks) {
	for _, p := range s.prototypes {
		for _, n := range s.counts {
			y.proto[protoOf(p.database, n)] = s.add(&task{section: inYardsticks, name: nameProto, connections: n, database: p.database,
				run: func(length time.Duration) (measure, error) { return p.send(n, length), nil }})
		}
	}
}

func protoOf(database string, connections int) string {
	return fmt.Sprintf("%s %d", database, connections)
}

// planTables adds the yardsticks of many rows at once, where there is Postgres.
func (s *sitting) planTables(ctx context.Context, y *yardsticks) error {
	for _, p := range s.products {
		if p.config.URL == "" {
			continue
		}
		t, err := newTables(ctx, s.postgres, p)
		if err != nil {
			return err
		}
		unnest := func(name string, clients int) *task {
			return s.add(&task{section: inYardsticks, name: name, connections: clients, run: func(length time.Duration) (measure, error) {
				return t.unnest(ctx, clients, length)
			}})
		}
		y.unnest, y.unnest2 = unnest(nameUnnest, 1), unnest(nameUnnest, 2)
		y.copied = s.add(&task{section: inYardsticks, name: nameCopy, connections: 1, run: func(length time.Duration) (measure, error) {
			return t.copied(ctx, s.bulk, length)
		}})
	}
	return nil
}

// task is a scenario on one product, with what it is held against.
func (s *sitting) task(ctx context.Context, sc scenario, p *product, y *yardsticks) *task {
	t := &task{section: sc.section, name: sc.name, connections: sc.connections, database: p.name}
	switch sc.section {
	case inPosts, inKinds:
		t.against(overPgbench, y.rows[sc.connections])
		t.against(overEcho, y.echo[sc.connections])
	case inMany:
		if p.config.URL != "" {
			t.against(overUnnest, y.unnest)
			t.against(overUnnest2, y.unnest2)
			t.against(overCopy, y.copied)
		}
	case inReading:
		t.against(overEcho, y.get)
	case inPages:
		t.length = s.pageLength()
	}
	if sc.section == inPosts {
		t.against(overProto, y.proto[protoOf(p.name, sc.connections)])
	}
	switch {
	case sc.section == inPosts && sc.connections == s.usual():
		y.single[p] = t
	case sc.section == inKinds || sc.section == inMany:
		t.against(overSingle, y.single[p])
	}
	usual := y.single[p]
	t.run = func(length time.Duration) (measure, error) {
		perSecond := 0.0
		if sc.half {
			perSecond = usual.last.items / 2
		}
		m := sc.send(p, s.postmaster(p), perSecond, length)
		if sc.told {
			return m, p.drain(ctx)
		}
		return m, nil
	}
	return t
}

// planDeliveries adds what the workers can send, beside a client that does nothing else.
func (s *sitting) planDeliveries(ctx context.Context) {
	if !s.only.MatchString(deliveriesOfOne) || len(s.products) == 0 {
		return
	}
	client := s.add(&task{section: inOutbound, name: bareClient, connections: hookConcurrency, run: func(length time.Duration) (measure, error) {
		return postBare(s.bare, s.products[0].body, length), nil
	}})
	for _, p := range s.products {
		t := s.add(&task{section: inOutbound, name: deliveriesOfOne, connections: hookConcurrency, database: p.name, run: func(time.Duration) (measure, error) {
			return p.deliver(ctx, s.bare, s.postmaster(p), s.messages)
		}})
		t.against(overClient, client)
	}
}

// profileLength is long enough for a thousand samples on a busy machine.
const profileLength = 10 * time.Second

// profiles sends single posts once more, or the first that -only leaves, with the servers watched.
func (s *sitting) profiles(ctx context.Context) error {
	if s.profile == "" {
		return nil
	}
	if err := os.MkdirAll(s.profile, 0o755); err != nil {
		return err
	}
	list := scenarios(s.options)
	first := slices.IndexFunc(list, func(sc scenario) bool {
		return s.only.MatchString(sc.name) && !sc.half && (sc.section != inPosts || sc.connections == s.usual())
	})
	if first < 0 {
		return nil
	}
	watched, products := list[first], s.products
	if watched.large {
		products = s.large
	}
	for _, p := range products {
		file := filepath.Join(s.profile, strings.ToLower(p.name))
		// Recording waits slows the server, so that it has a load of its own after the others.
		for _, take := range []func(time.Duration, string) error{p.profile, p.waits} {
			if err := watched.profiled(ctx, p, file, take); err != nil {
				return err
			}
		}
	}
	return nil
}

// profiled sends while a profile is taken.
func (s scenario) profiled(ctx context.Context, p *product, file string, take func(time.Duration, string) error) error {
	var err error
	var work sync.WaitGroup
	work.Go(func() { err = take(profileLength, file) })
	m := s.send(p, 0, 0, profileLength)
	work.Wait()
	if len(m.errors) > 0 {
		err = fmt.Errorf("%s: %s", s.name, statuses(m.errors))
	}
	if err == nil && s.told {
		err = p.drain(ctx)
	}
	return err
}
