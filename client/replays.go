package client

import (
	"context"
	"net/http"
	"net/url"
	"time"
)

// Replay is a run that sends again what failed or was skipped.
type Replay struct {
	ID         string    `json:"id"`
	EndpointID string    `json:"endpoint_id"`
	Kind       string    `json:"kind"`   // Failed or Skipped
	Since      time.Time `json:"since"`  // of the messages; zero: all there were
	Rate       int       `json:"rate"`   // a second
	Status     string    `json:"status"` // running, finished, stopped or failed
	Total      int64     `json:"total"`
	Released   int64     `json:"released"` // put on the schedule again
	Delivered  int64     `json:"delivered"`
	Failed     int64     `json:"failed"`
	Skipped    int64     `json:"skipped"`
	Waiting    int64     `json:"waiting"`
	Problem    string    `json:"problem"`
	StartedBy  string    `json:"started_by"`
	StartedAt  time.Time `json:"started_at"`
	UpdatedAt  time.Time `json:"updated_at"`
	FinishedAt time.Time `json:"finished_at"`
}

// ReplayPlan is what a replay would do.
type ReplayPlan struct {
	Kind    string    `json:"kind"`
	Since   time.Time `json:"since"`
	Count   int64     `json:"count"`
	Oldest  time.Time `json:"oldest"`
	Newest  time.Time `json:"newest"`
	Rate    int       `json:"rate"`
	Seconds int64     `json:"seconds"`
	Running string    `json:"running_replay_id"` // there is one at a time
}

// StartReplay says what to send again.
type StartReplay struct {
	Kind  string    // Failed or Skipped
	Since time.Time // zero: all there are
	Rate  int       // a second; 0: as the instance chooses
}

// PlanReplay says what a replay would send again. It needs endpoints:read.
func (c *Client) PlanReplay(ctx context.Context, endpointID, kind string, since time.Time) (ReplayPlan, error) {
	var p ReplayPlan
	path, err := c.path(ctx, "endpoints", endpointID, "replays", "plan")
	if err != nil {
		return p, err
	}
	q := url.Values{"kind": {kind}}
	setTime(q, "since", since)
	_, err = c.do(ctx, call{method: http.MethodGet, path: path, query: q, into: &p})
	return p, err
}

// StartReplay starts a replay. It needs endpoints:write.
func (c *Client) StartReplay(ctx context.Context, endpointID string, f StartReplay) (Replay, error) {
	body := map[string]any{"kind": f.Kind}
	if !f.Since.IsZero() {
		body["since"] = f.Since.UTC()
	}
	if f.Rate != 0 {
		body["rate"] = f.Rate
	}
	return c.replay(ctx, call{method: http.MethodPost, body: body}, endpointID)
}

// Replays lists the newest replays of an endpoint. It needs endpoints:read.
func (c *Client) Replays(ctx context.Context, endpointID string) ([]Replay, error) {
	return get[[]Replay](ctx, c, "endpoints", endpointID, "replays")
}

// Replay reads how far a replay is. It needs endpoints:read.
func (c *Client) Replay(ctx context.Context, endpointID, id string) (Replay, error) {
	return c.replay(ctx, call{method: http.MethodGet}, endpointID, id)
}

// StopReplay releases no more. It needs endpoints:write.
func (c *Client) StopReplay(ctx context.Context, endpointID, id string) (Replay, error) {
	return c.replay(ctx, call{method: http.MethodDelete}, endpointID, id)
}

func (c *Client) replay(ctx context.Context, q call, endpointID string, parts ...string) (Replay, error) {
	var r Replay
	var err error
	if q.path, err = c.path(ctx, append([]string{"endpoints", endpointID, "replays"}, parts...)...); err != nil {
		return r, err
	}
	q.into = &r
	_, err = c.do(ctx, q)
	return r, err
}
