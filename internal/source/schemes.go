package source

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Scheme is one way of signing a delivery. Immutable.
type Scheme struct {
	Name        string // stored with a key
	Title       string
	Header      string // that carries the signature
	SecretHint  string // a sentence: what the secret looks like
	SecretWhere string // a sentence: where the vendor shows it
	Docs        string // the page that describes it

	check  func(secret string) error
	verify func(secret string, d Delivery) error
}

// Delivery is one request as it arrived.
type Delivery struct {
	Method string
	URL    string // as the vendor called it: scheme, host, path and query
	Header http.Header
	Body   []byte // as it was sent, every byte
	Now    time.Time
}

// Reasons of a SignatureError.
const (
	Missing   = "missing"   // no signature
	Malformed = "malformed" // a header that this scheme does not write
	Mismatch  = "mismatch"  // another secret, or another body
	Expired   = "expired"   // a time too far from now, before or after
)

// SignatureError says why a delivery was not believed. It names neither the secret nor the right
// signature.
type SignatureError struct {
	Reason string
	Text   string // a sentence
}

func (e *SignatureError) Error() string { return e.Text }

// Schemes are sorted by title. The slice is the caller's, the schemes are not.
func Schemes() []*Scheme { return slices.Clone(schemes) }

// SchemeNamed finds a scheme by the name that is stored with a key; nil for any other.
func SchemeNamed(name string) *Scheme {
	for _, s := range schemes {
		if s.Name == name {
			return s
		}
	}
	return nil
}

// sentence is an error that people read as it is.
type sentence string

func (s sentence) Error() string { return string(s) }

// maxSecret is in bytes: far above any vendor's, SendGrid's public keys included.
const maxSecret = 4096

// CheckSecret tells, in a sentence for the form, why a secret cannot be one of this scheme; nil
// when it can.
func (s *Scheme) CheckSecret(secret string) error {
	switch {
	case secret == "":
		return sentence("Enter the signing secret.")
	case len(secret) > maxSecret:
		return sentence(fmt.Sprintf("The secret is longer than %d bytes: this is something else.", maxSecret))
	case strings.TrimSpace(secret) != secret:
		return sentence("The secret has spaces or line ends around it. Copy it without them.")
	case s.check == nil:
		return nil
	}
	return s.check(secret)
}

// Verify is nil when the delivery was signed with the secret, else a *SignatureError. Where the
// signature covers a time, one more than five minutes from d.Now is refused, unless the scheme
// says otherwise.
func (s *Scheme) Verify(secret string, d Delivery) error {
	if secret == "" {
		return &SignatureError{Mismatch, "No secret is set to check the signature with."}
	}
	return s.verify(secret, d)
}

var schemes = []*Scheme{
	&schemeAuthorization, &schemeBasic, &schemeCalendly, &schemeCustomerIO, &schemeGitHub, &schemeHubSpot, &schemeIntercom,
	&schemeLaunchDarkly, &schemePaddle, &schemeSegment, &schemeSendGrid, &schemeShopify, &schemeStandard, &schemeStripe,
	&schemeTypeform,
}
