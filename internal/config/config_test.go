package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"latchkey/internal/config"
)

func good() config.Config { return config.Config{KeyBrand: "sk"} }

func TestWrongSettingsNameTheVariable(t *testing.T) {
	for want, change := range map[string]func(*config.Config){
		"LATCHKEY_KEY_BRAND":         func(c *config.Config) { c.KeyBrand = "SK_" },
		"LATCHKEY_BASE_URL":          func(c *config.Config) { c.BaseURL = "https://x.example/path" },
		"LATCHKEY_DATABASE_CONNS":    func(c *config.Config) { c.DatabaseConns = -1 },
		"keep one":                   func(c *config.Config) { c.DatabaseURL, c.DatabaseURLFile = "postgres://x", "/x" },
		"LATCHKEY_DATABASE_URL_FILE": func(c *config.Config) { c.DatabaseURLFile = "/nowhere" },
		"LATCHKEY_SECRET_KEY is":     func(c *config.Config) { c.SecretKey = "c2hvcnQ=" },
		"LATCHKEY_SECRET_KEY_FILE":   func(c *config.Config) { c.SecretKeyFile = "/nowhere" },
		"LATCHKEY_SECRET_KEY_OLD is": func(c *config.Config) { c.SecretKeyOld = "c2hvcnQ=" },
		"LATCHKEY_SECRET_KEY_OLD_F":  func(c *config.Config) { c.SecretKeyOldFile = "/nowhere" },
	} {
		c := good()
		change(&c)
		if err := c.Load(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one that names %s", err, want)
		}
	}
	for want, s := range map[string]config.Server{
		"LATCHKEY_ADDR":            {Addr: "8080", SessionIdle: time.Hour, SessionAbsolute: time.Hour},
		"LATCHKEY_TRUSTED_PROXIES": {Addr: ":1", TrustedProxies: []string{"10.0.0.0/99"}, SessionIdle: time.Hour, SessionAbsolute: time.Hour},
		"LATCHKEY_SESSION":         {Addr: ":1", SessionIdle: time.Hour},
		"LATCHKEY_WEBHOOK_ALLOW":   {Addr: ":1", WebhookAllowCIDRs: []string{"intranet"}, SessionIdle: time.Hour, SessionAbsolute: time.Hour},
	} {
		if err := s.Load(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one that names %s", err, want)
		}
	}
}

func TestTheBaseURLLosesItsSlash(t *testing.T) {
	c := good()
	c.BaseURL = "https://latchkey.example.com/"
	if err := c.Load(); err != nil || c.BaseURL != "https://latchkey.example.com" {
		t.Errorf("%q, %v", c.BaseURL, err)
	}
}

func TestASecretFileIsReadWithoutItsLineEnd(t *testing.T) {
	c := good()
	c.DatabaseURLFile = filepath.Join(t.TempDir(), "url")
	if err := os.WriteFile(c.DatabaseURLFile, []byte("postgres://u:p@h/d\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := c.Load(); err != nil || c.DatabaseURL != "postgres://u:p@h/d" {
		t.Errorf("%q, %v", c.DatabaseURL, err)
	}
}

func TestAnEmptyKeyFileIsNoReasonToGoOnWithoutAKey(t *testing.T) {
	c := good()
	c.SecretKeyFile = filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(c.SecretKeyFile, []byte("\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := c.Load(); err == nil || !strings.Contains(err.Error(), "LATCHKEY_SECRET_KEY is not right") {
		t.Errorf("error %v", err)
	}
}

func TestSecretsAreSealedByTheSettingElseByAFileBesideTheEmbeddedDatabase(t *testing.T) {
	set := good()
	set.SecretKey = strings.Repeat("0f", 32)
	one, _, err := set.Secrets()
	if err != nil || one == nil {
		t.Fatalf("by the setting: %v, %v", one, err)
	}
	postgres := good()
	postgres.DatabaseURL = "postgres://h/d"
	if box, _, err := postgres.Secrets(); box != nil || err != nil {
		t.Errorf("Postgres without the setting: %v, %v", box, err)
	}
	embedded := good()
	embedded.Data = t.TempDir()
	first, warning, err := embedded.Secrets()
	if err != nil || warning != "" {
		t.Fatalf("first start: %q, %v", warning, err)
	}
	path := filepath.Join(embedded.Data, "secret.key")
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	second, warning, err := embedded.Secrets()
	if err != nil || !strings.Contains(warning, "chmod 600 "+path) {
		t.Fatalf("second start: %q, %v", warning, err)
	}
	if text, err := second.Open(first.Seal([]byte("x"), "here"), "here"); err != nil || string(text) != "x" {
		t.Errorf("the second start opens %q, %v", text, err)
	}
}

func TestLocalURLTurnsEveryAddressIntoLocalhost(t *testing.T) {
	for addr, want := range map[string]string{
		":8080": "http://localhost:8080", "0.0.0.0:80": "http://localhost:80", "[::]:80": "http://localhost:80", "127.0.0.1:9": "http://127.0.0.1:9",
	} {
		if got := config.LocalURL(addr); got != want {
			t.Errorf("%s: %s, want %s", addr, got, want)
		}
	}
}
