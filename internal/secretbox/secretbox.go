// Package secretbox encrypts the few secrets that Latchkey must be able to read again, such as the
// signing secret that a vendor gave out. What Latchkey only has to recognise is hashed instead.
//
// A sealed text is: version (1 byte), fingerprint of the key (4), nonce (12), ciphertext and tag of
// AES-256-GCM (NIST SP 800-38D). What it belongs to is authenticated with it, so that one row's
// secret cannot be put into another. Pure, except for the file that keeps a key.
package secretbox

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
)

// KeySize is the length of a key in bytes.
const KeySize = 32

const (
	version         = 1
	fingerprintSize = 4
	headSize        = 1 + fingerprintSize
)

// What may be wrong with a sealed text.
var (
	ErrNoKey    = errors.New("secretbox: no key is configured")
	ErrOtherKey = errors.New("secretbox: sealed with another key")
	ErrDamaged  = errors.New("secretbox: not a sealed text of this place, or changed since")
)

// Box seals with one key, and opens with that one and the one before (see WithOld). Immutable, safe for concurrent use; it never shows its key. A
// nil Box opens nothing and must not be asked to seal.
type Box struct {
	aead cipher.AEAD
	head [headSize]byte // version and fingerprint, before every sealed text
	old  *Box           // opens what was sealed with the key before; may be nil
}

// New makes a box of a key of KeySize random bytes.
func New(key []byte) (*Box, error) {
	if len(key) != KeySize {
		return nil, fmt.Errorf("the key has %d bytes; it must have %d", len(key), KeySize)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("make the cipher: %w", err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("make the cipher: %w", err)
	}
	b := &Box{aead: aead}
	sum := sha256.Sum256(append([]byte("latchkey secretbox key fingerprint\x00"), key...))
	b.head[0] = version
	copy(b.head[1:], sum[:fingerprintSize])
	return b, nil
}

// Seal encrypts plaintext for the place that context names. The same plaintext looks different
// each time.
func (b *Box) Seal(plaintext []byte, context string) []byte {
	out := make([]byte, headSize+b.aead.NonceSize(), headSize+b.aead.NonceSize()+len(plaintext)+b.aead.Overhead())
	copy(out, b.head[:])
	nonce := out[headSize:]
	_, _ = rand.Read(nonce) // never fails: crypto/rand ends the process instead
	return b.aead.Seal(out, nonce, plaintext, b.bound(context))
}

// Open decrypts what Seal made for the same context: ErrOtherKey when another key sealed it,
// ErrDamaged when it is anything else, ErrNoKey on a nil Box.
func (b *Box) Open(sealed []byte, context string) ([]byte, error) {
	if b == nil {
		return nil, ErrNoKey
	}
	nonceEnd := headSize + b.aead.NonceSize()
	if len(sealed) < nonceEnd+b.aead.Overhead() || sealed[0] != version {
		return nil, ErrDamaged
	}
	if [headSize]byte(sealed[:headSize]) != b.head {
		if b.old == nil {
			return nil, ErrOtherKey
		}
		return b.old.Open(sealed, context)
	}
	plaintext, err := b.aead.Open(nil, sealed[headSize:nonceEnd], sealed[nonceEnd:], b.bound(context))
	if err != nil {
		return nil, ErrDamaged
	}
	return plaintext, nil
}

// bound is what is authenticated beside the plaintext.
func (b *Box) bound(context string) []byte { return append(b.head[:], context...) }

const masked = "secretbox(••••)"

// Format keeps the key out of every verb of fmt.
func (b *Box) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, masked) }

// MarshalText keeps the key out of JSON and of slog.
func (b *Box) MarshalText() ([]byte, error) { return []byte(masked), nil }
