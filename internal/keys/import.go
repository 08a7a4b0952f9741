package keys

import (
	"context"
	"crypto/sha256"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"gorm.io/gorm"

	"latchkey/internal/access"
	"latchkey/internal/fault"
	"latchkey/internal/token"
	"latchkey/models"
)

// ImportForm is a key whose value was made elsewhere and is in use already. Only its hash is told,
// so that the value itself need not be handed around.
type ImportForm struct {
	CreateForm
	SHA256 string // of the value, in hex or base64
	Prefix string // what lists show of it; "imported" by default
}

const maxPrefix = 24

// Import makes a key of a value that exists. Created.Value is zero. Faults are those of Create, and
// Invalid with the fields sha256 and prefix.
func (s *Service) Import(ctx context.Context, actor access.Actor, f ImportForm) (Created, error) {
	fields := fault.Fields{}
	v := f.value(fields)
	return s.create(ctx, actor, f.CreateForm, fields, func() (value, error) { return v, nil })
}

func (f ImportForm) value(fields fault.Fields) value {
	hash, ok := ParseSHA256(f.SHA256)
	switch {
	case !ok:
		fields.Add("sha256", "Give the SHA-256 of the key: 64 hexadecimal digits, or 43 characters of base64.")
	case hash == sha256.Sum256(nil) || hash == sha256.Sum256([]byte("\n")):
		fields.Add("sha256", "This is the SHA-256 of nothing. Hash the key itself, without a line break.")
	}
	prefix := strings.TrimSpace(f.Prefix)
	switch {
	case prefix == "":
		prefix = "imported"
	case utf8.RuneCountInString(prefix) > maxPrefix || !utf8.ValidString(prefix) || strings.ContainsFunc(prefix, notVisible):
		fields.Add("prefix", fmt.Sprintf("Use at most %d visible characters without spaces, such as the first few of the key.", maxPrefix))
	case ok && token.Hash(prefix) == hash:
		fields.Add("prefix", "This is the whole key, and lists would show it. Give its first few characters only.")
	}
	return value{hash: hash, prefix: prefix, imported: true}
}

func notVisible(r rune) bool { return !unicode.IsGraphic(r) || unicode.IsSpace(r) }

// requireUnused refuses a value that a key had before: what was retired stays so. That no key has
// it now is the unique index's to tell.
func (s *Service) requireUnused(ctx context.Context, tx *gorm.DB, hash digest) error {
	if err := s.lockStates(ctx, tx); err != nil {
		return err
	}
	n, err := gorm.G[models.RetiredKeyValue](tx).Where("key_hash = ?", hash[:]).Count(ctx, "*")
	if err != nil {
		return fmt.Errorf("count retired values: %w", err)
	}
	if n > 0 {
		return errValueUsed()
	}
	return nil
}

func errValueUsed() error {
	return fault.Fields{"sha256": "A key with this value exists already, or did. Each key needs a value of its own."}.Err()
}
