package ingest

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"time"

	"latchkey/internal/database"
	"latchkey/internal/outbox"
	"latchkey/models"
)

// dedupWindow is how long a message id is remembered.
const dedupWindow = 7 * 24 * time.Hour

func newOrgStore(db *database.DB, bell *outbox.Bell) store {
	if db.IsPostgres() {
		return &orgPostgres{pool: db.Pool, subs: subscriptions{bell: bell}}
	}
	return &orgSQLite{db: db.SQLDB(), subs: subscriptions{bell: bell}}
}

func newStore(db *database.DB, bell *outbox.Bell) store {
	if db.IsPostgres() {
		return &postgresStore{pool: db.Pool, subs: subscriptions{bell: bell}}
	}
	return &sqliteStore{db: db.SQLDB(), subs: subscriptions{bell: bell}}
}

// keyState is what the transaction reads of a key.
type keyState struct {
	status    string
	expiresAt models.Time
	settings  int
	template  string // org store only: the key's template and its newest version
	version   int
}

// errMoved says that the key's settings changed after the request was read under the old ones: it
// is looked at again under the new.
var errMoved = errors.New("the key's settings have changed")

// judgeOrgs is judge for updates: the template that mapped them must be the newest of their key's.
// A replay is a person's act and needs no active key.
func judgeOrgs(jobs []*job, states map[string]keyState, now time.Time) (live []*job, dead map[*job]error) {
	var posted, replays []*job
	for _, j := range jobs {
		if j.replay {
			replays = append(replays, j)
		} else {
			posted = append(posted, j)
		}
	}
	live, dead = judge(posted, states, now)
	dead = merge(map[*job]error{}, dead)
	return slices.DeleteFunc(append(live, replays...), func(j *job) bool {
		state := states[j.cred.ID]
		if len(j.updates) == 0 || state.template == j.template.TemplateID && state.version == j.template.Version {
			return false
		}
		dead[j] = errMoved
		return true
	}), dead
}

// judge splits jobs by the state of their keys inside the transaction.
func judge(jobs []*job, states map[string]keyState, now time.Time) (live []*job, dead map[*job]error) {
	for _, j := range jobs {
		var reason error
		switch state, known := states[j.cred.ID]; {
		case !known:
			reason = errInvalidKey()
		case state.status != models.KeyActive:
			reason = errDeactivated()
		case !state.expiresAt.IsZero() && !now.Before(state.expiresAt.Time):
			reason = errExpired()
		case state.settings != j.cred.SettingsVersion:
			reason = errMoved
		case j.late(now):
			reason = errExpired() // and its end was not moved: the settings are the same
		}
		if reason == nil {
			live = append(live, j)
			continue
		}
		if dead == nil {
			dead = map[*job]error{}
		}
		dead[j] = reason
	}
	return live, dead
}

// late tells whether the value that was presented, one before a rotation, has ended at now.
func (j *job) late(now time.Time) bool {
	return !j.cred.EndsAt.IsZero() && !now.Before(j.cred.EndsAt)
}

// settings is the version of the key's settings that the job was read under; none that a key could
// have when the job is late, so that the condition of its rows does not hold.
func (j *job) settings(now time.Time) int32 {
	if j.late(now) {
		return -1
	}
	return int32(j.cred.SettingsVersion)
}

func templateIDs(jobs []*job) []string {
	var ids []string
	for _, j := range jobs {
		if j.template != nil && !slices.Contains(ids, j.template.TemplateID) {
			ids = append(ids, j.template.TemplateID)
		}
	}
	return ids
}

func keyIDs(jobs []*job) []string {
	var ids []string
	seen := map[string]bool{}
	for _, j := range jobs {
		if !seen[j.cred.ID] {
			seen[j.cred.ID] = true
			ids = append(ids, j.cred.ID)
		}
	}
	return ids
}

// original is the signal that a digest stands for.
type original struct {
	signalID string
	payload  []byte
}

// firsts keeps the first item of each digest within the group; the later ones repeat it. Sorted,
// so that two instances lock the same digests in the same order.
func firsts(jobs []*job) []*item {
	seen := map[digest]bool{}
	var out []*item
	for _, j := range jobs {
		for _, it := range j.items {
			if it.digest != nil && !seen[*it.digest] {
				seen[*it.digest] = true
				out = append(out, it)
			}
		}
	}
	slices.SortFunc(out, func(a, b *item) int { return bytes.Compare(a.digest[:], b.digest[:]) })
	return out
}

// assign writes each item's result. known holds the digests that were there before.
func assign(jobs []*job, known map[digest]original) {
	for _, j := range jobs {
		j.accepted, j.repeated = 0, 0
		for _, it := range j.items {
			r := it.result
			if it.digest != nil {
				if first, repeats := known[*it.digest]; repeats {
					r.Status, r.ID = Duplicate, first.signalID
					// Not of the item: another try may find it to be the first.
					if r.Warnings = it.warnings; !bytes.Equal(first.payload, it.payload[:]) {
						r.Warnings = append(slices.Clone(it.warnings), warnPayloadMismatch)
					}
					j.repeated++
					continue
				}
				if known == nil {
					known = map[digest]original{}
				}
				known[*it.digest] = original{it.signal.ID, it.payload[:]}
			}
			r.Status, r.ID, r.Warnings = Accepted, it.signal.ID, it.warnings
			j.accepted++
		}
	}
}

// finish completes the log line of a job with what the transaction decided.
func (j *job) finish(now time.Time) {
	if j.request == nil {
		return
	}
	r := j.request
	if len(j.items)+len(j.updates) == 0 {
		return // the line of an upload, whose chunks were jobs of their own
	}
	r.Accepted, r.Duplicates = j.accepted, j.repeated
	r.DurationUS = now.Sub(j.started).Microseconds()
	if len(j.updates) == 1 && len(j.updates[0].result.ID) > 0 {
		u := j.updates[0]
		if r.Body == nil {
			r.Body = u.row.Raw // taken away by a try that failed
		}
		id := u.result.ID
		r.SignalID = &id
		if u.row.Status != models.UpdateDuplicate && bytes.Equal(r.Body, u.row.Raw) {
			r.Body = nil // the update has it
		}
	}
	if len(j.items) == 1 && r.Rejected == 0 {
		it := j.items[0]
		if r.Body == nil {
			r.Body = it.signal.Raw // taken away by a try that failed
		}
		id := it.result.ID
		r.SignalID = &id
		// The stored signal's bytes are the body; a repeat with other bytes keeps its own.
		if it.result.Status == Accepted || !slices.Contains(it.result.Warnings, warnPayloadMismatch) {
			if bytes.Equal(r.Body, it.signal.Raw) {
				r.Body = nil
			}
		}
	}
}

// fresh are the items to insert.
func fresh(jobs []*job) []*item {
	var rows []*item
	for _, j := range jobs {
		for _, it := range j.items {
			if it.result.Status == Accepted {
				it.signal.Warnings = strings.Join(it.warnings, ",")
				rows = append(rows, it)
			}
		}
	}
	return rows
}

// lines are the log lines to insert with the jobs. A request that brought one event, and nothing else
// that is worth a row, goes into the event's.
func lines(jobs []*job, logs []*models.GatewayRequest, now time.Time) []*models.GatewayRequest {
	var out []*models.GatewayRequest
	for _, j := range jobs {
		if j.request == nil {
			continue
		}
		j.finish(now)
		if it := j.only(); it != nil {
			it.line = j.request
			continue
		}
		if len(j.items) == 1 && j.items[0].result.Status == Duplicate && j.items[0].result.ID == j.request.ID {
			continue // a try whose outcome was not known has stored both
		}
		out = append(out, j.request)
	}
	return append(out, logs...)
}

// only is the one event whose row can hold the whole request; nil when there is none.
func (j *job) only() *item {
	if len(j.items) != 1 {
		return nil
	}
	r, it := j.request, j.items[0]
	if it.line = nil; it.signal.ID != r.ID || it.result.Status != Accepted || r.Rejected > 0 || r.Code != "" || r.Body != nil {
		return nil
	}
	return it
}
