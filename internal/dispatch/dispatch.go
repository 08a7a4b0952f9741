package dispatch

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	mathrand "math/rand/v2"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"latchkey/internal/database"
	"latchkey/internal/egress"
	"latchkey/internal/endpoints"
	"latchkey/internal/outbox"
)

// Options are what the worker works with.
type Options struct {
	DB        *database.DB
	Now       func() time.Time
	Rand      func() float64 // jitter, in [0, 1); nil: math/rand
	Client    *egress.Client
	Endpoints *endpoints.Service
	Bell      *outbox.Bell
	Instance  string // a name for leases, empty for the machine's; New adds the process, and makes it unique

	pace pace // zero: production's
}

// pace is what tests shorten or lower, so that they need not wait.
type pace struct {
	look  time.Duration // between two looks without being woken
	idle  time.Duration // until a lease with nothing due is given back
	drain time.Duration // for attempts under way, when the process stops
	owned int           // leases at a time
}

var production = pace{look: time.Second, idle: 2 * time.Second, drain: 8 * time.Second, owned: 512}

// Service sends what is due, from New until the context of Run ends.
type Service struct {
	Options
	store   store
	results *results
	told    chan tale

	healthy, suspect *lane
	reads            chan struct{} // bounds how many connections owners use at a time

	mu       sync.Mutex
	owners   map[string]*owner
	leaving  []string             // endpoints whose lease is to be given back
	resting  map[string]time.Time // endpoints that are left to others until then
	others   map[string]time.Time // other instances, by when they were heard last
	quiet    map[string]time.Time // endpoints that are another's: not asked for again before
	tardy    map[string]bool      // endpoints without an owner that answered slowly
	kicked   chan struct{}
	whispers chan string // endpoints that other instances are told of

	trials trials

	delivered, failed atomic.Int64
	inFlight          atomic.Int64
}

// New makes the worker; nothing runs yet.
func New(o Options) *Service {
	if o.Rand == nil {
		o.Rand = mathrand.Float64
	}
	if o.Instance == "" {
		o.Instance, _ = os.Hostname()
	}
	if o.pace == (pace{}) {
		o.pace = production
	}
	o.Instance += "-" + strconv.Itoa(os.Getpid()) + "-" + nonce()
	s := &Service{
		Options: o, store: newStore(o.DB), told: make(chan tale, maxTales),
		healthy: newLane(healthySlots, 3), suspect: newLane(suspectSlots, 1), reads: make(chan struct{}, maxReads),
		owners: map[string]*owner{}, resting: map[string]time.Time{}, others: map[string]time.Time{}, quiet: map[string]time.Time{},
		tardy:  map[string]bool{},
		kicked: make(chan struct{}, 1), whispers: make(chan string, 1024),
	}
	s.results = newResults(s)
	return s
}

// nonce tells two processes apart that have the same name: a lease must never be taken for one's own.
func nonce() string {
	b := make([]byte, 6)
	_, _ = rand.Read(b)
	return hex.EncodeToString(b)
}

// Run sends until ctx ends. Then it begins nothing more, waits some seconds for attempts that are
// under way, and gives its leases back.
func (s *Service) Run(ctx context.Context) {
	// Attempts and results outlive ctx; they end when their own time is over.
	sending, stopSending := context.WithCancel(context.WithoutCancel(ctx))
	defer stopSending()
	writing, stopWriting := context.WithCancel(context.WithoutCancel(ctx))
	defer stopWriting()

	var side, owners, writer sync.WaitGroup
	writer.Go(func() { s.results.run(writing) })
	side.Go(func() { s.tell(ctx) })
	side.Go(func() { s.listen(ctx) })
	side.Go(func() { s.speak(ctx) })
	side.Go(func() { s.sweep(ctx) })
	side.Go(func() { s.runReplays(ctx) })
	s.keep(ctx, sending, &owners) // until ctx ends

	stop := time.AfterFunc(s.pace.drain, stopSending)
	giveUp := time.AfterFunc(s.pace.drain+abandonTime, func() { s.results.abandoned.Store(true) })
	owners.Wait()
	stop.Stop()
	giveUp.Stop()
	stopWriting()
	writer.Wait()
	s.releaseAll()
	side.Wait()
}

const (
	abandonTime = 5 * time.Second // after attempts under way have ended, for the database to take the results
	maxReads    = 3               // connections that owners read with at a time
)

// Stats are the worker's gauges and counters.
type Stats struct {
	Endpoints int   // leased by this instance
	InFlight  int   // attempts under way
	Unwritten int   // results that are not durable yet
	Delivered int64 // attempts that succeeded
	Failed    int64 // attempts that failed
	Failures  int64 // transactions that could not be committed
}

// Stats tells what the worker is doing.
func (s *Service) Stats() Stats {
	s.mu.Lock()
	leased := len(s.owners)
	s.mu.Unlock()
	return Stats{
		Endpoints: leased, InFlight: int(s.inFlight.Load()), Unwritten: int(s.results.waiting.Load()),
		Delivered: s.delivered.Load(), Failed: s.failed.Load(), Failures: s.results.failures.Load(),
	}
}
