package seed

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"latchkey/internal/source"
	"latchkey/models"
)

// rows are what the accepted past leaves in the tables.
type rows struct {
	signals  []models.Signal
	requests []models.GatewayRequest
	minutes  map[minute]*models.KeyUsageMinute
	last     map[string]*models.KeyLastUsed
}

type minute struct {
	keyID string
	at    int64
}

// traffic writes what was accepted: signals, their requests, the counts and the last uses.
func (d *demo) traffic(ctx context.Context, total int) error {
	out := &rows{minutes: map[minute]*models.KeyUsageMinute{}, last: map[string]*models.KeyLastUsed{}}
	people := crowd(d.rnd, 60)
	streams := d.streams()
	for i, n := range share(streams, total) {
		d.run(out, streams[i], people, n)
	}
	idle := d.made[idleKey].Key.ID
	out.last[idle] = &models.KeyLastUsed{APIKeyID: idle, LastUsedAt: models.At(d.ago(idleSince)), IP: "203.0.113.90", UserAgent: "Webflow"}
	return out.write(ctx, d.db.DB.Tx)
}

// run lets a stream send n signals.
func (d *demo) run(out *rows, s stream, people []person, n int) {
	for _, at := range moments(d.rnd, n, s.from, s.till) {
		if n <= 0 {
			return
		}
		size := 1
		if s.batch > 0 {
			size = min(n, 2+d.rnd.IntN(s.batch-1))
		}
		n -= size
		sender := people[d.rnd.IntN(len(people))]
		items := make([]models.Signal, size)
		for i := range items {
			items[i] = s.event(d.rnd, sender, at)
		}
		d.request(out, s, at, items)
	}
}

// request records one request with its items; sometimes the sender missed the answer and sends it
// again.
func (d *demo) request(out *rows, s stream, at time.Time, items []models.Signal) {
	key := d.made[s.key].Key
	line := models.GatewayRequest{
		ID: idAt(d.rnd, at), WorkspaceID: d.workspace, Environment: key.Environment, APIKeyID: &key.ID, Source: s.source,
		Route: s.route(), Status: 200, Accepted: len(items), Event: items[0].Event, Email: items[0].Email,
		DurationUS: int64(900 + d.rnd.IntN(5200)), IP: pick(d.rnd, s.ips...), UserAgent: s.userAgent,
		Headers: s.headers(), ReceivedAt: models.At(at),
	}
	body := make([][]byte, len(items))
	for i := range items {
		it := &items[i]
		it.ID, it.RequestID, it.APIKeyID, it.Source = idAt(d.rnd, at), line.ID, key.ID, s.source
		it.WorkspaceID, it.Environment, it.ReceivedAt = d.workspace, key.Environment, line.ReceivedAt
		it.Kind = source.KindOf(it.Event, "")
		body[i] = it.Raw
	}
	line.Bytes = int64(len(body[0]))
	if s.batch > 0 {
		line.Body = fmt.Appendf(nil, "[%s]", bytes.Join(body, []byte(",")))
		line.Bytes = int64(len(line.Body))
	} else {
		line.SignalID = &items[0].ID // whose bytes are the body
	}
	out.signals = append(out.signals, items...)
	out.add(line)
	if again := at.Add(5 * time.Second); d.rnd.IntN(1000) < s.repeats && again.Before(s.till) {
		line.ID, line.ReceivedAt = idAt(d.rnd, again), models.At(again)
		line.Accepted, line.Duplicates = 0, 1
		out.add(line)
	}
}

func (s stream) route() string {
	route := "/api/signal-staging/webhook/{key}"
	if s.source != "" {
		route = "/api/signal-staging/webhook/{source}/{key}"
	}
	if s.batch > 0 {
		route += "/batch"
	}
	return route
}

func (s stream) headers() []byte {
	return fmt.Appendf(nil, `{"Content-Type":"application/json","User-Agent":%q}`, s.userAgent)
}

// add records the line with its count and its key's last use.
func (out *rows) add(line models.GatewayRequest) {
	out.requests = append(out.requests, line)
	at := minute{*line.APIKeyID, line.ReceivedAt.Unix() / 60}
	m := out.minutes[at]
	if m == nil {
		m = &models.KeyUsageMinute{APIKeyID: at.keyID, Minute: at.at, WorkspaceID: line.WorkspaceID, Environment: line.Environment}
		out.minutes[at] = m
	}
	m.Accepted += int64(line.Accepted)
	m.Duplicates += int64(line.Duplicates)
	if last := out.last[at.keyID]; last == nil || last.LastUsedAt.Before(line.ReceivedAt.Time) {
		out.last[at.keyID] = &models.KeyLastUsed{APIKeyID: at.keyID, LastUsedAt: line.ReceivedAt, IP: line.IP, UserAgent: line.UserAgent}
	}
}

// batchRows keeps a statement's parameters within SQLite's 32,766.
const batchRows = 500

func (out *rows) write(ctx context.Context, tx func(context.Context, func(*gorm.DB) error) error) error {
	minutes := make([]models.KeyUsageMinute, 0, len(out.minutes))
	for _, m := range out.minutes {
		minutes = append(minutes, *m)
	}
	last := make([]models.KeyLastUsed, 0, len(out.last))
	for _, l := range out.last {
		last = append(last, *l)
	}
	return tx(ctx, func(tx *gorm.DB) error {
		if err := gorm.G[models.Signal](tx).CreateInBatches(ctx, &out.signals, batchRows); err != nil {
			return fmt.Errorf("insert signals: %w", err)
		}
		if err := gorm.G[models.GatewayRequest](tx).CreateInBatches(ctx, &out.requests, batchRows); err != nil {
			return fmt.Errorf("insert requests: %w", err)
		}
		if err := gorm.G[models.KeyUsageMinute](tx).CreateInBatches(ctx, &minutes, batchRows); err != nil {
			return fmt.Errorf("insert usage: %w", err)
		}
		if err := gorm.G[models.KeyLastUsed](tx).CreateInBatches(ctx, &last, batchRows); err != nil {
			return fmt.Errorf("insert last uses: %w", err)
		}
		return nil
	})
}

// idAt is an identifier as if made at t (UUID version 7, RFC 9562), so that lists sorted by id are
// sorted by arrival.
func idAt(r *rand.Rand, t time.Time) string {
	var id uuid.UUID
	binary.BigEndian.PutUint64(id[:8], uint64(t.UnixMilli())<<16|r.Uint64()&0x0fff|0x7000)
	binary.BigEndian.PutUint64(id[8:], r.Uint64()&(1<<62-1)|1<<63)
	return id.String()
}
