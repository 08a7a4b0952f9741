package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"latchkey/internal/database"
)

const (
	subscribedPosts = "single posts, one endpoint subscribed"
	deliveriesOfOne = "deliveries to one endpoint"
	bareClient      = "bare Go client, POST"
)

// hookConcurrency is how many requests the endpoint of deliveries gets at a time, and how many the
// bare client makes. The endpoint of signals has the product's default.
const hookConcurrency = 64

// subscribed are signals of the test environment, to which an endpoint is subscribed: the signals of
// the other scenarios are told to nobody.
func subscribed(p *product) [][]byte {
	return one(post(signalPath+p.heard.Key, jsonType, nil, item(false)))
}

// subscribe makes the endpoints, whose receiver is the bare handler: one that gets signals, and one
// that gets what a round of deliveries puts into the outbox for it.
func (p *product) subscribe(ctx context.Context, receiver string) (err error) {
	if p.db, err = database.Open(ctx, p.config); err != nil {
		return err
	}
	form := map[string]any{"url": "http://" + receiver + hookPath, "environment": "test", "event_types": []string{"signal.received"}}
	if _, err := p.newEndpoint(ctx, form); err != nil {
		return err
	}
	form["event_types"], form["concurrency"] = []string{"webhook.test"}, hookConcurrency
	if p.endpoint, err = p.newEndpoint(ctx, form); err != nil {
		return err
	}
	return p.firstMessage(ctx)
}

func (p *product) newEndpoint(ctx context.Context, values map[string]any) (id string, err error) {
	form, err := json.Marshal(values)
	if err != nil {
		return "", err
	}
	address := "http://" + p.server.addr + "/api/v1/workspaces/" + p.api.WorkspaceID + "/endpoints"
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(form))
	if err != nil {
		return "", err
	}
	request.Header.Set("Content-Type", jsonType)
	request.Header.Set("Authorization", "Bearer "+p.api.Key)
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", fmt.Errorf("make an endpoint: %w", err)
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	var made struct{ ID string }
	if err = errors.Join(err, json.Unmarshal(text, &made)); err != nil || made.ID == "" {
		return "", fmt.Errorf("make an endpoint: %s: %s: %w", answer.Status, text, err)
	}
	return made.ID, nil
}

// firstMessage has one signal delivered, whose body the others get too.
func (p *product) firstMessage(ctx context.Context) error {
	c := &connection{addr: p.server.addr}
	defer c.close()
	status, err := c.send(post(signalPath+p.heard.Key, jsonType, nil, item(false)))
	if err != nil || status != http.StatusOK {
		return fmt.Errorf("send a signal: status %d: %w", status, err)
	}
	p.signals++
	p.told++
	if err := p.db.Read.WithContext(ctx).Raw("SELECT body FROM messages").Row().Scan(&p.body); err != nil {
		return fmt.Errorf("read the first message: %w", err)
	}
	return p.drain(ctx)
}

// drain waits until everything is delivered. What is left of a load is no part of its measure, nor
// of the next one's.
func (p *product) drain(ctx context.Context) error {
	left := int64(-1)
	for end := time.Now().Add(5 * time.Minute); left != 0; time.Sleep(20 * time.Millisecond) {
		err := p.db.Read.WithContext(ctx).Raw("SELECT COUNT(*) FROM deliveries WHERE status = 'pending'").Row().Scan(&left)
		if err != nil {
			return fmt.Errorf("count what is to be delivered: %w", err)
		}
		if time.Now().After(end) {
			return fmt.Errorf("%d messages are not delivered after five minutes", left)
		}
	}
	return nil
}

// deliver puts messages into the outbox in one transaction, and measures from the first to the last
// that the receiver gets. They are all written before the first leaves: this is the most that the
// workers can do.
func (p *product) deliver(ctx context.Context, receiver *process, postmaster, messages int) (measure, error) {
	if err := reset(receiver); err != nil {
		return measure{}, err
	}
	if err := p.enqueue(ctx, messages); err != nil {
		return measure{}, err
	}
	c := newClock(p.server.pid(), postmaster)
	before := c.start()
	if err := p.drain(ctx); err != nil {
		return measure{}, err
	}
	got, err := received(receiver)
	if err != nil || got.Count < int64(messages) {
		return measure{}, fmt.Errorf("%d of %d messages were received: %w", got.Count, messages, err)
	}
	perSecond := float64(got.Count-1) / got.Last.Sub(got.First).Seconds()
	m := measure{requests: perSecond, items: perSecond, mean: time.Duration(float64(hookConcurrency) / perSecond * 1e9)}
	c.spent(before, float64(messages), &m)
	return m, nil
}

func (p *product) enqueue(ctx context.Context, messages int) error {
	tx := p.db.Write.WithContext(ctx).Begin()
	defer func() { tx.Rollback() }() // does nothing after the commit
	const chunk = 500
	for left := messages; left > 0; left -= chunk {
		n := min(left, chunk)
		now := time.Now().UnixMicro()
		var bodies, deliveries []any
		for range n {
			id := uuid.Must(uuid.NewV7()).String()
			bodies = append(bodies, id, p.api.WorkspaceID, p.body, now)
			deliveries = append(deliveries, p.endpoint, id, p.api.WorkspaceID, now, now)
		}
		err := errors.Join(
			tx.Exec("INSERT INTO messages (id, workspace_id, environment, event_type, source, body, created_at) VALUES "+
				rowsOf(n, "(?, ?, 'test', 'signal.received', '', ?, ?)"), bodies...).Error,
			tx.Exec("INSERT INTO deliveries (endpoint_id, message_id, workspace_id, event_type, status, next_attempt_at, created_at) VALUES "+
				rowsOf(n, "(?, ?, ?, 'signal.received', 'pending', ?, ?)"), deliveries...).Error)
		if err != nil {
			return fmt.Errorf("enqueue messages: %w", err)
		}
	}
	p.told += int64(messages)
	return tx.Commit().Error
}

func rowsOf(n int, row string) string { return strings.TrimSuffix(strings.Repeat(row+", ", n), ", ") }

// checkTold tells whether each message was delivered, once the server has stopped.
func (p *product) checkTold(ctx context.Context) (string, error) {
	defer func() { _ = p.db.Close() }()
	var delivered, other int64
	err := p.db.Read.WithContext(ctx).Raw(`SELECT COALESCE(SUM(CASE WHEN status = 'delivered' THEN 1 ELSE 0 END), 0),
		COALESCE(SUM(CASE WHEN status <> 'delivered' THEN 1 ELSE 0 END), 0) FROM deliveries`).Row().Scan(&delivered, &other)
	if err != nil {
		return "", fmt.Errorf("%s: count deliveries: %w", p.name, err)
	}
	text := fmt.Sprintf("%s: %s messages for endpoints, %s delivered, %s not.", p.name, thousands(p.told), thousands(delivered), thousands(other))
	if delivered != p.told || other != 0 {
		return text, errors.New(text + " Each must be delivered.")
	}
	return text, nil
}

// postBare is the yardstick of deliveries: a client of Go's own, that posts the same bytes to the
// same receiver with as many requests at a time, keeps nothing and signs nothing.
func postBare(receiver *process, body []byte, length time.Duration) measure {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: hookConcurrency}}
	defer client.CloseIdleConnections()
	c := newClock(receiver.pid(), 0)
	before, start := c.start(), time.Now()
	parts := make([]*outcome, hookConcurrency)
	var work sync.WaitGroup
	for i := range parts {
		work.Go(func() {
			parts[i] = loop([]*numbered{newNumbered(body)}, func() (time.Time, bool) {
				now := time.Now()
				return now, now.Before(start.Add(length))
			}, func(body []byte) (int, error) { return postOnce(client, receiver, body) })
		})
	}
	work.Wait()
	total := &outcome{errors: map[int]int64{}, elapsed: time.Since(start)}
	for _, p := range parts {
		total.merge(p)
	}
	perSecond := float64(total.ok) / total.elapsed.Seconds()
	m := measure{requests: perSecond, items: perSecond, hist: &total.hist, errors: total.errors}
	c.spent(before, float64(total.ok), &m)
	return m
}

func postOnce(client *http.Client, receiver *process, body []byte) (int, error) {
	answer, err := client.Post("http://"+receiver.addr+hookPath, jsonType, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	_, err = io.Copy(io.Discard, answer.Body)
	return answer.StatusCode, errors.Join(err, answer.Body.Close())
}
