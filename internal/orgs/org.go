package orgs

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"gorm.io/gorm"

	"latchkey/internal/access"
	"latchkey/internal/database"
	"latchkey/models"
)

// Value is one field of an organisation, with where it is from.
type Value struct {
	Name string // as a template names it: "plan", "feature_flags.beta", "custom.region"
	Field
	From      KeyName // the key that it came with
	RequestID string  // empty when the retention of its update has ended
}

// Org is an organisation as it is known now.
type Org struct {
	models.ProductOrg
	State  State
	Values []Value // by name
}

// Get returns one organisation. NotFound when it is another workspace's; it needs access.ReadData.
func (s *Service) Get(ctx context.Context, actor access.Actor, id string) (Org, error) {
	if err := mayRead(actor); err != nil {
		return Org{}, err
	}
	row, err := s.row(ctx, actor, id)
	if err != nil {
		return Org{}, err
	}
	state, err := Decode(row.Fields)
	if err != nil {
		return Org{}, fmt.Errorf("read values of product org %s: %w", id, err)
	}
	values, err := s.values(ctx, actor, state)
	return Org{row, state, values}, err
}

func (s *Service) row(ctx context.Context, actor access.Actor, id string) (models.ProductOrg, error) {
	if !database.ValidID(id) {
		return models.ProductOrg{}, errNoOrg
	}
	row, err := gorm.G[models.ProductOrg](s.db.Read).
		Where("id = ? AND workspace_id = ?", id, actor.WorkspaceID).Take(ctx)
	if database.IsNotFound(err) {
		return models.ProductOrg{}, errNoOrg
	}
	if err != nil {
		return models.ProductOrg{}, fmt.Errorf("select product org: %w", err)
	}
	return row, nil
}

func (s *Service) values(ctx context.Context, actor access.Actor, state State) ([]Value, error) {
	var keyIDs, updateIDs []string
	for _, f := range state {
		keyIDs, updateIDs = append(keyIDs, f.Key), append(updateIDs, f.Update)
	}
	keys, err := s.keyNames(ctx, actor.WorkspaceID, validIDs(keyIDs))
	if err != nil {
		return nil, err
	}
	requests, err := s.requestsOf(ctx, actor.WorkspaceID, validIDs(updateIDs))
	if err != nil {
		return nil, err
	}
	values := make([]Value, 0, len(state))
	for _, name := range slices.Sorted(maps.Keys(state)) {
		f := state[name]
		values = append(values, Value{Name: name, Field: f, From: keys[f.Key], RequestID: requests[f.Update]})
	}
	return values, nil
}

func validIDs(ids []string) []string {
	slices.Sort(ids)
	return slices.DeleteFunc(slices.Compact(ids), func(id string) bool { return !database.ValidID(id) })
}

// requestsOf tells which requests brought updates.
func (s *Service) requestsOf(ctx context.Context, workspaceID string, ids []string) (map[string]string, error) {
	found := map[string]string{}
	for chunk := range slices.Chunk(ids, atOnce) {
		rows, err := gorm.G[models.ProductOrgUpdate](s.db.Read).Select("id", "request_id").
			Where("id IN ? AND workspace_id = ?", chunk, workspaceID).Find(ctx)
		if err != nil {
			return nil, fmt.Errorf("select requests of updates: %w", err)
		}
		for _, r := range rows {
			found[r.ID] = r.RequestID
		}
	}
	return found, nil
}
