package ingest

import (
	"bytes"
	"cmp"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"latchkey/internal/orgs"
	"latchkey/models"
)

// update is one product-org item on its way to the writer: mapped, or to be kept for a better
// template.
type update struct {
	row      models.ProductOrgUpdate
	values   map[string]json.RawMessage // target -> value
	waits    string                     // failed or quarantined: not mapped, kept for a better template
	found    []string                   // warnings of the mapping
	warnings []string                   // those, and the transaction's
	payload  digest                     // SHA-256 of its bytes
	replay   bool                       // the row exists already and waits
	result   *ItemResult
}

func (u *update) warn(code string) {
	if !slices.Contains(u.warnings, code) {
		u.warnings = append(u.warnings, code)
	}
}

func (u *update) mapped() bool { return u.waits == "" }

// reset forgets what an earlier transaction, that did not commit, said of the update.
func (u *update) reset() {
	u.row.Status, u.row.OrgID, u.row.Changes = u.waits, nil, nil
	u.warnings = slices.Clone(u.found)
	r := u.result
	r.ID, r.Status, r.Warnings = "", "", nil
	r.Org.Applied, r.Org.Stale, r.Org.Unchanged = nil, nil, nil
}

// OrgResult is what an update did.
type OrgResult struct {
	OrgID           string   // as the sender gave it
	TemplateVersion int      // that mapped it; 0: it waits for the first
	Applied         []string // targets that changed
	Stale           []string // targets for which something newer is known
	Unchanged       []string
	Problems        []byte // JSON: []mapping.Finding
}

// orgRef names an organisation; of a key that two rows could have there is one only.
type orgRef struct{ workspaceID, environment, key string }

func (u *update) ref() orgRef { return orgRef{u.row.WorkspaceID, u.row.Environment, u.row.OrgKey} }

// orgRow is an organisation inside the transaction.
type orgRow struct {
	models.ProductOrg
	state   orgs.State
	isNew   bool
	changed bool
}

// plan is what one transaction does to organisations.
type plan struct {
	updates []*update
	orgs    map[orgRef]*orgRow
	now     time.Time
	told    *outgoing // nil: nobody is, of a preview
}

func newPlan(jobs []*job, now time.Time) *plan {
	p := &plan{orgs: map[orgRef]*orgRow{}, now: now}
	for _, j := range jobs {
		for _, u := range j.updates {
			u.reset()
			p.updates = append(p.updates, u)
		}
	}
	return p
}

// claims are the first updates of each digest, sorted, so that two instances lock them alike.
func (p *plan) claims() []*update {
	seen := map[string]bool{}
	var out []*update
	for _, u := range p.updates {
		if u.mapped() && u.row.Digest != nil && !seen[string(u.row.Digest)] {
			seen[string(u.row.Digest)] = true
			out = append(out, u)
		}
	}
	slices.SortFunc(out, func(a, b *update) int { return bytes.Compare(a.row.Digest, b.row.Digest) })
	return out
}

// refs are the organisations that are touched, sorted.
func (p *plan) refs() []orgRef {
	seen := map[orgRef]bool{}
	var out []orgRef
	for _, u := range p.updates {
		if u.mapped() && !seen[u.ref()] {
			seen[u.ref()] = true
			out = append(out, u.ref())
		}
	}
	slices.SortFunc(out, func(a, b orgRef) int {
		return cmp.Or(strings.Compare(a.workspaceID, b.workspaceID), strings.Compare(a.environment, b.environment), strings.Compare(a.key, b.key))
	})
	return out
}

// replays are the ids of rows that must still wait for this transaction to touch them.
func (p *plan) replays() []string {
	var ids []string
	for _, u := range p.updates {
		if u.replay {
			ids = append(ids, u.row.ID)
		}
	}
	slices.Sort(ids)
	return ids
}

// dropReplayed leaves out replays whose row does not wait any more: somebody else was first.
func (p *plan) dropReplayed(waiting map[string]bool) {
	p.updates = slices.DeleteFunc(p.updates, func(u *update) bool {
		gone := u.replay && !waiting[u.row.ID]
		if gone {
			u.result.Status, u.row.Status = Duplicate, models.UpdateDuplicate
		}
		return gone
	})
}

// apply merges the updates in their order. known holds the digests that were there before.
func (p *plan) apply(known map[digest]original) {
	if known == nil {
		known = map[digest]original{}
	}
	for _, u := range p.updates {
		switch {
		case u.waits == models.UpdateQuarantined:
			u.settle(Quarantined)
		case u.waits == models.UpdateFailed:
			u.settle(Rejected)
		case p.repeats(u, known):
			u.row.Status = models.UpdateDuplicate
			u.settle(Duplicate)
		default:
			p.merge(u)
		}
	}
}

func (p *plan) repeats(u *update, known map[digest]original) bool {
	if u.row.Digest == nil {
		return false
	}
	first, repeats := known[digest(u.row.Digest)]
	if !repeats || first.signalID == u.row.ID {
		known[digest(u.row.Digest)] = original{u.row.ID, u.payload[:]}
		return false
	}
	if u.row.MessageID == "" && p.news(u) {
		return false
	}
	if !bytes.Equal(first.payload, u.payload[:]) {
		u.warn(warnPayloadMismatch)
	}
	u.result.ID = first.signalID
	return true
}

// news tells that the update would change its organisation. One without a message id is then no
// repetition, though its time and bytes are known: of a sender whose time stays the same, such as
// when the organisation was made, a plan that goes A, B, A is three updates.
func (p *plan) news(u *update) bool {
	org := p.orgs[u.ref()]
	if org == nil {
		return true
	}
	at := u.row.OccurredAt.UnixMicro()
	for name, value := range u.values {
		known, there := org.state[name]
		if !there && len(org.state) < orgs.MaxFields || there && known.At <= at && !bytes.Equal(known.Value, value) {
			return true
		}
	}
	return false
}

// merge applies one update to its organisation.
func (p *plan) merge(u *update) {
	org := p.orgs[u.ref()]
	if org == nil {
		org = p.found(u)
	}
	m := org.state.Merge(u.values, orgs.From{At: u.row.OccurredAt.UnixMicro(), Update: u.row.ID, Key: u.row.APIKeyID})
	if len(m.Dropped) > 0 {
		u.warn(warnTooManyFields)
	}
	same := bytes.Equal(org.LastDigest, u.payload[:])
	changed, stale := m.Count()
	switch {
	case changed > 0 || org.isNew && org.Updates == 0:
		u.row.Status = models.UpdateApplied
		org.Updates++
		org.UpdatedAt, org.LastDigest, org.LastUpdateID = models.At(p.now), slices.Clone(u.payload[:]), &u.row.ID
	case stale > 0:
		u.row.Status = models.UpdateStale
	case same:
		u.row.Status = models.UpdateDuplicate
		if org.LastUpdateID != nil {
			u.result.ID = *org.LastUpdateID
		}
	default:
		u.row.Status = models.UpdateUnchanged
		org.LastDigest, org.LastUpdateID = slices.Clone(u.payload[:]), &u.row.ID
	}
	if u.row.OccurredAt.After(org.LastEventAt.Time) {
		org.LastEventAt = u.row.OccurredAt
	}
	org.changed = true
	org.repeat()
	u.row.OrgID, u.row.Changes = &org.ID, orgs.EncodeChanges(m.Changes)
	u.row.MRR, u.row.UserCount = org.MRR, org.UserCount
	if u.row.Status == models.UpdateApplied {
		p.told.update(u, org, m.Changes)
	}
	u.tell(m)
}

// found makes the organisation that the first update of its key tells of.
func (p *plan) found(u *update) *orgRow {
	org := &orgRow{isNew: true, state: orgs.State{}, ProductOrg: models.ProductOrg{
		ID: uuid.Must(uuid.NewV7()).String(), WorkspaceID: u.row.WorkspaceID, Environment: u.row.Environment, OrgKey: u.row.OrgKey,
		LastEventAt: u.row.OccurredAt, CreatedAt: models.At(p.now), UpdatedAt: models.At(p.now),
	}}
	p.orgs[u.ref()] = org
	return org
}

// repeat fills the columns that searching and sorting go by.
func (o *orgRow) repeat() {
	most := func(text string) string { return (&item{}).keep(text, maxText) }
	o.Name, o.Domain = most(o.state.Text("name")), most(o.state.Text("domain"))
	o.Plan, o.TrialStatus = most(o.state.Text("plan")), most(o.state.Text("trial_status"))
	o.MRR, o.UserCount = nil, nil
	if f, err := strconv.ParseFloat(o.state.Text("mrr"), 64); err == nil {
		o.MRR = &f
	}
	if n, err := strconv.ParseInt(o.state.Text("user_count"), 10, 64); err == nil {
		o.UserCount = &n
	}
	o.Fields = o.state.Encode()
}

func (u *update) tell(m orgs.Merged) {
	status := Accepted
	if u.row.Status == models.UpdateDuplicate {
		status = Duplicate
	}
	org := u.result.Org
	for _, c := range m.Changes {
		if c.Stale {
			org.Stale = append(org.Stale, c.Field)
		} else {
			org.Applied = append(org.Applied, c.Field)
		}
	}
	org.Unchanged = m.Unchanged
	u.settle(status)
}

// settle fills the result with what does not depend on the merge.
func (u *update) settle(status string) {
	r := u.result
	r.Status, r.Warnings, r.MessageID = status, u.warnings, u.row.MessageID
	if r.ID == "" {
		r.ID = u.row.ID
	}
	r.Org.OrgID, r.Org.TemplateVersion = u.row.OrgKey, u.row.TemplateVersion
	u.row.Warnings = strings.Join(u.warnings, ",")
}

// count counts what became of a job's updates.
func (j *job) count() {
	j.accepted, j.repeated = 0, 0
	for _, u := range j.updates {
		switch u.result.Status {
		case Accepted, Quarantined:
			j.accepted++
		case Duplicate:
			j.repeated++
		}
	}
}

// newOrgs and changedOrgs are the rows to insert and to update, in the order of refs.
func (p *plan) written() (newOrgs, changed []*models.ProductOrg) {
	for _, ref := range p.refs() {
		switch org := p.orgs[ref]; {
		case org == nil || !org.changed:
		case org.isNew:
			newOrgs = append(newOrgs, &org.ProductOrg)
		default:
			changed = append(changed, &org.ProductOrg)
		}
	}
	return newOrgs, changed
}

// kept are the update rows to insert and, of replays, to rewrite. A duplicate that was just
// received is not kept: its first is.
func (p *plan) kept() (inserted, rewritten []*models.ProductOrgUpdate) {
	for _, u := range p.updates {
		switch {
		case u.replay:
			rewritten = append(rewritten, &u.row)
		case u.row.Status != models.UpdateDuplicate:
			inserted = append(inserted, &u.row)
		}
	}
	return inserted, rewritten
}
