package usage

import (
	"time"

	"latchkey/internal/keys"
	"latchkey/models"
)

// maxHeld bounds what is kept in memory while the database is away.
const maxHeld = 200_000

type minuteKey struct {
	keyID  string
	minute int64
}

type scopeKey struct{ keyID, scope string }

// gathered is what waits to be written.
type gathered struct {
	minutes map[minuteKey]*models.KeyUsageMinute
	last    map[string]*models.KeyLastUsed
	scopes  map[scopeKey]time.Time
}

func newGathered() gathered {
	return gathered{
		minutes: map[minuteKey]*models.KeyUsageMinute{}, last: map[string]*models.KeyLastUsed{}, scopes: map[scopeKey]time.Time{},
	}
}

func (g *gathered) empty() bool { return len(g.minutes)+len(g.last)+len(g.scopes) == 0 }

func (g *gathered) minute(c *keys.Credential, at time.Time) *models.KeyUsageMinute {
	k := minuteKey{c.ID, at.Unix() / 60}
	m := g.minutes[k]
	if m == nil {
		m = &models.KeyUsageMinute{APIKeyID: c.ID, Minute: k.minute, WorkspaceID: c.WorkspaceID, Environment: c.Environment}
		g.minutes[k] = m
	}
	return m
}

func (g *gathered) lastOf(keyID string) *models.KeyLastUsed {
	l := g.last[keyID]
	if l == nil {
		l = &models.KeyLastUsed{APIKeyID: keyID}
		g.last[keyID] = l
	}
	return l
}

func (g *gathered) count(c *keys.Credential, accepted, duplicates, rejected int64, at time.Time) {
	m := g.minute(c, at)
	m.Accepted += accepted
	m.Duplicates += duplicates
	m.Rejected += rejected
	if retiring(c, at) {
		m.Previous += accepted + duplicates + rejected
	}
}

// restore puts back what could not be written, below what has gathered since.
func (g *gathered) restore(older gathered) bool {
	if len(g.minutes)+len(older.minutes) > maxHeld {
		return false
	}
	for k, m := range older.minutes {
		newer := g.minutes[k]
		if newer == nil {
			g.minutes[k] = m
			continue
		}
		newer.Accepted += m.Accepted
		newer.Duplicates += m.Duplicates
		newer.Rejected += m.Rejected
		newer.Previous += m.Previous
		newer.Outside += m.Outside
	}
	for id, l := range older.last {
		if newer := g.last[id]; newer != nil {
			complete(newer, l)
			continue
		}
		g.last[id] = l
	}
	for k, at := range older.scopes {
		if g.scopes[k].Before(at) {
			g.scopes[k] = at
		}
	}
	return true
}

// complete fills what the newer record has not seen with what the older one has.
func complete(newer, older *models.KeyLastUsed) {
	if newer.LastUsedAt.IsZero() {
		newer.LastUsedAt, newer.IP, newer.UserAgent = older.LastUsedAt, older.IP, older.UserAgent
	}
	if newer.LastRefusedAt.IsZero() {
		newer.LastRefusedAt, newer.RefusedIP, newer.RefusedUserAgent = older.LastRefusedAt, older.RefusedIP, older.RefusedUserAgent
	}
	if newer.BrowserSeenAt.IsZero() {
		newer.BrowserSeenAt = older.BrowserSeenAt
	}
	if newer.PreviousUsedAt.IsZero() {
		newer.PreviousUsedAt, newer.PreviousIP, newer.PreviousUserAgent = older.PreviousUsedAt, older.PreviousIP, older.PreviousUserAgent
	}
	if newer.OutsideAt.IsZero() {
		newer.OutsideAt, newer.OutsideIP = older.OutsideAt, older.OutsideIP
	}
}
