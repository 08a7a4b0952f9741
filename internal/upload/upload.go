package upload

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	mathrand "math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"sync/atomic"
	"time"
)

// Options say what is sent, where to, and what is remembered of it.
type Options struct {
	URL       string
	Key       string
	Secret    string
	UserAgent string
	Client    *http.Client // nil: one that follows no redirect and waits as long as a part takes

	File      string    // path; empty: Stream
	Stream    io.Reader // read once, in small parts that are kept until they are stored
	ID        string    // Idempotency-Key; empty: by the file's content, random for a stream
	StateFile string    // empty: nothing is remembered
	Restart   bool      // begin at line 1, whatever is remembered
	Rejects   string    // file that gets every refused line; empty: none

	PartBytes int64         // 0: DefaultPart, at most StreamPart for a stream
	RetryFor  time.Duration // give up after so long without a line stored; 0: DefaultRetry

	Refused func(Refused) // called for each refused line, in order
	Say     func(string)  // called with a sentence worth reading: what is resumed, what is retried
}

const (
	// DefaultPart is how much a part holds, in inflated bytes: what is sent again at most when an
	// answer is lost.
	DefaultPart = 64 << 20
	// StreamPart bounds a part that is kept in memory.
	StreamPart = 8 << 20
	// DefaultRetry is how long nothing may get through.
	DefaultRetry = 15 * time.Minute
)

// Progress is how far an import is, at any time.
type Progress struct {
	Reading bool  // the file is read for its fingerprint; nothing is sent yet
	Read    int64 // bytes of the file
	Total   int64 // of the file; 0 when it is not known
	Lines   int64 // the last that was sent
	Counts
}

// Import is one run. Progress may be called while Run runs.
type Import struct {
	o Options

	reading           atomic.Bool
	hashed, total     atomic.Int64
	source            atomic.Pointer[source]
	readTo            atomic.Int64
	accepted          atomic.Int64
	repeated, refused atomic.Int64
}

// New prepares an import.
func New(o Options) *Import {
	if o.Client == nil {
		transport := http.DefaultTransport.(*http.Transport).Clone()
		transport.ResponseHeaderTimeout = 5 * time.Minute // after the whole part was sent
		o.Client = &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	}
	if o.PartBytes <= 0 {
		o.PartBytes = DefaultPart
	}
	if o.File == "" {
		o.PartBytes = min(o.PartBytes, StreamPart)
	}
	if o.RetryFor <= 0 {
		o.RetryFor = DefaultRetry
	}
	if o.Say == nil {
		o.Say = func(string) {}
	}
	return &Import{o: o}
}

// Progress tells how far it is.
func (i *Import) Progress() Progress {
	p := Progress{
		Reading: i.reading.Load(), Read: i.hashed.Load(), Total: i.total.Load(), Lines: i.readTo.Load(),
		Counts: Counts{i.accepted.Load(), i.repeated.Load(), i.refused.Load()},
	}
	if s := i.source.Load(); s != nil && !p.Reading {
		p.Read = (*s).read()
	}
	return p
}

// job is an import whose source and state are known.
type job struct {
	*Import
	source    source
	state     *State
	url       string
	info      os.FileInfo
	partBytes int64
	partLines int64 // 0: as many as the bytes hold
	rejects   *os.File
}

// Run sends what is not sent yet, and returns the counts of all runs. The error says what stopped
// it; what was stored until then is remembered. Refused lines are no error.
func (i *Import) Run(ctx context.Context) (Counts, error) {
	j, err := i.open(ctx)
	if err != nil {
		return Counts{}, err
	}
	i.show(j.state)
	if j.state.Done {
		i.o.Say(fmt.Sprintf("%s was imported on %s. Nothing is sent; --restart sends it again, from line 1.", j.state.File, j.state.UpdatedAt.Local().Format("2006-01-02 15:04")))
		return j.state.Counts, nil
	}
	if err := j.openRejects(); err != nil {
		return j.state.Counts, err
	}
	err = j.send(ctx)
	if j.rejects != nil {
		err = errors.Join(err, j.rejects.Close())
	}
	return j.state.Counts, err
}

func (i *Import) show(s *State) {
	i.accepted.Store(s.Accepted)
	i.repeated.Store(s.Duplicates)
	i.refused.Store(s.Rejected)
	i.readTo.Store(s.Line - 1)
}

func (i *Import) open(ctx context.Context) (*job, error) {
	at, err := url.Parse(i.o.URL)
	if err != nil || at.Host == "" || at.Scheme != "http" && at.Scheme != "https" {
		return nil, fmt.Errorf("%q is no address of an instance; write it as https://latchkey.example.com", i.o.URL)
	}
	j := &job{Import: i, url: at.JoinPath(bulkPath).String(), partBytes: i.o.PartBytes}
	fresh := &State{Version: stateVersion, URL: at.Scheme + "://" + at.Host + at.Path, ID: i.o.ID, Line: 1, CountedTo: 1, StartedAt: time.Now().UTC()}
	if i.o.File == "" {
		fresh.File = "standard input"
		if fresh.ID == "" {
			fresh.ID = "import-" + rand.Text()
		}
		j.state = fresh
		s, err := openStream(i.o.Stream)
		if err != nil {
			return nil, fmt.Errorf("standard input: %w", err)
		}
		j.source = s
	} else if err := j.openFile(ctx, fresh); err != nil {
		return nil, err
	}
	i.source.Store(&j.source)
	return j, nil
}

func (j *job) openFile(ctx context.Context, fresh *State) error {
	var err error
	if j.info, err = os.Stat(j.o.File); err != nil {
		return err
	}
	if !j.info.Mode().IsRegular() {
		return fmt.Errorf("%s is no file; a stream can be sent with -", j.o.File)
	}
	j.total.Store(j.info.Size())
	j.reading.Store(true)
	fresh.File = j.info.Name()
	fresh.Size, fresh.SHA256, err = fingerprint(j.o.File, func(n int) error { j.hashed.Add(int64(n)); return ctx.Err() })
	j.reading.Store(false)
	if err != nil {
		return err
	}
	if fresh.ID == "" {
		fresh.ID = "import-" + fresh.SHA256[:32]
	}
	if j.state, err = j.resume(fresh); err != nil {
		return err
	}
	f, err := openFile(j.o.File)
	j.source = f
	return err
}

// resume is the state to go on from: the remembered one, if it is of this file and this instance.
func (j *job) resume(fresh *State) (*State, error) {
	if j.o.StateFile == "" {
		return fresh, nil
	}
	old, err := readState(j.o.StateFile)
	switch {
	case err != nil && j.o.Restart, err == nil && old == nil:
		return fresh, nil
	case err != nil:
		return nil, err
	case j.o.Restart:
		if j.o.ID == "" && old.URL == fresh.URL {
			fresh.ID = old.ID // so that lines which are still the same, in the same place, are known again
		}
		return fresh, nil
	case old.URL != fresh.URL:
		return nil, fmt.Errorf("%s was being imported to %s (up to line %d), and not to %s: keep to that address, or use --restart or another --state", old.File, old.URL, old.Line-1, fresh.URL)
	case old.SHA256 != fresh.SHA256 && old.Done:
		return nil, fmt.Errorf("%s was imported before, and has changed since (%d bytes then, %d now): use --restart to send it from line 1; lines that are the same, in the same place, are known again for 7 days", old.File, old.Size, fresh.Size)
	case old.SHA256 != fresh.SHA256:
		return nil, fmt.Errorf("%s has changed since its first %d lines were sent (%d bytes then, %d now): restore it, or use --restart to send the changed file from line 1", old.File, old.Line-1, old.Size, fresh.Size)
	case j.o.ID != "" && j.o.ID != old.ID:
		return nil, fmt.Errorf("%s was begun with the id %s: leave --id out, or use --restart", old.File, old.ID)
	}
	if !old.Done && old.Line > 1 {
		j.o.Say(fmt.Sprintf("Going on at line %d: what is before it was stored, or refused, in an earlier run.", old.Line))
	}
	return old, nil
}

// openRejects goes on behind what the state knows of: what a run wrote after it last kept its state
// will be refused, and written, again.
func (j *job) openRejects() error {
	if j.o.Rejects == "" {
		return nil
	}
	f, err := os.OpenFile(j.o.Rejects, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("the file of refused lines: %w", err)
	}
	size, err := f.Seek(0, io.SeekEnd)
	if err == nil && size < j.state.RejectBytes {
		err = fmt.Errorf("%s lacks lines that an earlier run wrote; name that file, or use --restart", j.o.Rejects)
	}
	if err == nil {
		err = f.Truncate(j.state.RejectBytes)
	}
	if err == nil {
		_, err = f.Seek(0, io.SeekEnd)
	}
	if err != nil {
		return errors.Join(err, f.Close())
	}
	j.rejects = f
	return nil
}

const (
	firstPause   = 500 * time.Millisecond
	longestPause = 30 * time.Second
)

// send posts part after part until the source is at its end.
func (j *job) send(ctx context.Context) error {
	pause, stored := firstPause, time.Now()
	for {
		from := position{j.state.Line, j.state.Offset}
		a, to, end, err := j.post(ctx, from, j.lastLine())
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if changed := j.changed(); changed != nil {
			return changed
		}
		var bad *sourceError
		switch {
		case errors.As(err, &bad) && (a == nil || !a.whole()):
			if a != nil && a.ResumeFromLine > 0 {
				if err := j.keep(from, to, a, false); err != nil {
					return err
				}
			}
			return bad.err
		case err == nil || bad != nil:
			if fatal := j.take(from, to, end && bad == nil, a); fatal != nil {
				return fatal
			}
			if bad != nil {
				return bad.err
			}
			if j.state.Done {
				return nil
			}
			if j.state.Line > from.line {
				pause, stored = firstPause, time.Now()
			}
			if a.whole() {
				continue
			}
		}
		if time.Since(stored) > j.o.RetryFor {
			return fmt.Errorf("nothing got through for %s, the last time because: %w; run the same command again to go on at line %d", j.o.RetryFor, reason(a, err), j.state.Line)
		}
		wait := time.Duration(float64(pause) * (0.5 + mathrand.Float64()))
		if a != nil {
			wait = max(wait, a.retryAfter)
		}
		j.o.Say(fmt.Sprintf("Waiting: %v. Trying again at line %d in %s.", reason(a, err), j.state.Line, wait.Round(100*time.Millisecond)))
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
		pause = min(2*pause, longestPause)
	}
}

// lastLine is where the next part ends at the latest; 0 when only its bytes bound it.
func (j *job) lastLine() int64 {
	last := int64(0)
	if j.partLines > 0 {
		last = j.state.Line + j.partLines
	}
	if j.state.CountedTo > j.state.Line && (last == 0 || j.state.CountedTo < last) {
		last = j.state.CountedTo // what is sent again, for its refusals to be listed, is not counted twice
	}
	return last
}

func reason(a *answer, err error) error {
	switch {
	case a == nil:
		var broken *url.Error
		if errors.As(err, &broken) {
			err = broken.Err
		}
		return fmt.Errorf("the connection broke: %w", err)
	case a.Error.Code != "":
		return fmt.Errorf("%s: %s", a.Error.Code, a.Error.Message)
	}
	return fmt.Errorf("the answer was %d", a.status)
}

// take keeps what an answer says, and tells what makes going on useless.
func (j *job) take(from, to position, end bool, a *answer) error {
	switch {
	case a.whole():
		return j.keep(from, to, a, end)
	case a.ResumeFromLine >= from.line && a.Status == "incomplete":
		if err := j.keep(from, to, a, false); err != nil {
			return err
		}
	}
	switch {
	case a.passes():
		return nil
	case a.status == http.StatusRequestEntityTooLarge && j.partBytes > minPart:
		j.partBytes /= 2
		return nil
	}
	id := ""
	if a.RequestID != "" {
		id = " (request " + a.RequestID + ")"
	}
	if a.Error.Code == "" {
		return fmt.Errorf("what answers at %s does not look like Latchkey: status %d; check the address", j.state.URL, a.status)
	}
	return fmt.Errorf("%s: %s%s", a.Error.Code, a.Error.Message, id)
}

const minPart = 64 << 10

// keep notes what is stored or refused now: the file of refused lines first, then the state.
func (j *job) keep(from, to position, a *answer, end bool) error {
	next, listing := to.line, false
	if !a.whole() {
		next = a.ResumeFromLine
	}
	refused := make([]Refused, 0, len(a.Errors))
	for _, e := range a.Errors {
		if e.Line < next {
			refused = append(refused, Refused{Line: e.Line, Code: e.Error.Code, Message: e.Error.Message, Field: e.Error.Field})
		}
	}
	if j.state.CountedTo <= from.line {
		j.state.Accepted += a.Accepted
		j.state.Duplicates += a.Duplicates
		j.state.CountedTo = next
	}
	if missing := a.Rejected - int64(len(a.Errors)); missing > 0 && len(a.Errors) > 0 {
		// Too many to be listed at once: the rest is sent again, in parts that suit.
		next, listing = a.Errors[len(a.Errors)-1].Line+1, true
		j.partLines = max(maxListed, int64(float64(a.Received)*maxListed/float64(a.Rejected)*0.8))
	} else if j.partLines > 0 && a.Rejected < maxListed/2 {
		if j.partLines *= 2; j.partLines > math.MaxInt32 {
			j.partLines = 0
		}
	}
	if err := j.refuse(from, refused); err != nil {
		return err
	}
	if next != to.line {
		at, err := j.locate(from, next)
		if err != nil {
			return err
		}
		to = at
	}
	s := j.state
	s.Line, s.Offset, s.Done, s.UpdatedAt = to.line, to.offset, end && !listing && to.line >= s.CountedTo, time.Now().UTC()
	j.source.forget(to)
	j.show(s)
	if j.o.StateFile == "" || j.o.File == "" {
		return nil
	}
	return s.write(j.o.StateFile)
}

// refuse passes refused lines on.
func (j *job) refuse(from position, refused []Refused) error {
	if len(refused) == 0 {
		return nil
	}
	j.state.Rejected += int64(len(refused))
	if j.rejects != nil {
		if err := j.withItems(from, refused); err != nil {
			return err
		}
		for _, r := range refused {
			text, err := json.Marshal(r)
			if err != nil {
				return fmt.Errorf("encode a refused line: %w", err)
			}
			n, err := j.rejects.Write(append(text, '\n'))
			if j.state.RejectBytes += int64(n); err != nil {
				return fmt.Errorf("the file of refused lines: %w", err)
			}
		}
		if err := j.rejects.Sync(); err != nil {
			return fmt.Errorf("the file of refused lines: %w", err)
		}
	}
	if j.o.Refused != nil {
		for _, r := range refused {
			j.o.Refused(r)
		}
	}
	return nil
}

// locate finds where a line of the part begins.
func (j *job) locate(from position, line int64) (position, error) {
	in, err := j.source.at(from)
	if err != nil {
		return from, err
	}
	defer in.close()
	for in.position().line < line {
		if _, _, err := in.next(); err != nil {
			return from, fmt.Errorf("find line %d again: %w", line, err)
		}
	}
	return in.position(), nil
}

// changed tells that the file is not the one any more whose lines are being sent.
func (j *job) changed() error {
	if j.info == nil {
		return nil
	}
	now, err := os.Stat(j.o.File)
	if err != nil {
		return err
	}
	if now.Size() != j.info.Size() || !now.ModTime().Equal(j.info.ModTime()) {
		return fmt.Errorf("%s was changed while it was imported, at line %d or later; see that nothing writes to it, and run the command again", j.o.File, j.state.Line)
	}
	return nil
}
