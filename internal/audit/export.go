package audit

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"latchkey/internal/access"
)

// exportBatch is how many entries an export reads at a time, so that its memory stays flat.
const exportBatch = 500

// Each calls fn for every entry that the filter leaves, oldest first. It needs access.ReadAudit.
func (l *Log) Each(ctx context.Context, actor access.Actor, f Filter, fn func(Entry) error) error {
	if err := actor.Require(access.ReadAudit); err != nil {
		return err
	}
	after := ""
	for {
		q := l.query(actor, f)
		if after != "" {
			q = q.Where("id > ?", after)
		}
		rows, err := q.Order("id").Limit(exportBatch).Find(ctx)
		if err != nil {
			return fmt.Errorf("read audit entries: %w", err)
		}
		for _, e := range rows {
			if err := fn(e); err != nil {
				return err
			}
		}
		if len(rows) < exportBatch {
			return nil
		}
		after = rows[len(rows)-1].ID
	}
}

// exported is a line of the NDJSON export.
type exported struct {
	ID        string          `json:"id"`
	Time      string          `json:"time"`
	ActorID   *string         `json:"actor_id"`
	ActorKey  *string         `json:"actor_key_id,omitempty"`
	Actor     string          `json:"actor"`
	Action    string          `json:"action"`
	Target    exportedTarget  `json:"target"`
	Address   string          `json:"address"`
	RequestID string          `json:"request_id"`
	Before    json.RawMessage `json:"before,omitempty"`
	After     json.RawMessage `json:"after,omitempty"`
}

type exportedTarget struct {
	Type  string `json:"type"`
	ID    string `json:"id"`
	Label string `json:"label"`
}

// WriteNDJSON streams the entries as one JSON object a line.
func (l *Log) WriteNDJSON(ctx context.Context, actor access.Actor, f Filter, w io.Writer) error {
	enc := json.NewEncoder(w)
	return l.Each(ctx, actor, f, func(e Entry) error {
		return enc.Encode(exported{
			ID: e.ID, Time: stamp(e), ActorID: e.ActorAccountID, ActorKey: e.ActorKeyID, Actor: e.ActorLabel, Action: e.Action,
			Target:  exportedTarget{e.TargetType, e.TargetID, e.TargetLabel},
			Address: e.IP, RequestID: e.RequestID, Before: e.Before, After: e.After,
		})
	})
}

// WriteCSV streams the entries as RFC 4180 with a header line; cells that a spreadsheet would run
// as a formula are neutralised.
func (l *Log) WriteCSV(ctx context.Context, actor access.Actor, f Filter, w io.Writer) error {
	out := csv.NewWriter(w)
	_ = out.Write([]string{"time", "actor", "action", "target_type", "target_id", "target", "address", "request_id", "before", "after", "id"})
	err := l.Each(ctx, actor, f, func(e Entry) error {
		cells := []string{stamp(e), e.ActorLabel, e.Action, e.TargetType, e.TargetID, e.TargetLabel, e.IP, e.RequestID, string(e.Before), string(e.After), e.ID}
		for i := range cells {
			cells[i] = PlainCell(cells[i])
		}
		return out.Write(cells)
	})
	out.Flush()
	if err != nil {
		return err
	}
	return out.Error()
}

// PlainCell puts an apostrophe before a cell that a spreadsheet would take for a formula (OWASP,
// CSV injection).
func PlainCell(cell string) string {
	if cell == "" {
		return cell
	}
	switch cell[0] {
	case '=', '+', '-', '@', '\t', '\r':
		return "'" + cell
	default:
		return cell
	}
}

func stamp(e Entry) string { return e.CreatedAt.UTC().Format(time.RFC3339Nano) }
