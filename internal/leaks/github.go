package leaks

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"os"

	"latchkey/internal/fault"
)

// The headers in which GitHub signs an alert.
const (
	GitHubIdentifierHeader = "Github-Public-Key-Identifier"
	GitHubSignatureHeader  = "Github-Public-Key-Signature"
)

// GitHubKeys are the public keys with which GitHub signs secret-scanning alerts. They are pinned: an
// alert ends keys, so nobody who can answer in GitHub's place may choose what it is checked with.
type GitHubKeys struct{ byID map[string]*ecdsa.PublicKey }

// LoadGitHubKeys reads the pinned file: what
// https://api.github.com/meta/public_keys/secret_scanning answers.
func LoadGitHubKeys(path string) (*GitHubKeys, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read GitHub's public keys: %w", err)
	}
	keys, err := parseGitHubKeys(text)
	if err != nil {
		return nil, fmt.Errorf("the file of GitHub's public keys %s is not what https://api.github.com/meta/public_keys/secret_scanning answers: %w", path, err)
	}
	return keys, nil
}

func parseGitHubKeys(text []byte) (*GitHubKeys, error) {
	var file struct {
		PublicKeys []struct {
			Identifier string `json:"key_identifier"`
			Key        string `json:"key"`
		} `json:"public_keys"`
	}
	if err := json.Unmarshal(text, &file); err != nil {
		return nil, err
	}
	if len(file.PublicKeys) == 0 {
		return nil, errors.New("it has no public_keys")
	}
	// Keys that are not current are kept too: they sign what was under way when GitHub changed keys.
	keys := &GitHubKeys{byID: map[string]*ecdsa.PublicKey{}}
	for i, k := range file.PublicKeys {
		key, err := parsePublicKey(k.Key)
		if err != nil {
			return nil, fmt.Errorf("public_keys[%d]: %w", i, err)
		}
		if k.Identifier == "" || keys.byID[k.Identifier] != nil {
			return nil, fmt.Errorf("public_keys[%d]: the key_identifier %q is empty or there twice", i, k.Identifier)
		}
		keys.byID[k.Identifier] = key
	}
	return keys, nil
}

func parsePublicKey(text string) (*ecdsa.PublicKey, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil, errors.New("the key is not PEM")
	}
	parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	key, ok := parsed.(*ecdsa.PublicKey)
	if !ok || key.Curve != elliptic.P256() {
		return nil, errors.New("the key is not one of ECDSA P-256")
	}
	return key, nil
}

// VerifyGitHub checks the signature of an alert: ECDSA P-256 with SHA-256 over the raw body, of
// which identifier and signature are the two headers. Unauthenticated when it is not GitHub's.
func VerifyGitHub(keys *GitHubKeys, identifier, signature string, body []byte) error {
	if keys == nil {
		return fault.New(fault.Unauthenticated, "This instance has no public keys of GitHub, so it takes no alerts of GitHub. Set LATCHKEY_GITHUB_KEYS_FILE.")
	}
	key := keys.byID[identifier]
	if key == nil {
		return fault.New(fault.Unauthenticated, "The header "+GitHubIdentifierHeader+" names no public key that this instance trusts.")
	}
	der, err := base64.StdEncoding.DecodeString(signature)
	digest := sha256.Sum256(body)
	if err != nil || !ecdsa.VerifyASN1(key, digest[:], der) {
		return fault.New(fault.Unauthenticated, "The header "+GitHubSignatureHeader+" is not GitHub's signature of this body.")
	}
	return nil
}
