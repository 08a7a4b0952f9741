package seed

import (
	"math/rand/v2"
	"slices"
	"time"
)

// stream is one sender: which key it uses, what it sends, from where, and how much of the whole.
type stream struct {
	key        string // name at creation
	source     string
	weight     int
	event      maker
	batch      int // items a request, at most; 0 for one object a request
	repeats    int // of a thousand requests, how many are sent once more
	ips        []string
	userAgent  string
	from, till time.Time
}

func (d *demo) streams() []stream {
	start := d.now.Add(-week)
	end := d.now.Add(-30 * time.Second)
	return []stream{
		{key: websiteKey, weight: 42, event: websiteEvent, ips: []string{"203.0.113.10", "203.0.113.11"}, userAgent: "juniper-web/2.3", from: start, till: end},
		{key: backendKey, weight: 30, event: productEvent, repeats: 15, ips: []string{"198.51.100.21", "198.51.100.22", "2001:db8:40::21"}, userAgent: "juniper-api/5.1", from: start, till: end},
		{key: segmentKey, weight: 14, source: "segment", event: segmentEvent, batch: 8, ips: []string{"198.51.100.180"}, userAgent: "Segment.io/1.0", from: start, till: end},
		{key: hubspotKey, weight: 5, source: "hubspot", event: crmEvent, ips: []string{"203.0.113.77"}, userAgent: "HubSpot Connect 2.0", from: start, till: end},
		{key: landingKey, weight: 3, event: websiteEvent, ips: []string{"203.0.113.42"}, userAgent: "spring-page/1.0", from: start, till: d.ago(landingExpired)},
		{key: partnerKey, weight: 2, source: "partner", event: crmEvent, ips: []string{"192.0.2.200"}, userAgent: "python-requests/2.32", from: start, till: d.ago(partnerDeactivated)},
		{key: stagingKey, weight: 4, event: websiteEvent, ips: []string{"203.0.113.12"}, userAgent: "juniper-web/2.4-rc1", from: start, till: end},
	}
}

// hourWeights is the shape of a day in UTC: people at work in Europe, then in America.
var hourWeights = [24]int{12, 9, 7, 6, 7, 11, 22, 42, 68, 86, 92, 88, 80, 92, 100, 98, 90, 78, 62, 50, 40, 32, 24, 17}

// moments draws n instants between from and till, thick by day and thin by night and at weekends,
// in order.
func moments(r *rand.Rand, n int, from, till time.Time) []time.Time {
	out := make([]time.Time, 0, n)
	for len(out) < n {
		at := from.Add(time.Duration(r.Int64N(int64(till.Sub(from))))).UTC()
		weight := hourWeights[at.Hour()]
		if day := at.Weekday(); day == time.Saturday || day == time.Sunday {
			weight = weight * 2 / 5
		}
		if r.IntN(100) < weight {
			out = append(out, at)
		}
	}
	slices.SortFunc(out, time.Time.Compare)
	return out
}

// share is how many of total signals each stream sends: by weight, the rest to the first.
func share(streams []stream, total int) []int {
	sum, left := 0, total
	for _, s := range streams {
		sum += s.weight
	}
	counts := make([]int, len(streams))
	for i, s := range streams {
		counts[i] = total * s.weight / sum
		left -= counts[i]
	}
	counts[0] += left
	return counts
}
