package signals

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"latchkey/internal/access"
	"latchkey/internal/audit"
	"latchkey/models"
)

const (
	// exportPage is how many lines an export reads at a time, without their raw bytes.
	exportPage = 500
	// exportBytes bounds the raw bytes that it holds; a single item may be larger.
	exportBytes = 4 << 20
)

// Each calls fn for every signal that the filter leaves, newest first, with its raw bytes. Memory
// stays flat however many there are. It needs access.ReadData.
func (s *Service) Each(ctx context.Context, actor access.Actor, f Filter, fn func(SignalItem) error) error {
	if err := actor.Require(access.ReadData); err != nil {
		return err
	}
	f.At, f.Limit = Cursor{}, exportPage
	for {
		page, err := s.signals(ctx, actor, f)
		if err != nil {
			return err
		}
		if err := s.withRaw(ctx, actor, page.Items, fn); err != nil {
			return err
		}
		if page.Older == "" {
			return nil
		}
		f.At = Cursor{Before: page.Older}
	}
}

// withRaw reads the raw bytes of a page in parts that fit exportBytes.
func (s *Service) withRaw(ctx context.Context, actor access.Actor, items []SignalItem, fn func(SignalItem) error) error {
	sizes, err := s.sizes(ctx, actor, items)
	if err != nil {
		return err
	}
	for len(items) > 0 {
		n, total := 1, sizes[items[0].ID]
		for n < len(items) && total+sizes[items[n].ID] <= exportBytes {
			total += sizes[items[n].ID]
			n++
		}
		part, err := s.rawOf(ctx, actor, items[:n])
		if err != nil {
			return err
		}
		for _, item := range items[:n] {
			raw, there := part[item.ID]
			if !there {
				continue // its retention ended meanwhile
			}
			item.Raw = raw
			if err := fn(item); err != nil {
				return err
			}
		}
		items = items[n:]
	}
	return nil
}

func (s *Service) sizes(ctx context.Context, actor access.Actor, items []SignalItem) (map[string]int64, error) {
	var rows []struct {
		ID   string
		Size int64
	}
	err := s.db.Read.WithContext(ctx).Model(&models.Signal{}).Select("id", "LENGTH(raw) AS size").
		Where(inWorkspace+" AND id IN ?", actor.WorkspaceID, idsOf(items)).Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("measure raw bytes: %w", err)
	}
	sizes := make(map[string]int64, len(rows))
	for _, r := range rows {
		sizes[r.ID] = r.Size
	}
	return sizes, nil
}

func (s *Service) rawOf(ctx context.Context, actor access.Actor, items []SignalItem) (map[string][]byte, error) {
	var rows []struct {
		ID  string
		Raw []byte
	}
	err := s.db.Read.WithContext(ctx).Model(&models.Signal{}).Select("id", "raw").
		Where(inWorkspace+" AND id IN ?", actor.WorkspaceID, idsOf(items)).Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("read raw bytes: %w", err)
	}
	found := make(map[string][]byte, len(rows))
	for _, r := range rows {
		found[r.ID] = r.Raw
	}
	return found, nil
}

func idsOf(items []SignalItem) []string {
	ids := make([]string, len(items))
	for i, item := range items {
		ids[i] = item.ID
	}
	return ids
}

// exported is a line of the NDJSON export.
type exported struct {
	ID          string          `json:"id"`
	Kind        string          `json:"kind"`
	Event       string          `json:"event"`
	Email       string          `json:"email"`
	UserID      string          `json:"user_id"`
	AnonymousID string          `json:"anonymous_id"`
	GroupID     string          `json:"group_id"`
	Source      string          `json:"source"`
	MessageID   string          `json:"message_id"`
	OccurredAt  string          `json:"occurred_at"`
	ReceivedAt  string          `json:"received_at"`
	Environment string          `json:"environment"`
	Key         string          `json:"key"`
	RequestID   string          `json:"request_id"`
	Warnings    []string        `json:"warnings"`
	Payload     json.RawMessage `json:"payload"`
}

// WriteNDJSON streams the signals as one JSON object a line; payload is what Clean makes of the
// raw bytes.
func (s *Service) WriteNDJSON(ctx context.Context, actor access.Actor, f Filter, w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return s.Each(ctx, actor, f, func(i SignalItem) error {
		warnings := i.WarningCodes()
		if warnings == nil {
			warnings = []string{}
		}
		return enc.Encode(exported{
			ID: i.ID, Kind: i.Kind, Event: i.Event, Email: i.Email, UserID: i.UserID, AnonymousID: i.AnonymousID, GroupID: i.GroupID,
			Source: i.Source, MessageID: i.MessageID, OccurredAt: stamp(i.OccurredAt), ReceivedAt: stamp(i.ReceivedAt),
			Environment: i.Environment, Key: i.KeyName, RequestID: i.RequestID, Warnings: warnings, Payload: payload(i.Raw),
		})
	})
}

var csvHeader = []string{
	"id", "event", "email", "user_id", "anonymous_id", "group_id", "source", "message_id",
	"occurred_at", "received_at", "environment", "key", "request_id", "warnings", "payload", "kind",
}

// WriteCSV streams the signals as RFC 4180 with a header line; cells that a spreadsheet would run
// as a formula are neutralised.
func (s *Service) WriteCSV(ctx context.Context, actor access.Actor, f Filter, w io.Writer) error {
	out := csv.NewWriter(w)
	_ = out.Write(csvHeader) // a failing writer is told by Flush
	err := s.Each(ctx, actor, f, func(i SignalItem) error {
		cells := []string{
			i.ID, i.Event, i.Email, i.UserID, i.AnonymousID, i.GroupID, i.Source, i.MessageID,
			stamp(i.OccurredAt), stamp(i.ReceivedAt), i.Environment, i.KeyName, i.RequestID, i.Warnings, string(payload(i.Raw)), i.Kind,
		}
		for n := range cells {
			cells[n] = audit.PlainCell(cells[n])
		}
		return out.Write(cells)
	})
	out.Flush()
	if err != nil {
		return err
	}
	return out.Error()
}

func stamp(t models.Time) string { return t.UTC().Format(time.RFC3339Nano) }
