package source

import (
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"strings"
	"time"
)

const (
	sendgridSignature = "X-Twilio-Email-Event-Webhook-Signature"
	sendgridTime      = "X-Twilio-Email-Event-Webhook-Timestamp"
	// sendgridTolerance: SendGrid tries again for 24 hours and does not say that a retry is signed anew.
	sendgridTolerance = 25 * time.Hour
)

// schemeSendGrid is the only one without a secret: SendGrid signs with a private key, and what is
// kept is its public one.
var schemeSendGrid = Scheme{
	Name: "sendgrid", Title: "SendGrid", Header: sendgridSignature,
	SecretHint:  "The public verification key, as base64 or as a PEM block.",
	SecretWhere: "In SendGrid: Settings, Mail settings, Event webhooks, Security features, Verification key.",
	Docs:        "https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/getting-started-event-webhook-security-features",
	check: func(secret string) error {
		if sendgridKey(secret) == nil {
			return sentence("This is no ECDSA public key. Copy the verification key whole; it begins with MFkw.")
		}
		return nil
	},
	verify: verifySendGrid,
}

func sendgridKey(text string) *ecdsa.PublicKey {
	var der []byte
	if block, _ := pem.Decode([]byte(text)); block != nil {
		der = block.Bytes
	} else {
		der, _ = fromBase64(strings.Join(strings.Fields(text), ""))
	}
	parsed, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return nil
	}
	key, _ := parsed.(*ecdsa.PublicKey)
	return key
}

func verifySendGrid(secret string, d Delivery) error {
	value, err := d.header(sendgridSignature)
	if err != nil {
		return err
	}
	stamp, err := d.header(sendgridTime)
	if err != nil {
		return err
	}
	given, ok := fromBase64(value)
	if !ok {
		return malformed(sendgridSignature, "<base64>")
	}
	at, ok := seconds(stamp)
	if !ok {
		return malformed(sendgridTime, "<time>")
	}
	key := sendgridKey(secret)
	if key == nil {
		return &SignatureError{Mismatch, "The verification key that is set is no ECDSA public key. Set it again."}
	}
	h := sha256.New()
	h.Write([]byte(stamp))
	h.Write(d.Body)
	if !ecdsa.VerifyASN1(key, h.Sum(nil), given) {
		return mismatch(sendgridSignature)
	}
	return fresh(d, at, sendgridTolerance)
}
