package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"time"
)

// scenario is a way to send signals or updates of organisations, or to read.
type scenario struct {
	section     string
	name        string
	connections int
	items       int  // a request
	updates     bool // stored as product_org_updates, not as signals
	reads       bool // nothing is stored
	large       bool // on the workspace with many signals
	told        bool // an endpoint gets a message of each
	half        bool // open loop, at half of the rate that single posts reached just before
	requests    func(p *product) [][]byte
}

const (
	signalPath = "/api/signal-staging/webhook/"
	bulkPath   = "/api/signal-staging/bulk/"
	orgPath    = "/api/product-orgs/webhook/"
	jsonType   = "application/json"
	linesType  = "application/x-ndjson"
	batchItems = 100

	// singlePosts is the scenario that the others on the same database are held against.
	singlePosts = "single posts"
	halfLoad    = "single posts, open loop at half the rate"
	batches     = "batches of 100"
	bulkPlain   = "bulk NDJSON"
	callMe      = "GET /api/v1/me"
)

// Sections of the report, in its order.
const (
	inYardsticks = "Yardsticks"
	inPosts      = "Single posts"
	inKinds      = "Other single posts"
	inMany       = "Many signals a request"
	inOpen       = "Open loop"
	inReading    = "Reading"
	inPages      = "Lists"
	inOutbound   = "Outbound webhooks"
)

func single(p *product) [][]byte {
	return one(post(signalPath+p.plain.Key, jsonType, nil, item(false)))
}

func one(request []byte) [][]byte { return [][]byte{request} }

// scenarios lists what is sent, in the order in which a round sends it.
func scenarios(o options) []scenario {
	var list []scenario
	for _, n := range o.counts {
		list = append(list, scenario{section: inPosts, name: singlePosts, connections: n, items: 1, requests: single})
	}
	list = append(list, scenario{section: inOpen, name: halfLoad, items: 1, half: true, requests: single})
	list = append(list, kinds()...)
	list = append(list, orgScenarios()...)
	list = append(list, many(o)...)
	list = append(list, apiScenarios()...)
	for i := range list {
		if list[i].connections == 0 {
			list[i].connections = o.usual()
		}
	}
	return list
}

// kinds are single posts that cost more.
func kinds() []scenario {
	posts := func(name string, requests func(p *product) [][]byte) scenario {
		return scenario{section: inKinds, name: name, items: 1, requests: requests}
	}
	heard := posts(subscribedPosts, subscribed)
	heard.told = true
	return []scenario{
		posts("single posts, with X-Api-Secret", func(p *product) [][]byte {
			return one(post(signalPath+p.guarded.Key, jsonType, []string{"X-Api-Secret: " + p.guarded.Secret}, item(false)))
		}),
		posts("single posts, 10,000 keys in turn", func(p *product) [][]byte {
			requests := make([][]byte, manyKeys)
			for i := range requests {
				requests[i] = post(signalPath+p.many[i], jsonType, nil, item(false))
			}
			return requests
		}),
		heard,
		posts("single posts, with a message id", func(p *product) [][]byte {
			return one(post(signalPath+p.plain.Key, jsonType, nil, item(true)))
		}),
		posts("source adapter (Segment, 1 KiB, with a message id)", func(p *product) [][]byte {
			return one(post(signalPath+"segment/"+p.plain.Key, jsonType, nil, track()))
		}),
	}
}

func orgScenarios() []scenario {
	orgs := func(name string, n int) scenario {
		return scenario{section: inKinds, name: name, items: 1, updates: true, requests: func(p *product) [][]byte { return orgPosts(p, n) }}
	}
	return []scenario{orgs("product orgs, 1,000 organisations", manyOrgs), orgs("product orgs, one organisation", 1)}
}

// many are requests of many signals.
func many(o options) []scenario {
	size := fmt.Sprintf(" of %s lines", thousands(int64(o.bulk)))
	return []scenario{
		{section: inMany, name: batches, connections: min(16, o.usual()), items: batchItems, requests: func(p *product) [][]byte {
			return one(post(signalPath+p.plain.Key+"/batch", jsonType, nil, array(batchItems)))
		}},
		{section: inMany, name: bulkPlain + size, connections: 1, items: o.bulk, requests: func(p *product) [][]byte {
			return one(post(bulkPath+p.plain.Key, linesType, nil, lines(o.bulk)))
		}},
		{section: inMany, name: bulkPlain + size + ", gzip", connections: 1, items: o.bulk, requests: func(p *product) [][]byte {
			return one(post(bulkPath+p.plain.Key, linesType, []string{"Content-Encoding: gzip"}, zipped(lines(o.bulk))))
		}},
	}
}

func zipped(text []byte) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write(text)
	_ = z.Close()
	return b.Bytes()
}

// send runs a scenario once against a product; perSecond is 0 for a closed loop.
func (s scenario) send(p *product, postmaster int, perSecond float64, length time.Duration) measure {
	l := load{addr: p.server.addr, requests: s.requests(p), connections: s.connections, length: length, perSecond: perSecond}
	c := newClock(p.server.pid(), postmaster)
	before := c.start()
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
	}
	if perSecond > 0 {
		m.late = &out.late
	}
	c.spent(before, items, &m)
	return m
}

// sendBare does the same to a yardstick, and tells how many answers were 200.
func sendBare(bare *process, postmaster int, request []byte, connections int, length time.Duration) (measure, int64) {
	l := load{addr: bare.addr, requests: one(request), connections: connections, length: length}
	c := newClock(bare.pid(), postmaster)
	before := c.start()
	out := l.run()
	perSecond := float64(out.ok) / out.elapsed.Seconds()
	m := measure{requests: perSecond, items: perSecond, hist: &out.hist, errors: out.errors}
	c.spent(before, float64(out.ok), &m)
	return m, out.ok
}
