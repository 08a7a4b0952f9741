package main

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"latchkey/internal/app"
	"latchkey/internal/ingest"
)

// serveMetrics answers /metrics on a listener of its own, so that the product's address never
// shows it. It returns what stops it. A taken address turns metrics off with a warning: the
// gateway matters more.
func (s *serveCmd) serveMetrics(a *app.App) (stop func()) {
	if s.MetricsAddr == "off" || s.MetricsAddr == "" {
		return func() {}
	}
	listener, err := net.Listen("tcp", s.MetricsAddr)
	if err != nil {
		slog.Warn("metrics are off: their address is taken; set LATCHKEY_METRICS_ADDR to another", "addr", s.MetricsAddr, "err", err)
		return func() {}
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry(a), promhttp.HandlerOpts{}))
	if s.Pprof {
		handleProfiles(mux)
	}
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, WriteTimeout: 2 * time.Minute}
	go func() { _ = server.Serve(listener) }()
	return func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = server.Shutdown(ctx)
	}
}

func registry(a *app.App) *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	gauge := func(name, help string, read func(ingest.Stats) float64) {
		r.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 { return read(a.Ingest.Stats()) }))
	}
	counter := func(name, help string, read func(ingest.Stats) float64) {
		r.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help}, func() float64 { return read(a.Ingest.Stats()) }))
	}
	gauge("latchkey_queue_requests", "Requests that wait for a commit.", func(s ingest.Stats) float64 { return float64(s.QueuedJobs) })
	gauge("latchkey_queue_capacity", "Requests that may wait for a commit.", func(s ingest.Stats) float64 { return float64(s.QueueJobs) })
	gauge("latchkey_queue_bytes", "Body bytes held in memory.", func(s ingest.Stats) float64 { return float64(s.QueuedBytes) })
	gauge("latchkey_commit_stuck_seconds", "Time since the last commit while requests wait.", func(s ingest.Stats) float64 { return s.StuckFor.Seconds() })
	counter("latchkey_signals_stored_total", "Signals committed by this instance.", func(s ingest.Stats) float64 { return float64(s.Stored) })
	counter("latchkey_org_updates_stored_total", "Product org updates committed by this instance.", func(s ingest.Stats) float64 { return float64(s.Updates) })
	counter("latchkey_commits_total", "Transactions of the writer.", func(s ingest.Stats) float64 { return float64(s.Flushes) })
	counter("latchkey_commit_failures_total", "Transactions of the writer that failed.", func(s ingest.Stats) float64 { return float64(s.Failures) })
	counter("latchkey_request_log_dropped_total", "Lines of refused requests that were not kept.", func(s ingest.Stats) float64 { return float64(s.DroppedLogs) })
	registerOutbound(r, a.Dispatch.Stats)
	requests := prometheus.NewDesc("latchkey_requests_total", "Inbound requests by answer.", []string{"code"}, nil)
	r.MustRegister(answers{desc: requests, read: a.Ingest.Answers})
	return r
}

// answers turns a map of counts by answer code into one metric.
type answers struct {
	desc *prometheus.Desc
	read func() map[string]int64
}

func (m answers) Describe(ch chan<- *prometheus.Desc) { ch <- m.desc }

func (m answers) Collect(ch chan<- prometheus.Metric) {
	for code, n := range m.read() {
		ch <- prometheus.MustNewConstMetric(m.desc, prometheus.CounterValue, float64(n), code)
	}
}
