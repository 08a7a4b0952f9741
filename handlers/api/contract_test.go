package api_test

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/go-cmp/cmp"

	"latchkey/handlers/api"
	"latchkey/internal/access"
	"latchkey/internal/apptest"
)

var parameter = regexp.MustCompile(`:([A-Za-z]+)`)

// line is what the table and the contract must agree on.
func line(method, path, operation, needs string, query []string) string {
	slices.Sort(query)
	return method + " " + path + " " + operation + " " + needs + " " + strings.Join(query, ",")
}

func TestTheTableOfRoutesAndTheContractAgree(t *testing.T) {
	var table, contract []string
	for _, r := range api.Routes() {
		needs := string(r.Scope)
		switch {
		case r.Public:
			needs = "public"
		case r.Any:
			needs = "any"
		}
		table = append(table, line(r.Method, parameter.ReplaceAllString(r.Path, "{$1}"), r.Operation, needs, slices.Clone(r.Query)))
	}
	for path, item := range apptest.LoadContract(t).Doc.Paths.Map() {
		for method, op := range item.Operations() {
			contract = append(contract, line(method, path, op.OperationID, needsOf(t, op), queryOf(op)))
		}
	}
	slices.Sort(table)
	slices.Sort(contract)
	if diff := cmp.Diff(contract, table); diff != "" {
		t.Errorf("openapi.yaml (-) and Routes (+) differ:\n%s", diff)
	}
}

func needsOf(t *testing.T, op *openapi3.Operation) string {
	t.Helper()
	if op.Security == nil {
		t.Fatalf("%s does not say which key it needs", op.OperationID)
	}
	if len(*op.Security) == 0 {
		return "public"
	}
	scopes := (*op.Security)[0]["bearer"]
	if len(scopes) == 0 {
		return "any"
	}
	return strings.Join(scopes, " ")
}

func queryOf(op *openapi3.Operation) []string {
	var names []string
	for _, p := range op.Parameters {
		if p.Value.In == openapi3.ParameterInQuery {
			names = append(names, p.Value.Name)
		}
	}
	return names
}

func TestEveryScopeOfTheContractExists(t *testing.T) {
	for path, item := range apptest.LoadContract(t).Doc.Paths.Map() {
		for method, op := range item.Operations() {
			for _, needed := range *op.Security {
				for _, scope := range needed["bearer"] {
					if _, known := access.Scope(scope).Info(); !known {
						t.Errorf("%s %s needs %q, which does not exist", method, path, scope)
					}
				}
			}
		}
	}
}

func TestTheContractExplainsItself(t *testing.T) {
	doc := apptest.LoadContract(t).Doc
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			name := method + " " + path
			if op.Summary == "" || op.Description == "" || len(op.Tags) != 1 {
				t.Errorf("%s lacks a summary, a description or its tag", name)
			}
			for status, r := range op.Responses.Map() {
				for kind, content := range r.Value.Content {
					if content.Example == nil {
						t.Errorf("%s: the answer %s %s has no example", name, status, kind)
					}
				}
			}
			for _, p := range op.Parameters {
				if p.Value.Description == "" {
					t.Errorf("%s: the parameter %s has no description", name, p.Value.Name)
				}
			}
		}
	}
}

// TestTheContractRefusesWhatItDoesNotSay holds the validator itself: were it lenient, the other tests
// would prove nothing.
func TestTheContractRefusesWhatItDoesNotSay(t *testing.T) {
	c := apptest.LoadContract(t)
	good := http.Header{
		"Content-Type": {"application/json"}, "X-Request-Id": {"r"}, "Cache-Control": {"no-store"},
		"X-Ratelimit-Limit": {"600"}, "X-Ratelimit-Remaining": {"599"}, "X-Ratelimit-Reset": {"1"},
		"Ratelimit-Policy": {`"default";q=600;w=60`}, "Ratelimit": {`"default";r=599;t=60`},
	}
	const body = `{"id":"0198f2a4-7c11-7d3e-9f00-2f6d3c1b5a01","name":"Acme","plan":"team","members_count":1,"created_at":"2026-01-05T08:00:00.000Z"}`
	check := func(status int, h http.Header, body string) error {
		req, err := http.NewRequest(http.MethodGet, "/v1/workspaces/me", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		return c.Check(req, apptest.Reply{Status: status, Header: h, Body: []byte(body)})
	}
	if err := check(200, good, body); err != nil {
		t.Fatalf("a documented answer: %v", err)
	}
	without := good.Clone()
	without.Del("X-Ratelimit-Remaining")
	for name, err := range map[string]error{
		"an undocumented member": check(200, good, strings.Replace(body, "{", `{"slug":"acme",`, 1)),
		"a missing member":       check(200, good, strings.Replace(body, `"plan":"team",`, "", 1)),
		"another type":           check(200, good, strings.Replace(body, `"members_count":1`, `"members_count":"1"`, 1)),
		"another enum":           check(200, good, strings.Replace(body, `"team"`, `"gold"`, 1)),
		"no id":                  check(200, good, strings.Replace(body, "0198f2a4-", "0198F2A4-", 1)),
		"an undocumented status": check(418, good, body),
		"a missing header":       check(200, without, body),
	} {
		if err == nil {
			t.Errorf("%s passes", name)
		}
	}
}
