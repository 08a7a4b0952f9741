package ingest

import (
	"context"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"latchkey/internal/database"
	"latchkey/models"
)

const (
	// showEvery is how often the rows of running uploads are written, all in one statement.
	showEvery = time.Second
	// showWithin bounds one such write; the next one says all that this one would have.
	showWithin = 5 * time.Second
	// maxEnded bounds the ended uploads that wait for a database that is away.
	maxEnded = 4096
)

// progress is how far one upload is, as its readers may see it. The upload writes it and goes on:
// nothing here waits for the database.
type progress struct {
	row   models.Upload // what does not change
	bytes atomic.Int64  // as sent

	lines, rejected               atomic.Int64 // read, some of them perhaps not committed
	accepted, duplicates, through atomic.Int64 // committed, up to but not including a line
}

func newProgress(u *upload) *progress {
	p := &progress{row: models.Upload{
		ID: u.r.ID, WorkspaceID: u.cred.WorkspaceID, Environment: u.cred.Environment, APIKeyID: u.cred.ID,
		StartedAt: models.At(u.r.ReceivedAt),
	}}
	if length := u.r.Length; length >= 0 {
		p.row.BytesTotal = &length
	}
	p.through.Store(int64(u.resume))
	return p
}

// show tells how much was read.
func (u *upload) show() {
	u.shown.lines.Store(int64(u.out.Lines))
	u.shown.rejected.Store(int64(u.out.Rejected))
}

// stored tells that a chunk is durable.
func (p *progress) stored(c *chunk) {
	p.accepted.Add(int64(c.job.accepted))
	p.duplicates.Add(int64(c.job.repeated))
	p.through.Store(int64(c.next))
}

// at is the row as of now.
func (p *progress) at(now time.Time) models.Upload {
	row, resume := p.row, p.through.Load()
	row.Status, row.BytesRead, row.UpdatedAt = models.UploadRunning, p.bytes.Load(), models.At(now)
	row.Lines, row.Accepted, row.Duplicates, row.Rejected = p.lines.Load(), p.accepted.Load(), p.duplicates.Load(), p.rejected.Load()
	row.ResumeFromLine = &resume
	return row
}

// meter counts what is read of a body as it was sent.
type meter struct {
	r    io.Reader
	read *atomic.Int64
}

func (m *meter) Read(p []byte) (int, error) {
	n, err := m.r.Read(p)
	m.read.Add(int64(n))
	return n, err
}

// uploads are the bulk streams of this instance: how many there are, and how far each is.
type uploads struct {
	db    *database.DB
	now   func() time.Time
	count atomic.Int64

	mu    sync.Mutex
	open  map[*progress]bool
	ended []models.Upload // whose last row is not written yet

	failing bool // of the one goroutine that writes
}

func newUploads(db *database.DB, now func() time.Time) *uploads {
	return &uploads{db: db, now: now, open: map[*progress]bool{}}
}

// enter takes a place; false when there is none.
func (s *uploads) enter() bool {
	if s.count.Add(1) <= maxUploads {
		return true
	}
	s.count.Add(-1)
	return false
}

func (s *uploads) leave() { s.count.Add(-1) }

func (s *uploads) begin(p *progress) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open[p] = true
}

// end leaves the last row to be written, with the counts of the answer.
func (s *uploads) end(p *progress, u *upload) {
	u.show()
	p.through.Store(int64(u.resume))
	now := s.now()
	row := p.at(now)
	row.Status, row.EndedAt = models.UploadDone, models.At(now)
	if u.refusal == nil {
		row.ResumeFromLine = nil
	} else {
		row.Status, row.Message = models.UploadCutOff, u.refusal.Message
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, p)
	s.keep(row)
}

// keep drops the oldest when there is no more room: the log of requests has its line too.
func (s *uploads) keep(rows ...models.Upload) {
	s.ended = append(s.ended, rows...)
	if over := len(s.ended) - maxEnded; over > 0 {
		s.ended = append([]models.Upload(nil), s.ended[over:]...)
	}
}

// run writes the rows until ctx ends, and once more then: the streams have ended before.
func (s *uploads) run(ctx context.Context) {
	tick := time.NewTicker(showEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			s.write(context.WithoutCancel(ctx))
		case <-ctx.Done():
			s.write(context.WithoutCancel(ctx))
			return
		}
	}
}

// write keeps the rows up. What could not be written is written the next time: an upload whose
// progress cannot be shown goes on all the same.
func (s *uploads) write(ctx context.Context) {
	now := s.now()
	s.mu.Lock()
	ended := s.ended
	s.ended = nil
	rows := make([]models.Upload, 0, len(s.open)+len(ended))
	for p := range s.open {
		rows = append(rows, p.at(now))
	}
	s.mu.Unlock()
	if rows = append(rows, ended...); len(rows) == 0 {
		return
	}
	err := s.upsert(ctx, rows)
	if err != nil && !s.failing {
		slog.Warn("the progress of uploads is not shown at the moment; the uploads go on", "uploads", len(rows), "err", err)
	}
	if s.failing = err != nil; s.failing {
		s.mu.Lock()
		s.ended, ended = nil, append(ended, s.ended...)
		s.keep(ended...)
		s.mu.Unlock()
	}
}

// onlyOlder leaves an upload that has ended as it is.
var onlyOlder = clause.OnConflict{
	Columns: []clause.Column{{Name: "id"}},
	Where:   clause.Where{Exprs: []clause.Expression{clause.Expr{SQL: "uploads.status = ?", Vars: []any{models.UploadRunning}}}},
	DoUpdates: clause.AssignmentColumns([]string{
		"status", "bytes_read", "lines", "accepted", "duplicates", "rejected", "resume_from_line", "updated_at", "ended_at", "message",
	}),
}

func (s *uploads) upsert(ctx context.Context, rows []models.Upload) error {
	ctx, cancel := context.WithTimeout(ctx, showWithin)
	defer cancel()
	return gorm.G[models.Upload](s.db.Write, onlyOlder).CreateInBatches(ctx, &rows, 100)
}
