package apptest

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
)

// Reply is what a program gets from the product.
type Reply struct {
	Status int
	Header http.Header
	Body   []byte
}

// JSON decodes the body, or fails the test.
func (a Reply) JSON(t *testing.T) map[string]any {
	t.Helper()
	var v map[string]any
	dec := json.NewDecoder(bytes.NewReader(a.Body))
	dec.UseNumber()
	if err := dec.Decode(&v); err != nil {
		t.Fatalf("answer %d is not JSON: %v\n%s", a.Status, err, a.Body)
	}
	return v
}

// Code is the error code of the answer, or "".
func (a Reply) Code(t *testing.T) string {
	t.Helper()
	if e, ok := a.JSON(t)["error"].(map[string]any); ok {
		code, _ := e["code"].(string)
		return code
	}
	return ""
}

// Post sends a body to a path with headers given as pairs. Content-Type is JSON unless given.
func (a *App) Post(t *testing.T, path, body string, headers ...string) Reply {
	t.Helper()
	return a.Send(t, http.MethodPost, path, strings.NewReader(body), headers...)
}

// Send sends any request.
func (a *App) Send(t *testing.T, method, path string, body io.Reader, headers ...string) Reply {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, a.URL+path, body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(headers); i += 2 {
		if headers[i+1] == "" {
			req.Header.Del(headers[i])
			continue
		}
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := a.Server.Client().Do(req)
	if err != nil {
		t.Fatalf("%s: %v", method, err)
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return Reply{res.StatusCode, res.Header, text}
}
