package source

import (
	"crypto/sha256"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Schemes whose signature covers a time.

var schemeStripe = Scheme{
	Name: "stripe", Title: "Stripe", Header: "Stripe-Signature",
	SecretHint:  "The endpoint's signing secret; it begins with whsec_.",
	SecretWhere: "In Stripe: Developers, Webhooks, the endpoint, Signing secret.",
	Docs:        "https://docs.stripe.com/webhooks/signature",
	check: func(secret string) error {
		for _, prefix := range []string{"sk_", "pk_", "rk_"} {
			if strings.HasPrefix(secret, prefix) {
				return sentence("This is one of Stripe's API keys. Enter the endpoint's signing secret, which begins with whsec_.")
			}
		}
		return nil
	},
	verify: timed("Stripe-Signature", ",", "t", "v1", ".", "t=<time>,v1=<hex>", sha256.New),
}

var schemeCalendly = Scheme{
	Name: "calendly", Title: "Calendly", Header: "Calendly-Webhook-Signature",
	SecretHint:  "The signing key of the webhook subscription.",
	SecretWhere: "It is what you sent as signing_key when you created the subscription through Calendly's API.",
	Docs:        "https://developer.calendly.com/api-docs/overview/webhooks/webhook-signatures",
	verify:      timed("Calendly-Webhook-Signature", ",", "t", "v1", ".", "t=<time>,v1=<hex>", sha256.New),
}

var schemePaddle = Scheme{
	Name: "paddle", Title: "Paddle", Header: "Paddle-Signature",
	SecretHint:  "The notification destination's secret key; it begins with pdl_ntfset_.",
	SecretWhere: "In Paddle: Developer tools, Notifications, the destination, Edit, Secret key.",
	Docs:        "https://developer.paddle.com/webhooks/signature-verification",
	verify:      timed("Paddle-Signature", ";", "ts", "h1", ":", "ts=<time>;h1=<hex>", sha256.New),
}

var schemeCustomerIO = Scheme{
	Name: "customerio", Title: "Customer.io", Header: "X-CIO-Signature",
	SecretHint:  "The reporting webhook's signing key.",
	SecretWhere: "In Customer.io: Data & Integrations, Integrations, Reporting Webhooks, the webhook, Signing key.",
	Docs:        "https://docs.customer.io/journeys/webhooks/",
	verify: func(secret string, d Delivery) error {
		value, err := d.header("X-CIO-Signature")
		if err != nil {
			return err
		}
		stamp, err := d.header("X-CIO-Timestamp")
		if err != nil {
			return err
		}
		given, ok := fromHex(value)
		if !ok {
			return malformed("X-CIO-Signature", "<hex>")
		}
		at, ok := seconds(stamp)
		if !ok {
			return malformed("X-CIO-Timestamp", "<time>")
		}
		want := mac(sha256.New, []byte(secret), []byte("v0:"), []byte(stamp), []byte(":"), d.Body)
		if err := compare("X-CIO-Signature", want, given); err != nil {
			return err
		}
		return fresh(d, at, tolerance)
	},
}

var schemeHubSpot = Scheme{
	Name: "hubspot", Title: "HubSpot (v3)", Header: "X-HubSpot-Signature-v3",
	SecretHint:  "The app's client secret.",
	SecretWhere: "In HubSpot: Development, the app, Auth, Client secret.",
	Docs:        "https://developers.hubspot.com/docs/apps/developer-platform/build-apps/authentication/request-validation",
	verify:      verifyHubSpot,
}

func verifyHubSpot(secret string, d Delivery) error {
	value, err := d.header("X-HubSpot-Signature-v3")
	if err != nil {
		return err
	}
	stamp, err := d.header("X-HubSpot-Request-Timestamp")
	if err != nil {
		return err
	}
	given, ok := fromBase64(value)
	if !ok {
		return malformed("X-HubSpot-Signature-v3", "<base64>")
	}
	n, parseErr := strconv.ParseInt(stamp, 10, 64)
	if parseErr != nil || n < 0 || n > 1<<50 {
		return malformed("X-HubSpot-Request-Timestamp", "<time in milliseconds>")
	}
	// HubSpot signs the URL with some of its escapes undone. The plain URL is the same for all
	// that have none.
	key := []byte(secret)
	want := mac(sha256.New, key, []byte(d.Method), []byte(d.URL), d.Body, []byte(stamp))
	decoded := mac(sha256.New, key, []byte(d.Method), []byte(unescaped(d.URL)), d.Body, []byte(stamp))
	if compare("X-HubSpot-Signature-v3", want, given) != nil {
		if err := compare("X-HubSpot-Signature-v3", decoded, given); err != nil {
			return err
		}
	}
	return fresh(d, time.UnixMilli(n), tolerance)
}

func unescaped(text string) string {
	plain, err := url.PathUnescape(text)
	if err != nil {
		return text
	}
	return plain
}
