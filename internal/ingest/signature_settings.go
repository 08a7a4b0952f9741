package ingest

import (
	"context"
	"strings"

	"latchkey/internal/access"
	"latchkey/internal/fault"
	"latchkey/internal/source"
	"latchkey/models"
)

// CanKeepSecrets tells whether this instance has a key to seal signing secrets with.
func (s *Service) CanKeepSecrets() bool { return s.box != nil }

// RequireSignature has every later request with a key checked for a vendor's signature: scheme is
// the name of a source.Scheme, secret what the vendor shows, which is stored sealed. Faults:
// Invalid with the fields scheme and secret; NotFound; Conflict when the key is deactivated, or
// when this instance has no key to seal with.
func (s *Service) RequireSignature(ctx context.Context, actor access.Actor, keyID, scheme, secret string) error {
	if err := actor.Require(access.ManageKeys); err != nil {
		return err
	}
	if s.box == nil {
		return fault.New(fault.Conflict, "This instance has no key to encrypt the secret with. Set LATCHKEY_SECRET_KEY and start it again. Nothing was changed.")
	}
	secret = strings.TrimSpace(secret) // pasted with a line end
	fields := fault.Fields{}
	chosen := source.SchemeNamed(scheme)
	if chosen == nil {
		fields.Add("scheme", "Choose who signs the requests.")
	} else if err := chosen.CheckSecret(secret); err != nil {
		fields.Add("secret", err.Error())
	}
	if err := fields.Err(); err != nil {
		return err
	}
	return s.keys.SetSignature(ctx, actor, keyID, chosen.Name, s.box.Seal([]byte(secret), SignatureContext(keyID)))
}

// DropSignature ends that a signature is required. Faults: NotFound; Conflict when the key is
// deactivated.
func (s *Service) DropSignature(ctx context.Context, actor access.Actor, keyID string) error {
	return s.keys.SetSignature(ctx, actor, keyID, "", nil)
}

// SignatureReadable is nil when a key requires no signature or its secret can be read, else one of
// secretbox's errors: the key's requests are then answered with 503 until somebody helps.
func (s *Service) SignatureReadable(key models.APIKey) error {
	if key.SignatureScheme == "" {
		return nil
	}
	_, err := s.box.Open(key.SignatureSecret, SignatureContext(key.ID))
	return err
}
