package signals

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"gorm.io/gorm"

	"latchkey/internal/access"
	"latchkey/internal/database"
	"latchkey/internal/fault"
	"latchkey/models"
)

// The values of RequestFilter.Status. A request of which some items were refused (207) counts as
// rejected: someone should look at it.
const (
	Accepted = "accepted"
	Rejected = "rejected"
)

// RequestFilter narrows the log; zero values mean "all", but Environment is always one of
// models.Live and models.Test.
type RequestFilter struct {
	Environment string
	KeyID       string
	Status      string // Accepted, Rejected
	Code        string // error code of the answer
	Source      string
	RequestID   string
	Event       string // exactly
	Email       string // exactly, in any case
	Search      string // a request id, or part of an event, email or code
	From, To    time.Time
	At          Cursor
	Limit       int // 1 to 500, default 50
}

// RequestItem is a line of the log. Lists leave Headers, Results and Body out.
type RequestItem struct {
	models.GatewayRequest
	KeyName   string // empty when no key could be told
	KeyPrefix string
	KeyType   string
}

// RequestPage is a part of the log, newest first.
type RequestPage struct {
	Items []RequestItem
	Paging
}

var errNoRequest = fault.New(fault.NotFound, "This request does not exist, or its retention has ended.")

// requestColumns are those of a list: the blobs stay in the database.
var requestColumns = []string{
	"id", "workspace_id", "environment", "api_key_id", "route", "source", "status", "code", "message", "accepted",
	"duplicates", "rejected", "event", "email", "signal_id", "bytes", "duration_us", "ip", "user_agent", "received_at",
}

// refused is word for word the condition of the index gateway_requests_refused; that of the index
// over codes is code <> ”.
const refused = "(status >= 300 OR status = 207)"

// Requests lists the log, newest first. It needs access.ReadData.
func (s *Service) Requests(ctx context.Context, actor access.Actor, f RequestFilter) (RequestPage, error) {
	if err := actor.Require(access.ReadData); err != nil {
		return RequestPage{}, err
	}
	q, ok := s.requestQuery(ctx, actor, f)
	if !ok {
		return RequestPage{}, nil
	}
	rows, paging, err := find(s, q, requestColumns, requestID)
	if err != nil {
		return RequestPage{}, fmt.Errorf("list requests: %w", err)
	}
	items, err := s.withKeys(ctx, actor, rows)
	return RequestPage{items, paging}, err
}

func requestID(r models.GatewayRequest) string { return r.ID }

// logOf is where a filter's requests stand: those that were refused have rows of their own.
func logOf(f RequestFilter) string {
	if f.Status == Rejected || f.Code != "" {
		return "gateway_requests"
	}
	return models.RequestLog
}

// requestQuery tells indexed conditions from those that are not; not ok when nothing can match.
func (s *Service) requestQuery(ctx context.Context, actor access.Actor, f RequestFilter) (query, bool) {
	search := strings.TrimSpace(f.Search)
	if database.ValidID(strings.ToLower(search)) {
		f.RequestID, search = strings.ToLower(search), ""
	}
	for _, id := range []string{f.KeyID, f.RequestID} {
		if id != "" && !database.ValidID(id) {
			return query{}, false
		}
	}
	q := query{at: f.At, limit: limited(f.Limit)}
	q.indexed = func() *gorm.DB {
		workspace := "workspace_id = ?"
		if f.KeyID != "" {
			workspace = inWorkspace
		}
		db := s.db.Read.WithContext(ctx).Table(logOf(f)).Where(models.Logged).
			Where(workspace+" AND environment = ?", actor.WorkspaceID, f.Environment)
		if f.RequestID != "" {
			db = db.Where("id = ?", f.RequestID)
		}
		if f.KeyID != "" {
			db = db.Where("api_key_id = ?", f.KeyID)
		}
		if f.KeyID == "" && f.Status == Rejected {
			db = db.Where(refused)
		}
		if f.KeyID == "" && f.Code != "" {
			db = db.Where("code = ? AND code <> ''", f.Code)
		}
		return between(db, f.From, f.To)
	}
	q.rest = requestRest(f, search)
	return q, true
}

func requestRest(f RequestFilter, search string) []condition {
	var q query
	if f.Status == Accepted {
		q.also("NOT " + refused)
	}
	if f.KeyID != "" && f.Status == Rejected {
		q.also(refused)
	}
	if f.KeyID != "" && f.Code != "" {
		q.also("code = ?", f.Code)
	}
	if f.Source != "" {
		q.also("source = ?", f.Source)
	}
	if f.Event != "" {
		q.also("event = ?", f.Event)
	}
	if f.Email != "" {
		q.also("email = ?", strings.ToLower(strings.TrimSpace(f.Email)))
	}
	if search != "" {
		like := database.Contains(strings.ToLower(search))
		q.also(`(LOWER(event) LIKE ? ESCAPE '\' OR LOWER(email) LIKE ? ESCAPE '\' OR code LIKE ? ESCAPE '\')`, like, like, like)
	}
	return q.rest
}

func (s *Service) withKeys(ctx context.Context, actor access.Actor, rows []models.GatewayRequest) ([]RequestItem, error) {
	var ids []string
	for _, r := range rows {
		if r.APIKeyID != nil {
			ids = append(ids, *r.APIKeyID)
		}
	}
	keys, err := s.keysOf(ctx, actor, ids)
	if err != nil {
		return nil, err
	}
	items := make([]RequestItem, len(rows))
	for i, r := range rows {
		items[i].GatewayRequest = r
		if r.APIKeyID != nil {
			k := keys[*r.APIKeyID]
			items[i].KeyName, items[i].KeyPrefix, items[i].KeyType = k.Name, k.Prefix, k.Type
		}
	}
	return items, nil
}

// Refused is one item that a request's answer listed as refused.
type Refused struct {
	Index int          `json:"index"` // position in the list, or line of a bulk stream
	Error RefusedError `json:"error"`
}

// RefusedError says why, as the sender was told.
type RefusedError struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Field   string `json:"field"`
}

// Header is one header of a request, secrets masked before it was stored.
type Header struct{ Name, Value string }

// RequestDetail is everything that is kept of a request.
type RequestDetail struct {
	RequestItem
	Headers  []Header // by name
	Refused  []Refused
	Body     []byte // inflated, exactly as sent; nil when it was not kept
	Signals  []SignalItem
	Original string // id of the stored signal that a single repeated item repeats
}

// maxDetailSignals is how many signals a request's page lists; the list of signals has them all.
const maxDetailSignals = 20

// Request returns one request with what it stored. NotFound when it is another workspace's.
func (s *Service) Request(ctx context.Context, actor access.Actor, id string) (RequestDetail, error) {
	if err := actor.Require(access.ReadData); err != nil {
		return RequestDetail{}, err
	}
	if !database.ValidID(id) {
		return RequestDetail{}, errNoRequest
	}
	var row models.GatewayRequest
	err := s.db.Read.WithContext(ctx).Table(models.RequestLog).Where(models.Logged).
		Where("id = ? AND workspace_id = ?", id, actor.WorkspaceID).Take(&row).Error
	if database.IsNotFound(err) {
		return RequestDetail{}, errNoRequest
	}
	if err != nil {
		return RequestDetail{}, fmt.Errorf("select request: %w", err)
	}
	return s.detail(ctx, actor, row)
}

func (s *Service) detail(ctx context.Context, actor access.Actor, row models.GatewayRequest) (RequestDetail, error) {
	items, err := s.withKeys(ctx, actor, []models.GatewayRequest{row})
	if err != nil {
		return RequestDetail{}, err
	}
	d := RequestDetail{RequestItem: items[0], Headers: headers(row.Headers), Body: row.Body}
	if len(row.Results) > 0 {
		if err := json.Unmarshal(row.Results, &d.Refused); err != nil {
			return RequestDetail{}, fmt.Errorf("read results of request %s: %w", row.ID, err)
		}
	}
	stored, err := s.signals(ctx, actor, Filter{Environment: row.Environment, RequestID: row.ID, Limit: maxDetailSignals})
	if err != nil {
		return RequestDetail{}, err
	}
	d.Signals = stored.Items
	if row.SignalID != nil && row.Accepted == 0 {
		d.Original = *row.SignalID
	}
	if d.Body == nil && row.SignalID != nil {
		// The bytes are kept once, with the signal; none when its retention ended first.
		d.Body, err = s.raw(ctx, actor, *row.SignalID)
	}
	if d.Body == nil && err == nil {
		d.Body, err = s.updateBody(ctx, actor, row.ID)
	}
	return d, err
}

// updateBody is what a request sent of one product org, which keeps it with its update; nil when it
// sent several, or none.
func (s *Service) updateBody(ctx context.Context, actor access.Actor, requestID string) ([]byte, error) {
	rows, err := gorm.G[models.ProductOrgUpdate](s.db.Read).Select("raw").
		Where("request_id = ? AND workspace_id = ?", requestID, actor.WorkspaceID).Limit(2).Find(ctx)
	if err != nil {
		return nil, fmt.Errorf("select raw bytes of update: %w", err)
	}
	if len(rows) != 1 {
		return nil, nil
	}
	return rows[0].Raw, nil
}
