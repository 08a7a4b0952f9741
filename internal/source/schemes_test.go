package source

import (
	"bytes"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"
)

// vector is a delivery that was signed by somebody else: by the vendor, where it publishes one,
// else by another implementation of HMAC than ours.
type vector struct {
	name, scheme, secret string
	headers              map[string]string
	body                 string
	now                  int64  // Unix seconds
	signs                string // the header of the signature
	stamp                string // the header of the time, when the signature covers one
	wrong                string // another secret of the same form
	url                  string
}

const (
	ourBody = `{"id":"evt_1","type":"invoice.paid","note":"å\u00e5"}` + "\n"
	ourTime = 1791192600
)

var vectors = []vector{
	{name: "GitHub's own", scheme: "github", secret: "It's a Secret to Everybody", body: "Hello, World!", now: ourTime, signs: "X-Hub-Signature-256",
		headers: map[string]string{"X-Hub-Signature-256": "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"}},
	{name: "Standard Webhooks' own", scheme: "standard-webhooks", secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", body: `{"test": 2432232314}`, now: 1614265330,
		signs: "webhook-signature", stamp: "webhook-timestamp", wrong: "whsec_AAAQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
		headers: map[string]string{"webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek", "webhook-timestamp": "1614265330",
			"webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="}},
	{name: "Svix, as Clerk sends", scheme: "standard-webhooks", secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", body: `{"test": 2432232314}`, now: 1614265330,
		signs: "svix-signature", stamp: "svix-timestamp", wrong: "whsec_AAAQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
		headers: map[string]string{"svix-id": "msg_p5jXN8AQM9LWM0D4loKWxJek", "svix-timestamp": "1614265330",
			"svix-signature": "v1a,AAAA v1,AAAA v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="}},
	{name: "HubSpot's own", scheme: "hubspot", secret: "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy", body: `{'example_field':'example_value'}`, now: 15000,
		url: "https://www.example.com/webhook_uri", signs: "X-HubSpot-Signature-v3", stamp: "X-HubSpot-Request-Timestamp",
		headers: map[string]string{"X-HubSpot-Request-Timestamp": "15000000", "X-HubSpot-Signature-v3": "HPW73RUtKmcYoEDADG0s6MmGFWUzWJKAW07r8RDgcQw="}},
	{name: "SendGrid's own", scheme: "sendgrid", now: 1600112502, signs: sendgridSignature, stamp: sendgridTime,
		secret: "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE83T4O/n84iotIvIW4mdBgQ/7dAfSmpqIM8kF9mN1flpVKS3GRqe62gw+2fNNRaINXvVpiglSI8eNEc6wEA3F+g==",
		wrong:  "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE1UyAwYtolOVlNJfE1kTatAda7Z4pmLswj8Bapax8wpsXhR/0/qIXBpQtkTA/e0CB5voWJaVCYV3aUM9+UEdX8Q==",
		body:   `[{"email":"hello@world.com","event":"dropped","reason":"Bounced Address","sg_event_id":"ZHJvcC0xMDk5NDkxOS1MUnpYbF9OSFN0T0doUTRrb2ZTbV9BLTA","sg_message_id":"LRzXl_NHStOGhQ4kofSm_A.filterdrecv-p3mdw1-756b745b58-kmzbl-18-5F5FC76C-9.0","smtp-id":"<LRzXl_NHStOGhQ4kofSm_A@ismtpd0039p1iad1.sendgrid.net>","timestamp":1600112492}]` + "\r\n",
		headers: map[string]string{sendgridTime: "1600112502",
			sendgridSignature: "MEUCIGHQVtGj+Y3LkG9fLcxf3qfI10QysgDWmMOVmxG0u6ZUAiEAyBiXDWzM+uOe5W0JuG+luQAbPIqHh89M15TluLtEZtM="}},
	{name: "Stripe", scheme: "stripe", secret: "whsec_example_secret_0001", body: ourBody, now: ourTime, signs: "Stripe-Signature", stamp: "Stripe-Signature",
		headers: map[string]string{"Stripe-Signature": "t=1791192600,v1=2f91eb7f62be37b458c17f2001ab3808a74929767e767db47876d812cb582fea,v0=00"}},
	{name: "Calendly", scheme: "calendly", secret: "calendly-signing-key-0001", body: ourBody, now: ourTime, signs: "Calendly-Webhook-Signature", stamp: "Calendly-Webhook-Signature",
		headers: map[string]string{"Calendly-Webhook-Signature": "t=1791192600,v1=2660b4107c3295e4638b02f03ad16bc6ede07e79db5f1d681019e8598556205d"}},
	{name: "Paddle", scheme: "paddle", secret: "pdl_ntfset_01example_secret", body: ourBody, now: ourTime, signs: "Paddle-Signature", stamp: "Paddle-Signature",
		headers: map[string]string{"Paddle-Signature": "ts=1791192600;h1=3e958f3680a7027130f0503290c82293a944c6124220e09bb9ef40f59213c4ab"}},
	{name: "Customer.io", scheme: "customerio", secret: "customerio-signing-key-0001", body: ourBody, now: ourTime, signs: "X-CIO-Signature", stamp: "X-CIO-Timestamp",
		headers: map[string]string{"X-CIO-Timestamp": "1791192600", "X-CIO-Signature": "dd9bd3ea17e5da7a04e06b307add963cd2f482b64837cb416a0928c3dbfd9c94"}},
	{name: "Shopify", scheme: "shopify", secret: "shpss_example0001", body: ourBody, now: ourTime, signs: "X-Shopify-Hmac-Sha256",
		headers: map[string]string{"X-Shopify-Hmac-Sha256": "UXZRgCTFfooyerRUTTFF75+yfsMJcUvLrkhiTvYDm2c="}},
	{name: "Typeform", scheme: "typeform", secret: "typeform-secret-0001", body: ourBody, now: ourTime, signs: "Typeform-Signature",
		headers: map[string]string{"Typeform-Signature": "sha256=p+TNQ/cRE62a9ZjE+dJFaokNZRc4kfZ2zFyDSLRoLDQ="}},
	{name: "Segment", scheme: "segment", secret: "segment-shared-secret-0001", body: ourBody, now: ourTime, signs: "X-Signature",
		headers: map[string]string{"X-Signature": "00980c56c12633613a555123da95d6a74771f049"}},
	{name: "Intercom", scheme: "intercom", secret: "intercom-client-secret-0001", body: ourBody, now: ourTime, signs: "X-Hub-Signature",
		headers: map[string]string{"X-Hub-Signature": "sha1=63507e6dc29dfc28742675be0f68a0d24eea7ce4"}},
	{name: "LaunchDarkly", scheme: "launchdarkly", secret: "launchdarkly-secret-0001", body: ourBody, now: ourTime, signs: "X-LD-Signature",
		headers: map[string]string{"X-LD-Signature": "16fe049f82afb8c8aa03442c0b1bf470b479d987d94448fdba4316cc08a25bad"}},
	{name: "basic authentication", scheme: "basic", secret: "chargebee:påss:word", body: ourBody, now: ourTime, signs: "Authorization", wrong: "chargebee:påss",
		headers: map[string]string{"Authorization": "Basic Y2hhcmdlYmVlOnDDpXNzOndvcmQ="}},
	{name: "authorization token", scheme: "authorization", secret: "auth0-stream-token-0001", body: ourBody, now: ourTime, signs: "Authorization",
		headers: map[string]string{"Authorization": "auth0-stream-token-0001"}},
}

func (v vector) delivery() Delivery {
	d := Delivery{Method: http.MethodPost, URL: v.url, Header: headers(v.headers), Body: []byte(v.body), Now: time.Unix(v.now, 0)}
	if d.URL == "" {
		d.URL = "https://gateway.example.com/api/signal-staging/webhook/x/key"
	}
	return d
}

func (v vector) passwordOnly() bool { return v.scheme == "basic" || v.scheme == "authorization" }

// refused checks that the delivery is refused for the reason, in a sentence that tells no secret.
func refused(t *testing.T, v vector, secret string, d Delivery, reason string) {
	t.Helper()
	err := SchemeNamed(v.scheme).Verify(secret, d)
	var e *SignatureError
	if !errors.As(err, &e) || e.Reason != reason {
		t.Fatalf("got %v, want %s", err, reason)
	}
	if e.Text == "" || strings.Contains(e.Text, v.secret) || strings.Contains(e.Text, secret) || strings.Contains(e.Text, v.headers[v.signs]) {
		t.Errorf("the sentence tells too much: %q", e.Text)
	}
}

func TestASignedDeliveryIsBelievedAndAnAlteredOneIsNot(t *testing.T) {
	tested := map[string]bool{}
	for _, v := range vectors {
		tested[v.scheme] = true
		t.Run(v.name, func(t *testing.T) {
			s := SchemeNamed(v.scheme)
			if err := s.CheckSecret(v.secret); err != nil {
				t.Errorf("the secret: %v", err)
			}
			if err := s.Verify(v.secret, v.delivery()); err != nil {
				t.Fatal(err)
			}
			wrong := v.wrong
			if wrong == "" {
				wrong = v.secret + "x"
			}
			refused(t, v, wrong, v.delivery(), Mismatch)
			if err := s.Verify("", v.delivery()); err == nil {
				t.Error("believed without a secret")
			}
			for name := range v.headers {
				d := v.delivery()
				d.Header.Del(name)
				refused(t, v, v.secret, d, Missing)
			}
			if v.passwordOnly() {
				return
			}
			for i := range v.body {
				d := v.delivery()
				d.Body = bytes.Clone(d.Body)
				d.Body[i] ^= 1
				refused(t, v, v.secret, d, Mismatch)
			}
			d := v.delivery()
			d.Header.Set(v.signs, "no sense!")
			refused(t, v, v.secret, d, Malformed)
		})
	}
	for _, s := range Schemes() {
		if !tested[s.Name] {
			t.Errorf("%s has no vector", s.Name)
		}
	}
}

func TestASignatureOfAnotherTimeIsExpired(t *testing.T) {
	for _, v := range vectors {
		if v.stamp == "" {
			continue
		}
		t.Run(v.name, func(t *testing.T) {
			within := tolerance
			if v.scheme == "sendgrid" {
				within = sendgridTolerance
			}
			for _, off := range []time.Duration{-within, within} {
				d := v.delivery()
				d.Now = d.Now.Add(off)
				if err := SchemeNamed(v.scheme).Verify(v.secret, d); err != nil {
					t.Errorf("%v off: %v", off, err)
				}
				d.Now = d.Now.Add(off / within.Abs() * time.Second)
				refused(t, v, v.secret, d, Expired)
			}
			if v.stamp == v.signs {
				return
			}
			for _, stamp := range []string{"soon", "-1", "99999999999999999999"} {
				d := v.delivery()
				d.Header.Set(v.stamp, stamp)
				refused(t, v, v.secret, d, Malformed)
			}
		})
	}
}

func TestOneOfSeveralSignaturesIsEnough(t *testing.T) {
	for scheme, value := range map[string]string{
		"stripe": "t=1791192600,v1=" + strings.Repeat("0", 64) + ",v1=2f91eb7f62be37b458c17f2001ab3808a74929767e767db47876d812cb582fea",
		"paddle": "ts=1791192600;h1=" + strings.Repeat("0", 64) + ";h1=3e958f3680a7027130f0503290c82293a944c6124220e09bb9ef40f59213c4ab",
	} {
		for _, v := range vectors {
			if v.scheme != scheme {
				continue
			}
			d := v.delivery()
			d.Header.Set(v.signs, value)
			if err := SchemeNamed(scheme).Verify(v.secret, d); err != nil {
				t.Errorf("%s: %v", scheme, err)
			}
			d.Header.Set(v.signs, strings.ReplaceAll(value, "1791192600", "1791192601"))
			refused(t, v, v.secret, d, Mismatch)
		}
	}
}

func TestHubSpotsEscapesAreUndoneBeforeTheURLIsSigned(t *testing.T) {
	// HMAC of the same parts with the URL unescaped, by another implementation.
	v := vector{scheme: "hubspot", secret: "hubspot-client-secret-0001", body: ourBody, now: ourTime, signs: "X-HubSpot-Signature-v3",
		url: "https://gateway.example.com/hook?name=a%3Ab%40c",
		headers: map[string]string{"X-HubSpot-Request-Timestamp": "1791192600000",
			"X-HubSpot-Signature-v3": "Qej88Ui2xV9zBFO4LtoAWU5/Qu7QfYjs2MrlDi+vOe0="}}
	if err := SchemeNamed("hubspot").Verify(v.secret, v.delivery()); err != nil {
		t.Error(err)
	}
	d := v.delivery()
	d.URL = "https://elsewhere.example.com/hook?name=a%3Ab%40c"
	refused(t, v, v.secret, d, Mismatch)
}

func TestASecretThatCannotBeOneIsToldSo(t *testing.T) {
	for _, c := range []struct{ scheme, secret, says string }{
		{"stripe", "", "Enter"}, {"stripe", " whsec_x", "spaces"}, {"stripe", "sk_live_51xyz", "API keys"}, {"stripe", strings.Repeat("x", 5000), "longer"},
		{"standard-webhooks", "not base64!", "whsec_"}, {"standard-webhooks", "whsec_", "whsec_"},
		{"sendgrid", "SG.abcdef", "ECDSA"}, {"basic", "password", "colon"}, {"authorization", "Bearer abc", "Bearer"},
	} {
		if err := SchemeNamed(c.scheme).CheckSecret(c.secret); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s, %.20q: %v", c.scheme, c.secret, err)
		}
	}
}

func TestSchemesTellWhereTheirSecretIs(t *testing.T) {
	title := ""
	for _, s := range Schemes() {
		if SchemeNamed(s.Name) != s || s.Title < title {
			t.Errorf("%s: not found, or not in order", s.Name)
		}
		title = s.Title
		if !strings.HasSuffix(s.SecretHint, ".") || !strings.HasSuffix(s.SecretWhere, ".") || !strings.HasPrefix(s.Docs, "https://") || s.Header == "" {
			t.Errorf("%s: not all is said", s.Name)
		}
	}
	if SchemeNamed("none") != nil {
		t.Error("any name is a scheme")
	}
}
