package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

// watched is what somebody sees who looks once a second while a load runs.
type watched struct {
	at    time.Duration // since the load began
	rss   int64         // of the server, bytes
	pages map[string]page
}

type page struct {
	took time.Duration
	ok   bool
}

// watchedPages are what a person opens: the overview and the newest signals.
var watchedPages = []string{"/w/bench", "/w/bench/signals"}

// watch looks once a second until ctx ends. Each page has a goroutine of its own: one that is slow
// is late for itself only.
func (p *product) watch(ctx context.Context) []watched {
	client := &http.Client{Timeout: 20 * time.Second}
	defer client.CloseIdleConnections()
	start := time.Now()
	var mu sync.Mutex
	var series []*watched
	var work sync.WaitGroup
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			work.Wait()
			out := make([]watched, len(series))
			for i, w := range series {
				out[i] = *w
			}
			return out
		case <-tick.C:
		}
		w := &watched{at: time.Since(start), rss: rssOf(p.server.pid()), pages: map[string]page{}}
		series = append(series, w)
		for _, path := range watchedPages {
			work.Go(func() {
				began := time.Now()
				ok := p.look(client, path)
				mu.Lock()
				defer mu.Unlock()
				w.pages[path] = page{time.Since(began), ok}
			})
		}
	}
}

// look reads one page as its owner.
func (p *product) look(client *http.Client, path string) bool {
	request, err := http.NewRequest(http.MethodGet, "http://"+p.server.addr+path, nil)
	if err != nil {
		return false
	}
	request.Header.Set("Cookie", p.cookie)
	answer, err := client.Do(request)
	if err != nil {
		return false
	}
	defer func() { _ = answer.Body.Close() }()
	_, err = io.Copy(io.Discard, answer.Body)
	// A page of the session, not the one to sign in to which one without would be led.
	return err == nil && answer.StatusCode == http.StatusOK && answer.Request.URL.Path == path
}

// rssOf is the memory that a process holds now, in bytes.
func rssOf(pid int) int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	kib, _ := strconv.ParseInt(strings.TrimSuffix(field(string(text), "VmRSS"), " kB"), 10, 64)
	return kib << 10
}

// pagesOf are the latencies of one page in a part of the run, and how often it was not answered.
func pagesOf(series []watched, path string) (h *histogram, failed int) {
	h = &histogram{}
	for _, w := range series {
		switch p, looked := w.pages[path]; {
		case !looked:
		case p.ok:
			h.record(p.took)
		default:
			failed++
		}
	}
	return h, failed
}
