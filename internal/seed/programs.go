package seed

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"latchkey/internal/access"
	"latchkey/internal/keys"
	"latchkey/internal/leaks"
	"latchkey/models"
)

// Names of the keys of programs.
const (
	pipelineKey = "CI pipeline"
	notebookKey = "Reporting notebook"
)

// Ages in days of what happened to keys.
const (
	addressesWatched = 5.2
	partnerLeaked    = 1.3
	segmentRotated   = 0.4
)

// programSteps are the past of what programs use, of a rotation that is on, of an address list that
// is tried out, and of a leak.
func (d *demo) programSteps() []step {
	return []step{
		{64.5, d.create(access.Admin, keys.CreateForm{Name: pipelineKey, Environment: models.Live, EndpointType: models.APIAccess,
			Scopes: access.Scopes{access.ReadWriteWorkspace}})},
		{30.2, d.create(access.Developer, keys.CreateForm{Name: notebookKey, Environment: models.Live, EndpointType: models.APIAccess,
			Scopes: access.Scopes{access.SignalsRead, access.OrgsRead, access.AnalyticsRead}, ExpiresAt: d.now.AddDate(0, 0, 60)})},
		{addressesWatched, d.watchAddresses(access.Developer, backendKey, "198.51.100.0/24")},
		{partnerLeaked, d.leak(partnerKey)},
		{segmentRotated, d.rotate(access.Developer, segmentKey)},
		// As often as something was due; the server looks each minute.
		{32.0, d.remind}, {9.0, d.remind}, {3.9, d.remind}, {3.0, d.remind}, {2.0, d.remind},
	}
}

func (d *demo) watchAddresses(by access.Role, name string, networks ...string) func(context.Context) error {
	return func(ctx context.Context) error {
		mode := models.AllowListWatch
		_, err := d.keys.Change(ctx, d.people[by], d.made[name].Key.ID, keys.Patch{AllowList: &networks, AllowListMode: &mode}, -1)
		return err
	}
}

func (d *demo) leak(name string) func(context.Context) error {
	return func(ctx context.Context) error {
		_, err := d.leaks.Report(ctx, leaks.Reporter{Name: "GitHub secret scanning"}, []leaks.Token{{
			Value: d.made[name].Value.Reveal(), Source: "commit", URL: "https://git.example/juniper-labs/scripts/blob/main/import.py",
		}})
		return err
	}
}

func (d *demo) rotate(by access.Role, name string) func(context.Context) error {
	return func(ctx context.Context) error {
		rotated, err := d.keys.Rotate(ctx, d.people[by], d.made[name].Key.ID, keys.RotateForm{Grace: keys.DefaultGrace, Base: -1})
		if err != nil {
			return fmt.Errorf("rotate the key %s: %w", name, err)
		}
		d.made[name] = rotated.Created
		return nil
	}
}

func (d *demo) remind(ctx context.Context) error { return d.hygiene.Remind(ctx) }

// programs writes what API-access keys were used for over the week, and what the week's traffic
// leaves for the rotation, the address list and the page on key hygiene.
func (d *demo) programs(ctx context.Context) error {
	r := rand.New(rand.NewPCG(4, 26)) // of its own, so that it changes nothing of the other contents
	return d.db.DB.Tx(ctx, func(tx *gorm.DB) error {
		ci := caller{pipelineKey, "198.51.100.60", "juniper-ci/1.8", []access.Scope{access.KeysRead, access.AnalyticsRead}}
		nightly := caller{notebookKey, "198.51.100.61", "python-requests/2.32", []access.Scope{access.SignalsRead, access.OrgsRead, access.AnalyticsRead}}
		if err := d.calls(ctx, tx, ci, moments(r, 500, d.now.Add(-week), d.now.Add(-4*time.Minute))); err != nil {
			return err
		}
		if err := d.calls(ctx, tx, nightly, moments(r, 60, d.now.Add(-week), d.now.Add(-5*time.Hour))); err != nil {
			return err
		}
		if err := d.repeat(ctx, tx, r); err != nil {
			return err
		}
		return d.marks(ctx, tx)
	})
}

// caller is a program.
type caller struct {
	key, ip, userAgent string
	scopes             []access.Scope
}

// calls writes the counts of a program's calls at these moments, which are in order.
func (d *demo) calls(ctx context.Context, tx *gorm.DB, c caller, at []time.Time) error {
	key := d.made[c.key].Key
	minutes := map[int64]int64{}
	for _, t := range at {
		minutes[t.Unix()/60]++
	}
	var counts []models.KeyUsageMinute
	for minute, n := range minutes {
		counts = append(counts, models.KeyUsageMinute{APIKeyID: key.ID, Minute: minute, WorkspaceID: d.workspace, Environment: key.Environment, Accepted: n})
	}
	last := models.At(at[len(at)-1])
	var scopes []models.KeyScopeUse
	for _, s := range c.scopes {
		scopes = append(scopes, models.KeyScopeUse{APIKeyID: key.ID, Scope: string(s), LastUsedAt: last})
	}
	used := models.KeyLastUsed{APIKeyID: key.ID, LastUsedAt: last, IP: c.ip, UserAgent: c.userAgent}
	if err := gorm.G[models.KeyUsageMinute](tx).CreateInBatches(ctx, &counts, batchRows); err != nil {
		return fmt.Errorf("insert calls: %w", err)
	}
	if err := gorm.G[models.KeyLastUsed](tx).Create(ctx, &used); err != nil {
		return fmt.Errorf("insert a program's last use: %w", err)
	}
	if err := gorm.G[models.KeyScopeUse](tx).CreateInBatches(ctx, &scopes, batchRows); err != nil {
		return fmt.Errorf("insert uses of scopes: %w", err)
	}
	return nil
}

// oldValueUsed is how long ago the sender of the key that rotates used its old value last.
const oldValueUsed = 11 * time.Minute

// repeat lets the sender of the key that rotates send its latest signal once more, with the old
// value: whatever the hour, the rotation is not over.
func (d *demo) repeat(ctx context.Context, tx *gorm.DB, r *rand.Rand) error {
	key, at := d.made[segmentKey].Key, d.now.Add(-oldValueUsed)
	var latest models.Signal
	if err := tx.WithContext(ctx).Where("api_key_id = ?", key.ID).Order("id DESC").Take(&latest).Error; err != nil {
		return fmt.Errorf("select the latest signal: %w", err)
	}
	s := stream{source: "segment", batch: 1, userAgent: "Segment.io/1.0"}
	body := fmt.Appendf(nil, "[%s]", latest.Raw)
	line := models.GatewayRequest{
		ID: idAt(r, at), WorkspaceID: d.workspace, Environment: key.Environment, APIKeyID: &key.ID, Source: s.source, Route: s.route(),
		Status: 200, Duplicates: 1, Event: latest.Event, Email: latest.Email, DurationUS: 1400, IP: "198.51.100.180", UserAgent: s.userAgent,
		Headers: s.headers(), Body: body, Bytes: int64(len(body)), ReceivedAt: models.At(at),
	}
	minute := models.KeyUsageMinute{APIKeyID: key.ID, Minute: at.Unix() / 60, WorkspaceID: d.workspace, Environment: key.Environment, Duplicates: 1}
	if err := gorm.G[models.GatewayRequest](tx).Create(ctx, &line); err != nil {
		return fmt.Errorf("insert a repeated request: %w", err)
	}
	err := tx.WithContext(ctx).Clauses(clause.OnConflict{
		Columns:   []clause.Column{{Name: "api_key_id"}, {Name: "minute"}},
		DoUpdates: clause.Assignments(map[string]any{"duplicates": gorm.Expr("key_usage_minutes.duplicates + 1")}),
	}).Create(&minute).Error
	if err != nil {
		return fmt.Errorf("count a repeated request: %w", err)
	}
	return nil
}

// marks says of traffic that is written already which of it came with an old value, from outside an
// address list, or from a browser.
func (d *demo) marks(ctx context.Context, tx *gorm.DB) error {
	since := func(days float64) int64 { return d.ago(days).Unix() / 60 }
	repeated := models.At(d.now.Add(-oldValueUsed))
	segment, backend, website := d.made[segmentKey].Key.ID, d.made[backendKey].Key.ID, d.made[websiteKey].Key.ID
	for _, m := range []struct {
		sql  string
		args []any
	}{
		{"UPDATE key_usage_minutes SET previous = (accepted + duplicates + 1) / 2 WHERE api_key_id = ? AND minute > ?", []any{segment, since(segmentRotated)}},
		{"UPDATE key_last_used SET last_used_at = ? WHERE api_key_id = ? AND last_used_at < ?", []any{repeated, segment, repeated}},
		{"UPDATE key_last_used SET previous_used_at = ?, previous_ip = ip, previous_user_agent = user_agent WHERE api_key_id = ?", []any{repeated, segment}},
		{"UPDATE key_usage_minutes SET outside = (accepted + 2) / 3 WHERE api_key_id = ? AND minute > ?", []any{backend, since(addressesWatched)}},
		{"UPDATE key_last_used SET outside_at = last_used_at, outside_ip = '2001:db8:40::21' WHERE api_key_id = ?", []any{backend}},
		{"UPDATE key_last_used SET browser_seen_at = last_used_at WHERE api_key_id = ?", []any{website}},
	} {
		if err := tx.WithContext(ctx).Exec(m.sql, m.args...).Error; err != nil {
			return fmt.Errorf("mark traffic: %w", err)
		}
	}
	return nil
}
