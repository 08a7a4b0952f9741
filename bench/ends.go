package main

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"
)

// figure is what is measured once the rounds are over, because it disturbs what runs beside it.
type figure struct {
	name, database string
	run            func(f *figure) error
	took           []time.Duration
	perSecond      float64 // items
	bytesPerSecond float64
	cpu            reading // an item
	peak           int64   // bytes that the server held
}

const (
	coldStart   = "cold start: from exec to the first 200 of /readyz"
	bulkOfOne   = "bulk NDJSON of 1 GiB, 1 KiB a line"
	coldStarts  = 5
	gigabyte    = 1 << 30
	startWithin = time.Minute
	bulkWithin  = 15 * time.Minute
)

func (s *sitting) planEnds(ctx context.Context) {
	if s.only.MatchString(coldStart) {
		for _, p := range s.large {
			s.ends = append(s.ends, &figure{name: coldStart, database: p.name, run: func(f *figure) error { return p.startCold(ctx, f) }})
		}
	}
	if s.gigabyte && s.only.MatchString(bulkOfOne) {
		for _, p := range s.products {
			s.ends = append(s.ends, &figure{name: bulkOfOne, database: p.name, run: func(f *figure) error { return p.sendGigabyte(ctx, s.postmaster(p), f) }})
		}
	}
}

func (s *sitting) measureEnds(ctx context.Context) error {
	for _, f := range s.ends {
		if err := f.run(f); err != nil {
			return fmt.Errorf("%s: %s: %w", f.database, f.name, err)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		fmt.Fprintf(os.Stderr, "%s: %s: %v\n", f.database, f.name, f.took)
	}
	return nil
}

// startCold stops the server and starts it again on its database, several times.
func (p *product) startCold(ctx context.Context, f *figure) error {
	for range coldStarts {
		if err := p.server.stop(); err != nil {
			return err
		}
		began := time.Now()
		if err := p.start(ctx); err != nil {
			return err
		}
		if err := p.ready(ctx, began.Add(startWithin)); err != nil {
			return err
		}
		f.took = append(f.took, time.Since(began))
	}
	f.peak = peakRSS(p.server.pid())
	return nil
}

// ready asks each millisecond.
func (p *product) ready(ctx context.Context, end time.Time) error {
	request := get("/readyz")
	for time.Now().Before(end) && ctx.Err() == nil {
		c := &connection{addr: p.server.addr}
		status, err := c.send(request)
		c.close()
		if err == nil && status == http.StatusOK {
			return nil
		}
		time.Sleep(time.Millisecond)
	}
	return fmt.Errorf("not ready after %s", startWithin)
}

// sendGigabyte streams one request, which the generator makes as it goes.
func (p *product) sendGigabyte(ctx context.Context, postmaster int, f *figure) error {
	line := append(sized(largeBytes-1, false), '\n')
	count := gigabyte / len(line)
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", p.server.addr)
	if err != nil {
		return err
	}
	c := &connection{conn: conn, in: bufio.NewReaderSize(conn, 64<<10)}
	defer c.close()
	if err := conn.SetDeadline(time.Now().Add(bulkWithin)); err != nil {
		return err
	}
	clock := newClock(p.server.pid(), postmaster)
	before, began := clock.start(), time.Now()
	out := bufio.NewWriterSize(conn, 64<<10)
	_, _ = fmt.Fprintf(out, "POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: latchkey-bench\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n",
		bulkPath+p.plain.Key, linesType, count*len(line))
	for range count {
		if _, err := out.Write(line); err != nil {
			return fmt.Errorf("send: %w", err)
		}
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("send: %w", err)
	}
	status, err := c.answer()
	if err != nil || status != http.StatusOK {
		return fmt.Errorf("answered %d: %w", status, err)
	}
	took := time.Since(began)
	p.signals += int64(count)
	var m measure
	clock.spent(before, float64(count), &m)
	f.took, f.peak = append(f.took, took), m.peak
	f.perSecond, f.bytesPerSecond = float64(count)/took.Seconds(), float64(count*len(line))/took.Seconds()
	f.cpu = reading{server: m.serverCPU, postgres: m.postgresCPU, own: m.generatorCPU}
	return nil
}
