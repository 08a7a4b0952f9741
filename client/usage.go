package client

import (
	"context"
	"net/http"
	"net/url"
	"time"
)

// UsageRow is what keys received from Start on, for one step.
type UsageRow struct {
	Start      time.Time `json:"start"`
	Accepted   int64     `json:"accepted"`   // items stored
	Duplicates int64     `json:"duplicates"` // items known already
	Rejected   int64     `json:"rejected"`   // requests and items refused
	Previous   int64     `json:"previous"`   // requests with a value from before a rotation, among the others
	Outside    int64     `json:"outside"`    // requests from outside a watched address list, among the others
}

// UsageFilter chooses what is counted: one key or all, and the points. Step is minute, hour (when
// empty) or day; without From and To the points end now.
type UsageFilter struct {
	APIKeyID, Environment, Step string
	From, To                    time.Time
}

// Usage counts what arrived, step by step. It needs analytics:read.
func (c *Client) Usage(ctx context.Context, f UsageFilter) ([]UsageRow, error) {
	path, err := c.path(ctx, "usage")
	if err != nil {
		return nil, err
	}
	q := url.Values{}
	set(q, "api_key_id", f.APIKeyID)
	set(q, "environment", f.Environment)
	set(q, "step", f.Step)
	setTime(q, "from", f.From)
	setTime(q, "to", f.To)
	var rows []UsageRow
	_, err = c.do(ctx, call{method: http.MethodGet, path: path, query: q, into: &rows})
	return rows, err
}
