package ingest

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"latchkey/internal/payload"
	"latchkey/internal/source"
	"latchkey/models"
)

// Warnings that an accepted item may carry.
const (
	warnNoIdentity       = "no_identity"
	warnInvalidTimestamp = "invalid_timestamp"
	warnFutureTimestamp  = "future_timestamp"
	warnClockSkew        = "clock_skew_corrected"
	warnSanitised        = "sanitised"
	warnTruncated        = "truncated"
	warnInvalidEmail     = "invalid_email"
	warnProperties       = "invalid_properties"
	warnAdapterMismatch  = "adapter_mismatch"
	warnPayloadMismatch  = "payload_mismatch"
)

const (
	maxEvent     = 255  // bytes; event names are indexed
	maxText      = 1000 // bytes of other columns
	maxMessageID = 512
)

// item is a parsed signal on its way to the writer.
type item struct {
	signal   models.Signal
	warnings []string
	digest   *digest // dedup; nil without a message id
	payload  digest  // of the raw bytes, set with digest
	result   *ItemResult
	line     *models.GatewayRequest // the request, when the signal's row holds it too
}

type digest = [sha256.Size]byte

func (it *item) warn(code string) {
	for _, known := range it.warnings {
		if known == code {
			return
		}
	}
	it.warnings = append(it.warnings, code)
}

// context is what the items of one request share.
type itemContext struct {
	source     string
	receivedAt time.Time
	id         string // of a single item that has its request's; empty: each gets its own
	messageID  string // from a header; of a single item only
	derive     string // Idempotency-Key of several items: gives those without an id one
	limit      int64
	envelope   payload.Object // members beside the list that the item came in
	checked    bool           // the items come out of a body that is known to be valid JSON
	header     http.Header
	vendor     *source.Vendor // whose format the source names; nil for any other
}

// lenient tells that a vendor's own payload is read: nothing is refused for its shape.
func (c *itemContext) lenient() bool { return c.source != "" }

// check makes sure that raw is a JSON object within the limits, and returns it without what may
// stand around it.
func (c *itemContext) check(raw []byte) ([]byte, *ItemError) {
	text := trimmed(raw)
	switch {
	case int64(len(text)) > c.limit:
		return nil, &ItemError{Code: "item_too_large", Message: fmt.Sprintf("This item is larger than %d bytes.", c.limit)}
	case depth(text) > maxDepth:
		return nil, &ItemError{Code: "too_deep", Message: fmt.Sprintf("This item is nested more than %d levels deep.", maxDepth)}
	case !c.checked && !json.Valid(text):
		return nil, &ItemError{Code: "invalid_json", Message: "This item is not valid JSON."}
	case text[0] != '{':
		return nil, &ItemError{Code: "invalid_item", Message: "An item must be a JSON object."}
	}
	return text, nil
}

// parse applies the item rules to raw, whose bytes are kept as they are. index names the item.
func (c *itemContext) parse(raw []byte, index int) (*item, *ItemError) {
	text, refused := c.check(raw)
	if refused != nil {
		return nil, refused
	}
	top, err := payload.Members(text)
	if err != nil {
		return nil, &ItemError{Code: "invalid_json", Message: "This item could not be read: " + err.Error()}
	}
	it := &item{signal: models.Signal{ID: c.id, Source: c.source, Raw: raw, ReceivedAt: models.At(c.receivedAt)}}
	id, refused := c.normalise(it, top, text)
	if refused != nil {
		return nil, refused
	}
	if unstorable(text) {
		it.warn(warnSanitised)
	}
	c.setMessageID(it, id, index)
	return it, nil
}

// normalise fills the signal's columns and returns the message id that the payload itself has: by
// the vendor's adapter where the source has one and the payload its shape, else by the item rules.
func (c *itemContext) normalise(it *item, top payload.Object, text []byte) (id string, refused *ItemError) {
	if c.vendor != nil {
		in := source.Input{Header: c.header, Top: top, Envelope: c.envelope, Raw: text}
		if found, ok := c.vendor.Normalise(in); ok {
			c.adopt(it, top, found)
			return found.MessageID, nil
		}
	}
	if refused := c.fill(it, top); refused != nil {
		return "", refused
	}
	kind, _ := top["type"].Text()
	it.signal.Kind = source.KindOf(it.signal.Event, kind)
	return top.FirstID("messageId", "message_id", "uuid", "$insert_id", "event_id"), nil
}

// adopt takes over what an adapter found. What it did not find is not looked for elsewhere: it knows
// where its vendor puts things.
func (c *itemContext) adopt(it *item, top payload.Object, found source.Event) {
	s := &it.signal
	s.Event, s.Kind = it.keep(strings.TrimSpace(found.Event), maxEvent), found.Kind
	if email, ok := payload.Address(found.Email); ok {
		s.Email = email
	} else if strings.TrimSpace(found.Email) != "" {
		it.warn(warnInvalidEmail)
	}
	s.UserID, s.AnonymousID, s.GroupID = it.keep(found.UserID, maxText), it.keep(found.AnonymousID, maxText), it.keep(found.GroupID, maxText)
	it.needIdentity()
	c.setTimeFrom(it, top, found.Time)
	for _, code := range found.Warnings {
		it.warn(code)
	}
}

func (it *item) needIdentity() {
	s := &it.signal
	if s.Email == "" && s.UserID == "" && s.AnonymousID == "" && s.GroupID == "" {
		it.warn(warnNoIdentity)
	}
}

func (c *itemContext) fill(it *item, top payload.Object) *ItemError {
	event, err := c.event(it, top)
	if err != nil {
		return err
	}
	it.signal.Event = event
	if p, ok := top["properties"]; ok && !p.IsObject() && !p.IsNull() {
		if !c.lenient() {
			return &ItemError{Code: "invalid_properties", Message: "properties must be a JSON object.", Field: "properties"}
		}
		it.warn(warnProperties)
	}
	if err := c.identity(it, top); err != nil {
		return err
	}
	c.setTime(it, top)
	return nil
}

var eventNames = []string{"event", "event_name", "eventName"}

// event finds the name. A vendor's payload without one goes by its type, else by "unknown".
func (c *itemContext) event(it *item, top payload.Object) (string, *ItemError) {
	for _, name := range eventNames {
		value, ok := top[name]
		if !ok || value.IsNull() {
			continue
		}
		text, isText := value.Text()
		text = strings.TrimSpace(text)
		switch {
		case isText && text == "":
			continue
		case isText && len(text) > maxEvent && !c.lenient():
			return "", &ItemError{Code: "invalid_event", Field: name,
				Message: fmt.Sprintf("The event name is %d bytes long; at most %d are kept.", len(text), maxEvent)}
		case isText:
			return it.keep(text, maxEvent), nil
		case !c.lenient():
			return "", &ItemError{Code: "invalid_event", Field: name, Message: name + " must be a string."}
		}
	}
	if !c.lenient() {
		return "", &ItemError{Code: "missing_event", Field: "event", Message: "An item needs the member event: what happened, as a non-empty string."}
	}
	for _, name := range []string{"type", "event_type", "eventType", "topic"} {
		if text, ok := top[name].Text(); ok && strings.TrimSpace(text) != "" {
			return it.keep(strings.TrimSpace(text), maxEvent), nil
		}
	}
	it.warn(warnAdapterMismatch)
	return "unknown", nil
}

// keep makes a text fit for a column of both databases and no longer than most bytes.
func (it *item) keep(text string, most int) string {
	if len(text) <= most && isPlain(text) {
		return text
	}
	clean := strings.ToValidUTF8(strings.ReplaceAll(text, "\x00", "\uFFFD"), "\uFFFD")
	if clean != text {
		it.warn(warnSanitised)
	}
	if len(clean) <= most {
		return clean
	}
	it.warn(warnTruncated)
	for most > 0 && !utf8.RuneStart(clean[most]) {
		most--
	}
	return clean[:most]
}

// setMessageID takes the header's id, else the item's own, else one derived from the header, the
// item's place and its bytes, so that a repeated upload stores nothing twice and a resumed one
// loses nothing.
func (c *itemContext) setMessageID(it *item, own string, index int) {
	id, derived := c.messageID, false
	if id == "" {
		id = own
	}
	if id == "" && c.derive != "" {
		id, derived = fmt.Sprintf("%s#%d", c.derive, index), true
	}
	if id == "" {
		return
	}
	it.payload = sha256.Sum256(trimmed(it.signal.Raw))
	it.digest = new(digest)
	h := sha256.New()
	for _, part := range []string{id, it.signal.Event} {
		fmt.Fprintf(h, "%d:%s", len(part), part)
	}
	if derived {
		h.Write(it.payload[:])
	}
	h.Sum(it.digest[:0])
	it.signal.MessageID = it.keep(id, maxMessageID)
}

// scope binds a dedup digest to where the item goes: workspace, environment and source.
func (it *item) scope(workspaceID, environment string) {
	it.signal.WorkspaceID, it.signal.Environment = workspaceID, environment
	if it.digest == nil {
		return
	}
	h := sha256.New()
	fmt.Fprintf(h, "%s|%s|%d:%s|", workspaceID, environment, len(it.signal.Source), it.signal.Source)
	h.Write(it.digest[:])
	h.Sum(it.digest[:0])
}

// unstorable tells that a parsed copy of the text would hold U+0000, an unpaired surrogate or
// bytes that are no UTF-8: what Postgres refuses and SQLite takes.
func unstorable(text []byte) bool {
	if !utf8.Valid(text) {
		return true
	}
	for rest := text; ; {
		i := bytes.Index(rest, []byte(`\u`))
		if i < 0 {
			return false
		}
		if slashes(rest[:i])%2 == 1 { // an escaped backslash before a plain u
			rest = rest[i+2:]
			continue
		}
		code := hex4(rest[i+2:])
		switch {
		case code == 0, code >= 0xdc00 && code <= 0xdfff:
			return true
		case code >= 0xd800 && code <= 0xdbff:
			next := rest[i+6:]
			if low := hex4(bytes.TrimPrefix(next, []byte(`\u`))); !bytes.HasPrefix(next, []byte(`\u`)) || low < 0xdc00 || low > 0xdfff {
				return true
			}
			rest = next[6:]
			continue
		}
		rest = rest[i+6:]
	}
}

func slashes(before []byte) int {
	n := 0
	for n < len(before) && before[len(before)-1-n] == '\\' {
		n++
	}
	return n
}

// hex4 reads four hexadecimal digits; -1 when they are not there.
func hex4(b []byte) int {
	if len(b) < 4 {
		return -1
	}
	n := 0
	for _, c := range b[:4] {
		switch {
		case c >= '0' && c <= '9':
			n = n<<4 | int(c-'0')
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			n = n<<4 | int(c|0x20-'a'+10)
		default:
			return -1
		}
	}
	return n
}
