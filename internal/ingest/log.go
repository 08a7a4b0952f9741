package ingest

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"latchkey/internal/database"
	"latchkey/internal/keys"
	"latchkey/internal/token"
	"latchkey/models"
)

const (
	maxLoggedResults = 100
	// maxLoggedBody bounds the copy of a refused body.
	maxLoggedBody = 1 << 20
)

// line begins the log line of a request.
func (s *Service) line(r *Request, cred *keys.Credential, body []byte) *models.GatewayRequest {
	l := &models.GatewayRequest{
		ID: r.ID, Route: r.Route, Source: cleanText(r.Source), Status: http.StatusOK,
		IP: r.IP, UserAgent: r.userAgent(), Headers: maskedHeaders(r.Header),
		Bytes: int64(len(body)), Body: body, ReceivedAt: models.At(r.ReceivedAt),
	}
	if cred != nil {
		id := cred.ID
		l.WorkspaceID, l.Environment, l.APIKeyID = cred.WorkspaceID, cred.Environment, &id
	}
	return l
}

// describe adds what the items say: the first one's event and email, and the refused ones.
func describe(l *models.GatewayRequest, p *parsed) {
	l.Status, l.Rejected = p.outcome.Status(), p.outcome.Rejected
	if len(p.items) > 0 {
		// What will be accepted is not known yet; some will be, or repeat what was.
		l.Status = http.StatusOK
		l.Event, l.Email = p.items[0].signal.Event, p.items[0].signal.Email
		if l.Rejected > 0 {
			l.Status = http.StatusMultiStatus
		}
	}
	l.Results = refusedItems(p.outcome.Results)
	if l.Rejected > 0 {
		l.Code, l.Message = "items_rejected", "Some items were refused; the list says which and why."
		if p.outcome.Atomic {
			l.Code, l.Message = "atomic_rejected", "Nothing was stored: an item was refused, and the request asked for all or nothing."
		}
	}
}

func refusedItems(results []ItemResult) []byte {
	type row struct {
		Index int        `json:"index"`
		Error *ItemError `json:"error"`
	}
	var rows []row
	for _, r := range results {
		if r.Err != nil && len(rows) < maxLoggedResults {
			rows = append(rows, row{r.Index, r.Err})
		}
	}
	if rows == nil {
		return nil
	}
	encoded, err := json.Marshal(rows)
	if err != nil {
		return nil // strings and numbers always encode
	}
	return encoded
}

// logOutcome records a request of which nothing was to be stored.
func (s *Service) logOutcome(r *Request, cred *keys.Credential, body []byte, p *parsed) {
	s.answers.add("items_rejected")
	l := s.line(r, cred, body)
	describe(l, p)
	l.DurationUS = s.now().Sub(r.ReceivedAt).Microseconds()
	s.usage.Used(cred, r.seen(), r.ReceivedAt)
	s.usage.Count(cred, 0, 0, int64(p.outcome.Rejected), r.ReceivedAt)
	if s.quota.take(known) {
		s.writer.log(l)
	} else {
		s.writer.droppedLogs.Add(1)
	}
}

// refused records a refusal and returns it. Without a credential the line goes to the workspace
// whose key it resembles, else to the instance's first.
func (s *Service) refused(ctx context.Context, r *Request, cred *keys.Credential, body []byte, why *Refusal) error {
	if cred != nil && why.Status < http.StatusInternalServerError && !final[why.Code] {
		if ended := stateRefusal(s.keys.Recheck(ctx, cred)); ended != nil {
			why = ended
		}
	}
	s.answers.add(why.Code)
	class := unknown
	if cred != nil {
		class = known
		s.usage.Refused(cred, r.seen(), r.ReceivedAt)
	}
	// Before the line is made: in a flood, what is not kept should cost nothing.
	if why.Status == http.StatusServiceUnavailable || !s.quota.take(class) {
		s.writer.droppedLogs.Add(1)
		return why
	}
	l := s.line(r, cred, body[:min(len(body), maxLoggedBody)])
	l.Status, l.Code, l.Message = why.Status, why.Code, why.Message
	l.DurationUS = s.now().Sub(r.ReceivedAt).Microseconds()
	if cred != nil {
		l.Rejected = 1
	}
	if cred == nil && !s.attribute(ctx, r, l) {
		return why
	}
	s.writer.log(l)
	return why
}

// final are the refusals for which nothing is read again to confirm them: a deactivated key stays
// so; a list of addresses was read again before it refused; and who is told to come back later will
// hear the reason of that time, so that what is over a limit costs the database nothing.
var final = map[string]bool{deactivatedCode: true, ipNotAllowed: true, rateLimited: true}

// attribute finds whose log an unknown key's request belongs in.
func (s *Service) attribute(ctx context.Context, r *Request, l *models.GatewayRequest) bool {
	ctx, cancel := context.WithTimeout(ctx, keys.LookUpTimeout)
	defer cancel()
	l.Environment = models.Live
	if display, env, ok := looksLike(r.Key); ok {
		l.Environment = env
		if id, err := s.keys.ByPrefix(ctx, display); err == nil && id != "" {
			l.WorkspaceID = id
			return true
		}
	}
	l.WorkspaceID = s.home.get(ctx)
	return l.WorkspaceID != ""
}

// looksLike takes the display prefix off something with a key's outline.
func looksLike(text string) (display, env string, ok bool) {
	parts := strings.Split(text, "_")
	if len(text) > token.MaxLen+8 || len(parts) != 4 || !token.ValidBrand(parts[0]) || len(parts[2]) != 4 {
		return "", "", false
	}
	if parts[1] != models.Live && parts[1] != models.Test {
		return "", "", false
	}
	return strings.Join(parts[:3], "_"), parts[1], true
}

// homeWorkspace is the instance's first: whoever set it up looks after stray requests.
type homeWorkspace struct {
	db *database.DB
	id atomic.Pointer[string]
}

func (h *homeWorkspace) get(ctx context.Context) string {
	if id := h.id.Load(); id != nil {
		return *id
	}
	var id string
	err := h.db.Read.WithContext(ctx).Raw("SELECT id FROM workspaces ORDER BY created_at, id LIMIT 1").Scan(&id).Error
	if err != nil || id == "" {
		return "" // the line is dropped, and the next request asks again
	}
	h.id.Store(&id)
	return id
}

// Log lines a second and instance, so that a flood of refused requests cannot fill the disk.
const (
	knownPerSecond   = 200
	unknownPerSecond = 20
)

type class int

const (
	known class = iota
	unknown
)

// logQuota counts log lines of refused requests in the current second.
type logQuota struct {
	now    func() time.Time
	mu     sync.Mutex
	second int64
	used   [2]int
}

func (q *logQuota) take(c class) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if second := q.now().Unix(); second != q.second {
		q.second, q.used = second, [2]int{}
	}
	q.used[c]++
	return q.used[c] <= [2]int{knownPerSecond, unknownPerSecond}[c]
}

var hidden = map[string]bool{
	"Authorization": true, "Proxy-Authorization": true, "Cookie": true, "X-Api-Key": true, "X-Api-Secret": true,
}

const maxHeaders = 100

// maskedHeaders encodes headers as a JSON object without secrets.
func maskedHeaders(h http.Header) []byte {
	out := make([]byte, 0, 512)
	n, before := 0, byte('{')
	for name, values := range h {
		if n == maxHeaders {
			break
		}
		text := "••••"
		if !hidden[name] {
			name, text = token.Mask(cleanText(name)), token.Mask(cleanText(strings.Join(values, ", ")))
		}
		out = appendJSON(append(out, before), name)
		out = append(out, ':')
		out = appendJSON(out, text)
		n, before = n+1, ','
	}
	if n == 0 {
		return nil
	}
	return append(out, '}')
}

// appendJSON appends a string as JSON. Most headers need no escape, and the encoder's way through
// reflection is most of what keeping them costs.
func appendJSON(out []byte, text string) []byte {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c == '"' || c == '\\' {
			encoded, err := json.Marshal(text)
			if err != nil {
				return append(out, `""`...) // a string always encodes
			}
			return append(out, encoded...)
		}
	}
	out = append(out, '"')
	out = append(out, text...)
	return append(out, '"')
}

// Refuse records a refusal that the door itself decided, such as two keys in one request, and
// returns it.
func (s *Service) Refuse(ctx context.Context, r *Request, why *Refusal) error {
	cred, _ := s.keys.Authenticate(ctx, r.Key, r.Secret)
	r.found(cred)
	return s.refused(ctx, r, cred, nil, why)
}
