package signals

import (
	"context"
	"fmt"
	"time"

	"latchkey/internal/access"
)

// Numbers are what arrived in some time. Duplicates count as accepted; Rejected counts refused
// requests and refused items. APICalls are what API-access keys asked for, answered or refused; they
// are in none of the others.
type Numbers struct{ Accepted, Rejected, APICalls int64 }

// Today sums the day so far in the reader's zone. It needs access.ReadData.
func (s *Service) Today(ctx context.Context, actor access.Actor, environment string, zone *time.Location) (Numbers, error) {
	if err := actor.Require(access.ReadData); err != nil {
		return Numbers{}, err
	}
	y, m, d := s.now().In(zone).Date()
	midnight := time.Date(y, m, d, 0, 0, 0, 0, zone)
	var n Numbers
	err := s.db.Read.WithContext(ctx).Raw(`
		SELECT
			COALESCE(SUM(CASE WHEN k.endpoint_type <> 'api_access' THEN m.accepted + m.duplicates END), 0) AS accepted,
			COALESCE(SUM(CASE WHEN k.endpoint_type <> 'api_access' THEN m.rejected END), 0) AS rejected,
			COALESCE(SUM(CASE WHEN k.endpoint_type = 'api_access' THEN m.accepted + m.duplicates + m.rejected END), 0) AS api_calls
		FROM key_usage_minutes m
		JOIN api_keys k ON k.id = m.api_key_id
		WHERE m.workspace_id = ? AND m.environment = ? AND m.minute >= ?`,
		actor.WorkspaceID, environment, midnight.Unix()/60).Scan(&n).Error
	if err != nil {
		return Numbers{}, fmt.Errorf("sum today: %w", err)
	}
	return n, nil
}

// Progress is how far an environment's set-up has come.
type Progress struct {
	HasKey      bool
	HasRequest  bool   // something reached the gateway, accepted or not
	FirstSignal string // id; empty until one was stored
}

// Progress looks at what an environment has. It needs access.ReadData.
func (s *Service) Progress(ctx context.Context, actor access.Actor, environment string) (Progress, error) {
	if err := actor.Require(access.ReadData); err != nil {
		return Progress{}, err
	}
	var p Progress
	// Ordered, so that the planner takes the first row of the index and not a look at the table.
	err := s.db.Read.WithContext(ctx).Raw(`
		SELECT
			EXISTS (SELECT 1 FROM api_keys WHERE workspace_id = @ws AND environment = @env AND endpoint_type <> 'api_access') AS has_key,
			(SELECT id FROM request_log WHERE route IS NOT NULL AND workspace_id = @ws AND environment = @env ORDER BY id LIMIT 1) IS NOT NULL AS has_request,
			COALESCE((SELECT CAST(first.id AS TEXT)
				FROM (SELECT id FROM signals WHERE workspace_id = @ws AND environment = @env ORDER BY id LIMIT 1) first), '') AS first_signal`,
		map[string]any{"ws": actor.WorkspaceID, "env": environment}).Scan(&p).Error
	if err != nil {
		return Progress{}, fmt.Errorf("look at progress: %w", err)
	}
	return p, nil
}
