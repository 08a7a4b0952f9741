package api_test

import (
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"

	"latchkey/internal/access"
	"latchkey/internal/apptest"
	"latchkey/internal/database"
)

// grammarRequests is how many random requests each database gets; more with LATCHKEY_TEST_FUZZ.
func grammarRequests(t *testing.T) int {
	t.Helper()
	text := os.Getenv("LATCHKEY_TEST_FUZZ")
	if text == "" {
		return 2500
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// mill is a server that is sent what a grammar makes.
type mill struct {
	handler http.Handler
	program *apptest.API
	fresh   func(t *testing.T) *apptest.API
	another func() (endpoint, message, replay string)
	mine    things
	ids     []string
	sent    map[int]int // by status
}

func newMill(t *testing.T, db *database.DB) *mill {
	t.Helper()
	w := newWorld(t, db)
	w.unlimited()
	m := &mill{handler: w.Server.Config.Handler, mine: w.fill(w.Owner, 2), sent: map[int]int{}}
	m.fresh = func(t *testing.T) *apptest.API { return w.Program(t, access.AdminFull) }
	m.another = func() (string, string, string) { return w.outbound(w.Owner, 1) }
	theirs := w.fill(w.alien, 1)
	for _, h := range []things{m.mine, theirs} {
		m.ids = append(m.ids, h.workspace, h.key, h.signal, h.org, h.request, h.template, h.endpoint, h.message, h.replay)
	}
	m.ids = append(m.ids, unknownID, w.Owner.AccountID)
	m.program = m.fresh(t)
	return m
}

// send makes one request of a seed, and fails the test for a 5xx or an answer that the contract
// does not allow.
func (m *mill) send(t *testing.T, seed uint64) {
	g := &grammar{Rand: rand.New(rand.NewPCG(seed, 4)), doc: apptest.LoadContract(t).Doc, ids: m.ids, own: m.mine.ids()}
	req := g.request().WithContext(t.Context())
	if !g.chance(40) {
		req.Header.Set("Authorization", "Bearer "+m.program.Key)
	}
	reply := m.program.Serve(m.handler, req)
	m.sent[reply.Status]++
	if reply.Status >= http.StatusInternalServerError {
		t.Errorf("seed %d: %s %s: %d %s", seed, req.Method, req.URL, reply.Status, reply.Body)
	}
	if reply.Status == http.StatusUnauthorized && req.Header.Get("Authorization") != "" && req.URL.Path != "/v1/secret-scanning/github" {
		m.program = m.fresh(t) // it revoked or rotated itself
	}
	if req.Method == http.MethodDelete && reply.Status == http.StatusOK && strings.HasSuffix(req.URL.Path, "/endpoints/"+m.mine.endpoint) {
		m.mine.endpoint, m.mine.message, m.mine.replay = m.another()
	}
}

func TestNoRequestOfTheGrammarBreaksTheContract(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		m := newMill(t, db)
		for seed := range uint64(grammarRequests(t)) {
			if m.send(t, seed); t.Failed() {
				t.Fatalf("stopped at seed %d", seed)
			}
		}
		t.Logf("answers by status: %v", m.sent)
		for _, status := range []int{200, 201, 400, 404, 409, 412, 422} {
			if m.sent[status] == 0 {
				t.Errorf("the grammar never came to %d, so it reaches too little", status)
			}
		}
	})
}

// FuzzRouter is for longer runs: go test -fuzz FuzzRouter ./handlers/api. Each input is a server of
// its own, which is then sent a run of requests.
func FuzzRouter(f *testing.F) {
	f.Add(uint64(1))
	f.Fuzz(func(t *testing.T, seed uint64) {
		m := newMill(t, apptest.SQLite(t))
		for i := range uint64(200) {
			m.send(t, seed*1_000_003+i)
		}
	})
}
