package main

import (
	"net/http"
	"net/http/pprof"
	"runtime"
	"sync"
)

// handleProfiles answers /debug/pprof/. What goroutines wait for is recorded only while somebody asks
// for it with ?seconds=: recording costs, and a server that may be profiled should run like any other.
func handleProfiles(mux *http.ServeMux) {
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	mux.Handle("GET /debug/pprof/block", &waiting{name: "block", record: func(rate int) { runtime.SetBlockProfileRate(rate) }})
	mux.Handle("GET /debug/pprof/mutex", &waiting{name: "mutex", record: func(rate int) { runtime.SetMutexProfileFraction(rate) }})
}

// waiting is a profile that is recorded on demand.
type waiting struct {
	name   string
	record func(rate int) // 1 for every event, 0 for none

	mu     sync.Mutex
	asking int
}

func (p *waiting) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.count(1)
	defer p.count(-1)
	pprof.Handler(p.name).ServeHTTP(w, r)
}

// count begins with the first who asks and ends with the last.
func (p *waiting) count(by int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asking += by
	p.record(min(p.asking, 1))
}
