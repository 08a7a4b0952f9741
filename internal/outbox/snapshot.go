package outbox

import "context"

// Snapshot is who gets what at one version of outbox_state. It does not change.
type Snapshot struct {
	Version int64
	routes  map[route]*audience
}

// route is where a message of a type belongs.
type route struct {
	workspaceID, environment string
	typ                      Type
}

// Subscriber is an endpoint that gets a message.
type Subscriber struct {
	EndpointID string
	Enabled    bool // else the delivery is written as skipped
	Ordered    bool
}

// Audience is who gets a message.
type Audience struct {
	Endpoints []Subscriber
	Listened  bool // a developer's program listens
}

// Empty tells that nobody does, so that no message is written.
func (a Audience) Empty() bool { return len(a.Endpoints) == 0 && !a.Listened }

// audience is everybody that a route leads to, before the filters by source and key.
type audience struct {
	Audience
	filters  []filter // beside Endpoints
	filtered bool     // one of them filters
}

type filter struct{ source, keyID string }

func (f filter) passes(source, keyID string) bool {
	return (f.source == "" || f.source == source) && (f.keyID == "" || f.keyID == keyID)
}

// For tells who gets a message about a source and a key; both may be empty.
func (s *Snapshot) For(workspaceID, environment string, t Type, source, keyID string) Audience {
	found := s.routes[route{workspaceID, environment, t}]
	switch {
	case found == nil:
		return Audience{}
	case !found.filtered:
		return found.Audience
	}
	out := Audience{Listened: found.Listened}
	for i, f := range found.filters {
		if f.passes(source, keyID) {
			out.Endpoints = append(out.Endpoints, found.Endpoints[i])
		}
	}
	return out
}

// Empty tells that nobody gets anything.
func (s *Snapshot) Empty() bool { return len(s.routes) == 0 }

// add files an endpoint or a listener under each type that its patterns choose.
func (s *Snapshot) add(workspaceID, environment string, patterns Patterns, put func(*audience)) {
	for _, info := range Types {
		if !patterns.Match(info.Type) {
			continue
		}
		at := route{workspaceID, environment, info.Type}
		if s.routes[at] == nil {
			s.routes[at] = &audience{}
		}
		put(s.routes[at])
	}
}

func (a *audience) add(sub Subscriber, f filter) {
	a.Endpoints, a.filters = append(a.Endpoints, sub), append(a.filters, f)
	a.filtered = a.filtered || f != filter{}
}

// Load reads who gets what, on the connection of the writer that will go by it.
func Load(ctx context.Context, q Querier) (*Snapshot, error) {
	// The version first: what changes after it makes the writer load anew.
	s := &Snapshot{routes: map[route]*audience{}}
	err := q.each(ctx, func(scan scan) error { return scan(&s.Version) }, "SELECT version FROM outbox_state")
	if err != nil {
		return nil, err
	}
	return s, s.load(ctx, q, "")
}
