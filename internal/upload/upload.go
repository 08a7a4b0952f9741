package upload

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
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
