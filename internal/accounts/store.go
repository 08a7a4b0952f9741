package accounts

import (
	"context"
	"encoding/gob"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/gorilla/securecookie"
	"github.com/gorilla/sessions"
	"gorm.io/gorm"

	"latchkey/models"
)

// anonymousLife is how long a session lasts that only carries a flash to the sign-in page.
const anonymousLife = time.Hour

// Flash is a message for the next page.
type Flash struct {
	Problem bool // something did not work
	Text    string
}

func init() { gob.Register(Flash{}) }

// Store keeps sessions in the database, behind the interface of gorilla/sessions. The cookie holds
// a random id, the table its SHA-256; who is signed in is a column, the values are the rest.
type Store struct {
	accounts *Service
	cookie   string
	secure   bool
}

// NewStore returns the store. With secure the cookie is only sent over HTTPS and bound to this
// host by its __Host- prefix.
func NewStore(s *Service, secure bool) *Store {
	name := "latchkey_session"
	if secure {
		name = "__Host-" + name
	}
	return &Store{accounts: s, cookie: name, secure: secure}
}

// Name is the cookie's name.
func (st *Store) Name() string { return st.cookie }

// Token is the cookie's value as the browser sent it; empty without one.
func (st *Store) Token(r *http.Request) string {
	c, err := r.Cookie(st.cookie)
	if err != nil || len(c.Value) > 100 {
		return ""
	}
	return c.Value
}

// visitKey holds the Visit among a session's values; it is never written to the data column.
type visitKey struct{}

// VisitOf returns whose session it is.
func VisitOf(session *sessions.Session) Visit {
	v, _ := session.Values[visitKey{}].(Visit)
	return v
}

// Get returns the request's session, read once a request.
func (st *Store) Get(r *http.Request, name string) (*sessions.Session, error) {
	return sessions.GetRegistry(r).Get(st, name)
}

// New reads the session of the request's cookie, or returns an empty one.
func (st *Store) New(r *http.Request, name string) (*sessions.Session, error) {
	session := sessions.NewSession(st, name)
	session.Options = st.options()
	session.IsNew = true
	token := st.Token(r)
	visit, err := st.accounts.Visit(r.Context(), token)
	if err != nil {
		return session, err
	}
	if visit.SessionID == "" {
		return session, nil
	}
	session.ID, session.IsNew = token, false
	if len(visit.Data) > 0 {
		// Values of an older version that cannot be read are dropped: they are messages.
		_ = securecookie.GobEncoder{}.Deserialize(visit.Data, &session.Values)
	}
	session.Values[visitKey{}] = visit
	return session, nil
}

// Save writes the session's values. A new one gets a row and a cookie; MaxAge below zero deletes
// both.
func (st *Store) Save(r *http.Request, w http.ResponseWriter, session *sessions.Session) error {
	if session.Options.MaxAge < 0 {
		http.SetCookie(w, sessions.NewCookie(st.cookie, "", session.Options))
		return st.accounts.deleteSession(r.Context(), session.ID)
	}
	data, err := encodeValues(session.Values)
	if err != nil {
		return err
	}
	if session.ID != "" {
		return st.accounts.writeSessionData(r.Context(), session.ID, data)
	}
	if data == nil {
		return nil
	}
	if session.ID, err = st.accounts.insertAnonymousSession(r.Context(), data); err != nil {
		return err
	}
	st.SetCookie(w, session.ID)
	return nil
}

// SetCookie gives the browser the token of a session that has begun.
func (st *Store) SetCookie(w http.ResponseWriter, token string) {
	http.SetCookie(w, sessions.NewCookie(st.cookie, token, st.options()))
}

// Adopt makes a session that has just begun the one of this request, keeping its values.
func (st *Store) Adopt(w http.ResponseWriter, session *sessions.Session, in SignedIn) {
	session.ID = in.Token
	delete(session.Values, visitKey{})
	st.SetCookie(w, in.Token)
}

func (st *Store) options() *sessions.Options {
	return &sessions.Options{
		Path:     "/",
		MaxAge:   int(st.accounts.cfg.AbsoluteTimeout / time.Second),
		HttpOnly: true,
		Secure:   st.secure,
		SameSite: http.SameSiteLaxMode,
	}
}

func encodeValues(values map[any]any) ([]byte, error) {
	kept := map[any]any{}
	for k, v := range values {
		if _, internal := k.(visitKey); !internal {
			kept[k] = v
		}
	}
	if len(kept) == 0 {
		return nil, nil
	}
	data, err := securecookie.GobEncoder{}.Serialize(kept)
	if err != nil {
		return nil, fmt.Errorf("encode session values: %w", err)
	}
	return data, nil
}

func (s *Service) deleteSession(ctx context.Context, token string) error {
	return deleteSessionByToken(ctx, s.db.Write, token)
}

func (s *Service) writeSessionData(ctx context.Context, token string, data []byte) error {
	_, err := gorm.G[models.Session](s.db.Write).Where("token_hash = ?", hashToken(token)).Update(ctx, "data", data)
	if err != nil {
		return fmt.Errorf("write session values: %w", err)
	}
	return nil
}

func (s *Service) insertAnonymousSession(ctx context.Context, data []byte) (string, error) {
	text, hash, err := s.newToken()
	if err != nil {
		return "", err
	}
	now := s.now()
	row := models.Session{
		ID: newID(), TokenHash: hash, Data: data,
		CreatedAt: models.At(now), LastSeenAt: models.At(now), ExpiresAt: models.At(now.Add(anonymousLife)),
	}
	if err := gorm.G[models.Session](s.db.Write).Create(ctx, &row); err != nil {
		return "", fmt.Errorf("create session: %w", err)
	}
	return text, nil
}

// cleanText drops what a text column of Postgres cannot hold.
func cleanText(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, ""), "\x00", "")
}
