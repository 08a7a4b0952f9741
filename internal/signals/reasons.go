package signals

import (
	"maps"
	"slices"
)

// A Reason explains to the people of a workspace why a request was refused, and what to do.
type Reason struct {
	Why string
	Fix string
}

// ReasonFor explains an error code of the gateway. ok is false for a code that it does not know.
func ReasonFor(code string) (r Reason, ok bool) {
	r, ok = reasons[code]
	return r, ok
}

// Codes lists every error code, in order.
func Codes() []string { return slices.Sorted(maps.Keys(reasons)) }

// reasons has every code that the gateway answers with, for a request or for one item.
var reasons = map[string]Reason{
	"missing_api_key": {
		"The request carried no key.",
		"Put the key at the end of the URL, or send it as Authorization: Bearer or X-Api-Key.",
	},
	"method_not_allowed": {
		"The request was not a POST.",
		"Send events with POST.",
	},
	"invalid_api_key": {
		"No key of this instance equals the one that was sent. It was mistyped, cut off, or belongs to another system.",
		"Copy the whole key again. If nobody has it any more, create a new key; a key is shown only once.",
	},
	"deactivated_api_key": {
		"The key was deactivated. Deactivating a key is final.",
		"Give the sender another key of this workspace, or stop the sender if it should no longer send.",
	},
	"expired_api_key": {
		"The key's expiry has passed, or the request carried the value that the key had before it was rotated, whose time is over.",
		"Give the sender the key's present value, or a new key. Change a key's expiry before it passes to avoid this.",
	},
	"missing_api_secret": {
		"The key requires its shared secret, and the request had no X-Api-Secret header.",
		"Have the sender add the header X-Api-Secret with the secret that was shown together with the key.",
	},
	"invalid_api_secret": {
		"The X-Api-Secret header does not hold the shared secret of this key.",
		"Check that key and secret belong together. If the secret is lost, create a new key with a new secret.",
	},
	"invalid_source_signature": {
		"The key asks for the vendor's own signature, and the request had none, or one that does not fit its body, its time or the secret stored here.",
		"Compare the signing secret in the vendor's product with the one on the key's page, under Source signature, and enter it there again. A proxy that rewrites bodies breaks signatures too.",
	},
	"ip_not_allowed": {
		"The request came from an address that is not on the key's address list.",
		"If the address below is the sender's, add it, or its network, to the list on the key's page. If every sender shows the same address, a proxy stands between that this server is not told to trust (LATCHKEY_TRUSTED_PROXIES).",
	},
	"ambiguous_key": {
		"The request carried two different keys, so it is not clear which one counts.",
		"Send the key in one place only: in the URL, in Authorization, or in X-Api-Key.",
	},
	"endpoint_type_mismatch": {
		"The key is for another kind of endpoint than the URL it was sent to.",
		"Send to the URL that the key's page shows, or create a key of the type that this URL takes.",
	},
	"invalid_source": {
		"The source in the URL is not a valid name.",
		"Use 1 to 64 lower-case letters, digits, hyphens or underscores, beginning with a letter or digit.",
	},
	"rate_limited": {
		"The key has a limit of requests a minute, and it was reached. Nothing of the request was stored; refused requests do not count against the limit.",
		"The sender should send it again after the time that Retry-After names, or send several items in one request. Raise or remove the limit on the key's page if it is too low.",
	},
	"overloaded": {
		"More was waiting to be written than the server may hold. Nothing of the request was stored.",
		"The sender should send it again after the time that Retry-After names. If this happens often, the database is too slow for the load.",
	},
	"stopping": {
		"The server was stopping while the upload ran. What it had committed stays.",
		"The sender should send the rest again, from the line that resume_from_line of the answer names.",
	},
	"storage_unavailable": {
		"The database did not answer. Nothing of the request was acknowledged.",
		"The sender should send it again after the time that Retry-After names. Check the database if it goes on.",
	},
	"unsupported_encoding": {
		"The body was encoded in a way that is not read here.",
		"Send the body plain, or with Content-Encoding: gzip.",
	},
	"unsupported_content_type": {
		"The Content-Type says that the body is not JSON.",
		"Send JSON with Content-Type: application/json; the bulk URL also takes application/x-ndjson.",
	},
	"payload_too_large": {
		"The body is larger than this URL takes. The limit counts after decompression.",
		"Send fewer items at once, or use the bulk URL.",
	},
	"request_timeout": {
		"The body stopped arriving before it was complete.",
		"The sender should send it again. If it happens often, look at the network or the proxy between.",
	},
	"incomplete_body": {
		"The connection ended before the body did.",
		"The sender should send it again.",
	},
	"invalid_gzip": {
		"The body was announced as gzip or began like it, but could not be decompressed.",
		"Check that the body is compressed once and sent whole, or send it plain.",
	},
	"empty_body": {
		"The body is empty.",
		"Send a JSON object, for example {\"event\":\"form_submitted\",\"email\":\"ada@example.com\"}.",
	},
	"invalid_json": {
		"The body is not valid JSON. The answer named the line and column where it breaks.",
		"Look at that place in the payload below: quotes, commas and brackets are the usual suspects. Let a JSON library write the body.",
	},
	"invalid_body": {
		"The body is JSON, but not an object, a list of objects, or an object with the list batch or events.",
		"Send one object, a list of objects, or {\"batch\": [...]}.",
	},
	"empty_batch": {
		"The list holds no items.",
		"Send at least one item, or do not send when there is nothing to send.",
	},
	"too_many_items": {
		"The list holds more items than one request may carry.",
		"Send several requests, or use the bulk URL, which takes any number.",
	},
	"invalid_idempotency_key": {
		"The Idempotency-Key header is too long.",
		"Use an id of at most 255 characters, such as a UUID.",
	},
	"invalid_parameter": {
		"A parameter of the URL has a value that is not understood.",
		"The answer names the parameter: atomic and results, or from_line of a bulk upload.",
	},
	"invalid_item": {
		"The item is not a JSON object.",
		"Each item must be an object with at least the member event.",
	},
	"missing_event": {
		"The item does not say what happened.",
		"Add the member event with a non-empty string, for example \"event\": \"form_submitted\".",
	},
	"invalid_event": {
		"The event is not a string, or is longer than 255 bytes.",
		"Send the event's name as a short string and put details into properties.",
	},
	"invalid_email": {
		"The email of the item is not an address.",
		"Send a whole address like ada@example.com, or leave the member email out.",
	},
	"invalid_properties": {
		"The member properties is not an object.",
		"Send properties as a JSON object, or leave it out.",
	},
	"mapping_failed": {
		"The key's payload template found no value for a field that it requires, or one of another type. The payload is kept.",
		"Correct the template on the key's page; then replay what waits. Nothing has to be sent again.",
	},
	"too_deep": {
		"The item is nested more than 100 levels deep.",
		"Flatten the data before sending it.",
	},
	"item_too_large": {
		"One item is larger than an item may be.",
		"Send less with each item, for example a link in place of a document.",
	},
	"atomic_rejected": {
		"An item was refused, and the request asked for all or nothing with ?atomic=true. Nothing was stored.",
		"Correct the refused items listed below and send the whole request again.",
	},
	"items_rejected": {
		"Some items were refused; the others were stored.",
		"Correct the items listed below and send only those again.",
	},
}

// WarningText explains a warning that an accepted item carries.
func WarningText(code string) string {
	if text, ok := warnings[code]; ok {
		return text
	}
	return code
}

var warnings = map[string]string{
	"no_identity":          "The item names nobody: it has no email, user, anonymous or group id. It is stored, but cannot be told to belong to anyone.",
	"invalid_timestamp":    "The item's time could not be read. The time it was received stands in its place.",
	"future_timestamp":     "The item's time lies in the future. The time it was received stands in its place.",
	"clock_skew_corrected": "The sender's clock was more than 5 minutes off, by its own sentAt. The item's time was corrected by the difference.",
	"sanitised":            "The item holds characters that cannot be stored as text. The raw bytes are kept as sent; the parsed view shows \uFFFD in their place.",
	"truncated":            "A value was longer than its column and was cut there. The raw bytes are whole.",
	"invalid_email":        "What stands where an email is expected is no address, so it was left out.",
	"invalid_properties":   "The member properties is not an object. The raw bytes are kept as sent.",
	"adapter_mismatch":     "The payload does not look like one of this source. It was stored under the event \"unknown\".",
	"waiting_for_template": "The key has no payload template yet. The payload is kept, and waits for the first one.",
	"partly_mapped":        "Some values did not fit their fields and were left out; the problems say which.",
	"too_many_fields":      "The organisation has as many fields as one may have, so new ones were left out.",
	"payload_mismatch":     "The same message id came before with other bytes. The first one is kept.",
}
