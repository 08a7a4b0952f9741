package ingest

import (
	"cmp"
	"context"

	"latchkey/internal/keys"
)

const (
	chunkItems = 1000
	chunkBytes = 1 << 20
	// DefaultBulkErrors is how many refused lines an answer lists; all are counted.
	DefaultBulkErrors = 100
	// MaxBulkErrors bounds what a sender may ask to have listed.
	MaxBulkErrors = 1000
	// maxUploads bounds the streams at one time, each of which holds two chunks in memory: one that
	// is committed, and one that is read meanwhile.
	maxUploads = 16
)

// AcceptBulk stores a stream of NDJSON or a JSON array in chunks, with constant memory. What is
// committed stays when the stream breaks; ResumeFromLine then says where to go on.
func (s *Service) AcceptBulk(ctx context.Context, r *Request) (*Outcome, error) {
	cred, refusal := s.admit(ctx, r)
	if refusal != nil {
		return nil, s.refused(ctx, r, cred, nil, refusal)
	}
	if !s.uploads.enter() {
		return nil, s.refused(ctx, r, cred, nil, errOverloaded())
	}
	defer s.uploads.leave()
	u := s.newUpload(r, cred)
	u.shown = newProgress(u)
	r.Body = &meter{r: r.Body, read: &u.shown.bytes}
	body, refusal := s.open(r)
	if refusal != nil {
		return nil, s.refused(ctx, r, cred, nil, refusal)
	}
	s.uploads.begin(u.shown)
	defer func() { s.uploads.end(u.shown, u) }()
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
	s.logUpload(r, u.cred, u)
	return u.out, nil
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
		s.writer.log(l) // the key has changed since, or the database is away: the line by itself
	}
}
