package ingest

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"latchkey/models"
)

func mostFrequent(reasons map[ReasonCount]int) []ReasonCount {
	out := make([]ReasonCount, 0, len(reasons))
	for r, n := range reasons {
		r.Count = n
		out = append(out, r)
	}
	slices.SortFunc(out, func(a, b ReasonCount) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), strings.Compare(a.Target, b.Target), strings.Compare(a.Problem, b.Problem))
	})
	return out[:min(len(out), maxPreviewItems)]
}

// readAtOnce bounds the parameters of one statement.
const readAtOnce = 400

// readState fills a plan with the organisations as they are, without a lock.
func (s *Service) readState(ctx context.Context, p *plan) error {
	for chunk := range slices.Chunk(p.refs(), readAtOnce) {
		names := make([]string, len(chunk))
		for i, ref := range chunk {
			names[i] = ref.key
		}
		// One key's updates are all of one workspace and environment.
		var rows []models.ProductOrg
		err := s.db.Read.WithContext(ctx).Where("workspace_id = ? AND environment = ? AND org_key IN ?",
			chunk[0].workspaceID, chunk[0].environment, names).Find(&rows).Error
		if err != nil {
			return fmt.Errorf("read organisations: %w", err)
		}
		for i := range rows {
			if err := (&orgRow{ProductOrg: rows[i]}).read(p.orgs); err != nil {
				return err
			}
		}
	}
	return nil
}

// knownDigests are the message ids that are known already.
func (s *Service) knownDigests(ctx context.Context, p *plan) (map[digest]original, error) {
	known := map[digest]original{}
	since := p.now.Add(-dedupWindow).UnixMicro()
	for chunk := range slices.Chunk(p.claims(), readAtOnce) {
		digests := make([][]byte, len(chunk))
		for i, u := range chunk {
			digests[i] = u.row.Digest
		}
		var rows []models.SignalDedup
		if err := s.db.Read.WithContext(ctx).Where("digest IN ? AND received_at >= ?", digests, since).Find(&rows).Error; err != nil {
			return nil, fmt.Errorf("read message ids: %w", err)
		}
		for _, row := range rows {
			known[digest(row.Digest)] = original{row.SignalID, row.PayloadDigest}
		}
	}
	return known, nil
}
