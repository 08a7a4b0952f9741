package api_test

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"latchkey/handlers"
	"latchkey/internal/app"
	"latchkey/internal/apptest"
	"latchkey/internal/database"
	"latchkey/internal/keys"
	"latchkey/internal/listen"
	"latchkey/internal/outbox"
	"latchkey/models"
)

// event is one server-sent event.
type event struct{ name, id, data string }

// reader reads a stream as it comes.
type reader struct {
	t      *testing.T
	events chan event // closed at the stream's end
	leave  context.CancelFunc
	res    *http.Response
}

// stream opens a stream as a program, and waits until it is listened to.
func (w *world) stream(key keys.Created, query string, headers ...string) *reader {
	w.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	w.t.Cleanup(cancel)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, w.URL+"/api/v1"+w.here("/events/stream")+query, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+key.Value.Reveal())
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := w.Server.Client().Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	if res.StatusCode != http.StatusOK || res.Header.Get("Content-Type") != "text/event-stream" || res.Header.Get("Cache-Control") != "no-store" {
		w.t.Fatalf("status %d, %v", res.StatusCode, res.Header)
	}
	r := &reader{t: w.t, events: make(chan event), leave: cancel, res: res}
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(nil, 8<<20)
	for _, begins := range []string{"id: msg_", ": listening", ""} {
		if !lines.Scan() || !strings.HasPrefix(lines.Text(), begins) {
			w.t.Fatalf("the stream begins with %q, want %q", lines.Text(), begins)
		}
	}
	go r.read(lines)
	return r
}

// read goes on until the stream ends, or nobody takes the events.
func (r *reader) read(lines *bufio.Scanner) {
	defer close(r.events)
	var e event
	for lines.Scan() {
		field, value, _ := strings.Cut(lines.Text(), ": ")
		switch field {
		case "event":
			e.name = value
		case "id":
			e.id = value
		case "data":
			e.data = value
		case "":
			if e.name != "" {
				r.events <- e
			}
			e = event{}
		}
	}
}

// next is the next event; one with the name "closed" at the end.
func (r *reader) next() event {
	r.t.Helper()
	select {
	case e, open := <-r.events:
		if !open {
			return event{name: "closed"}
		}
		return e
	case <-time.After(20 * time.Second):
		r.t.Fatal("nothing came for 20 seconds")
		return event{}
	}
}

type message struct {
	ID, Type, Timestamp, Body string
	Encoding                  string `json:"body_encoding"`
}

func (r *reader) message() message {
	r.t.Helper()
	e := r.next()
	var m message
	if err := json.Unmarshal([]byte(e.data), &m); err != nil || e.name != "message" || e.id != m.ID {
		r.t.Fatalf("event %+v, %v", e, err)
	}
	return m
}

func (w *world) stored(id string) models.Message {
	w.t.Helper()
	plain, _ := outbox.ParseID(id)
	row, err := gorm.G[models.Message](w.DB.Read).Where("id = ?", plain).Take(w.t.Context())
	if err != nil {
		w.t.Fatalf("message %s: %v", id, err)
	}
	return row
}

func TestMessagesAreStreamedToTheByteWhicheverInstanceWroteThem(t *testing.T) {
	eachTwice(t, func(t *testing.T, first, second *world) {
		program := first.program("events:listen")
		signals := first.NewKey(t)
		all, some := second.stream(program, ""), second.stream(program, "?types=api_key.*,product_org.updated")
		test := second.stream(program, "?environment=test")
		made := first.NewKey(t)
		first.NewKey(t, func(f *keys.CreateForm) { f.Environment = models.Test })
		sent := first.Post(t, "/api/signal-staging/webhook/"+signals.Value.Reveal(), `{"event":"Signed <Up> ☃","n":1.50}`)
		if sent.Status != http.StatusOK {
			t.Fatalf("%d %s", sent.Status, sent.Body)
		}
		got := []message{all.message(), all.message()}
		if got[0].Type != "api_key.created" {
			slices.Reverse(got)
		}
		for _, m := range got {
			if row := first.stored(m.ID); m.Body != string(row.Body) || m.Type != row.EventType || m.Encoding != "utf-8" {
				t.Errorf("streamed %+v, stored %s", m, row.Body)
			}
		}
		if !strings.Contains(got[0].Body, made.Key.ID) || !strings.Contains(got[1].Body, `"n":1.50`) {
			t.Errorf("got %+v", got)
		}
		if m := some.message(); m.ID != got[0].ID {
			t.Errorf("the stream of some types got %+v", m)
		}
		if m := test.message(); m.Type != "api_key.created" || !strings.Contains(m.Body, `"environment":"test"`) {
			t.Errorf("the stream of test got %+v", m)
		}
	})
}

func TestABodyThatIsNotUTF8IsStreamedAsBase64(t *testing.T) {
	w := newWorld(t, apptest.SQLite(t))
	s := w.stream(w.program("events:listen"), "?types=signal.received")
	const odd = "{\"note\":\"\xff\"}" // JSON for most parsers
	w.insert(&models.Message{
		ID: uuid.Must(uuid.NewV7()).String(), WorkspaceID: w.Owner.WorkspaceID, Environment: models.Live, EventType: "signal.received",
		Body: []byte(odd), CreatedAt: models.At(time.Now()),
	})
	m := s.message()
	var body []byte
	if err := json.Unmarshal([]byte(`"`+m.Body+`"`), &body); err != nil || m.Encoding != "base64" || string(body) != odd {
		t.Errorf("streamed %+v, %v", m, err)
	}
}

func TestAStreamEndsWithTheRightToReadIt(t *testing.T) {
	eachTwice(t, func(t *testing.T, first, second *world) {
		admin := first.program("admin:full")
		for name, tc := range map[string]struct {
			end  func(path string)
			code string
		}{
			"deactivated": {func(path string) { first.as(admin, "DELETE", path, "").want(200) }, "invalid_token"},
			"rotated":     {func(path string) { first.as(admin, "POST", path+"/rotate", `{"grace_seconds":0}`).want(200) }, "invalid_token"},
			"narrowed":    {func(path string) { first.as(admin, "PATCH", path, `{"scopes":["signals:read"]}`).want(200) }, "insufficient_scope"},
		} {
			key := first.program("events:listen")
			s := second.stream(key, "?types=api_key.created")
			tc.end(first.here("/api-keys/" + key.Key.ID))
			for range 3 {
				first.NewKey(t) // told of to others, but not to this one any more
			}
			e := s.next()
			if e.name != "end" || !strings.Contains(e.data, `"code":"`+tc.code+`"`) || !strings.Contains(e.data, `"detail":"`) {
				t.Errorf("%s: %+v", name, e)
			}
			if e := s.next(); e.name != "closed" {
				t.Errorf("%s: after the end came %+v", name, e)
			}
		}
	})
}

func TestAProgramThatComesBackToAnotherInstanceMissesNothing(t *testing.T) {
	eachTwice(t, func(t *testing.T, first, second *world) {
		program := first.program("events:listen")
		s := first.stream(program, "?types=api_key.created")
		first.NewKey(t)
		last := s.message()
		s.leave()
		var missed []string
		for range 3 {
			missed = append(missed, second.NewKey(t).Key.ID)
		}
		again := second.stream(program, "?types=api_key.created", "Last-Event-ID", last.ID)
		for len(missed) > 0 {
			m := again.message()
			missed = slices.DeleteFunc(missed, func(id string) bool { return strings.Contains(m.Body, id) })
			if m.ID == last.ID {
				t.Error("the last message came again")
			}
		}
	})
}

func TestTenStreamsOfAWorkspaceAreOpenAtATime(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		program, theirs := w.program("events:listen"), w.programOf(w.alien, "events:listen")
		var open []*reader
		for range listen.MaxSessions {
			open = append(open, w.stream(program, ""))
		}
		refused := w.as(program, "GET", w.here("/events/stream"), "")
		refused.refused(http.StatusTooManyRequests, "rate_limited")
		if refused.Header.Get("Retry-After") == "" {
			t.Error("no Retry-After")
		}
		elsewhere := *w.App
		elsewhere.Owner = w.alien
		(&world{App: &elsewhere, t: t}).stream(theirs, "")
		open[0].leave()
		apptest.Eventually(t, "room for another stream", func() bool { return w.listeners() < listen.MaxSessions })
		w.stream(program, "")
	})
}

// listeners is how many streams of the workspace are open.
func (w *world) listeners() int64 {
	w.t.Helper()
	n, err := gorm.G[models.Listener](w.DB.Read).Where("workspace_id = ? AND left_at IS NULL", w.Owner.WorkspaceID).Count(w.t.Context(), "*")
	if err != nil {
		w.t.Fatal(err)
	}
	return n
}

func TestAStreamEndsWhenTheServerStops(t *testing.T) {
	w := newWorld(t, apptest.SQLite(t))
	s := w.stream(w.program("events:listen"), "")
	done := make(chan struct{})
	go func() { w.Stop(); close(done) }()
	if e := s.next(); e.name != "closed" {
		t.Errorf("event %+v", e)
	}
	<-done
}

func TestAReaderThatTakesNothingIsCutOff(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db, func(_ *app.Options, o *handlers.Options) { o.StallTimeout = time.Second })
		program := w.program("events:listen")
		w.stream(program, "?types=signal.received") // and nobody takes an event of it
		signals, body := w.NewKey(t).Value.Reveal(), `{"event":"x","n":"`+strings.Repeat("n", 900<<10)+`"}`
		for range 200 {
			if w.listeners() == 0 {
				return
			}
			if sent := w.Post(t, "/api/signal-staging/webhook/"+signals, body); sent.Status != http.StatusOK {
				t.Fatalf("%d %s", sent.Status, sent.Body)
			}
		}
		t.Error("the stream is still open")
	})
}

func TestWhatCannotBeStreamedIsRefusedWithoutAListener(t *testing.T) {
	w := newWorld(t, apptest.SQLite(t))
	program := w.program("events:listen")
	here := w.here("/events/stream")
	if p := w.as(program, "GET", here+"?types=signal.lost", "").refused(422, "validation_failed"); p.fields() != "types" {
		t.Errorf("fields %s", p.fields())
	}
	w.as(program, "GET", here+"?environment=prod", "").refused(422, "validation_failed")
	w.as(program, "GET", here, "", "Last-Event-ID", "yesterday").refused(400, "invalid_header")
	w.as(w.program("endpoints:read signals:read"), "GET", here, "").refused(403, "insufficient_scope")
	w.as(program, "HEAD", here, "").want(200)
	if n := w.listeners(); n != 0 {
		t.Errorf("%d listeners", n)
	}
}
