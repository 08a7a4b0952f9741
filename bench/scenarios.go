package main

import (
	"fmt"
	"time"
)

// scenario is a way to send signals or updates of organisations, or to read.
type scenario struct {
	name        string
	connections int
	against     int // connections of the yardsticks that it is held against
	items       int // a request
	perSecond   float64
	updates     bool // stored as product_org_updates, not as signals
	reads       bool // nothing is stored
	told        bool // an endpoint gets a message of each
	requests    func(p *product) [][]byte
}

const (
	signalPath = "/api/signal-staging/webhook/"
	bulkPath   = "/api/signal-staging/bulk/"
	orgPath    = "/api/product-orgs/webhook/"
	jsonType   = "application/json"
	batchItems = 100

	// singlePosts is the scenario that the others on the same database are held against.
	singlePosts = "single posts"
)

func single(p *product) [][]byte {
	return one(post(signalPath+p.plain.Key, jsonType, nil, item(false)))
}

func one(request []byte) [][]byte { return [][]byte{request} }

// scenarios lists what is sent with the yardsticks' numbers of connections at hand.
func scenarios(o options) []scenario {
	var list []scenario
	for _, n := range o.counts {
		list = append(list, scenario{name: singlePosts, connections: n, against: n, items: 1, requests: single})
	}
	most := o.counts[len(o.counts)-1]
	list = append(append(append(list, outboundScenarios(most)...), orgScenarios(most)...), apiScenarios(most)...)
	return append(list,
		scenario{name: "single posts, with a message id", connections: most, against: most, items: 1, requests: func(p *product) [][]byte {
			return one(post(signalPath+p.plain.Key, jsonType, nil, item(true)))
		}},
		scenario{name: "single posts of 1 KiB, with a message id", connections: most, against: most, items: 1, requests: func(p *product) [][]byte {
			return one(post(signalPath+p.plain.Key, jsonType, nil, sized(largeBytes, true)))
		}},
		scenario{name: "single posts, with X-Api-Secret", connections: most, against: most, items: 1, requests: func(p *product) [][]byte {
			return one(post(signalPath+p.guarded.Key, jsonType, []string{"X-Api-Secret: " + p.guarded.Secret}, item(false)))
		}},
		scenario{name: "source adapter (Segment)", connections: most, against: most, items: 1, requests: func(p *product) [][]byte {
			return one(post(signalPath+"segment/"+p.plain.Key, jsonType, nil, track()))
		}},
		scenario{name: fmt.Sprintf("batches of %d", batchItems), connections: min(most, 16), against: most, items: batchItems, requests: func(p *product) [][]byte {
			return one(post(signalPath+p.plain.Key+"/batch", jsonType, nil, array(batchItems)))
		}},
		scenario{name: fmt.Sprintf("bulk NDJSON of %s lines", thousands(int64(o.bulk))), connections: 1, against: most, items: o.bulk, requests: func(p *product) [][]byte {
			return one(post(bulkPath+p.plain.Key, "application/x-ndjson", nil, lines(o.bulk)))
		}},
		scenario{name: fmt.Sprintf("single posts, open loop at %g/s", o.rate), connections: most, against: most, items: 1, perSecond: o.rate, requests: single},
	)
}

// orgScenarios come next to the single posts, which they are held against.
func orgScenarios(connections int) []scenario {
	list := []scenario{
		{name: fmt.Sprintf("product orgs, %s organisations", thousands(manyOrgs)), requests: func(p *product) [][]byte { return orgPosts(p, manyOrgs) }},
		{name: "product orgs, one organisation", requests: func(p *product) [][]byte { return orgPosts(p, 1) }},
	}
	for i := range list {
		list[i].connections, list[i].against, list[i].items, list[i].updates = connections, connections, 1, true
	}
	return list
}

// send runs a scenario once against a product.
func (s scenario) send(p *product, postmaster int, length time.Duration) measure {
	l := load{addr: p.server.addr, requests: s.requests(p), connections: s.connections, length: length, perSecond: s.perSecond}
	resetPeak(p.server.pid())
	server, database := cpuOf(p.server.pid()), cpuOfTree(postmaster)
	out := l.run()
	items := float64(out.ok) * float64(s.items)
	switch {
	case s.reads:
	case s.updates:
		p.updates += out.ok * int64(s.items)
	default:
		p.signals += out.ok * int64(s.items)
	}
	if s.told {
		p.told += out.ok * int64(s.items)
	}
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
func sendBare(bare *process, request []byte, connections int, length time.Duration) measure {
	l := load{addr: bare.addr, requests: one(request), connections: connections, length: length}
	resetPeak(bare.pid())
	before := cpuOf(bare.pid())
	out := l.run()
	perSecond := float64(out.ok) / out.elapsed.Seconds()
	return measure{
		requests: perSecond, items: perSecond, hist: &out.hist, errors: out.errors,
		serverCPU: perItem(cpuOf(bare.pid())-before, float64(out.ok)), peak: peakRSS(bare.pid()),
	}
}
