package client_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"latchkey/client"
)

func TestARefusalIsAProblem(t *testing.T) {
	f := newFar(t, say(422, `{"title":"Unprocessable Entity","status":422,"detail":"Some fields are wrong.","code":"validation_failed","request_id":"r-7",
		"errors":[{"field":"name","message":"Give the key a name."}]}`, "Content-Type", "application/problem+json"))
	_, err := f.client(t).CreateKey(t.Context(), client.CreateKey{})
	var p *client.Problem
	if !errors.As(fmt.Errorf("deploy: %w", err), &p) {
		t.Fatal(err)
	}
	if p.Status != 422 || p.Code != client.CodeValidationFailed || p.RequestID != "r-7" || p.Field("name") != "Give the key a name." || p.Field("x") != "" {
		t.Errorf("%+v", p)
	}
	for _, want := range []string{"Some fields are wrong.", "name: Give the key a name.", "r-7"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not say %q", err, want)
		}
	}
}

func TestAMissingScopeIsNamed(t *testing.T) {
	f := newFar(t, refuse(403, client.CodeInsufficientScope, "WWW-Authenticate", `Bearer realm="latchkey", error="insufficient_scope", scope="keys:write"`))
	_, err := f.client(t).CreateKey(t.Context(), client.CreateKey{})
	var p *client.Problem
	if !errors.As(err, &p) || p.Scope != "keys:write" || !strings.Contains(err.Error(), "keys:write") {
		t.Errorf("%v", err)
	}
}

func TestAnswersOfSomethingElseAreToldByStatus(t *testing.T) {
	f := newFar(t, say(404, "<html>nginx</html>", "Content-Type", "text/html", "X-Request-Id", "r-9"))
	_, err := f.client(t).Key(t.Context(), "k")
	var p *client.Problem
	if !errors.As(err, &p) || p.Status != 404 || p.Code != "" || p.RequestID != "r-9" || !strings.Contains(err.Error(), "404 Not Found") {
		t.Errorf("%v", err)
	}
}
