package ingest

import (
	"cmp"
	"context"
	"errors"
	"net/http"

	"latchkey/internal/keys"
)

const (
	chunkItems = 1000
	chunkBytes = 1 << 20
	// maxBulkErrors is how many refused lines an answer lists; all are counted.
	maxBulkErrors = 100
	// maxUploads bounds the streams at one time, each of which holds a chunk in memory.
	maxUploads = 16
)

// AcceptBulk stores a stream of NDJSON or a JSON array in chunks, with constant memory. What is
// committed stays when the stream breaks; ResumeFromLine then says where to go on.
func (s *Service) AcceptBulk(ctx context.Context, r *Request) (*Outcome, error) {
	cred, refusal := s.admit(ctx, r)
	if refusal != nil {
		return nil, s.refused(ctx, r, cred, nil, refusal)
	}
	if s.uploads.Add(1) > maxUploads {
		s.uploads.Add(-1)
		return nil, s.refused(ctx, r, cred, nil, errOverloaded())
	}
	defer s.uploads.Add(-1)
	body, refusal := s.open(r)
	if refusal != nil {
		return nil, s.refused(ctx, r, cred, nil, refusal)
	}
	u := s.newUpload(r, cred)
	u.run(ctx, body)
	u.out.Bytes = body.read
	if u.out.Lines == 0 && u.refusal == nil {
		u.refusal = u.nothing()
	}
	if u.out.Accepted+u.out.Duplicates == 0 && u.refusal == nil {
		u.refusal = stateRefusal(s.keys.Recheck(ctx, cred))
	}
	if u.refusal != nil && u.out.Accepted+u.out.Duplicates+u.out.Rejected == 0 {
		return nil, s.refused(ctx, r, cred, nil, u.refusal)
	}
	if u.refusal != nil {
		u.out.CutOff, u.out.ResumeFromLine = u.refusal, u.resume
	}
	s.logUpload(r, cred, u)
	return u.out, nil
}

// nothing says that the stream held no item.
func (u *upload) nothing() *Refusal {
	if u.listed {
		return refuse(http.StatusBadRequest, "empty_batch", "The list holds no items.")
	}
	return refuse(http.StatusBadRequest, "empty_body", "The body is empty. Send one JSON object a line, or an array of them.")
}

// upload is the state of one bulk stream.
type upload struct {
	s       *Service
	r       *Request
	cred    *keys.Credential
	ic      *itemContext
	out     *Outcome
	refusal *Refusal

	chunk  []*item
	size   int64
	line   int // of the item that is read
	resume int // first line that is not committed or refused
	first  *item
	listed bool // the items stand in an array
}

func (s *Service) newUpload(r *Request, cred *keys.Credential) *upload {
	ic := s.itemContext(r)
	ic.derive, ic.header = headerID(r.Header), withoutIDs(r.Header)
	from := max(1, r.FromLine)
	return &upload{
		s: s, r: r, cred: cred, ic: ic, line: from - 1, resume: from,
		out: &Outcome{ReceivedAt: r.ReceivedAt},
	}
}

// take applies the rules to one item and commits when a chunk is full.
func (u *upload) take(ctx context.Context, raw []byte) {
	it, refused := u.ic.parse(raw, u.line)
	if refused != nil {
		u.reject(refused)
		return
	}
	bind(it, u.r, u.cred, &ItemResult{Index: u.line})
	if u.first == nil {
		u.first = it
	}
	u.out.Lines++
	u.chunk, u.size = append(u.chunk, it), u.size+int64(len(raw))
	if len(u.chunk) >= chunkItems || u.size >= chunkBytes {
		u.commit(ctx)
	}
}

func (u *upload) reject(e *ItemError) {
	u.out.Lines++
	u.out.Rejected++
	if len(u.out.Results) < maxBulkErrors {
		u.out.Results = append(u.out.Results, ItemResult{Index: u.line, Status: Rejected, Err: e})
	}
}

// commit waits until the chunk is durable. A refusal of the whole chunk ends the upload: the
// lines from the chunk's first on are then not stored.
func (u *upload) commit(ctx context.Context) {
	if len(u.chunk) == 0 {
		if u.refusal == nil {
			u.resume = u.line + 1
		}
		return
	}
	j := &job{cred: u.cred, items: u.chunk, started: u.r.ReceivedAt, bytes: u.size}
	if err := u.submitChunk(ctx, j); err != nil {
		u.refusal, u.resume = asRefusal(err), u.chunk[0].result.Index
		u.chunk, u.size = nil, 0
		return
	}
	u.out.Accepted += j.accepted
	u.out.Duplicates += j.repeated
	u.resume = u.line + 1
	u.chunk, u.size = nil, 0
	u.s.usage.Used(u.cred, u.r.seen(), u.s.now())
}

// submitChunk hands a chunk to the writer, again when the key's settings changed since the last one.
func (u *upload) submitChunk(ctx context.Context, j *job) error {
	if !u.s.writer.reserve(j.bytes) {
		return errOverloaded()
	}
	defer u.s.writer.release(j.bytes)
	for range tries {
		err := u.s.writer.submit(j)
		if !errors.Is(err, errMoved) {
			return err
		}
		fresh, refusal := u.s.renew(ctx, u.r, u.cred, nil)
		if refusal != nil {
			return refusal
		}
		u.cred, j.cred = fresh, fresh
	}
	return errOverloaded()
}

// stop ends an upload whose sender has gone, or whose server stops: what is complete is committed,
// and the answer says where to go on.
func (u *upload) stop(ctx context.Context) bool {
	switch {
	case u.r.stopping():
		u.refusal = errStopping()
	case ctx.Err() != nil:
		u.refusal = readRefusal(ctx.Err(), u.s.limits.BulkBody)
	default:
		return false
	}
	return true
}

// stopping tells whether the server has begun to stop.
func (r *Request) stopping() bool {
	select {
	case <-r.Stopping: // never, when there is no such channel
		return true
	default:
		return false
	}
}

func (s *Service) logUpload(r *Request, cred *keys.Credential, u *upload) {
	l := s.line(r, cred, nil)
	l.Status, l.Accepted, l.Duplicates, l.Rejected = u.out.Status(), u.out.Accepted, u.out.Duplicates, u.out.Rejected
	l.Bytes, l.Results = u.out.Bytes, refusedItems(u.out.Results)
	l.DurationUS = s.now().Sub(r.ReceivedAt).Microseconds()
	if u.first != nil {
		l.Event, l.Email = u.first.signal.Event, u.first.signal.Email
	}
	switch {
	case u.out.CutOff != nil:
		l.Status, l.Code, l.Message = u.out.CutOff.Status, u.out.CutOff.Code, u.out.CutOff.Message
	case u.out.Rejected > 0:
		l.Code, l.Message = "items_rejected", "Some lines were refused; the list says which and why."
	}
	s.answers.add(cmp.Or(l.Code, Accepted))
	s.usage.Count(cred, 0, 0, int64(u.out.Rejected), s.now())
	// A job without items: the line is written, or the database is away and the answer says what
	// was stored all the same.
	if err := s.writer.submit(&job{cred: cred, request: l, started: r.ReceivedAt}); err != nil {
		s.writer.droppedLogs.Add(1)
	}
}
