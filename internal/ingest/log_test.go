package ingest

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestHeadersAreKeptAsJSONWithoutSecrets(t *testing.T) {
	encoded := maskedHeaders(http.Header{
		"Content-Type":  {"application/json"},
		"Authorization": {"Bearer something"},
		"X-Quoted":      {`a "quoted" \ back`, "second"},
		"X-Control":     {"a\tb\x00c"},
		"X-Bytes":       {"caf\xe9"},
	})
	var got map[string]string
	if err := json.Unmarshal(encoded, &got); err != nil {
		t.Fatalf("%v: %s", err, encoded)
	}
	want := map[string]string{
		"Content-Type": "application/json", "Authorization": "••••", "X-Quoted": `a "quoted" \ back, second`, "X-Control": "a b c", "X-Bytes": "caf\uFFFD",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if maskedHeaders(http.Header{}) != nil {
		t.Error("no headers are something")
	}
}
