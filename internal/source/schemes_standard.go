package source

import (
	"crypto/sha256"
	"encoding/base64"
	"strings"
)

// schemeStandard is https://www.standardwebhooks.com, and Svix, which it came from: Clerk and many
// others deliver through Svix.
var schemeStandard = Scheme{
	Name: "standard-webhooks", Title: "Standard Webhooks, Svix, Clerk", Header: "webhook-signature or svix-signature",
	SecretHint:  "The endpoint's signing secret: whsec_ and base64.",
	SecretWhere: "In Clerk: Configure, Webhooks, the endpoint, Signing secret. Elsewhere: beside the webhook's URL.",
	Docs:        "https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md",
	check: func(secret string) error {
		if _, ok := standardKey(secret); !ok {
			return sentence("The secret must be whsec_ followed by base64. Copy it whole.")
		}
		return nil
	},
	verify: verifyStandard,
}

// standardKey is what the secret's base64 holds.
func standardKey(secret string) ([]byte, bool) {
	text := strings.TrimRight(strings.TrimPrefix(secret, "whsec_"), "=")
	key, err := base64.RawStdEncoding.DecodeString(text)
	return key, err == nil && len(key) > 0
}

func verifyStandard(secret string, d Delivery) error {
	prefix := "webhook-"
	if d.Header.Get("svix-signature") != "" && d.Header.Get("webhook-signature") == "" {
		prefix = "svix-"
	}
	name := prefix + "signature"
	value, err := d.header(name)
	if err != nil {
		return err
	}
	id, err := d.header(prefix + "id")
	if err != nil {
		return err
	}
	stamp, err := d.header(prefix + "timestamp")
	if err != nil {
		return err
	}
	at, ok := seconds(stamp)
	if !ok {
		return malformed(prefix+"timestamp", "<time>")
	}
	var given [][]byte
	for _, part := range strings.Fields(value) {
		if text, ok := strings.CutPrefix(part, "v1,"); ok {
			if signature, ok := fromBase64(text); ok {
				given = append(given, signature)
			}
		}
	}
	if given == nil {
		return malformed(name, "v1,<base64>")
	}
	key, ok := standardKey(secret)
	if !ok {
		return &SignatureError{Mismatch, "The secret that is set is not of the form whsec_<base64>. Set it again."}
	}
	want := mac(sha256.New, key, []byte(id), []byte("."), []byte(stamp), []byte("."), d.Body)
	if err := compare(name, want, given...); err != nil {
		return err
	}
	return fresh(d, at, tolerance)
}
