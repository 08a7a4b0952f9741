package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"latchkey/bench/internal/fill"
	"latchkey/internal/database"
)

// growthRows makes signals that differ as a product's do: sixteen events, of which one is common and
// one more is rare, people who grow in number with the signals, and 30 days in which they happened.
type growthRows struct {
	made   int64
	random *rand.Rand
	now    time.Time
}

const growthSpan = 30 * 24 * time.Hour

// growthEvents are spread evenly over sixteen places.
var growthEvents = []string{
	fill.CommonEvent, fill.CommonEvent, fill.CommonEvent, "Button Clicked", "Button Clicked", "Form Submitted", "Report Exported", "Report Opened",
	"Invite Sent", "Invite Accepted", "Project Created", "Project Archived", "Comment Added", "File Uploaded", "Search Performed", "Signed In",
}

const (
	perPerson   = 25
	fewPeople   = 1000 // that there are from the beginning
	growthUsers = 100_000
)

func newGrowthRows(now time.Time) *growthRows {
	return &growthRows{random: rand.New(rand.NewPCG(1, 2)), now: now}
}

// appendRow adds one signal of exactly itemBytes.
func (r *growthRows) appendRow(to []byte) []byte {
	event := growthEvents[r.random.IntN(len(growthEvents))]
	if r.made%fill.RareEvery == fill.RareEvery/2 {
		event = fill.RareEvent
	}
	person := r.random.Int64N(fewPeople + r.made/perPerson)
	at := r.now.Add(-time.Duration(r.random.Int64N(int64(growthSpan))))
	r.made++
	from := len(to)
	to = append(to, `{"event":"`...)
	to = append(to, event...)
	to = append(to, `","email":"`...)
	to = append(to, fill.Address(int(person))...)
	to = append(to, `","userId":"user_`...)
	to = strconv.AppendInt(to, person%growthUsers, 10)
	to = append(to, `","timestamp":"`...)
	to = at.UTC().AppendFormat(to, "2006-01-02T15:04:05.000Z07:00")
	to = append(to, `","properties":{"form":"demo_request","company":"`...)
	for len(to)-from < itemBytes-3 {
		to = append(to, byte('a'+person%26))
	}
	return append(to, `"}}`...)
}

// rows are n of them, each followed by the separator.
func (r *growthRows) rows(n int, separator byte) []byte {
	b := make([]byte, 0, n*(itemBytes+1))
	for range n {
		b = append(r.appendRow(b), separator)
	}
	return b
}

// bulk is a bulk request by the next key.
func (g *growing) bulk(lines int) []byte {
	return post(bulkPath+g.nextKey(), linesType, nil, g.rows.rows(lines, '\n'))
}

// nextKey goes by requests, so that each key's signals lie among the others'.
func (g *growing) nextKey() string {
	return g.many[int(g.rows.made/int64(g.sitting.bulk))%growthKeys]
}

// Requests that differ, made before a round.
const (
	growthSingles = 4096
	growthBatches = 64
	growthBulks   = 3
)

// writes are rounds that add signals.
func (g *growing) writes() []*line {
	var singles, batches, bulks [][]byte
	for i := range growthSingles {
		singles = append(singles, post(signalPath+g.many[i%growthKeys], jsonType, nil, g.rows.appendRow(nil)))
	}
	for i := range growthBatches {
		items := strings.TrimSuffix(string(g.rows.rows(batchItems, ',')), ",")
		batches = append(batches, post(signalPath+g.many[i%growthKeys]+"/batch", jsonType, nil, []byte("["+items+"]")))
	}
	for range growthBulks {
		bulks = append(bulks, g.bulk(g.sitting.bulk))
	}
	return []*line{
		g.writeLine("single posts, 64 connections", singles, targetConns, 1),
		g.writeLine("batches of 100, 16 connections", batches, 16, batchItems),
		g.writeLine(fmt.Sprintf("bulk of %s lines, 1 connection", thousands(int64(g.sitting.bulk))), bulks, 1, g.sitting.bulk),
	}
}

func (g *growing) writeLine(name string, requests [][]byte, connections, items int) *line {
	return &line{name: name, run: func(length time.Duration) (shot, error) {
		out := load{addr: g.server.addr, requests: requests, connections: connections, length: length}.run()
		stored := out.ok * int64(items)
		g.signals += stored
		return shot{perSecond: float64(stored) / out.elapsed.Seconds(), hist: &out.hist, errors: out.errors}, nil
	}}
}

// pages are the console's lists, each read by one person.
func (g *growing) pages() []*line {
	var list []*line
	for _, sc := range apiScenarios() {
		if !sc.large || !strings.HasPrefix(sc.name, "console: ") {
			continue
		}
		requests := sc.requests(g.product)
		list = append(list, &line{name: sc.name, run: func(length time.Duration) (shot, error) {
			out := load{addr: g.server.addr, requests: requests, connections: 1, length: length}.run()
			return shot{perSecond: float64(out.ok) / out.elapsed.Seconds(), hist: &out.hist, errors: out.errors}, nil
		}})
	}
	return list
}

// findPages looks up what the second pages begin with, and a key that sends.
func (g *growing) findPages(ctx context.Context) error {
	return g.opened(ctx, func(db *database.DB) error {
		r := db.Read.WithContext(ctx)
		return errors.Join(
			r.Raw("SELECT id FROM signals ORDER BY id DESC LIMIT 1 OFFSET 49").Row().Scan(&g.seen.before),
			r.Raw("SELECT api_key_id FROM signals ORDER BY id DESC LIMIT 1").Row().Scan(&g.seen.key))
	})
}
