package source

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"strings"
)

// Schemes that sign nothing and show a password instead, which is all that their vendors offer.

var schemeBasic = Scheme{
	Name: "basic", Title: "Basic authentication (Chargebee, Mailjet, Mixpanel)", Header: "Authorization",
	SecretHint:  "Name and password with a colon between them: name:password.",
	SecretWhere: "It is what you entered beside the webhook's URL. In Chargebee: Protect webhook URL with basic authentication.",
	Docs:        "https://apidocs.chargebee.com/docs/api/webhooks",
	check: func(secret string) error {
		if name, password, ok := strings.Cut(secret, ":"); !ok || name == "" && password == "" {
			return sentence("Enter name and password with a colon between them: name:password.")
		}
		return nil
	},
	verify: func(secret string, d Delivery) error {
		value, err := d.header("Authorization")
		if err != nil {
			return err
		}
		scheme, text, _ := strings.Cut(value, " ")
		given, decodeErr := base64.StdEncoding.DecodeString(strings.TrimSpace(text))
		if !strings.EqualFold(scheme, "Basic") || decodeErr != nil {
			return malformed("Authorization", "Basic <base64>")
		}
		return samePassword(string(given), secret)
	},
}

var schemeAuthorization = Scheme{
	Name: "authorization", Title: "Authorization token (Auth0)", Header: "Authorization",
	SecretHint:  "The whole value of the header, as you entered it at the vendor.",
	SecretWhere: "In Auth0: Monitoring, Streams, the stream, Authorization token.",
	Docs:        "https://auth0.com/docs/customize/log-streams/custom-log-streams",
	check: func(secret string) error {
		if scheme, _, ok := strings.Cut(secret, " "); ok && strings.EqualFold(scheme, "Bearer") {
			return sentence("The value must not begin with Bearer: that word marks one of our own keys. Enter the token without it, here and at the vendor.")
		}
		return nil
	},
	verify: func(secret string, d Delivery) error {
		value, err := d.header("Authorization")
		if err != nil {
			return err
		}
		return samePassword(value, secret)
	},
}

// samePassword compares hashes, so that not even the length can be learned from the time it takes.
func samePassword(given, want string) error {
	a, b := sha256.Sum256([]byte(given)), sha256.Sum256([]byte(want))
	if subtle.ConstantTimeCompare(a[:], b[:]) != 1 {
		return &SignatureError{Mismatch, "The header Authorization holds something else than what is set here."}
	}
	return nil
}
