package api_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// grammar makes requests from the contract: valid ones, and ones with something wrong.
type grammar struct {
	*rand.Rand
	doc *openapi3.T
	ids []string // of things that there are, here and elsewhere
	own map[string]string
}

// odd are texts that no member or parameter is meant to have.
var odd = []string{
	"", " ", "null", "undefined", "0", "-1", "NaN", "1e309", "99999999999999999999", "true", "[]", "{}", "\x00", "a\x00b", "\u202e", "👩‍🚀", "é", "ＡＢＣ",
	"'; DROP TABLE api_keys; --", "%00", "%", "..", "../../me", "\ufffd", "\xff\xfe", "💥\xf0", "a\tb\nc", `"`, `\`, "<script>", "00000000-0000-0000-0000-000000000000",
	"0198F2A4-7C11-7D3E-9F00-2F6D3C1B5A01", "2026-02-30T00:00:00Z", "0000-01-01T00:00:00Z", "9999-12-31T23:59:59.999999999Z", "10000-01-01T00:00:00Z", "1969-12-31T23:59:59Z", "*", "admin:full",
}

// addresses are what callers may take for the URL of an endpoint. Nobody answers at any of them.
var addresses = []string{
	"http://127.0.0.1:1/", "http://[::1]:1/hook?a=b", "https://127.0.0.1:1", "http://localhost:1/", "http://10.0.0.1/", "http://169.254.169.254/latest", "http://2130706433/",
	"http://[::ffff:127.0.0.1]:1/", "http://0x7f.1/", "http://user:pass@127.0.0.1:1/", "ftp://127.0.0.1/", "http://127.0.0.1:0/", "http://127.0.0.1:1/#top", "//127.0.0.1", "http://",
}

// numbers are those that break things.
var numbers = []string{
	"0", "-0", "-1", "1", "0.1", "1e0", "2147483647", "2147483648", "-2147483649", "9223372036854775807", "9223372036854775808", "1e400", "-1e-400",
	"123456789012345678901234567890", "1.7976931348623157e308",
}

func (g *grammar) one(list []string) string { return list[g.IntN(len(list))] }

// chance is true once in n times.
func (g *grammar) chance(n int) bool { return g.IntN(n) == 0 }

func (g *grammar) text() string {
	if g.chance(40) {
		return strings.Repeat(g.one(odd)+"x", 1+g.IntN(3000))
	}
	return g.one(odd)
}

// request is one call of a random operation.
func (g *grammar) request() *http.Request {
	paths := g.doc.Paths.InMatchingOrder()
	slices.Sort(paths)
	path := g.one(paths)
	item := g.doc.Paths.Value(path)
	methods := []string{}
	for m := range item.Operations() {
		methods = append(methods, m)
	}
	slices.Sort(methods)
	method := g.one(methods)
	op := item.GetOperation(method)
	if g.chance(50) {
		method = g.one([]string{"PUT", "OPTIONS", "HEAD", "DELETE", "PATCH", "POST", "GET"})
	}
	req := httptest.NewRequest(method, "/", strings.NewReader(g.body(op)))
	req.URL = &url.URL{Path: g.one([]string{"/api/v1", "/v1"}) + g.fill(path), RawQuery: g.query(op)}
	if g.chance(100) {
		req.URL.Path += g.one([]string{"/", "/more", "//", "/\x00"})
	}
	req.RequestURI = req.URL.RequestURI()
	g.headers(req, op)
	return req
}

func (g *grammar) fill(path string) string {
	parts := strings.Split(path, "/")
	for i, p := range parts {
		if !strings.HasPrefix(p, "{") {
			continue
		}
		name := strings.Trim(p, "{}")
		switch {
		case name == "id" && !g.chance(12), !g.chance(3):
			parts[i] = g.own[name]
		case g.chance(2):
			parts[i] = g.one(g.ids)
		default:
			parts[i] = g.text()
		}
	}
	return strings.Join(parts, "/")
}

func (g *grammar) query(op *openapi3.Operation) string {
	values := url.Values{}
	for _, p := range op.Parameters {
		if p.Value.In != openapi3.ParameterInQuery || !g.chance(3) {
			continue
		}
		v := g.plain(p.Value.Schema.Value)
		if g.chance(4) {
			v = g.text()
		}
		values.Add(p.Value.Name, v)
		if g.chance(30) {
			values.Add(p.Value.Name, v)
		}
	}
	if g.chance(30) {
		values.Set(g.one([]string{"page", "offset", "LIMIT", "limit[]", "\x00", "workspace_id"}), "1")
	}
	encoded := values.Encode()
	if g.chance(60) {
		encoded += g.one([]string{"&%zz", "&;", "&=", "&&", "%ff=1"})
	}
	return encoded
}

func (g *grammar) plain(s *openapi3.Schema) string {
	v, _ := g.valid(s, 0).(string)
	if s.Type.Is("integer") {
		return fmt.Sprint(g.IntN(120))
	}
	return v
}

func (g *grammar) headers(req *http.Request, op *openapi3.Operation) {
	if op.RequestBody != nil || g.chance(10) {
		req.Header.Set("Content-Type", "application/json")
	}
	if g.chance(30) {
		req.Header.Set("Content-Type", g.one([]string{"text/plain", "application/json; charset=utf-16", "application/xml", "a/b/c", ""}))
	}
	for name, n := range map[string]int{"X-Workspace-Id": 20, "Idempotency-Key": 10, "If-Match": 6, "Content-Encoding": 60} {
		if g.chance(n) {
			req.Header.Set(name, g.one([]string{g.own["id"], `"0"`, `"1"`, `"99999999999999999999"`, "*", `W/"1"`, "gzip", "a", strings.Repeat("k", 300), "\u00e9"}))
		}
	}
}

// body is one that the operation takes, often with something wrong.
func (g *grammar) body(op *openapi3.Operation) string {
	if op.RequestBody == nil {
		return g.one([]string{"", "", "", "", "{}", `{"a":1}`, "null"})
	}
	v := g.valid(op.RequestBody.Value.Content["application/json"].Schema.Value, 0)
	if known := bodies[op.OperationID]; known != "" && g.chance(3) {
		v = map[string]any{}
		if json.Unmarshal([]byte(strings.ReplaceAll(known, "%s", "2027-01-01T00:00:00Z")), &v) != nil {
			panic("no JSON: " + known)
		}
		if o := v.(map[string]any); o["name"] != nil {
			o["name"] = fmt.Sprint("Name ", g.IntN(1<<30))
		}
	}
	for g.chance(2) {
		v = g.mutated(v, 0)
	}
	encoded, err := json.Marshal(v)
	if err != nil {
		return "{"
	}
	text := string(encoded)
	switch {
	case g.chance(40):
		return text[:g.IntN(len(text)+1)]
	case g.chance(40):
		return strings.Repeat("[", 1+g.IntN(20000)) + text
	case g.chance(40):
		return text + g.one([]string{"{}", "\x00", ",", "\xff"})
	case g.chance(40):
		return strings.Replace(text, `"`, `"`+g.one([]string{`\u0000`, `\ud800`, "\xff", `\udc00\ud800`}), 1+g.IntN(3))
	case g.chance(60):
		return "\ufeff" + text
	}
	return text
}

// valid is a value that a schema allows, as far as the schema tells.
func (g *grammar) valid(s *openapi3.Schema, depth int) any {
	switch {
	case s.Const != nil:
		return s.Const
	case len(s.Enum) > 0:
		return s.Enum[g.IntN(len(s.Enum))]
	case len(s.OneOf) > 0:
		return g.valid(s.OneOf[g.IntN(len(s.OneOf))].Value, depth+1)
	case s.Type == nil:
		return g.anything(depth)
	case s.Type.Includes("null") && g.chance(4):
		return nil
	case s.Type.Includes("object"):
		out := map[string]any{}
		for _, name := range propertiesOf(s) {
			if slices.Contains(s.Required, name) || g.chance(3) {
				out[name] = g.valid(s.Properties[name].Value, depth+1)
			}
		}
		return out
	case s.Type.Includes("array"):
		out := []any{}
		for range g.IntN(4) {
			out = append(out, g.valid(s.Items.Value, depth+1))
		}
		return out
	case s.Type.Includes("integer"):
		return json.Number(fmt.Sprint(g.IntN(100000)))
	case s.Type.Includes("boolean"):
		return g.chance(2)
	}
	return g.sensible(s)
}

func (g *grammar) sensible(s *openapi3.Schema) string {
	switch s.Format {
	case "uuid":
		return g.one(g.ids)
	case "uri":
		return g.one(addresses)
	case "date-time":
		return g.one([]string{"2026-01-01T00:00:00Z", "2027-06-01T12:00:00.5+02:00", "2036-01-01T00:00:00Z"})
	}
	return g.one([]string{
		"a", "Name", "org_id", "custom.a", "$.id", "$['a'][0][?(@.b=='c')]", "trim", "divide:0", "10.0.0.0/8", "2001:db8::1", "keys:read", "signals:*", "live", "api_access", "X-Team", "signal.received", "api_key.*", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
		"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", "MDFhMjAxOTAtMjY0ZS03NTRiLWI3ZDQtZjZjODgxNjFlNjZi", g.text(),
	})
}

func propertiesOf(s *openapi3.Schema) []string {
	var names []string
	for name := range s.Properties {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func (g *grammar) anything(depth int) any {
	if depth > 4 {
		return nil
	}
	switch g.IntN(7) {
	case 0:
		return nil
	case 1:
		return json.Number(g.one(numbers))
	case 2:
		return []any{g.anything(depth + 1), g.anything(depth + 1)}
	case 3:
		return map[string]any{g.text(): g.anything(depth + 1), "a": g.anything(depth + 1)}
	case 4:
		return g.chance(2)
	default:
		return g.text()
	}
}

// mutated is a value with one place made another.
func (g *grammar) mutated(v any, depth int) any {
	if g.chance(4) && depth > 0 {
		return g.anything(0)
	}
	switch v := v.(type) {
	case map[string]any:
		names := []string{}
		for name := range v {
			names = append(names, name)
		}
		slices.Sort(names)
		if len(names) == 0 || g.chance(5) {
			v[g.one([]string{"status", "created_by", "workspace_id", "key_hash", "id", "surprise", "__proto__", "Name", "\x00"})] = g.anything(0)
			return v
		}
		name := g.one(names)
		if g.chance(6) {
			delete(v, name)
			return v
		}
		v[name] = g.mutated(v[name], depth+1)
	case []any:
		if len(v) == 0 || g.chance(4) {
			return append(v, g.anything(0))
		}
		i := g.IntN(len(v))
		v[i] = g.mutated(v[i], depth+1)
	default:
		return g.anything(0)
	}
	return v
}
