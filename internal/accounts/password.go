package accounts

import (
	"context"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"io"
	"strings"
	"time"

	"golang.org/x/crypto/argon2"

	"latchkey/internal/fault"
)

// HashParams are argon2id's costs.
type HashParams struct {
	MemoryKiB uint32
	Time      uint32
	Threads   uint8
}

// DefaultHashParams are the minimum that OWASP's Password Storage Cheat Sheet names for argon2id.
var DefaultHashParams = HashParams{MemoryKiB: 19 * 1024, Time: 2, Threads: 1}

// Lengths in bytes of what argon2id takes and gives.
const (
	saltLen = 16
	hashLen = 32
)

// waitersPerSlot bounds how many requests may wait for a hash before the next is turned away.
const waitersPerSlot = 16

// hasher bounds how many passwords are hashed at once: each takes 19 MiB and a core.
type hasher struct {
	params HashParams
	random io.Reader
	slots  chan struct{} // held while hashing
	queue  chan struct{} // held while hashing or waiting for it
	dummy  string        // verified when there is no account, so that both take as long
}

func newHasher(p HashParams, slots int, random io.Reader) *hasher {
	return &hasher{
		params: p,
		random: random,
		slots:  make(chan struct{}, slots),
		queue:  make(chan struct{}, slots*(1+waitersPerSlot)),
		dummy:  encodeHash(p, make([]byte, saltLen), make([]byte, hashLen)),
	}
}

// enter takes a slot. It returns Unavailable at once when too many are waiting already.
func (h *hasher) enter(ctx context.Context) (leave func(), err error) {
	select {
	case h.queue <- struct{}{}:
	default:
		return nil, fault.Retry(fault.Unavailable, "Too many people are signing in right now. Try again in a few seconds.", 5*time.Second)
	}
	select {
	case h.slots <- struct{}{}:
		return func() { <-h.slots; <-h.queue }, nil
	case <-ctx.Done():
		<-h.queue
		return nil, fmt.Errorf("wait to hash: %w", ctx.Err())
	}
}

// hash returns the password in PHC string format.
func (h *hasher) hash(ctx context.Context, password string) (string, error) {
	salt := make([]byte, saltLen)
	if _, err := io.ReadFull(h.random, salt); err != nil {
		return "", fmt.Errorf("draw a salt: %w", err)
	}
	leave, err := h.enter(ctx)
	if err != nil {
		return "", err
	}
	defer leave()
	return encodeHash(h.params, salt, h.params.key(password, salt)), nil
}

// verify tells whether the password is the one of the hash; an empty hash takes as long and fails.
func (h *hasher) verify(ctx context.Context, encoded, password string) (bool, error) {
	known := encoded != ""
	if !known {
		encoded = h.dummy
	}
	p, salt, want, err := decodeHash(encoded)
	if err != nil {
		return false, err
	}
	leave, err := h.enter(ctx)
	if err != nil {
		return false, err
	}
	defer leave()
	match := subtle.ConstantTimeCompare(p.key(password, salt), want) == 1
	return match && known, nil
}

func (p HashParams) key(password string, salt []byte) []byte {
	return argon2.IDKey([]byte(password), salt, p.Time, p.MemoryKiB, p.Threads, hashLen)
}

// encodeHash writes the PHC string format: $argon2id$v=19$m=19456,t=2,p=1$salt$hash.
func encodeHash(p HashParams, salt, hash []byte) string {
	b64 := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, p.MemoryKiB, p.Time, p.Threads, b64(salt), b64(hash))
}

func decodeHash(encoded string) (p HashParams, salt, hash []byte, err error) {
	parts := strings.Split(encoded, "$")
	if len(parts) != 6 || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return p, nil, nil, fmt.Errorf("password hash: not argon2id version %d", argon2.Version)
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &p.MemoryKiB, &p.Time, &p.Threads); err != nil {
		return p, nil, nil, fmt.Errorf("password hash: parameters: %w", err)
	}
	if salt, err = base64.RawStdEncoding.DecodeString(parts[4]); err != nil {
		return p, nil, nil, fmt.Errorf("password hash: salt: %w", err)
	}
	if hash, err = base64.RawStdEncoding.DecodeString(parts[5]); err != nil {
		return p, nil, nil, fmt.Errorf("password hash: hash: %w", err)
	}
	return p, salt, hash, nil
}
