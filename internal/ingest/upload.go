package ingest

import (
	"cmp"
	"context"
	"errors"
	"mime"
	"net/http"

	"latchkey/internal/keys"
)

// upload is the state of one bulk stream. One goroutine reads and parses; another waits for the
// chunk before, if there is one (see chunk).
type upload struct {
	s       *Service
	r       *Request
	cred    *keys.Credential
	ic      *itemContext
	out     *Outcome
	refusal *Refusal
	shown   *progress

	chunk  []*item
	size   int64
	flight *chunk // handed to the writer, not yet answered
	line   int    // of the item that is read
	resume int    // first line that is not committed or refused
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

// chunk is a part of an upload on its way to the disk, and what the upload was when it left: the
// next part is read meanwhile, and counts for nothing if this one is refused.
type chunk struct {
	job      *job
	cred     *keys.Credential // newer than the upload's, if its settings were read again
	done     chan error
	next     int // the line after the chunk's last
	lines    int
	rejected int
	results  int
}

// take applies the rules to one item and hands the chunk on when it is full.
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
		u.send(ctx)
	}
}

func (u *upload) reject(e *ItemError) {
	u.out.Lines++
	u.out.Rejected++
	if len(u.out.Results) < u.r.listed() {
		u.out.Results = append(u.out.Results, ItemResult{Index: u.line, Status: Rejected, Err: e})
	}
	if u.out.Rejected%chunkItems == 0 {
		u.show()
	}
}

// send gives the full chunk to the writer once the one before is durable, and returns while it is
// on its way: at most one waits while the next is read.
func (u *upload) send(ctx context.Context) {
	if u.land(); u.refusal != nil || len(u.chunk) == 0 {
		return
	}
	c := &chunk{
		job:  &job{cred: u.cred, items: u.chunk, started: u.r.ReceivedAt, bytes: u.size},
		cred: u.cred, done: make(chan error, 1), next: u.line + 1,
		lines: u.out.Lines, rejected: u.out.Rejected, results: len(u.out.Results),
	}
	u.flight, u.chunk, u.size = c, make([]*item, 0, len(u.chunk)), 0
	u.show()
	go func() {
		err := u.s.submitChunk(ctx, u.r, c)
		if err == nil {
			u.shown.stored(c)
			u.s.usage.Used(c.cred, u.r.seen(), u.s.now())
		}
		c.done <- err
	}()
}

// land waits for the chunk on its way. When it is refused, the upload ends there: the lines from its
// first on are not stored, and what was read after it never was.
func (u *upload) land() {
	c := u.flight
	if c == nil {
		return
	}
	u.flight = nil
	err := <-c.done
	u.cred = c.cred
	if err != nil {
		u.refusal, u.resume = asRefusal(err), c.job.items[0].result.Index
		u.chunk, u.size = nil, 0
		u.out.Lines, u.out.Rejected, u.out.Results = c.lines, c.rejected, u.out.Results[:c.results]
		return
	}
	u.out.Accepted += c.job.accepted
	u.out.Duplicates += c.job.repeated
	u.resume = c.next
}

// finish commits what is complete, even if the stream broke after it.
func (u *upload) finish(ctx context.Context) {
	broke := u.refusal
	if u.refusal = nil; u.flight != nil {
		u.land()
	}
	if u.refusal != nil {
		return // of a chunk: what came later is not stored, and its problems are not the first
	}
	if len(u.chunk) > 0 {
		u.send(ctx)
		u.land()
	} else if broke == nil {
		u.resume = u.line + 1
	}
	u.refusal = cmp.Or(u.refusal, broke)
}

// submitChunk hands a chunk to the writer, again when the key's settings changed since the last one.
func (s *Service) submitChunk(ctx context.Context, r *Request, c *chunk) error {
	if !s.writer.reserve(c.job.bytes) {
		return errOverloaded()
	}
	defer s.writer.release(c.job.bytes)
	for range tries {
		err := s.writer.submit(c.job)
		if !errors.Is(err, errMoved) {
			return err
		}
		fresh, refusal := s.renew(ctx, r, c.cred, nil)
		if refusal != nil {
			return refusal
		}
		c.cred, c.job.cred = fresh, fresh
	}
	return errOverloaded()
}

// stop ends an upload whose sender has gone, or whose server stops: what is complete is committed,
// and the answer says where to go on.
func (u *upload) stop(ctx context.Context) bool {
	switch {
	case u.refusal != nil: // of a chunk: the stream is over
	case u.r.stopping():
		u.refusal = errStopping()
	case ctx.Err() != nil:
		u.refusal = readRefusal(ctx.Err(), u.s.limits.BulkBody)
	default:
		return false
	}
	return true
}

// saysLines tells that the sender wants each line taken for an item, whatever the first one looks
// like: a part of a file may begin with any of its lines.
func (r *Request) saysLines() bool {
	media, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && ndjson[media] && params["form"] == "lines"
}

// listed is how many refused lines the answer lists.
func (r *Request) listed() int {
	if r.Errors == 0 {
		return DefaultBulkErrors
	}
	return r.Errors
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

// nothing says that the stream held no item.
func (u *upload) nothing() *Refusal {
	if u.listed {
		return refuse(http.StatusBadRequest, "empty_batch", "The list holds no items.")
	}
	return refuse(http.StatusBadRequest, "empty_body", "The body is empty. Send one JSON object a line, or an array of them.")
}
