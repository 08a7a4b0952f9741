// Package ingest accepts what integrations send: one item, a batch, or a bulk stream. It owns the
// order of checks, the item rules and the group-commit writer; it knows nothing of routes or of
// the shape of answers.
//
// An item is acknowledged only after the transaction that holds it is durable (promise P1), and
// that transaction has seen its key active (promise P3).
package ingest

import (
	"context"
	"io"
	"net/http"
	"sync"
	"time"

	"latchkey/internal/database"
	"latchkey/internal/keys"
	"latchkey/internal/outbox"
	"latchkey/internal/ratelimit"
	"latchkey/internal/secretbox"
	"latchkey/internal/templates"
	"latchkey/internal/usage"
	"latchkey/models"
)

// Kind is what the URL was made for; limits differ.
type Kind int

// The kinds of URL.
const (
	Universal Kind = iota
	Batch
	Bulk
	ProductOrgs
	ProductOrgsBatch
)

// endpointType is the type of key that the URL takes.
func (k Kind) endpointType() string {
	if k == ProductOrgs || k == ProductOrgsBatch {
		return models.ProductOrgs
	}
	return models.SignalStaging
}

// Request is one inbound request, free of routing.
type Request struct {
	ID         string // UUID v7, the X-Request-Id of the answer
	Kind       Kind
	Route      string // route template, for the log
	Source     string // label from the path; empty for the universal URL
	Key        string // as presented
	Secret     string // X-Api-Secret
	Header     http.Header
	IP         string
	Atomic     bool            // store all items or none
	FromLine   int             // bulk: number of the first line, from 1
	Errors     int             // bulk: how many refused lines the answer lists; 0 means DefaultBulkErrors
	Problem    *Refusal        // what the door found wrong with the URL; told once the key is known to be good
	Stopping   <-chan struct{} // closed when the server begins to stop: a stream ends then
	Body       io.Reader
	Length     int64 // Content-Length, -1 if unknown
	ReceivedAt time.Time
	URL        func() string // as the sender called it; some vendors sign it

	agent   string           // User-Agent as it is kept, once it was asked for
	trusted bool             // made by this process for a person who may manage the key
	cred    *keys.Credential // of the key that was presented, once it is found
}

// Limits bound what one request may carry. Sizes are bytes after inflation.
type Limits struct {
	Body       int64 // universal
	SourceBody int64
	BatchBody  int64
	BulkBody   int64
	Items      int // of all but bulk
	Item       int64
	QueueBytes int64 // accepted bodies that wait for a commit, over all requests
	QueueJobs  int
}

// DefaultLimits are those of the HTTP contract.
var DefaultLimits = Limits{
	Body: 1 << 20, SourceBody: 5 << 20, BatchBody: 10 << 20, BulkBody: 1 << 30,
	Items: 1000, Item: 1 << 20, QueueBytes: 64 << 20, QueueJobs: 4096,
}

func (l Limits) body(r *Request) int64 {
	switch {
	case r.Kind == Batch, r.Kind == ProductOrgsBatch:
		return l.BatchBody
	case r.Kind == Bulk:
		return l.BulkBody
	case r.Source != "":
		return l.SourceBody
	default:
		return l.Body
	}
}

// Item statuses.
const (
	Accepted  = "accepted"
	Duplicate = "duplicate"
	Rejected  = "rejected"
)

// ItemError says why one item was refused.
type ItemError struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Field   string `json:"field,omitempty"`

	Details map[string]any `json:"details,omitempty"`
}

// ItemResult is what became of one item.
type ItemResult struct {
	Index     int // position in the array; line number in a bulk stream
	Status    string
	ID        string // of the stored signal: its own, or the first one's of a duplicate
	MessageID string
	Warnings  []string
	Err       *ItemError
	Org       *OrgResult // of product orgs
}

// Outcome is what became of a request whose items were looked at.
type Outcome struct {
	Single     bool // the body was one object
	ReceivedAt time.Time
	Accepted   int
	Duplicates int
	Rejected   int
	Results    []ItemResult // all items in order; of a bulk stream the first refused
	Atomic     bool         // nothing was stored because an item was refused

	Bytes          int64 // bulk: inflated bytes read
	Lines          int   // bulk: items or lines read
	ResumeFromLine int   // bulk: where to go on after a cut, else 0
	CutOff         *Refusal
}

// Service holds what requests share.
type Service struct {
	keys      *keys.Service
	templates *templates.Service
	box       *secretbox.Box
	db        *database.DB
	now       func() time.Time
	limits    Limits
	writer    *writer // of signals and of the request log
	orgWriter *writer
	replays   *replays
	usage     *usage.Recorder
	rate      *ratelimit.Service
	own       []func(context.Context) // runs what nobody else does
	home      *homeWorkspace
	quota     *logQuota

	uploads *uploads
	answers answerCounts
}

// Options configure a Service; zero Limits mean DefaultLimits.
type Options struct {
	Now       func() time.Time
	Limits    Limits
	Templates *templates.Service
	Secrets   *secretbox.Box // nil: no signature can be checked, and none can be required

	// Shared with the other doors: whoever hands them in runs them, the recorder until after this
	// service's own Run. nil: one of its own, which it runs.
	Usage *usage.Recorder
	Rate  *ratelimit.Service

	Bell *outbox.Bell // rung when there is something to send; nil: workers find it at their next look
}

// New makes the service; Run must run for it to accept anything.
func New(db *database.DB, k *keys.Service, o Options) *Service {
	if o.Limits == (Limits{}) {
		o.Limits = DefaultLimits
	}
	var own []func(context.Context)
	if o.Usage == nil {
		o.Usage = usage.New(db, o.Now)
		own = append(own, o.Usage.Run)
	}
	if o.Rate == nil {
		o.Rate = ratelimit.New(db, o.Now)
		own = append(own, o.Rate.Run)
	}
	return &Service{
		keys: k, templates: o.Templates, box: o.Secrets, db: db, now: o.Now, limits: o.Limits,
		usage: o.Usage, rate: o.Rate, own: own,
		writer:    newWriter(newStore(db, o.Bell), k, o.Usage, o.Limits, o.Now),
		orgWriter: newWriter(newOrgStore(db, o.Bell), k, o.Usage, o.Limits, o.Now),
		replays:   newReplays(),
		home:      &homeWorkspace{db: db},
		quota:     &logQuota{now: o.Now},
		uploads:   newUploads(db, o.Now),
	}
}

// Limits tells what requests may carry.
func (s *Service) Limits() Limits { return s.limits }

// Run writes until ctx ends, then commits what is queued and returns. Stop the HTTP server first.
func (s *Service) Run(ctx context.Context) {
	var own, writers sync.WaitGroup
	ownCtx, stopOwn := context.WithCancel(context.WithoutCancel(ctx))
	defer stopOwn()
	for _, run := range s.own {
		own.Go(func() { run(ownCtx) })
	}
	writers.Go(func() { s.writer.run(ctx) })
	writers.Go(func() { s.runReplays(ctx) })
	writers.Go(func() { s.uploads.run(ctx) })
	writers.Go(func() { s.orgWriter.run(ctx) })
	writers.Wait()
	stopOwn() // what the last commit counted is written too
	own.Wait()
}

// Stats are gauges for /metrics and /readyz, over both writers; of the queues the fuller counts.
func (s *Service) Stats() Stats {
	a, b := s.writer.stats(), s.orgWriter.stats()
	a.QueuedJobs = max(a.QueuedJobs, b.QueuedJobs)
	a.StuckFor = max(a.StuckFor, b.StuckFor)
	a.Updates, a.Flushes, a.Failures = b.Stored, a.Flushes+b.Flushes, a.Failures+b.Failures
	return a
}
