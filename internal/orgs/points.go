package orgs

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"latchkey/internal/access"
	"latchkey/models"
)

// maxPoints bounds the updates that the curves are drawn from.
const maxPoints = 200

// Point is what a number was from an instant on.
type Point struct {
	At    models.Time
	Value float64 // for drawing
	Exact string  // as it was sent
}

// Curves are the MRR and the users of an organisation over time, the earliest first.
type Curves struct{ MRR, Users []Point }

// Points draws the curves from the newest 200 updates that told of a number. An update that came
// late stands where it belongs by its own time. NotFound when the org is another workspace's; it
// needs access.ReadData.
func (s *Service) Points(ctx context.Context, actor access.Actor, orgID string) (Curves, error) {
	if err := mayRead(actor); err != nil {
		return Curves{}, err
	}
	if _, err := s.row(ctx, actor, orgID); err != nil {
		return Curves{}, err
	}
	var rows []models.ProductOrgUpdate
	err := s.db.Read.WithContext(ctx).Select("id", "changes", "occurred_at").
		Where("org_id = ? AND workspace_id = ? AND changes IS NOT NULL AND (mrr IS NOT NULL OR user_count IS NOT NULL)", orgID, actor.WorkspaceID).
		Order("id DESC").Limit(maxPoints).Find(&rows).Error
	if err != nil {
		return Curves{}, fmt.Errorf("read points of product org %s: %w", orgID, err)
	}
	return curvesOf(rows)
}

// curvesOf takes rows, the last to arrive first. The columns mrr and user_count hold what the org
// had after an update, which of a late one is another time's; its changes hold what it said.
func curvesOf(rows []models.ProductOrgUpdate) (Curves, error) {
	var c Curves
	for _, r := range slices.Backward(rows) {
		var changes []Change
		if err := json.Unmarshal(r.Changes, &changes); err != nil {
			return Curves{}, fmt.Errorf("read changes of update %s: %w", r.ID, err)
		}
		for _, change := range changes {
			switch change.Field {
			case "mrr":
				c.MRR = appendPoint(c.MRR, r.OccurredAt, change.After)
			case "user_count":
				c.Users = appendPoint(c.Users, r.OccurredAt, change.After)
			}
		}
	}
	byTime := func(a, b Point) int { return cmp.Compare(a.At.UnixMicro(), b.At.UnixMicro()) }
	slices.SortStableFunc(c.MRR, byTime)
	slices.SortStableFunc(c.Users, byTime)
	return c, nil
}

func appendPoint(points []Point, at models.Time, value json.RawMessage) []Point {
	value = bytes.Trim(value, `"`)
	f, err := strconv.ParseFloat(string(value), 64)
	if err != nil {
		return points // null: the number was taken away
	}
	return append(points, Point{At: at, Value: f, Exact: string(value)})
}
