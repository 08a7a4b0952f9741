// Package outbox writes what other systems are told: a message in the transaction of what it tells,
// and one delivery of it for each endpoint that wants it. It decides who gets what; sending is
// internal/dispatch's.
package outbox

// Type names what a message tells.
type Type string

// The types of messages.
const (
	SignalReceived   Type = "signal.received"
	OrgUpdated       Type = "product_org.updated"
	KeyCreated       Type = "api_key.created"
	KeyRotated       Type = "api_key.rotated"
	KeyExpiring      Type = "api_key.expiring"
	KeyExpired       Type = "api_key.expired"
	KeyDeactivated   Type = "api_key.deactivated"
	IngestRejected   Type = "ingest.rejected"
	EndpointFailing  Type = "endpoint.failing"
	EndpointDisabled Type = "endpoint.disabled"
	Test             Type = "webhook.test"
)

// TypeInfo describes a type to people.
type TypeInfo struct {
	Type   Type
	Text   string // one sentence
	Sample []byte // a whole body, as it is sent
}

// Types are all types, in the order in which they are shown.
var Types = []TypeInfo{
	{SignalReceived, "A signal was accepted; the payload is what its sender sent.", sampleSignal()},
	{OrgUpdated, "An update changed what is known of a product organisation.", sampleOrg()},
	{KeyCreated, "An API key was created.", sampleKey(KeyCreated)},
	{KeyRotated, "An API key got a new value; the one before it ends at the time given.", sampleKey(KeyRotated)},
	{KeyExpiring, "An API key expires soon.", sampleKey(KeyExpiring)},
	{KeyExpired, "An API key has expired.", sampleKey(KeyExpired)},
	{KeyDeactivated, "An API key was deactivated.", sampleKey(KeyDeactivated)},
	{IngestRejected, "A request with a known key was refused, or some of its items were.", sampleRejected()},
	{EndpointFailing, "An endpoint has had no success for a while and will be disabled at the time given.", sampleEndpoint(EndpointFailing)},
	{EndpointDisabled, "An endpoint was disabled; what it would get is kept as skipped.", sampleEndpoint(EndpointDisabled)},
	{Test, "A test that a person sent to one endpoint.", sampleTest()},
}

// Info finds what is known of a type.
func (t Type) Info() (TypeInfo, bool) {
	for _, info := range Types {
		if info.Type == t {
			return info, true
		}
	}
	return TypeInfo{}, false
}
