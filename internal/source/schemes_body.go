package source

import (
	"crypto/sha1"
	"crypto/sha256"
)

// Schemes that sign the body alone. They cannot tell an old request that is sent again; the message
// id does.

var schemeGitHub = Scheme{
	Name: "github", Title: "GitHub", Header: "X-Hub-Signature-256",
	SecretHint:  "The text that you chose as the webhook's secret.",
	SecretWhere: "In GitHub: Settings, Webhooks, the webhook, Secret.",
	Docs:        "https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries",
	verify:      body("X-Hub-Signature-256", "sha256=", "sha256=<hex>", sha256.New, fromHex),
}

var schemeShopify = Scheme{
	Name: "shopify", Title: "Shopify", Header: "X-Shopify-Hmac-Sha256",
	SecretHint:  "The app's client secret, or the key that Shopify shows below the shop's webhooks.",
	SecretWhere: "In Shopify: the app's API credentials; or Settings, Notifications, Webhooks, at the end of the page.",
	Docs:        "https://shopify.dev/docs/apps/build/webhooks/subscribe/https",
	verify:      body("X-Shopify-Hmac-Sha256", "", "<base64>", sha256.New, fromBase64),
}

var schemeTypeform = Scheme{
	Name: "typeform", Title: "Typeform", Header: "Typeform-Signature",
	SecretHint:  "The text that you chose as the webhook's secret.",
	SecretWhere: "In Typeform: Connect, Webhooks, the webhook, Edit, Secret.",
	Docs:        "https://www.typeform.com/developers/webhooks/secure-your-webhooks/",
	verify:      body("Typeform-Signature", "sha256=", "sha256=<base64>", sha256.New, fromBase64),
}

var schemeSegment = Scheme{
	Name: "segment", Title: "Segment", Header: "X-Signature",
	SecretHint:  "The destination's shared secret.",
	SecretWhere: "In Segment: the Webhooks destination, Settings, Shared secret.",
	Docs:        "https://segment.com/docs/connections/destinations/catalog/webhooks/#authentication",
	verify:      body("X-Signature", "", "<hex>", sha1.New, fromHex),
}

var schemeIntercom = Scheme{
	Name: "intercom", Title: "Intercom", Header: "X-Hub-Signature",
	SecretHint:  "The app's client secret.",
	SecretWhere: "In Intercom's Developer Hub: the app, Configure, Basic information, Client secret.",
	Docs:        "https://developers.intercom.com/docs/webhooks/setting-up-webhooks#signed-notifications",
	verify:      body("X-Hub-Signature", "sha1=", "sha1=<hex>", sha1.New, fromHex),
}

var schemeLaunchDarkly = Scheme{
	Name: "launchdarkly", Title: "LaunchDarkly", Header: "X-LD-Signature",
	SecretHint:  "The webhook's secret.",
	SecretWhere: "In LaunchDarkly: Settings, Integrations, Webhooks, the webhook, Sign this webhook.",
	Docs:        "https://launchdarkly.com/docs/api/webhooks",
	verify:      body("X-LD-Signature", "", "<hex>", sha256.New, fromHex),
}
