package signals

import (
	"context"
	"encoding/json"
	"fmt"
	"sort"
	"strings"
	"time"

	"gorm.io/gorm"

	"latchkey/internal/access"
	"latchkey/internal/database"
	"latchkey/internal/fault"
	"latchkey/models"
)

// Filter narrows the signals; zero values mean "all", but Environment is always one of models.Live
// and models.Test.
type Filter struct {
	Environment string
	Kind        string // track, page, screen, identify, group or alias
	Event       string // exactly
	Email       string // exactly, in any case
	Source      string
	KeyID       string
	RequestID   string
	From, To    time.Time
	Search      string // an id of a signal or request, an address, or part of event, email, user or message id
	At          Cursor
	Limit       int // 1 to 500, default 50
}

// SignalItem is a line of the list. Lists leave Raw out.
type SignalItem struct {
	models.Signal
	KeyName   string
	KeyPrefix string
	KeyType   string
}

// Page is a part of the list, newest first.
type Page struct {
	Items []SignalItem
	Paging
}

var errNoSignal = fault.New(fault.NotFound, "This signal does not exist, or its retention has ended.")

var signalColumns = []string{
	"id", "workspace_id", "environment", "api_key_id", "request_id", "source", "kind", "event", "email", "user_id",
	"anonymous_id", "group_id", "message_id", "warnings", "occurred_at", "received_at",
}

// Signals lists what was stored, newest first. It needs access.ReadData.
func (s *Service) Signals(ctx context.Context, actor access.Actor, f Filter) (Page, error) {
	if err := actor.Require(access.ReadData); err != nil {
		return Page{}, err
	}
	return s.signals(ctx, actor, f)
}

func (s *Service) signals(ctx context.Context, actor access.Actor, f Filter) (Page, error) {
	q, ok, err := s.signalQuery(ctx, actor, f)
	if !ok {
		return Page{}, err
	}
	rows, paging, err := find(s, q, signalColumns, func(row models.Signal) string { return row.ID })
	if err != nil {
		return Page{}, fmt.Errorf("list signals: %w", err)
	}
	items, err := s.named(ctx, actor, rows)
	return Page{items, paging}, err
}

func (s *Service) signalQuery(ctx context.Context, actor access.Actor, f Filter) (query, bool, error) {
	f.Email = strings.ToLower(strings.TrimSpace(f.Email))
	search := strings.ToLower(strings.TrimSpace(f.Search))
	anyID := ""
	switch {
	case database.ValidID(search):
		anyID, search = search, ""
	case f.Email == "" && looksLikeAddress(search):
		f.Email, search = search, ""
	}
	for _, id := range []string{f.KeyID, f.RequestID} {
		if id != "" && !database.ValidID(id) {
			return query{}, false, nil
		}
	}
	own, err := s.ownRows(ctx, actor, anyID, f.RequestID)
	if err != nil {
		return query{}, false, err
	}
	q := query{at: f.At, limit: limited(f.Limit)}
	q.indexed = func() *gorm.DB {
		db := s.db.Read.WithContext(ctx).Model(&models.Signal{}).
			Where("workspace_id = ? AND environment = ?", actor.WorkspaceID, f.Environment)
		for _, id := range []string{anyID, f.RequestID} {
			switch {
			case id == "":
			case own[id]:
				db = db.Where("id = ?", id)
			default:
				// The second condition is that of the index.
				db = db.Where("request_id = ? AND request_id <> id", id)
			}
		}
		if f.Event != "" {
			db = db.Where("event = ?", f.Event)
		}
		if f.Email != "" && f.Event == "" {
			// The second condition is that of the index.
			db = db.Where("email = ? AND email <> ''", f.Email)
		}
		return between(db, f.From, f.To)
	}
	q.rest = signalRest(f, search)
	return q, true, nil
}

// ownRows tells which of two ids are a signal's: anyID any signal's, requestID that of one whose row
// holds its request too. An OR over two indexes would let the planner walk the whole list instead.
func (s *Service) ownRows(ctx context.Context, actor access.Actor, anyID, requestID string) (map[string]bool, error) {
	own := map[string]bool{}
	for _, id := range []string{anyID, requestID} {
		if id == "" {
			continue
		}
		row, err := gorm.G[models.Signal](s.db.Read).Select("id", "request_id").Where("id = ? AND workspace_id = ?", id, actor.WorkspaceID).Take(ctx)
		if err != nil && !database.IsNotFound(err) {
			return nil, fmt.Errorf("look for signal %s: %w", id, err)
		}
		own[id] = err == nil && (id == anyID || row.RequestID == id)
	}
	return own, nil
}

func signalRest(f Filter, search string) []condition {
	var q query
	if f.Email != "" && f.Event != "" {
		q.also("email = ?", f.Email)
	}
	if f.Kind != "" {
		q.also("kind = ?", f.Kind)
	}
	if f.Source != "" {
		q.also("source = ?", f.Source)
	}
	if f.KeyID != "" {
		q.also("api_key_id = ?", f.KeyID)
	}
	if search != "" {
		like := database.Contains(search)
		q.also(`(LOWER(event) LIKE ? ESCAPE '\' OR email LIKE ? ESCAPE '\'
			OR LOWER(user_id) LIKE ? ESCAPE '\' OR LOWER(message_id) LIKE ? ESCAPE '\')`, like, like, like, like)
	}
	return q.rest
}

// looksLikeAddress tells a whole address, which has an index, from a part of one.
func looksLikeAddress(text string) bool {
	name, domain, found := strings.Cut(text, "@")
	dot := strings.LastIndexByte(domain, '.')
	return found && name != "" && dot > 0 && dot < len(domain)-1 && !strings.ContainsAny(text, " \t")
}

func (s *Service) named(ctx context.Context, actor access.Actor, rows []models.Signal) ([]SignalItem, error) {
	ids := make([]string, len(rows))
	for i, r := range rows {
		ids[i] = r.APIKeyID
	}
	keys, err := s.keysOf(ctx, actor, ids)
	if err != nil {
		return nil, err
	}
	items := make([]SignalItem, len(rows))
	for i, r := range rows {
		k := keys[r.APIKeyID]
		items[i] = SignalItem{Signal: r, KeyName: k.Name, KeyPrefix: k.Prefix, KeyType: k.Type}
	}
	return items, nil
}

// Signal returns one signal with its raw bytes. NotFound when it is another workspace's.
func (s *Service) Signal(ctx context.Context, actor access.Actor, id string) (SignalItem, error) {
	if err := actor.Require(access.ReadData); err != nil {
		return SignalItem{}, err
	}
	if !database.ValidID(id) {
		return SignalItem{}, errNoSignal
	}
	row, err := gorm.G[models.Signal](s.db.Read).
		Where("id = ? AND workspace_id = ?", id, actor.WorkspaceID).Take(ctx)
	if database.IsNotFound(err) {
		return SignalItem{}, errNoSignal
	}
	if err != nil {
		return SignalItem{}, fmt.Errorf("select signal: %w", err)
	}
	items, err := s.named(ctx, actor, []models.Signal{row})
	if err != nil {
		return SignalItem{}, err
	}
	return items[0], nil
}

// WarningCodes are the warnings that the sender was told.
func (i SignalItem) WarningCodes() []string {
	if i.Warnings == "" {
		return nil
	}
	return strings.Split(i.Warnings, ",")
}

// raw is a signal's bytes, nil when it is gone.
func (s *Service) raw(ctx context.Context, actor access.Actor, id string) ([]byte, error) {
	row, err := gorm.G[models.Signal](s.db.Read).Select("raw").
		Where("id = ? AND workspace_id = ?", id, actor.WorkspaceID).Take(ctx)
	if database.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("select raw bytes: %w", err)
	}
	return row.Raw, nil
}

func headers(encoded []byte) []Header {
	var values map[string]string
	if json.Unmarshal(encoded, &values) != nil {
		return nil // an old line without headers
	}
	list := make([]Header, 0, len(values))
	for name, value := range values {
		list = append(list, Header{name, value})
	}
	sort.Slice(list, func(i, j int) bool { return list[i].Name < list[j].Name })
	return list
}
