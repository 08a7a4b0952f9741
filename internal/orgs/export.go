package orgs

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"latchkey/internal/access"
	"latchkey/internal/audit"
	"latchkey/models"
)

// exportPage is how many organisations an export reads at a time.
const exportPage = 100

// Each calls fn for every organisation that the filter leaves, by org id: an order in which none
// moves while it is read, so that none is missed or met twice. Memory stays flat however many there
// are. It needs access.ReadData.
func (s *Service) Each(ctx context.Context, actor access.Actor, f Filter, fn func(Item) error) error {
	if err := mayRead(actor); err != nil {
		return err
	}
	q := s.query(ctx, actor, f)
	for after := ""; ; {
		db := q.base().Where("org_key > ?", after)
		for _, c := range slices.Concat(q.indexed, q.rest) {
			if c.text != otherThan { // the list shows that one by itself
				db = db.Where(c.text, c.args...)
			}
		}
		var rows []models.ProductOrg
		if err := db.Order("org_key").Limit(exportPage).Find(&rows).Error; err != nil {
			return fmt.Errorf("read product orgs: %w", err)
		}
		page, err := withState(rows)
		if err != nil {
			return err
		}
		for _, item := range page {
			if err := fn(item); err != nil {
				return err
			}
		}
		if len(rows) < exportPage {
			return nil
		}
		after = rows[len(rows)-1].OrgKey
	}
}

// note records an export before its first line leaves.
func (s *Service) note(ctx context.Context, actor access.Actor, f Filter, format string) error {
	if err := mayRead(actor); err != nil {
		return err
	}
	after := audit.Values{"format": format, "environment": f.Environment}
	for name, value := range map[string]string{"search": f.Search, "plan": f.Plan, "trial_status": f.TrialStatus} {
		if value != "" {
			after[name] = value
		}
	}
	return s.db.Tx(ctx, func(tx *gorm.DB) error {
		return audit.Record(ctx, tx, s.now().UTC(), actor, audit.Change{
			Action: "product_orgs.exported", Target: audit.Target{Type: "workspace", ID: actor.WorkspaceID}, After: after,
		})
	})
}

// exported is a line of the NDJSON export. Numbers are written as they were sent.
type exported struct {
	ID           string                     `json:"id"`
	OrgID        string                     `json:"org_id"`
	Environment  string                     `json:"environment"`
	Values       map[string]json.RawMessage `json:"values"`
	FeatureFlags map[string]json.RawMessage `json:"feature_flags"`
	Custom       map[string]json.RawMessage `json:"custom"`
	Updates      int64                      `json:"updates"`
	CreatedAt    string                     `json:"created_at"`
	UpdatedAt    string                     `json:"updated_at"`
	LastEventAt  string                     `json:"last_event_at"`
}

// WriteNDJSON streams the organisations as one JSON object a line, with all that is known of each.
// The export is recorded in the audit log.
func (s *Service) WriteNDJSON(ctx context.Context, actor access.Actor, f Filter, w io.Writer) error {
	if err := s.note(ctx, actor, f, "ndjson"); err != nil {
		return err
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return s.Each(ctx, actor, f, func(i Item) error {
		values, flags, custom := i.State.split()
		return enc.Encode(exported{
			ID: i.ID, OrgID: i.OrgKey, Environment: i.Environment, Values: values, FeatureFlags: flags, Custom: custom,
			Updates: i.Updates, CreatedAt: stamp(i.CreatedAt), UpdatedAt: stamp(i.UpdatedAt), LastEventAt: stamp(i.LastEventAt),
		})
	})
}

// flagPrefix begins the name of a feature flag.
const flagPrefix = "feature_flags."

// split tells the named values, the feature flags and the custom values apart.
func (s State) split() (values, flags, custom map[string]json.RawMessage) {
	values, flags, custom = map[string]json.RawMessage{}, map[string]json.RawMessage{}, map[string]json.RawMessage{}
	for name, field := range s {
		if flag, ok := strings.CutPrefix(name, flagPrefix); ok {
			flags[flag] = field.Value
		} else if own, ok := strings.CutPrefix(name, customPrefix); ok {
			custom[own] = field.Value
		} else {
			values[name] = field.Value
		}
	}
	return values, flags, custom
}

// named are the values that have a column of their own in a CSV export, in its order.
var named = []string{
	"name", "domain", "plan", "status", "user_count", "seats", "mrr", "currency", "trial_status", "trial_ends_at", "owner_email",
}

// WriteCSV streams the organisations as RFC 4180 with a header line; cells that a spreadsheet would
// run as a formula are neutralised. Custom fields are columns: those that CustomColumns finds. The
// export is recorded in the audit log.
func (s *Service) WriteCSV(ctx context.Context, actor access.Actor, f Filter, w io.Writer) error {
	custom, err := s.CustomColumns(ctx, actor, f.Environment)
	if err != nil {
		return err
	}
	if err := s.note(ctx, actor, f, "csv"); err != nil {
		return err
	}
	out := csv.NewWriter(w)
	header := append(append([]string{"org_id"}, named...), "feature_flags", "updates", "created_at", "updated_at", "last_event_at", "id")
	_ = out.Write(plainCells(append(header, custom...))) // a failing writer is told by Flush
	err = s.Each(ctx, actor, f, func(i Item) error { return out.Write(i.cells(custom)) })
	out.Flush()
	if err != nil {
		return err
	}
	return out.Error()
}

func (i Item) cells(custom []string) []string {
	_, flags, _ := i.State.split()
	cells := []string{i.OrgKey}
	for _, name := range named {
		cells = append(cells, i.State.Text(name))
	}
	cells = append(cells, flagsText(flags), fmt.Sprint(i.Updates), stamp(i.CreatedAt), stamp(i.UpdatedAt), stamp(i.LastEventAt), i.ID)
	for _, name := range custom {
		cells = append(cells, i.State.Text(name))
	}
	return plainCells(cells)
}

func flagsText(flags map[string]json.RawMessage) string {
	parts := make([]string, 0, len(flags))
	for _, name := range slices.Sorted(maps.Keys(flags)) {
		parts = append(parts, name+"="+string(flags[name]))
	}
	return strings.Join(parts, " ")
}

// plainCells leaves numbers alone: one below zero is no formula.
func plainCells(cells []string) []string {
	for n, cell := range cells {
		if !json.Valid([]byte(cell)) {
			cells[n] = audit.PlainCell(cell)
		}
	}
	return cells
}

func stamp(t models.Time) string { return t.UTC().Format(time.RFC3339Nano) }
