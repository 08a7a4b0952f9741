package endpoints

import (
	"context"
	"fmt"
	"net/http"

	"gorm.io/gorm"

	"latchkey/internal/signing"
	"latchkey/models"
)

// Target is what a worker needs to know of an endpoint to send to it.
type Target struct {
	ID, WorkspaceID, Environment, URL string

	Label       string // as people know it
	Status      string // of models; never deleted
	Version     int    // grows with every change
	Ordered     bool
	Concurrency int
	RateLimit   int // a second; 0: no limit
	Live        bool
	Headers     http.Header      // custom ones
	Secrets     []signing.Secret // the present one first; one or two, by now
	Problem     error            // why the secrets or headers cannot be opened; then nothing can be sent
}

// Config reads what workers need of endpoints, in no order; a deleted one is left out.
func (s *Service) Config(ctx context.Context, ids []string) ([]Target, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	rows, err := gorm.G[models.Endpoint](s.db.Read).Where("id IN ? AND status <> ?", ids, models.EndpointDeleted).Find(ctx)
	if err != nil {
		return nil, fmt.Errorf("select endpoints: %w", err)
	}
	targets := make([]Target, len(rows))
	for i, e := range rows {
		targets[i] = s.target(e)
	}
	return targets, nil
}

func (s *Service) target(e models.Endpoint) Target {
	t := Target{
		ID: e.ID, WorkspaceID: e.WorkspaceID, Environment: e.Environment, URL: e.URL,
		Label: e.Label(), Status: e.Status, Version: e.Version, Ordered: e.Ordered, Concurrency: e.Concurrency,
		RateLimit: e.RateLimit, Live: e.Environment == models.Live, Headers: http.Header{},
	}
	if t.Secrets, t.Problem = s.openAll(e); t.Problem != nil {
		return t
	}
	headers, err := s.openHeaders(e)
	if err != nil {
		t.Problem = err
		return t
	}
	for _, h := range headers {
		t.Headers.Add(h.Name, h.Value)
	}
	return t
}
