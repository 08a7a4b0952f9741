package signals

import (
	"context"
	"fmt"
	"slices"
	"time"

	"latchkey/internal/access"
	"latchkey/internal/database"
	"latchkey/models"
)

const (
	// overlap is how far back each look of a tail goes: rows commit a little out of the order of
	// their ids, the more so with several instances.
	overlap = 15 * time.Second
	// tailRows is how many new rows one look returns; of more the newest.
	tailRows = 100
)

// Tail follows the log: it returns each request once. It looks into the database, so it sees what
// every instance wrote. Not for concurrent use.
type Tail struct {
	s     *Service
	actor access.Actor
	f     RequestFilter
	seen  map[string]bool
	from  time.Time // the next look begins here; by the ids' own times, not by this machine's clock
}

// Follow starts a tail at the present end of the log. At, From, To and Limit of the filter are not
// used.
func (s *Service) Follow(ctx context.Context, actor access.Actor, f RequestFilter) (*Tail, error) {
	if err := actor.Require(access.ReadData); err != nil {
		return nil, err
	}
	f.At, f.To, f.Limit = Cursor{}, time.Time{}, tailRows
	t := &Tail{s: s, actor: actor, f: f, seen: map[string]bool{}}
	if err := t.advance(ctx); err != nil {
		return nil, err
	}
	_, err := t.Next(ctx)
	return t, err
}

// Next returns what came since the last call, oldest first.
func (t *Tail) Next(ctx context.Context) ([]RequestItem, error) {
	items, err := t.s.RequestsSince(ctx, t.actor, t.f, t.from)
	if err != nil {
		return nil, err
	}
	fresh := slices.DeleteFunc(items, func(i RequestItem) bool { return t.seen[i.ID] })
	for _, i := range fresh {
		t.seen[i.ID] = true
	}
	return fresh, t.advance(ctx)
}

// advance moves the window to the newest line, matching or not, and forgets ids before it.
func (t *Tail) advance(ctx context.Context) error {
	var ids []string
	err := t.s.db.Read.WithContext(ctx).Table(models.RequestLog).Where(models.Logged).Select("id").
		Where("workspace_id = ? AND environment = ?", t.actor.WorkspaceID, t.f.Environment).
		Order("id DESC").Limit(1).Find(&ids).Error
	if err != nil {
		return fmt.Errorf("find the end of the log: %w", err)
	}
	if len(ids) == 0 {
		return nil
	}
	if from := database.IDTextTime(ids[0]).Add(-overlap); from.After(t.from) {
		t.from = from
	}
	edge := database.FirstID(t.from).String()
	for id := range t.seen {
		if id < edge {
			delete(t.seen, id)
		}
	}
	return nil
}

// RequestsSince returns the newest requests that arrived at or after an instant, oldest first, at
// most Limit.
func (s *Service) RequestsSince(ctx context.Context, actor access.Actor, f RequestFilter, since time.Time) ([]RequestItem, error) {
	if err := actor.Require(access.ReadData); err != nil {
		return nil, err
	}
	f.From = since
	q, ok := s.requestQuery(ctx, actor, f)
	if !ok {
		return nil, nil
	}
	rows, _, err := find(s, q, requestColumns, requestID)
	if err != nil {
		return nil, fmt.Errorf("follow requests: %w", err)
	}
	slices.Reverse(rows)
	return s.withKeys(ctx, actor, rows)
}
