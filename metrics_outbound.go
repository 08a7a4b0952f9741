package main

import (
	"github.com/prometheus/client_golang/prometheus"

	"latchkey/internal/dispatch"
)

// registerOutbound adds what the worker that sends webhooks does in this instance. How much waits is
// the database's to say, and shows in the console.
func registerOutbound(r *prometheus.Registry, stats func() dispatch.Stats) {
	gauge := func(name, help string, read func(dispatch.Stats) float64) {
		r.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 { return read(stats()) }))
	}
	gauge("latchkey_outbound_endpoints", "Endpoints that this instance sends to now.", func(s dispatch.Stats) float64 { return float64(s.Endpoints) })
	gauge("latchkey_outbound_in_flight", "Attempts under way.", func(s dispatch.Stats) float64 { return float64(s.InFlight) })
	gauge("latchkey_outbound_unwritten", "Results of attempts that wait for a commit.", func(s dispatch.Stats) float64 { return float64(s.Unwritten) })
	r.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{
		Name: "latchkey_outbound_commit_failures_total", Help: "Transactions with results of attempts that failed.",
	}, func() float64 { return float64(stats().Failures) }))
	r.MustRegister(attempts{
		desc: prometheus.NewDesc("latchkey_outbound_attempts_total", "Attempts that ended, by result.", []string{"result"}, nil), read: stats,
	})
}

// attempts are two counters of one name.
type attempts struct {
	desc *prometheus.Desc
	read func() dispatch.Stats
}

func (m attempts) Describe(ch chan<- *prometheus.Desc) { ch <- m.desc }

func (m attempts) Collect(ch chan<- prometheus.Metric) {
	s := m.read()
	ch <- prometheus.MustNewConstMetric(m.desc, prometheus.CounterValue, float64(s.Delivered), "delivered")
	ch <- prometheus.MustNewConstMetric(m.desc, prometheus.CounterValue, float64(s.Failed), "failed")
}
