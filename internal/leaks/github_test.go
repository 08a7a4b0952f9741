package leaks_test

import (
	"path/filepath"
	"strings"
	"testing"

	"latchkey/internal/apptest"
	"latchkey/internal/fault"
	"latchkey/internal/leaks"
)

// Both samples are GitHub's own, with their keys: "Secret scanning partner program", section
// "Implement signature verification in your secret alert service",
// https://docs.github.com/en/code-security/secret-scanning/secret-scanning-partnership-program/secret-scanning-partner-program
// (the second is of an earlier version of that page, which says that its key is a test key).
const (
	sampleKeys = `{
	  "public_keys": [
	    {
	      "key_identifier": "bcb53661c06b4728e59d897fb6165d5c9cda0fd9cdf9d09ead458168deb7518c",
	      "key": "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEYAGMWO8XgCamYKMJS6jc/qgvSlAd\nAjPuDPRcXU22YxgBrz+zoN19MzuRyW87qEt9/AmtoNP5GrobzUvQSyJFVw==\n-----END PUBLIC KEY-----\n",
	      "is_current": true
	    },
	    {
	      "key_identifier": "f9525bf080f75b3506ca1ead061add62b8633a346606dc5fe544e29231c6ee0d",
	      "key": "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEsz9ugWDj5jK5ELBK42ynytbo38gP\nHzZFI03Exwz8Lh/tCfL3YxwMdLjB+bMznsanlhK0RwcGP3IDb34kQDIo3Q==\n-----END PUBLIC KEY-----",
	      "is_current": false
	    }
	  ]
	}`
	sampleID        = "bcb53661c06b4728e59d897fb6165d5c9cda0fd9cdf9d09ead458168deb7518c"
	sampleSignature = "MEQCIQDaMKqrGnE27S0kgMrEK0eYBmyG0LeZismAEz/BgZyt7AIfXt9fErtRS4XaeSt/AO1RtBY66YcAdjxji410VQV4xg=="
	sampleBody      = `[{"source":"commit","token":"some_token","type":"some_type","url":"https://example.com/base-repo-url/"}]`

	earlierID        = "f9525bf080f75b3506ca1ead061add62b8633a346606dc5fe544e29231c6ee0d"
	earlierSignature = "MEUCIFLZzeK++IhS+y276SRk2Pe5LfDrfvTXu6iwKKcFGCrvAiEAhHN2kDOhy2I6eGkOFmxNkOJ+L2y8oQ9A2T9GGJo6WJY="
	earlierBody      = `[{"token":"some_token","type":"some_type","url":"some_url","source":"some_source"}]`
)

func load(t *testing.T, text string) (*leaks.GitHubKeys, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "github.json")
	apptest.WriteFile(t, path, text)
	return leaks.LoadGitHubKeys(path)
}

func sample(t *testing.T) *leaks.GitHubKeys {
	t.Helper()
	keys, err := load(t, sampleKeys)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func TestGitHubsPublishedSamplesVerify(t *testing.T) {
	keys := sample(t)
	if err := leaks.VerifyGitHub(keys, sampleID, sampleSignature, []byte(sampleBody)); err != nil {
		t.Errorf("today's sample: %v", err)
	}
	if err := leaks.VerifyGitHub(keys, earlierID, earlierSignature, []byte(earlierBody)); err != nil {
		t.Errorf("the earlier sample: %v", err)
	}
}

func TestOneByteChangedDoesNotVerify(t *testing.T) {
	keys := sample(t)
	for i := range len(sampleBody) {
		changed := []byte(sampleBody)
		changed[i] ^= 1
		if err := leaks.VerifyGitHub(keys, sampleID, sampleSignature, changed); !fault.Is(err, fault.Unauthenticated) {
			t.Fatalf("byte %d: %v", i, err)
		}
	}
	for name, c := range map[string]struct{ id, signature, body string }{
		"a byte more":        {sampleID, sampleSignature, sampleBody + "\n"},
		"empty body":         {sampleID, sampleSignature, ""},
		"other signature":    {sampleID, earlierSignature, sampleBody},
		"signature changed":  {sampleID, strings.Replace(sampleSignature, "GnE2", "GnE3", 1), sampleBody},
		"signature empty":    {sampleID, "", sampleBody},
		"signature not b64":  {sampleID, "%%", sampleBody},
		"signature no ASN.1": {sampleID, "AAAA", sampleBody},
		"other key":          {earlierID, sampleSignature, sampleBody},
		"unknown key":        {"none", sampleSignature, sampleBody},
		"no key":             {"", sampleSignature, sampleBody},
	} {
		if err := leaks.VerifyGitHub(keys, c.id, c.signature, []byte(c.body)); !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := leaks.VerifyGitHub(nil, sampleID, sampleSignature, []byte(sampleBody)); !fault.Is(err, fault.Unauthenticated) {
		t.Errorf("without a file: %v", err)
	}
}

func TestAFileThatIsNotGitHubsKeysIsRefusedWithWhatIsWrong(t *testing.T) {
	p384 := `-----BEGIN PUBLIC KEY-----\nMHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEq9Mb9QDRYvjmZDEDFdB9HjRYqz1zFmUr\n-----END PUBLIC KEY-----\n`
	for name, c := range map[string]struct{ text, says string }{
		"no JSON":    {"keys", "invalid character"},
		"no keys":    {`{"public_keys":[]}`, "no public_keys"},
		"not PEM":    {`{"public_keys":[{"key_identifier":"a","key":"MFkw"}]}`, "public_keys[0]: the key is not PEM"},
		"other key":  {`{"public_keys":[{"key_identifier":"a","key":"` + p384 + `"}]}`, "public_keys[0]"},
		"no name":    {strings.Replace(sampleKeys, sampleID, "", 1), "public_keys[0]"},
		"same twice": {strings.Replace(sampleKeys, sampleID, earlierID, 1), "there twice"},
	} {
		if _, err := load(t, c.text); err == nil || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), "secret_scanning") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := leaks.LoadGitHubKeys(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("a file that is not there was read")
	}
}
