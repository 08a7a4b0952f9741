package console

import (
	"encoding/json"
	"go/parser"
	"go/token"
	"strings"
	"testing"
)

func TestSamplesCarryTheKeyWhereTheySay(t *testing.T) {
	const url, key, secret = "https://keys.example/api/signal-staging/webhook", "sk_live_a2f9_secret", "lks_shared"
	for _, tab := range keyInHeader(url, key, secret).tabs() {
		if strings.Contains(tab.Code, url+"/") || !strings.Contains(tab.Code, "Bearer "+key) || !strings.Contains(tab.Code, secret) {
			t.Errorf("%s: %s", tab.Label, tab.Code)
		}
	}
	for _, tab := range keyInURL(url, key, "").tabs() {
		if !strings.Contains(tab.Code, url+"/"+key) || strings.Contains(tab.Code, "Bearer") || strings.Contains(tab.Code, "X-Api-Secret") {
			t.Errorf("%s: %s", tab.Label, tab.Code)
		}
	}
}

func TestTheGoSampleCompilesAndTheBodyIsJSON(t *testing.T) {
	code := keyInURL("https://keys.example/x", "k", "s").golang()
	if _, err := parser.ParseFile(token.NewFileSet(), "sample.go", code, parser.AllErrors); err != nil {
		t.Error(err)
	}
	if !json.Valid([]byte(sampleBody)) {
		t.Error("the body is no JSON")
	}
}
