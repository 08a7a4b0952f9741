package client

import (
	"fmt"
	"io"
	"log/slog"
)

// Secret is a plaintext: of a key, or of a shared secret. Printing masks it, in whatever way;
// encoding/json writes and reads it in clear, so that it can be handed on.
type Secret string

const masked = "[secret]"

// Reveal is the plaintext.
func (s Secret) Reveal() string { return string(s) }

// String masks it.
func (Secret) String() string { return masked }

// GoString masks it.
func (Secret) GoString() string { return masked }

// Format masks it for every verb.
func (s Secret) Format(f fmt.State, _ rune) {
	if s != "" {
		_, _ = io.WriteString(f, masked)
	}
}

// LogValue masks it.
func (Secret) LogValue() slog.Value { return slog.StringValue(masked) }
