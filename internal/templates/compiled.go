package templates

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"gorm.io/gorm"

	"latchkey/internal/database"
	"latchkey/internal/mapping"
	"latchkey/models"
)

// Compiled is a template as the gateway applies it. Immutable.
type Compiled struct {
	TemplateID string
	Version    int
	Program    *mapping.Program // nil: payloads wait, as at version 0
}

// lookUpTimeout bounds a look-up that a sender waits for.
const lookUpTimeout = 5 * time.Second

// Compiled returns a template from memory, else from the database. It may be of any age: the
// writer compares the version inside its transaction and asks Refresh when there is a newer one.
// NotFound when there is no such template; the key that names it vouches for the workspace.
func (s *Service) Compiled(ctx context.Context, templateID string) (*Compiled, error) {
	if known := s.cache.get(templateID); known != nil {
		return known, nil
	}
	return s.cache.once(ctx, templateID, func() (*Compiled, error) {
		if known := s.cache.get(templateID); known != nil {
			return known, nil
		}
		// One waits for all who ask now, so it must outlive the request that began it.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookUpTimeout)
		defer cancel()
		return s.load(ctx, templateID)
	})
}

// Refresh returns the version that is the newest now, whatever memory says.
func (s *Service) Refresh(ctx context.Context, templateID string) (*Compiled, error) {
	ctx, cancel := context.WithTimeout(ctx, lookUpTimeout)
	defer cancel()
	return s.load(ctx, templateID)
}

// load compiles only what memory does not hold.
func (s *Service) load(ctx context.Context, id string) (*Compiled, error) {
	if !database.ValidID(id) {
		return nil, errNoTemplate
	}
	t, err := gorm.G[models.Template](s.db.Read).Where("id = ?", id).Take(ctx)
	if database.IsNotFound(err) {
		return nil, errNoTemplate
	}
	if err != nil {
		return nil, fmt.Errorf("look up template: %w", err)
	}
	if known := s.cache.get(id); known != nil && known.Version >= t.Version {
		return known, nil
	}
	made := &Compiled{TemplateID: id, Version: t.Version}
	if t.Version > 0 {
		saved, err := version(ctx, s.db.Read, id, t.Version)
		if err != nil {
			return nil, err
		}
		made.Program = compileStored(saved)
	}
	return s.cache.put(made), nil
}

// compileStored returns nil for rows that a later release no longer takes: what arrives then waits
// for a better version instead of being lost.
func compileStored(saved Saved) *mapping.Program {
	program, findings := mapping.Compile(saved.Rows)
	if len(findings) > 0 {
		slog.Error("a stored template does not compile; its payloads wait for a new version",
			"template", saved.TemplateID, "version", saved.Version, "problem", findings[0].Problem)
		return nil
	}
	return program
}

const cacheSize = 10_000

// cache holds the newest version of each template that this instance has met.
type cache struct {
	mu      sync.RWMutex
	entries map[string]*Compiled
	flights map[string]*flight
	size    int
}

// flight is a look-up that several requests wait for.
type flight struct {
	done chan struct{}
	made *Compiled
	err  error
}

func newCache(size int) *cache {
	return &cache{entries: map[string]*Compiled{}, flights: map[string]*flight{}, size: size}
}

func (c *cache) get(id string) *Compiled {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.entries[id]
}

// put stores an entry unless a newer one is there, and returns the newer of both.
func (c *cache) put(made *Compiled) *Compiled {
	c.mu.Lock()
	defer c.mu.Unlock()
	known := c.entries[made.TemplateID]
	if known != nil && known.Version >= made.Version {
		return known
	}
	if known == nil && len(c.entries) >= c.size {
		for victim := range c.entries { // map order is as good as random
			delete(c.entries, victim)
			break
		}
	}
	c.entries[made.TemplateID] = made
	return made
}

func (c *cache) drop(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.entries, id)
}

// once runs look for the first who asks and gives its answer to all who ask meanwhile.
func (c *cache) once(ctx context.Context, id string, look func() (*Compiled, error)) (*Compiled, error) {
	c.mu.Lock()
	f, running := c.flights[id]
	if !running {
		f = &flight{done: make(chan struct{})}
		c.flights[id] = f
		go func() {
			f.made, f.err = look()
			c.mu.Lock()
			delete(c.flights, id)
			c.mu.Unlock()
			close(f.done)
		}()
	}
	c.mu.Unlock()
	select {
	case <-f.done:
		return f.made, f.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
