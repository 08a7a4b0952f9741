package source

import (
	"crypto/hmac"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"hash"
	"strconv"
	"strings"
	"time"
)

// tolerance is how far the time of a signature may be from now, as Stripe and Standard Webhooks have it.
const tolerance = 5 * time.Minute

// mac is the HMAC of the parts, one after the other.
func mac(algorithm func() hash.Hash, key []byte, parts ...[]byte) []byte {
	h := hmac.New(algorithm, key)
	for _, part := range parts {
		h.Write(part)
	}
	return h.Sum(nil)
}

// header is the signature header of a scheme, or why there is none.
func (d Delivery) header(name string) (string, error) {
	value := strings.TrimSpace(d.Header.Get(name))
	if value == "" {
		return "", &SignatureError{Missing, "The request has no header " + name + "."}
	}
	return value, nil
}

func malformed(header, form string) error {
	return &SignatureError{Malformed, fmt.Sprintf("The header %s is not of the form %s.", header, form)}
}

func mismatch(header string) error {
	return &SignatureError{Mismatch, "The signature in " + header +
		" does not match: it was made with another secret, or the body was changed on its way."}
}

// compare takes as long for any signature: nothing can be learned from its time. Several may be
// given while the vendor changes secrets; one that matches is enough.
func compare(header string, want []byte, given ...[]byte) error {
	found := false
	for _, signature := range given {
		found = hmac.Equal(want, signature) || found
	}
	if !found {
		return mismatch(header)
	}
	return nil
}

// fresh is nil when at is within the tolerance before or after now.
func fresh(d Delivery, at time.Time, within time.Duration) error {
	if d.Now.Sub(at).Abs() <= within {
		return nil
	}
	return &SignatureError{Expired, fmt.Sprintf("The signature is of %s, more than %s from now: an old request sent again, or a wrong clock.",
		at.UTC().Format("2006-01-02 15:04:05 UTC"), words(within))}
}

func words(d time.Duration) string {
	if d >= time.Hour {
		return fmt.Sprintf("%d hours", int(d.Hours()))
	}
	return fmt.Sprintf("%d minutes", int(d.Minutes()))
}

// seconds reads a Unix time; false for what no vendor sends.
func seconds(text string) (time.Time, bool) {
	n, err := strconv.ParseInt(text, 10, 64)
	return time.Unix(n, 0), err == nil && n >= 0 && n < 1<<40
}

// pairs splits a header such as t=1,v1=a,v1=b; the values of one name in order.
func pairs(text, separator string) map[string][]string {
	found := map[string][]string{}
	for part := range strings.SplitSeq(text, separator) {
		if name, value, ok := strings.Cut(strings.TrimSpace(part), "="); ok {
			found[name] = append(found[name], value)
		}
	}
	return found
}

func fromHex(text string) ([]byte, bool) {
	b, err := hex.DecodeString(text)
	return b, err == nil && len(b) > 0
}

func fromBase64(text string) ([]byte, bool) {
	b, err := base64.StdEncoding.DecodeString(text)
	return b, err == nil && len(b) > 0
}

// body makes the check of a scheme that signs the body alone: one header, which holds prefix and
// the encoded HMAC.
func body(name, prefix, form string, algorithm func() hash.Hash, decode func(string) ([]byte, bool)) func(string, Delivery) error {
	return func(secret string, d Delivery) error {
		value, err := d.header(name)
		if err != nil {
			return err
		}
		text, prefixed := strings.CutPrefix(value, prefix)
		given, ok := decode(text)
		if !ok || !prefixed {
			return malformed(name, form)
		}
		return compare(name, mac(algorithm, []byte(secret), d.Body), given)
	}
}

// timed makes the check of a scheme whose one header holds a Unix time and signatures in hex, and
// which signs time, joint and body.
func timed(name, separator, timeName, signatureName, joint, form string, algorithm func() hash.Hash) func(string, Delivery) error {
	return func(secret string, d Delivery) error {
		value, err := d.header(name)
		if err != nil {
			return err
		}
		parts := pairs(value, separator)
		if len(parts[timeName]) != 1 || len(parts[signatureName]) == 0 {
			return malformed(name, form)
		}
		at, ok := seconds(parts[timeName][0])
		if !ok {
			return malformed(name, form)
		}
		var given [][]byte
		for _, text := range parts[signatureName] {
			if signature, ok := fromHex(text); ok {
				given = append(given, signature)
			}
		}
		want := mac(algorithm, []byte(secret), []byte(parts[timeName][0]), []byte(joint), d.Body)
		if err := compare(name, want, given...); err != nil {
			return err
		}
		return fresh(d, at, tolerance)
	}
}
