package keys

import (
	"context"
	"time"

	"gorm.io/gorm"

	"latchkey/internal/access"
	"latchkey/internal/audit"
	"latchkey/internal/fault"
	"latchkey/models"
)

// SetOnError decides what a product_orgs key does with payloads that its template cannot map:
// models.OnErrorReject (422) or OnErrorQuarantine (200); both are kept. Faults: NotFound; Conflict
// when the key is deactivated; Invalid with the field on_error.
func (s *Service) SetOnError(ctx context.Context, actor access.Actor, id, onError string) error {
	fields := fault.Fields{}
	checkOnError(fields, onError)
	if err := fields.Err(); err != nil {
		return err
	}
	return s.changeSettings(ctx, actor, id, func(tx *gorm.DB, now time.Time, key models.APIKey) error {
		if err := requireOrgs(key); err != nil || key.OnError == onError {
			return err
		}
		if err := update(ctx, tx, now, key, "on_error = ?", onError); err != nil {
			return err
		}
		return audit.Record(ctx, tx, now, actor, audit.Change{
			Action: "api_key.on_error_changed", Target: target(key),
			Before: audit.Values{"on_error": key.OnError}, After: audit.Values{"on_error": onError},
		})
	})
}

func checkOnError(fields fault.Fields, onError string) {
	if onError != models.OnErrorReject && onError != models.OnErrorQuarantine {
		fields.Add("on_error", "Choose reject or quarantine.")
	}
}

// SetSignature requires a vendor's signature of every request with a key. scheme is the name of a
// source.Scheme and sealed its secret as secretbox sealed it, both of which the caller has checked;
// both empty: no signature is required any more. A new secret replaces the old one at once.
// Faults: NotFound; Conflict when the key is deactivated; Invalid with the field secret.
func (s *Service) SetSignature(ctx context.Context, actor access.Actor, id, scheme string, sealed []byte) error {
	if (scheme == "") != (len(sealed) == 0) {
		return fault.Fields{"secret": "Choose what signs the requests, and give its secret."}.Err()
	}
	return s.changeSettings(ctx, actor, id, func(tx *gorm.DB, now time.Time, key models.APIKey) error {
		if scheme == "" && key.SignatureScheme == "" {
			return nil
		}
		if len(sealed) == 0 {
			sealed = nil
		}
		if err := update(ctx, tx, now, key, "signature_scheme = ?, signature_secret = ?", scheme, sealed); err != nil {
			return err
		}
		return audit.Record(ctx, tx, now, actor, audit.Change{
			Action: "api_key.signature_changed", Target: target(key),
			Before: signatureValues(key.SignatureScheme), After: signatureValues(scheme),
		})
	})
}

// signatureValues says that there is a secret, never which.
func signatureValues(scheme string) audit.Values {
	if scheme == "" {
		return audit.Values{"signature": "none"}
	}
	return audit.Values{"signature": scheme, "secret": "set"}
}

// changeSettings is change on a key that is not deactivated.
func (s *Service) changeSettings(ctx context.Context, actor access.Actor, id string, fn func(*gorm.DB, time.Time, models.APIKey) error) error {
	return s.change(ctx, actor, id, func(tx *gorm.DB, key models.APIKey) error {
		if key.Status == models.KeyDeactivated {
			return fault.New(fault.Conflict, "This key is deactivated; its settings can no longer be changed. Create a new key instead.")
		}
		return fn(tx, s.now().UTC(), key)
	})
}

// requireOrgs hides what only product_orgs keys have.
func requireOrgs(key models.APIKey) error {
	if key.EndpointType != models.ProductOrgs {
		return fault.New(fault.NotFound, "This key has no payload template; only Product org keys have one.")
	}
	return nil
}
