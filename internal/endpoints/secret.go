package endpoints

import (
	"errors"
	"strings"

	"latchkey/internal/fault"
	"latchkey/internal/secretbox"
	"latchkey/internal/signing"
	"latchkey/models"
)

// What sealed texts belong to. The secret before the present one has the present one's place: a
// rotation moves it without opening it.
func secretContext(endpointID string) string  { return "endpoint:" + endpointID + ":secret" }
func headersContext(endpointID string) string { return "endpoint:" + endpointID + ":headers" }

var errNoBox = fault.New(fault.Conflict,
	"This instance has no key to encrypt signing secrets with. Set LATCHKEY_SECRET_KEY and start it again. Nothing was changed.")

// errSealed is what people read when a secret cannot be opened.
func errSealed(cause error) error {
	if errors.Is(cause, secretbox.ErrNoKey) {
		return fault.New(fault.Conflict, "This endpoint's secrets are encrypted, and this instance has no key to read them with. Set LATCHKEY_SECRET_KEY and start it again.")
	}
	return fault.Wrap(fault.Conflict, "This endpoint's secrets were encrypted with a key that this instance does not have. "+
		"Set LATCHKEY_SECRET_KEY_OLD to that key and start it again; if it is lost, rotate the secret and give the custom headers anew.", cause)
}

// chooseSecret is the person's own secret, or a new one.
func chooseSecret(fields fault.Fields, own string) signing.Secret {
	own = strings.TrimSpace(own) // pasted with a line end
	if own == "" {
		return signing.NewSecret()
	}
	secret, err := signing.ParseSecret(own)
	if err != nil {
		text := err.Error()
		fields.Add("secret", strings.ToUpper(text[:1])+text[1:]+". Leave it empty for a new one.")
	}
	return secret
}

func (s *Service) seal(endpointID string, secret signing.Secret) []byte {
	return s.box.Seal([]byte(secret.Reveal()), secretContext(endpointID))
}

func (s *Service) open(endpointID string, sealed []byte) (signing.Secret, error) {
	text, err := s.box.Open(sealed, secretContext(endpointID))
	if err != nil {
		return signing.Secret{}, err
	}
	return signing.ParseSecret(string(text))
}

// openAll opens the secret, and the one before while it signs too.
func (s *Service) openAll(e models.Endpoint) ([]signing.Secret, error) {
	present, err := s.open(e.ID, e.Secret)
	if err != nil {
		return nil, err
	}
	secrets := []signing.Secret{present}
	if s.rotating(e) {
		previous, err := s.open(e.ID, e.PreviousSecret)
		if err != nil {
			return nil, err
		}
		secrets = append(secrets, previous)
	}
	return secrets, nil
}

// rotating tells that the secret before the present one still signs.
func (s *Service) rotating(e models.Endpoint) bool {
	return e.PreviousSecret != nil && e.PreviousEndsAt.After(s.now())
}
