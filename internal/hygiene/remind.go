package hygiene

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"latchkey/internal/access"
	"latchkey/internal/audit"
	"latchkey/internal/keys"
	"latchkey/internal/notices"
	"latchkey/internal/outbox"
	"latchkey/models"
)

// Thresholds are how many days before an expiry people are reminded.
var Thresholds = []int{30, 7, 1}

const (
	// expiredSince bounds how late an expiry is told of, so that the first run on an old database
	// does not tell of every key that ever ended.
	expiredSince = week
	// remindBatch is how many reminders share a transaction.
	remindBatch = 100
)

// due is a key that people must be told about, and by which notice.
type due struct {
	models.APIKey
	Days int // the threshold; 0: it has expired
}

func (d due) kind() string {
	if d.Days == 0 {
		return notices.Expired
	}
	return notices.Expiring
}

func (d due) event() outbox.Type {
	if d.Days == 0 {
		return outbox.KeyExpired
	}
	return outbox.KeyExpiring
}

func (d due) dedup() string {
	return notices.ExpiryDedup(d.kind(), d.ID, d.ExpiresAt, d.Days)
}

// shortLived tells that a program made the key for a day at most: it makes many, and nobody could do
// anything about them.
func (d due) shortLived() bool {
	return d.CreatedByKey != nil && d.ExpiresAt.Sub(d.CreatedAt.Time) <= day
}

// dueSQL selects the keys whose nearest threshold has no notice yet. The instant of the expiry is
// part of a notice's name, so that an expiry that was moved is told of again.
const dueSQL = `
	SELECT * FROM (
		SELECT k.*, CASE
			WHEN k.expires_at <= @now THEN 0
			WHEN k.expires_at <= @in1 THEN 1
			WHEN k.expires_at <= @in7 THEN 7
			ELSE 30 END AS days
		FROM api_keys k
		WHERE k.status = 'active' AND k.expires_at > @since AND k.expires_at <= @in30
	) d
	WHERE NOT EXISTS (
		SELECT 1 FROM notices n
		WHERE n.workspace_id = d.workspace_id
		  AND n.dedup = CASE WHEN d.days = 0 THEN @expired ELSE @expiring END
			|| ':' || CAST(d.id AS TEXT) || ':' || CAST(d.expires_at AS TEXT) || ':' || CAST(d.days AS TEXT))
	ORDER BY d.id
	LIMIT @limit`

// Remind tells of keys that expire within 30, 7 and 1 days, and of those that expired: a notice and
// an audit entry, once a threshold however many instances call it. Only the nearest threshold is
// told of: a key made with five days left is not told of as one with thirty.
func (s *Service) Remind(ctx context.Context) error {
	for {
		list, err := s.due(ctx)
		if err != nil || len(list) == 0 {
			return err
		}
		err = s.db.Tx(ctx, func(tx *gorm.DB) error {
			for _, d := range list {
				if err := s.remind(ctx, tx, d); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil || len(list) < remindBatch {
			return err
		}
	}
}

// due reads outside of a transaction, since nearly always there is nothing to do. All instances get
// the same order, so that they wait for each other's notices and never in a circle.
func (s *Service) due(ctx context.Context) (list []due, err error) {
	now := s.now()
	at := func(d time.Duration) models.Time { return models.At(now.Add(d)) }
	err = s.db.Read.WithContext(ctx).Raw(dueSQL, map[string]any{
		"now": at(0), "in1": at(day), "in7": at(week), "in30": at(month), "since": at(-expiredSince),
		"expired": notices.Expired, "expiring": notices.Expiring, "limit": remindBatch,
	}).Scan(&list).Error
	if err != nil {
		return nil, fmt.Errorf("select keys that expire: %w", err)
	}
	return list, nil
}

// remind raises the notice of one key in place of the earlier ones, and the audit entry with it.
func (s *Service) remind(ctx context.Context, tx *gorm.DB, d due) error {
	now := s.now()
	expires := d.ExpiresAt.Format(time.RFC3339)
	n := notices.Notice{
		WorkspaceID: d.WorkspaceID, Kind: d.kind(), Dedup: d.dedup(), APIKeyID: d.ID, Silent: d.shortLived(),
		Data: map[string]any{"expires_at": expires},
	}
	after := audit.Values{"expires_at": expires}
	if d.Days > 0 {
		n.Data["days"], after["days"] = d.Days, d.Days
	}
	created, err := notices.Raise(ctx, tx, now, n)
	if err != nil || !created {
		return err
	}
	if err := notices.Supersede(ctx, tx, now, notices.Expiring, d.ID, n.Dedup); err != nil {
		return err
	}
	actor := access.System(d.WorkspaceID)
	err = audit.Record(ctx, tx, now, actor, audit.Change{
		Action: d.kind(), Target: audit.Target{Type: "api_key", ID: d.ID, Label: d.Name}, After: after,
	})
	if err != nil {
		return err
	}
	return keys.Tell(ctx, tx, now, actor, d.APIKey, d.event(), func(data *outbox.KeyData) { data.Days = d.Days })
}
