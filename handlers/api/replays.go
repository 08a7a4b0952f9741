package api

import (
	"net/http"
	"time"

	"latchkey/internal/deliveries"
	"latchkey/models"
)

type replayJSON struct {
	ID         string  `json:"id"`
	EndpointID string  `json:"endpoint_id"`
	Kind       string  `json:"kind"`
	Since      string  `json:"since"`
	Rate       int     `json:"rate"`
	Status     string  `json:"status"`
	Total      int64   `json:"total"`
	Released   int64   `json:"released"`
	Delivered  int64   `json:"delivered"`
	Failed     int64   `json:"failed"`
	Skipped    int64   `json:"skipped"`
	Waiting    int64   `json:"waiting"`
	Problem    *string `json:"problem"`
	StartedBy  string  `json:"started_by"`
	StartedAt  string  `json:"started_at"`
	UpdatedAt  string  `json:"updated_at"`
	FinishedAt *string `json:"finished_at"`
}

type replayPlanJSON struct {
	Kind    string  `json:"kind"`
	Since   *string `json:"since"`
	Count   int64   `json:"count"`
	Oldest  *string `json:"oldest"`
	Newest  *string `json:"newest"`
	Rate    int     `json:"rate"`
	Seconds int64   `json:"seconds"`
	Running *string `json:"running_replay_id"`
}

func replayOf(p deliveries.Progress) replayJSON {
	return replayJSON{
		ID: p.ID, EndpointID: p.EndpointID, Kind: p.Kind, Since: instant(p.Since.Time), Rate: p.Rate, Status: p.Status,
		Total: p.Total, Released: p.Released, Delivered: p.Delivered, Failed: p.Failed, Skipped: p.Skipped, Waiting: p.Waiting,
		Problem: nullable(p.Problem), StartedBy: p.StartedLabel,
		StartedAt: instant(p.StartedAt.Time), UpdatedAt: instant(p.UpdatedAt.Time), FinishedAt: optionalInstant(p.FinishedAt),
	}
}

func listReplays(c *call) error {
	all, err := c.api.Deliveries.Replays(c.ctx(), c.actor, c.param("endpointId"))
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, each(all, replayOf))
}

func planReplay(c *call) error {
	q := c.query()
	kind, since := q.oneOf("kind", models.DeliveryFailed, models.DeliverySkipped), q.instant("since")
	if !q.has("kind") {
		q.fields.Add("kind", "Say what to send again: failed or skipped.")
	}
	if err := q.err(); err != nil {
		return err
	}
	p, err := c.api.Deliveries.Plan(c.ctx(), c.actor, c.param("endpointId"), kind, since)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, replayPlanJSON{
		Kind: p.Kind, Since: instantOrNull(p.Since), Count: p.Count, Oldest: instantOrNull(p.Oldest), Newest: instantOrNull(p.Newest),
		Rate: deliveries.DefaultRate, Seconds: int64(p.Took(0) / time.Second), Running: nullable(p.Running),
	})
}

func startReplay(c *call) error {
	var form struct {
		Kind  string         `json:"kind"`
		Since opt[time.Time] `json:"since"` // null: all there is
		Rate  opt[int]       `json:"rate" null:"no"`
	}
	if err := c.decode(&form); err != nil {
		return err
	}
	f := deliveries.ReplayForm{Kind: form.Kind, Since: form.Since.Value, Rate: atOnce(form.Rate)}
	p, err := c.api.Deliveries.StartReplay(c.ctx(), c.actor, c.param("endpointId"), f)
	if err != nil {
		return err
	}
	c.set("Location", c.below("/workspaces/"+c.workspace+"/endpoints/"+p.EndpointID+"/replays/"+p.ID))
	return c.json(http.StatusCreated, replayOf(p))
}

func getReplay(c *call) error {
	p, err := c.api.Deliveries.Replay(c.ctx(), c.actor, c.param("endpointId"), c.param("replayId"))
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, replayOf(p))
}

func stopReplay(c *call) error {
	if err := c.empty(); err != nil {
		return err
	}
	p, err := c.api.Deliveries.StopReplay(c.ctx(), c.actor, c.param("endpointId"), c.param("replayId"))
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, replayOf(p))
}
