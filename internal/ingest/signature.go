package ingest

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"latchkey/internal/keys"
	"latchkey/internal/source"
)

const invalidSignature = "invalid_source_signature"

// SignatureContext binds a sealed signature secret to its key, so that it opens for no other.
func SignatureContext(keyID string) string { return keys.SignatureContext(keyID) }

// checkSignature verifies what the vendor signed, over the body's own bytes, where the key asks for
// it. A test event of the console carries no signature of the vendor and is not asked for one.
func (s *Service) checkSignature(r *Request, cred *keys.Credential, body []byte) *Refusal {
	if cred.SignatureScheme == "" || r.trusted {
		return nil
	}
	scheme := source.SchemeNamed(cred.SignatureScheme)
	if scheme == nil || s.box == nil {
		return errStorage(fmt.Errorf("key %s asks for the signature %q, which this instance cannot check", cred.ID, cred.SignatureScheme))
	}
	secret, err := s.box.Open(cred.SignatureSecret, SignatureContext(cred.ID))
	if err != nil {
		return errStorage(fmt.Errorf("signature secret of key %s: %w", cred.ID, err))
	}
	d := source.Delivery{Method: http.MethodPost, Header: r.Header, Body: body, Now: r.ReceivedAt}
	if r.URL != nil {
		d.URL = r.URL()
	}
	err = scheme.Verify(string(secret), d)
	if err == nil {
		return nil
	}
	reason := "mismatch"
	var why *source.SignatureError
	if errors.As(err, &why) {
		reason = why.Reason
	}
	return refuse(http.StatusUnauthorized, invalidSignature, err.Error()).
		with("scheme", scheme.Name).with("header", scheme.Header).with("reason", reason)
}

func errUnsignedBulk() *Refusal {
	return refuse(http.StatusUnauthorized, invalidSignature,
		"This key takes only requests with the vendor's signature, and a bulk stream cannot be checked before it is stored. Send a batch, or use another key.").
		with("reason", "missing")
}

type trustedKey struct{}

// Trusted marks a request that this process itself makes with a key, for a person who may manage
// it: no key, shared secret or vendor's signature is asked for. Everything else is as for any
// sender. The mark is a value of the request's context, which nothing from outside can set.
func Trusted(ctx context.Context, keyID string) context.Context {
	return context.WithValue(ctx, trustedKey{}, keyID)
}

func trustedID(ctx context.Context) string {
	id, _ := ctx.Value(trustedKey{}).(string)
	return id
}

func isTrusted(ctx context.Context) bool { return trustedID(ctx) != "" }

// credential finds the key of a request.
func (s *Service) credential(ctx context.Context, r *Request) (*keys.Credential, error) {
	if id := trustedID(ctx); id != "" {
		r.trusted = true
		return s.keys.CredentialOf(ctx, id)
	}
	return s.keys.Authenticate(ctx, r.Key, r.Secret)
}
