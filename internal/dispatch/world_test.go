package dispatch_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"latchkey/internal/access"
	"latchkey/internal/apptest"
	"latchkey/internal/database"
	"latchkey/internal/dispatch"
	"latchkey/internal/egress"
	"latchkey/internal/endpoints"
	"latchkey/internal/keys"
	"latchkey/internal/outbox"
	"latchkey/models"
)

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}

// world is a workspace over one database, in which instances of the worker are started.
type world struct {
	t         testing.TB
	db        *database.DB
	clock     *apptest.Clock
	bell      *outbox.Bell
	endpoints *endpoints.Service
	owner     access.Actor
	before    func(*dispatch.Service) // called before an instance runs
}

func newWorld(t testing.TB, db *database.DB) *world { return newWorldOf(t, db, "acme") }

// newWorldOf makes another workspace over the same database.
func newWorldOf(t testing.TB, db *database.DB, slug string) *world {
	t.Helper()
	w := &world{t: t, db: db, clock: &apptest.Clock{}, bell: outbox.NewBell()}
	now := models.At(w.clock.Now())
	account := models.Account{
		ID: uuid.NewString(), Email: slug + "@acme.example", Name: "Olive", PasswordHash: "none", Theme: "system", TimeZone: "UTC",
		PasswordChangedAt: now, CreatedAt: now, UpdatedAt: now,
	}
	workspace := models.Workspace{
		ID: uuid.NewString(), Name: "Acme", Slug: slug, Plan: "team", RawRetentionDays: 30, RejectedRetentionDays: 7, CreatedAt: now, UpdatedAt: now,
	}
	w.insert(&account, &workspace)
	w.owner = access.Actor{AccountID: account.ID, WorkspaceID: workspace.ID, Role: access.Owner, Label: account.Email}
	w.endpoints = w.newEndpoints(w.bell)
	return w
}

func (w *world) newEndpoints(bell *outbox.Bell) *endpoints.Service {
	return endpoints.New(endpoints.Options{
		DB: w.db, Keys: keys.New(w.db, keys.Options{Now: w.clock.Now}), Now: w.clock.Now, Secrets: secrets(w.t),
		Client: egress.New(egress.Options{Allow: loopback}), Bell: bell,
	})
}

func (w *world) insert(rows ...any) {
	w.t.Helper()
	for _, row := range rows {
		if err := w.db.Write.Create(row).Error; err != nil {
			w.t.Fatal(err)
		}
	}
}

func (w *world) exec(sql string, args ...any) {
	w.t.Helper()
	if err := w.db.Write.Exec(sql, args...).Error; err != nil {
		w.t.Fatal(err)
	}
}

// instance is a running worker.
type instance struct {
	*dispatch.Service
	bell   *outbox.Bell
	cancel func() // begins to stop
	stop   func() // and waits
}

// start runs an instance with its own bell and connections until the test ends.
func (w *world) start(change ...func(*dispatch.Options)) *instance {
	w.t.Helper()
	client := egress.New(egress.Options{Allow: loopback, Now: w.clock.Now})
	o := dispatch.Options{
		DB: w.db, Now: w.clock.Now, Rand: func() float64 { return 0.5 }, Client: client, Bell: outbox.NewBell(), Instance: "test",
	}
	o.Endpoints = w.newEndpoints(o.Bell)
	dispatch.Hasten(&o)
	for _, c := range change {
		c(&o)
	}
	i := &instance{Service: dispatch.New(o), bell: o.Bell}
	if w.before != nil {
		w.before(i.Service)
	}
	ctx, cancel := context.WithCancel(context.Background())
	i.cancel = cancel
	var work sync.WaitGroup
	work.Go(func() { i.Run(ctx) })
	i.stop = sync.OnceFunc(func() {
		cancel()
		work.Wait()
		client.Close()
	})
	w.t.Cleanup(i.stop)
	return i
}

// endpoint makes an endpoint of the test environment.
func (w *world) endpoint(url string, change ...func(*endpoints.Form)) endpoints.Created {
	w.t.Helper()
	form := endpoints.Form{URL: url, Environment: models.Test, EventTypes: []string{"signal.*"}, Concurrency: 10}
	for _, c := range change {
		c(&form)
	}
	made, err := w.endpoints.Create(w.t.Context(), w.owner, form)
	if err != nil {
		w.t.Fatalf("create endpoint: %v", err)
	}
	return made
}

// messages writes n messages for each endpoint, due now, and returns their ids in order.
func (w *world) messages(n int, to ...endpoints.Created) []string {
	w.t.Helper()
	now := models.At(w.clock.Now())
	var ids []string
	var messages []models.Message
	var rows []models.Delivery
	for i := range n {
		id := uuid.Must(uuid.NewV7()).String()
		ids = append(ids, id)
		body := outbox.Body(outbox.SignalReceived, now.Time, []byte(`{"n":`+strconv.Itoa(i)+`}`))
		messages = append(messages, models.Message{
			ID: id, WorkspaceID: w.owner.WorkspaceID, Environment: models.Test, EventType: "signal.received", Body: body, CreatedAt: now,
		})
		for _, e := range to {
			rows = append(rows, models.Delivery{
				EndpointID: e.ID, MessageID: id, WorkspaceID: w.owner.WorkspaceID, EventType: "signal.received", Status: models.DeliveryPending,
				Ordered: e.Ordered, NextAttemptAt: now, CreatedAt: now,
			})
		}
	}
	err := w.db.Tx(w.t.Context(), func(tx *gorm.DB) error {
		if err := tx.CreateInBatches(messages, 500).Error; err != nil {
			return err
		}
		return tx.CreateInBatches(rows, 500).Error
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return ids
}

// ring wakes the instances, as the writers of messages do.
func ring(to endpoints.Created, instances ...*instance) {
	for _, i := range instances {
		i.bell.Ring(to.ID)
	}
}

func (w *world) delivery(e endpoints.Created, messageID string) models.Delivery {
	w.t.Helper()
	d, err := gorm.G[models.Delivery](w.db.Read).Where("endpoint_id = ? AND message_id = ?", e.ID, messageID).Take(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	return d
}

func (w *world) attempts(e endpoints.Created, messageID string) []models.DeliveryAttempt {
	w.t.Helper()
	rows, err := gorm.G[models.DeliveryAttempt](w.db.Read).Where("endpoint_id = ? AND message_id = ?", e.ID, messageID).Order("number").Find(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	return rows
}

func (w *world) state(e endpoints.Created) models.EndpointState {
	w.t.Helper()
	row, err := gorm.G[models.EndpointState](w.db.Read).Where("endpoint_id = ?", e.ID).Take(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	return row
}

// count counts deliveries of an endpoint by status.
func (w *world) count(e endpoints.Created, status string) int {
	w.t.Helper()
	n, err := gorm.G[models.Delivery](w.db.Read).Where("endpoint_id = ? AND status = ?", e.ID, status).Count(w.t.Context(), "*")
	if err != nil {
		w.t.Fatal(err)
	}
	return int(n)
}

// eventually waits for a condition about the database.
func (w *world) eventually(what string, ok func() bool) {
	w.t.Helper()
	for end := time.Now().Add(40 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if ok() {
			return
		}
	}
	w.t.Fatalf("waited in vain for %s", what)
}

// got is one request as a receiver saw it.
type got struct {
	id     string // of the message, as the header has it
	header http.Header
	body   string
	at     time.Time // by the injected clock
}

// receiver is a system of a customer.
type receiver struct {
	*httptest.Server
	clock  *apptest.Clock
	answer func(n int, g got, w http.ResponseWriter) // n counts from 1; nil: 200

	mu   sync.Mutex
	got  []got
	now  int // requests being answered
	most int
}

func newReceiver(t testing.TB, clock *apptest.Clock, answer func(n int, g got, w http.ResponseWriter)) *receiver {
	r := &receiver{clock: clock, answer: answer}
	r.Server = httptest.NewServer(r)
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return
	}
	g := got{id: req.Header.Get("webhook-id"), header: req.Header, body: string(body), at: r.clock.Now()}
	r.mu.Lock()
	r.got = append(r.got, g)
	n := len(r.got)
	r.now++
	r.most = max(r.most, r.now)
	r.mu.Unlock()
	if r.answer != nil {
		r.answer(n, g, w)
	}
	r.mu.Lock()
	r.now--
	r.mu.Unlock()
}

func (r *receiver) all() []got {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.got)
}

// times counts requests by message.
func (r *receiver) times() map[string]int {
	times := map[string]int{}
	for _, g := range r.all() {
		times[g.id]++
	}
	return times
}

// exactlyOnce fails the test unless each message came once.
func (r *receiver) exactlyOnce(t testing.TB, ids []string) {
	t.Helper()
	times := r.times()
	for _, id := range ids {
		if n := times[outbox.PublicID(id)]; n != 1 {
			t.Errorf("message %s came %d times, want once", id, n)
		}
	}
	if len(times) != len(ids) {
		t.Errorf("%d messages came, want %d", len(times), len(ids))
	}
}

// number is the n that messages wrote into a body.
func (g got) number() int {
	var body struct{ Data struct{ N int } }
	if err := json.Unmarshal([]byte(g.body), &body); err != nil {
		panic(fmt.Sprintf("body %s: %v", g.body, err))
	}
	return body.Data.N
}
