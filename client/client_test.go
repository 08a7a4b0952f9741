package client_test

import (
	"strings"
	"testing"

	"latchkey/client"
)

func TestEveryCallCarriesTheTokenAndTheName(t *testing.T) {
	f := newFar(t, key)
	if _, err := f.client(t, client.WithUserAgent("deploy/2")).Key(t.Context(), "a/../b"); err != nil {
		t.Fatal(err)
	}
	s := f.seen[0]
	if s.header.Get("Authorization") != "Bearer the-token" || s.header.Get("User-Agent") != "deploy/2 latchkey-go/1" || s.header.Get("Idempotency-Key") != "" {
		t.Errorf("sent %v", s.header)
	}
	if s.uri != "/api/v1/workspaces/w/api-keys/a%2F..%2Fb" {
		t.Errorf("asked for %s", s.uri)
	}
	for _, id := range []string{"", ".", ".."} {
		if _, err := f.client(t).Key(t.Context(), id); err == nil {
			t.Errorf("%q is taken as an id", id)
		}
	}
}

func TestTheWorkspaceIsFoundOutOnce(t *testing.T) {
	f := newFar(t, say(200, `{"workspace":{"id":"w-7"}}`), key)
	c := f.client(t, client.WithWorkspace(""))
	for range 2 {
		if _, err := c.Key(t.Context(), "k"); err != nil {
			t.Fatal(err)
		}
	}
	if len(f.seen) != 3 || f.seen[0].uri != "/api/v1/me" || f.seen[2].uri != "/api/v1/workspaces/w-7/api-keys/k" {
		t.Errorf("calls %+v", f.seen)
	}
}

func TestAnAddressOrTokenThatCannotWorkIsRefusedAtOnce(t *testing.T) {
	for _, base := range []string{"", "latchkey.example.com", "ftp://x", "https://u:hidden-password@x", "https://x/api/v1", "https://x?y=z", "://"} {
		_, err := client.New(base, "t")
		if err == nil || strings.Contains(err.Error(), "hidden-password") {
			t.Errorf("%q: %v", base, err)
		}
	}
	for _, token := range []string{"", " ", "a b", "a\nb", "ключ"} {
		if _, err := client.New("https://x", token); err == nil || (len(token) > 2 && strings.Contains(err.Error(), token)) {
			t.Errorf("%q: %v", token, err)
		}
	}
	if _, err := client.New("https://latchkey.example.com/", "  a-token\n"); err != nil {
		t.Error(err)
	}
}
