package api

import (
	"cmp"
	"net/http"
	"time"

	"latchkey/internal/signals"
)

type usageJSON struct {
	Start      string `json:"start"`
	Accepted   int64  `json:"accepted"`
	Duplicates int64  `json:"duplicates"`
	Rejected   int64  `json:"rejected"`
	Previous   int64  `json:"previous"`
	Outside    int64  `json:"outside"`
}

// steps are the widths of a point, and how many of them a chart has unless it asks otherwise.
var steps = map[string]struct {
	width time.Duration
	count int
}{"minute": {time.Minute, 60}, "hour": {time.Hour, 24}, "day": {24 * time.Hour, 30}}

func getUsage(c *call) error {
	q := c.query()
	step := steps[cmp.Or(q.oneOf("step", "minute", "hour", "day"), "hour")]
	f := signals.UsageFilter{
		KeyID: q.id("api_key_id"), Environment: q.environment(), From: q.instant("from"), To: q.instant("to"), Step: step.width,
	}
	if err := q.err(); err != nil {
		return err
	}
	if f.To.IsZero() {
		f.To = c.api.Now()
	}
	if f.From.IsZero() {
		f.From = f.To.Add(-step.width * time.Duration(step.count-1))
	}
	points, err := c.api.Signals.Usage(c.ctx(), c.actor, f)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, each(points, usageOf))
}

func usageOf(p signals.UsagePoint) usageJSON {
	return usageJSON{instant(p.Start), p.Accepted, p.Duplicates, p.Rejected, p.Previous, p.Outside}
}
