package main

import (
	"fmt"
	"time"
)

// scenario is a way to send signals.
type scenario struct {
	name        string
	connections int
	against     int // connections of the yardsticks that it is held against
	items       int // a request
	perSecond   float64
	request     func(p *product) []byte
}

const (
	signalPath = "/api/signal-staging/webhook/"
	bulkPath   = "/api/signal-staging/bulk/"
	jsonType   = "application/json"
	batchItems = 100
)

func single(p *product) []byte { return post(signalPath+p.plain.Key, jsonType, nil, item(false)) }

// scenarios lists what is sent with the yardsticks' numbers of connections at hand.
func scenarios(o options) []scenario {
	var list []scenario
	for _, n := range o.counts {
		list = append(list, scenario{"single posts", n, n, 1, 0, single})
	}
	most := o.counts[len(o.counts)-1]
	return append(list,
		scenario{"single posts, with a message id", most, most, 1, 0, func(p *product) []byte {
			return post(signalPath+p.plain.Key, jsonType, nil, item(true))
		}},
		scenario{"single posts, with X-Api-Secret", most, most, 1, 0, func(p *product) []byte {
			return post(signalPath+p.guarded.Key, jsonType, []string{"X-Api-Secret: " + p.guarded.Secret}, item(false))
		}},
		scenario{fmt.Sprintf("batches of %d", batchItems), min(most, 16), most, batchItems, 0, func(p *product) []byte {
			return post(signalPath+p.plain.Key+"/batch", jsonType, nil, array(batchItems))
		}},
		scenario{fmt.Sprintf("bulk NDJSON of %s lines", thousands(int64(o.bulk))), 1, most, o.bulk, 0, func(p *product) []byte {
			return post(bulkPath+p.plain.Key, "application/x-ndjson", nil, lines(o.bulk))
		}},
		scenario{fmt.Sprintf("single posts, open loop at %g/s", o.rate), most, most, 1, o.rate, single},
	)
}

// send runs a scenario once against a product.
func (s scenario) send(p *product, postmaster int, length time.Duration) measure {
	l := load{addr: p.server.addr, request: s.request(p), connections: s.connections, length: length, perSecond: s.perSecond}
	resetPeak(p.server.pid())
	server, database := cpuOf(p.server.pid()), cpuOfTree(postmaster)
	out := l.run()
	items := float64(out.ok) * float64(s.items)
	p.acknowledged += out.ok * int64(s.items)
	m := measure{
		requests: float64(out.ok) / out.elapsed.Seconds(), items: items / out.elapsed.Seconds(),
		hist: &out.hist, errors: out.errors,
		serverCPU: perItem(cpuOf(p.server.pid())-server, items), peak: peakRSS(p.server.pid()),
	}
	if postmaster > 0 {
		m.postgresCPU = perItem(cpuOfTree(postmaster)-database, items)
	}
	return m
}

// sendBare does the same to the bare handler.
func sendBare(bare *process, connections int, length time.Duration) measure {
	l := load{addr: bare.addr, request: post("/key", jsonType, nil, item(false)), connections: connections, length: length}
	resetPeak(bare.pid())
	before := cpuOf(bare.pid())
	out := l.run()
	perSecond := float64(out.ok) / out.elapsed.Seconds()
	return measure{
		requests: perSecond, items: perSecond, hist: &out.hist, errors: out.errors,
		serverCPU: perItem(cpuOf(bare.pid())-before, float64(out.ok)), peak: peakRSS(bare.pid()),
	}
}
