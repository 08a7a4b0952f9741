package apptest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"

	"latchkey/openapi"
)

// Contract is openapi.yaml, to hold answers against.
type Contract struct{ Doc *openapi3.T }

var theContract = sync.OnceValues(func() (*Contract, error) {
	openapi3filter.RegisterBodyDecoder("text/event-stream", openapi3filter.FileBodyDecoder)
	openapi3.DefineStringFormatValidator("uuid", openapi3.NewRegexpFormatValidator(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`))
	doc, err := openapi3.NewLoader().LoadFromData(openapi.Source)
	if err != nil {
		return nil, fmt.Errorf("load openapi.yaml: %w", err)
	}
	if err := doc.Validate(context.Background()); err != nil {
		return nil, fmt.Errorf("openapi.yaml is not valid: %w", err)
	}
	inline(doc)
	return &Contract{doc}, nil
})

// inline puts each schema where it is referred to: the validator of JSON Schema 2020-12 reads one
// schema at a time, and kin-openapi falls back to that of OpenAPI 3.0 when it refers to others.
func inline(doc *openapi3.T) {
	for _, s := range doc.Components.Schemas {
		inlineSchema(s)
	}
	items := slices.AppendSeq(slices.Collect(maps.Values(doc.Paths.Map())), maps.Values(doc.Webhooks))
	for _, item := range items {
		for _, op := range item.Operations() {
			for _, r := range op.Responses.Map() {
				inlineContent(r.Value.Content)
			}
			if op.RequestBody != nil {
				inlineContent(op.RequestBody.Value.Content)
			}
		}
	}
}

func inlineContent(content openapi3.Content) {
	for _, media := range content {
		inlineSchema(media.Schema)
	}
}

func inlineSchema(s *openapi3.SchemaRef) {
	if s == nil {
		return
	}
	s.Ref = ""
	inlineSchema(s.Value.Items)
	inlineSchema(s.Value.AdditionalProperties.Schema)
	for _, p := range s.Value.Properties {
		inlineSchema(p)
	}
	for _, one := range s.Value.OneOf {
		inlineSchema(one)
	}
}

// LoadContract reads and validates the contract, once a test binary.
func LoadContract(t testing.TB) *Contract {
	t.Helper()
	c, err := theContract()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Check tells what of an answer the contract does not allow: its status, headers, content type, or
// a member that is not documented.
func (c *Contract) Check(r *http.Request, reply Reply) error {
	path, below := c.below(r.URL.EscapedPath())
	item, params, there := c.find(path)
	if !below || !there {
		return c.checkProblem(reply, http.StatusNotFound)
	}
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	operation := item.GetOperation(method)
	if operation == nil {
		if reply.Status == http.StatusNotFound && !wellFormed(params) {
			return c.checkProblem(reply, http.StatusNotFound)
		}
		return c.checkProblem(reply, http.StatusMethodNotAllowed)
	}
	if r.Method == http.MethodHead {
		if len(reply.Body) > 0 {
			return errors.New("an answer to HEAD has a body")
		}
		return nil
	}
	if reply.Status == http.StatusNoContent && len(reply.Body) > 0 {
		return errors.New("a 204 has a body")
	}
	return openapi3filter.ValidateResponse(r.Context(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{
			Request: r, PathParams: params, Route: &routers.Route{Spec: c.Doc, Path: path, PathItem: item, Method: method, Operation: operation},
		},
		Status: reply.Status, Header: reply.Header, Body: io.NopCloser(bytes.NewReader(reply.Body)),
		Options: &openapi3filter.Options{IncludeResponseStatus: true, MultiError: true},
	})
}

// CheckMessage tells what of a message to an endpoint the contract does not allow.
func (c *Contract) CheckMessage(eventType string, body []byte) error {
	item, there := c.Doc.Webhooks[eventType]
	if !there {
		return fmt.Errorf("the contract has no message %q", eventType)
	}
	v, err := decodeAny(body)
	if err != nil {
		return err
	}
	return item.Post.RequestBody.Value.Content["application/json"].Schema.Value.VisitJSON(v, openapi3.EnableJSONSchema2020(), openapi3.VisitAsRequest())
}

// wellFormed tells that something stands where ids should be, and nothing more.
func wellFormed(params map[string]string) bool {
	for _, value := range params {
		if value == "" || strings.Contains(value, "/") {
			return false
		}
	}
	return true
}

// checkProblem is for what no operation describes: unknown URLs and methods.
func (c *Contract) checkProblem(reply Reply, status int) error {
	if reply.Status != status {
		return fmt.Errorf("the status is %d for what the contract does not have; it should be %d", reply.Status, status)
	}
	if got := reply.Header.Get("Content-Type"); got != "application/problem+json" && len(reply.Body) > 0 {
		return fmt.Errorf("the content type is %q", got)
	}
	if len(reply.Body) == 0 {
		return nil // to HEAD
	}
	v, err := decodeAny(reply.Body)
	if err != nil {
		return err
	}
	return c.Doc.Components.Schemas["Problem"].Value.VisitJSON(v, openapi3.EnableJSONSchema2020(), openapi3.VisitAsResponse())
}

// below is a path without the base that it stands under.
func (c *Contract) below(path string) (string, bool) {
	for _, server := range c.Doc.Servers {
		if rest, ok := strings.CutPrefix(path, server.URL); ok && strings.HasPrefix(rest, "/") {
			return rest, true
		}
	}
	return "", false
}

// find matches a path: what is spelled out comes before what is a parameter, and a parameter that is
// one part of the path before one that is all the rest.
func (c *Contract) find(path string) (found *openapi3.PathItem, with map[string]string, ok bool) {
	paths := c.Doc.Paths.InMatchingOrder()
	slices.SortStableFunc(paths, func(a, b string) int { return strings.Count(a, "{") - strings.Count(b, "{") })
	for _, template := range paths {
		params, matching := matches(template, path)
		exact := strings.Count(template, "/") == strings.Count(path, "/")
		if matching && (!ok || exact) {
			found, with, ok = c.Doc.Paths.Value(template), params, true
			if exact {
				break
			}
		}
	}
	return found, with, ok
}

// matches reads a path as the router does: a parameter at the end takes all the rest, slashes too,
// which then is no id.
func matches(template, path string) (map[string]string, bool) {
	want := strings.Split(template, "/")
	got := strings.SplitN(path, "/", len(want))
	if len(want) != len(got) {
		return nil, false
	}
	params := map[string]string{}
	for i, w := range want {
		last := i == len(want)-1
		switch {
		case strings.HasPrefix(w, "{"):
			params[strings.Trim(w, "{}")] = got[i]
		case w != got[i] || last && strings.Contains(got[i], "/"):
			return nil, false
		}
	}
	return params, true
}
