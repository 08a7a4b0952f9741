package config_test

import (
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"latchkey/internal/config"
)

func TestTheOldKeyOpensWhileTheNewOneSeals(t *testing.T) {
	before, after := good(), good()
	before.SecretKey, after.SecretKey = strings.Repeat("0f", 32), strings.Repeat("f0", 32)
	after.SecretKeyOldFile = filepath.Join(t.TempDir(), "old")
	if err := os.WriteFile(after.SecretKeyOldFile, []byte(before.SecretKey+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := after.Load(); err != nil {
		t.Fatal(err)
	}
	older, _, err := before.Secrets()
	if err != nil {
		t.Fatal(err)
	}
	both, _, err := after.Secrets()
	if err != nil {
		t.Fatal(err)
	}
	if text, err := both.Open(older.Seal([]byte("x"), "here"), "here"); err != nil || string(text) != "x" {
		t.Errorf("opens %q, %v", text, err)
	}
	if _, err := older.Open(both.Seal([]byte("x"), "here"), "here"); err == nil {
		t.Error("the old key seals")
	}
}

func TestBesideAnEmbeddedDatabaseTheMovedFileIsTheOldKey(t *testing.T) {
	first := good()
	first.Data = t.TempDir()
	older, _, err := first.Secrets()
	if err != nil {
		t.Fatal(err)
	}
	moved := filepath.Join(first.Data, "secret.key.old")
	if err := os.Rename(filepath.Join(first.Data, "secret.key"), moved); err != nil {
		t.Fatal(err)
	}
	second := good()
	second.Data, second.SecretKeyOldFile = first.Data, moved
	if err := second.Load(); err != nil {
		t.Fatal(err)
	}
	both, _, err := second.Secrets()
	if err != nil {
		t.Fatal(err)
	}
	if text, err := both.Open(older.Seal([]byte("x"), "here"), "here"); err != nil || string(text) != "x" {
		t.Errorf("opens %q, %v", text, err)
	}
	if _, err := older.Open(both.Seal([]byte("x"), "here"), "here"); err == nil {
		t.Error("no new key was made")
	}
}

func TestAnOldKeyNeedsANewOne(t *testing.T) {
	c := good()
	c.DatabaseURL, c.SecretKeyOld = "postgres://h/d", strings.Repeat("0f", 32)
	if _, _, err := c.Secrets(); err == nil || !strings.Contains(err.Error(), "LATCHKEY_SECRET_KEY is not") {
		t.Errorf("error %v", err)
	}
}

func TestTargetsOfWebhooksAreAddressesOrNetworks(t *testing.T) {
	s := config.Server{WebhookAllowCIDRs: []string{"10.0.0.0/8", " 192.0.2.7", "::1", ""}}
	got, err := s.WebhookTargets()
	want := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("192.0.2.7/32"), netip.MustParsePrefix("::1/128")}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%v, %v", got, err)
	}
}
