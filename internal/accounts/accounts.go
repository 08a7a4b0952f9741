// Package accounts is people: their passwords and sessions, the workspaces they belong to, and
// how the first of them comes in.
//
// It owns the tables accounts, workspaces, memberships, invitations, sessions, setup_tokens and
// sign_in_throttles. It knows no routes and no pages; of HTTP it knows only what the session store
// of gorilla/sessions needs. Exported methods open their own transaction and write the audit
// entries in it.
package accounts

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"latchkey/internal/access"
	"latchkey/internal/database"
	"latchkey/models"
)

// Config is what the service needs from outside. Zero values mean the defaults named here.
type Config struct {
	DB     *database.DB
	Now    func() time.Time // time.Now
	Random io.Reader        // crypto/rand

	Hash        HashParams // OWASP's argon2id parameters
	HashSlots   int        // passwords hashed at once: 2
	DefaultPlan string     // of a new workspace: enterprise

	RawRetentionDays      int // of a new workspace: 30
	RejectedRetentionDays int // of a new workspace: 7

	IdleTimeout     time.Duration // a session unused for so long ends: 7 days
	AbsoluteTimeout time.Duration // a session ends after so long, whatever happens: 30 days

	// DeactivateAllBy deactivates every key that accountID created in the actor's workspace, and
	// audits it, within tx. Only needed where members are removed.
	DeactivateAllBy func(ctx context.Context, tx *gorm.DB, actor access.Actor, accountID string) error

	// StatesChanged makes every instance read again what it remembers of API-access keys, whose
	// workspace is part of it, within tx. Nil does nothing.
	StatesChanged func(ctx context.Context, tx *gorm.DB) error
}

// Service is the use-cases.
type Service struct {
	cfg    Config
	db     *database.DB
	now    func() time.Time
	hasher *hasher
}

// New fills the defaults and returns the service.
func New(cfg Config) *Service {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Random == nil {
		cfg.Random = rand.Reader
	}
	if cfg.Hash == (HashParams{}) {
		cfg.Hash = DefaultHashParams
	}
	if cfg.DefaultPlan == "" {
		cfg.DefaultPlan = "enterprise"
	}
	orDefault(&cfg.HashSlots, 2)
	orDefault(&cfg.RawRetentionDays, 30)
	orDefault(&cfg.RejectedRetentionDays, 7)
	orDefault(&cfg.IdleTimeout, 7*24*time.Hour)
	orDefault(&cfg.AbsoluteTimeout, 30*24*time.Hour)
	return &Service{cfg: cfg, db: cfg.DB, now: cfg.Now, hasher: newHasher(cfg.Hash, cfg.HashSlots, cfg.Random)}
}

func orDefault[T int | time.Duration](v *T, fallback T) {
	if *v <= 0 {
		*v = fallback
	}
}

// Client is the browser that asks: its address as derived from trusted proxies only, its user
// agent, and the id of the request.
type Client struct {
	IP        string
	UserAgent string
	RequestID string
}

func (c Client) origin() access.Origin { return access.Origin{IP: c.IP, RequestID: c.RequestID} }

// self is the actor of a change that an account makes to itself, outside any workspace.
func self(a models.Account, c Client) access.Actor {
	return access.Actor{AccountID: a.ID, Label: a.Email, Origin: c.origin()}
}

func newID() string { return uuid.Must(uuid.NewV7()).String() }

// newToken draws 32 random bytes: the text for the cookie or link, and the hash for the table.
func (s *Service) newToken() (text string, hash []byte, err error) {
	b := make([]byte, 32)
	if _, err := io.ReadFull(s.cfg.Random, b); err != nil {
		return "", nil, fmt.Errorf("draw a token: %w", err)
	}
	text = base64.RawURLEncoding.EncodeToString(b)
	return text, hashToken(text), nil
}

func hashToken(text string) []byte {
	sum := sha256.Sum256([]byte(text))
	return sum[:]
}

// rowLock makes changes of one row wait for each other, without holding up rows that only refer to
// it (a plain FOR UPDATE would, through their foreign keys). SQLite locks at BEGIN.
var rowLock = clause.Locking{Strength: "NO KEY UPDATE"}
