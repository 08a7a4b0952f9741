package main

import (
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"gorm.io/gorm"

	"latchkey/internal/access"
	"latchkey/internal/apptest"
	"latchkey/internal/database"
	"latchkey/internal/egress"
	"latchkey/internal/endpoints"
	"latchkey/internal/keys"
	"latchkey/internal/outbox"
	"latchkey/internal/secretbox"
	"latchkey/models"
)

const crashEndpoints = 4

// TestEveryAcknowledgedSignalIsDeliveredThoughWorkersAreKilled is promise P8: kill -9 of a worker in
// the middle of deliveries, again and again, loses nothing, and repeats only what was in flight.
func TestEveryAcknowledgedSignalIsDeliveredThoughWorkersAreKilled(t *testing.T) {
	each(t, func(t *testing.T, i *instance) {
		secret := []byte("a key of tests, of 32 bytes only")
		i.env = append(i.env, "LATCHKEY_SECRET_KEY="+base64.StdEncoding.EncodeToString(secret), "LATCHKEY_WEBHOOK_ALLOW_CIDRS=127.0.0.0/8")
		i.setUp(t)
		c := &crash{t: t, i: i, db: i.open(t), acknowledged: map[string]bool{}, received: map[string]int{}, allowed: map[string]int{}}
		c.key = i.createKey(t).Key
		c.makeEndpoints(secret)
		servers := 1
		if c.db.IsPostgres() {
			servers = 2
		}
		for range servers {
			c.servers = append(c.servers, i.serve(t))
		}
		stop := c.post()
		for range kills {
			c.kill()
		}
		stop()
		c.check()
	})
}

// crash is a test of kills: what was acknowledged, and what a receiver got.
type crash struct {
	t         *testing.T
	i         *instance
	db        *database.DB
	key       string
	endpoints []endpoints.Created

	mu           sync.Mutex
	servers      []*server
	acknowledged map[string]bool // ids of signals
	received     map[string]int  // by endpoint and message
	allowed      map[string]int  // to come once more, by the same
	total        int
	last         time.Time
}

func delivery(endpoint, message string) string { return endpoint + " " + message }

func (c *crash) makeEndpoints(secret []byte) {
	c.t.Helper()
	box, err := secretbox.New(secret)
	if err != nil {
		c.t.Fatal(err)
	}
	workspace, err := gorm.G[models.Workspace](c.db.Read).Take(c.t.Context())
	if err != nil {
		c.t.Fatal(err)
	}
	receiver := httptest.NewServer(http.HandlerFunc(c.receive))
	c.t.Cleanup(receiver.Close)
	client := egress.New(egress.Options{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	service := endpoints.New(endpoints.Options{DB: c.db, Keys: keys.New(c.db, keys.Options{Now: time.Now}), Now: time.Now, Secrets: box, Client: client})
	for n := range crashEndpoints {
		made, err := service.Create(c.t.Context(), access.CommandLine(workspace.ID), endpoints.Form{
			URL: receiver.URL + "/" + strconv.Itoa(n), Environment: models.Live, EventTypes: []string{string(outbox.SignalReceived)}, Concurrency: 4,
		})
		if err != nil {
			c.t.Fatal(err)
		}
		c.endpoints = append(c.endpoints, made)
	}
}

func (c *crash) receive(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	n, _ := strconv.Atoi(strings.TrimPrefix(r.URL.Path, "/"))
	id, _ := outbox.ParseID(r.Header.Get("webhook-id"))
	c.mu.Lock()
	c.received[delivery(c.endpoints[n].ID, id)]++
	c.total++
	c.last = time.Now()
	c.mu.Unlock()
	time.Sleep(5 * time.Millisecond) // so that some are in flight at any time
}

// post sends signals to whatever server lives until the returned function is called.
func (c *crash) post() (stop func()) {
	done := make(chan struct{})
	var work sync.WaitGroup
	for worker := range 3 {
		work.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-done:
					return
				case <-time.After(2 * time.Millisecond):
				}
				c.mu.Lock()
				url := c.servers[n%len(c.servers)].url
				c.mu.Unlock()
				id, ok := post(url+"/api/signal-staging/webhook/"+c.key, fmt.Sprintf(`{"event":"load","userId":"%d","messageId":"%d-%d"}`, worker, worker, n))
				if ok {
					c.mu.Lock()
					c.acknowledged[id] = true
					c.mu.Unlock()
				}
			}
		})
	}
	return func() { close(done); work.Wait() }
}

func (c *crash) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.total
}

// kill kills the server that works for most endpoints, in the middle of it, and starts another.
func (c *crash) kill() {
	c.t.Helper()
	before := c.count()
	victim := 0
	apptest.Eventually(c.t, "deliveries by a server", func() bool {
		var held bool
		victim, held = c.busiest()
		return held && c.count() >= before+40
	})
	dead := c.servers[victim]
	dead.kill()
	// What it sent has arrived when nothing comes any more from it.
	leases := "leased_by LIKE '%-" + strconv.Itoa(dead.Process.Pid) + "-%'"
	c.settle()
	c.allow(leases)
	// As if 30 s had passed for what it left behind.
	if err := c.db.Write.Exec("UPDATE endpoint_states SET leased_until = 1 WHERE " + leases).Error; err != nil {
		c.t.Fatal(err)
	}
	next := c.i.serve(c.t)
	c.mu.Lock()
	c.servers[victim] = next
	c.mu.Unlock()
}

func (c *crash) busiest() (victim int, held bool) {
	most := 0
	for n, s := range c.servers {
		var count int
		err := c.db.Read.Raw("SELECT COUNT(*) FROM endpoint_states WHERE leased_by LIKE ?", "%-"+strconv.Itoa(s.Process.Pid)+"-%").Scan(&count).Error
		if err == nil && count > most {
			victim, most = n, count
		}
	}
	return victim, most > 0
}

// settle gives what a dead process had handed to the kernel the time to arrive.
func (c *crash) settle() { time.Sleep(300 * time.Millisecond) }

// allow notes what was received under the leases and is not on record: it will come once more.
func (c *crash) allow(leases string) {
	c.t.Helper()
	var rows []models.Delivery
	err := c.db.Read.Raw("SELECT d.* FROM deliveries d JOIN endpoint_states s ON s.endpoint_id = d.endpoint_id WHERE d.status = 'pending' AND s." + leases).Scan(&rows).Error
	if err != nil {
		c.t.Fatal(err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, d := range rows {
		if key := delivery(d.EndpointID, d.MessageID); c.received[key] > 0 {
			c.allowed[key]++
		}
	}
}

// check waits until all is delivered, and compares.
func (c *crash) check() {
	c.t.Helper()
	if len(c.acknowledged) < kills {
		c.t.Fatal("too little was acknowledged for this to mean anything")
	}
	for end := time.Now().Add(2 * time.Minute); ; time.Sleep(100 * time.Millisecond) {
		var pending int
		if err := c.db.Read.Raw("SELECT COUNT(*) FROM deliveries WHERE status <> 'delivered'").Scan(&pending).Error; err != nil {
			c.t.Fatal(err)
		}
		if pending == 0 {
			break
		}
		if time.Now().After(end) {
			c.t.Fatalf("%d deliveries are not delivered", pending)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	repeated := 0
	for _, e := range c.endpoints {
		for id := range c.acknowledged {
			key := delivery(e.ID, id)
			if c.received[key] == 0 {
				c.t.Errorf("%s was acknowledged and never delivered to %s", id, e.ID)
			}
		}
	}
	for key, n := range c.received {
		if n > 1+c.allowed[key] {
			c.t.Errorf("%s came %d times, though it was in flight at %d kills", key, n, c.allowed[key])
		}
		repeated += n - 1
	}
	c.t.Logf("%d signals acknowledged, %d requests, %d of them repeated, %d in flight at %d kills", len(c.acknowledged), c.total, repeated, len(c.allowed), kills)
}
