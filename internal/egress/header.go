package egress

import (
	"fmt"
	"net/http"
	"strings"

	"golang.org/x/net/http/httpguts"

	"latchkey/internal/fault"
)

// Header is one custom header of an endpoint.
type Header struct{ Name, Value string }

const (
	maxHeaders     = 20
	maxHeaderName  = 100
	maxHeaderBytes = 8 << 10
)

// ours are the names that an endpoint cannot set: what we sign and say ourselves, and what belongs
// to the connection. A request with two of them would be read one way by a proxy and another way by
// the receiver.
var ours = map[string]bool{
	"Host": true, "User-Agent": true, "Connection": true, "Keep-Alive": true, "Te": true, "Trailer": true,
	"Transfer-Encoding": true, "Upgrade": true, "Expect": true, "Accept-Encoding": true, "Http2-Settings": true, "Date": true,
}

var oursBegin = []string{"Webhook-", "Content-", "Proxy-"}

// known is the form in which names are compared. CGI, WSGI and PHP turn everything but letters and
// digits into the same character, so webhook_id would meet webhook-id there.
func known(name string) string {
	return http.CanonicalHeaderKey(strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, name))
}

func reserved(name string) bool {
	name = known(name)
	if ours[name] {
		return true
	}
	for _, prefix := range oursBegin {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

// CheckHeaders judges custom headers: names as RFC 9110 wants them, values of one line, none of ours.
// The fault names the header, never its value.
func CheckHeaders(headers []Header) error {
	fields := fault.Fields{}
	if len(headers) > maxHeaders {
		fields.Add("headers", fmt.Sprintf("At most %d headers; these are %d.", maxHeaders, len(headers)))
	}
	seen, size := map[string]bool{}, 0
	for i, h := range headers {
		if problem := h.problem(); problem != "" {
			fields.Add("headers", fmt.Sprintf("Header %d %s", i+1, problem))
			continue
		}
		name := known(h.Name)
		if seen[name] {
			fields.Add("headers", fmt.Sprintf("Header %d: %s is there twice.", i+1, name))
		}
		seen[name], size = true, size+len(h.Name)+len(h.Value)
	}
	if size > maxHeaderBytes {
		fields.Add("headers", fmt.Sprintf("All names and values together may have %d bytes; these have %d.", maxHeaderBytes, size))
	}
	return fields.Err()
}

func (h Header) problem() string {
	switch {
	case h.Name == "":
		return "has no name."
	case len(h.Name) > maxHeaderName:
		return fmt.Sprintf("has a name of more than %d characters.", maxHeaderName)
	case !httpguts.ValidHeaderFieldName(h.Name):
		return "has a name that is none: use letters, digits and - _ . only."
	case reserved(h.Name):
		return fmt.Sprintf("(%s) is set by Latchkey or belongs to the connection; choose another name.", http.CanonicalHeaderKey(h.Name))
	case h.Value == "":
		return fmt.Sprintf("(%s) has no value.", http.CanonicalHeaderKey(h.Name))
	case h.Value != strings.TrimSpace(h.Value):
		return fmt.Sprintf("(%s) has a value that begins or ends with a space.", http.CanonicalHeaderKey(h.Name))
	}
	for _, r := range h.Value {
		if r < ' ' || r > '~' {
			return fmt.Sprintf("(%s) has a value with a character that a header cannot carry: use one line of printable ASCII.", http.CanonicalHeaderKey(h.Name))
		}
	}
	return ""
}

// sendable tells whether all headers can be written without becoming two; CheckHeaders asked for
// more when they were saved.
func sendable(header http.Header) bool {
	for name, values := range header {
		if !httpguts.ValidHeaderFieldName(name) {
			return false
		}
		for _, value := range values {
			if !httpguts.ValidHeaderFieldValue(value) {
				return false
			}
		}
	}
	return true
}
