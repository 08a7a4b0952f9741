// Package config turns flags and LATCHKEY_* variables into one struct, and says in sentences what
// is wrong with it. Every setting has a default with which `go run .` works.
package config

import (
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"latchkey/internal/secretbox"
	"latchkey/internal/token"
)

// Config is what an operator may set.
type Config struct {
	DatabaseURL      string `name:"database-url" env:"LATCHKEY_DATABASE_URL" help:"Postgres URL; empty means SQLite in the data directory." placeholder:"postgres://..."`
	DatabaseURLFile  string `name:"database-url-file" env:"LATCHKEY_DATABASE_URL_FILE" help:"File that holds the Postgres URL." placeholder:"FILE"`
	DatabaseConns    int    `name:"database-conns" env:"LATCHKEY_DATABASE_CONNS" default:"0" help:"Connections to Postgres, or SQLite readers; 0 chooses."`
	Data             string `name:"data" env:"LATCHKEY_DATA" default:"data" help:"Directory of the embedded database." placeholder:"DIR"`
	SecretKey        string `name:"secret-key" env:"LATCHKEY_SECRET_KEY" help:"Key that encrypts stored signing secrets: 32 bytes as base64 or hexadecimal; empty means a file in the data directory, made at the first start (SQLite only)." placeholder:"KEY"`
	SecretKeyOld     string `name:"secret-key-old" env:"LATCHKEY_SECRET_KEY_OLD" help:"The key before the present one, while stored secrets are sealed again with the present one: it only opens." placeholder:"KEY"`
	SecretKeyOldFile string `name:"secret-key-old-file" env:"LATCHKEY_SECRET_KEY_OLD_FILE" help:"File that holds that key." placeholder:"FILE"`
	SecretKeyFile    string `name:"secret-key-file" env:"LATCHKEY_SECRET_KEY_FILE" help:"File that holds that key." placeholder:"FILE"`
	BaseURL          string `name:"base-url" env:"LATCHKEY_BASE_URL" help:"Address at which people and integrations reach this instance; without it, pages go by the address that each reader came by." placeholder:"https://..."`
	KeyBrand         string `name:"key-brand" env:"LATCHKEY_KEY_BRAND" default:"sk" help:"Beginning of new keys: a lower-case letter and up to 9 letters or digits."`
	DefaultPlan      string `name:"default-plan" env:"LATCHKEY_DEFAULT_PLAN" default:"enterprise" enum:"free,team,enterprise" help:"Plan of a new workspace: ${enum}."`
	LogFormat        string `name:"log-format" env:"LATCHKEY_LOG_FORMAT" default:"text" enum:"text,json" help:"Log lines as ${enum}."`
	LogLevel         string `name:"log-level" env:"LATCHKEY_LOG_LEVEL" default:"info" enum:"debug,info,warn,error" help:"Least severe level that is logged: ${enum}."`
}

// Server is what only serve needs.
type Server struct {
	Addr              string        `name:"addr" env:"LATCHKEY_ADDR" default:":8080" help:"Address to listen on." placeholder:"HOST:PORT"`
	MetricsAddr       string        `name:"metrics-addr" env:"LATCHKEY_METRICS_ADDR" default:"127.0.0.1:9464" help:"Address of /metrics, apart from the product's; off turns it off." placeholder:"HOST:PORT"`
	Pprof             bool          `name:"pprof" env:"LATCHKEY_PPROF" help:"Also answer /debug/pprof/ on the metrics listener: profiles of the running server."`
	TrustedProxies    []string      `name:"trusted-proxies" env:"LATCHKEY_TRUSTED_PROXIES" help:"Addresses or CIDRs of proxies whose X-Forwarded-For is believed; none by default." placeholder:"CIDR,..."`
	SessionIdle       time.Duration `name:"session-idle" env:"LATCHKEY_SESSION_IDLE" default:"168h" help:"A session unused for so long ends."`
	SessionAbsolute   time.Duration `name:"session-absolute" env:"LATCHKEY_SESSION_ABSOLUTE" default:"720h" help:"A session ends after so long in any case."`
	GitHubKeysFile    string        `name:"github-keys-file" env:"LATCHKEY_GITHUB_KEYS_FILE" help:"File with the public keys of GitHub's secret scanning, as https://api.github.com/meta/public_keys/secret_scanning answers them; without it, its alerts are not taken." placeholder:"FILE"`
	WebhookAllowCIDRs []string      `name:"webhook-allow-cidrs" env:"LATCHKEY_WEBHOOK_ALLOW_CIDRS" help:"Private addresses or CIDRs that outbound webhooks may go to, also without TLS; none by default." placeholder:"CIDR,..."`
	DrainTimeout      time.Duration `name:"drain-timeout" env:"LATCHKEY_DRAIN_TIMEOUT" default:"20s" help:"How long open requests may take to end when the server stops."`
}

// Load reads *_FILE settings and checks the whole. Errors name the variable and the fix.
func (c *Config) Load() error {
	if err := readSetting("LATCHKEY_DATABASE_URL", &c.DatabaseURL, c.DatabaseURLFile); err != nil {
		return err
	}
	if err := readSetting("LATCHKEY_SECRET_KEY_OLD", &c.SecretKeyOld, c.SecretKeyOldFile); err != nil {
		return err
	}
	if err := readSetting("LATCHKEY_SECRET_KEY", &c.SecretKey, c.SecretKeyFile); err != nil {
		return err
	}
	if c.SecretKey != "" || c.SecretKeyFile != "" {
		if _, err := secretbox.ParseKey(c.SecretKey); err != nil {
			return fmt.Errorf("LATCHKEY_SECRET_KEY is not right: %w", err)
		}
	}
	if c.SecretKeyOld != "" || c.SecretKeyOldFile != "" {
		if _, err := secretbox.ParseKey(c.SecretKeyOld); err != nil {
			return fmt.Errorf("LATCHKEY_SECRET_KEY_OLD is not right: %w", err)
		}
	}
	if !token.ValidBrand(c.KeyBrand) {
		return fmt.Errorf("LATCHKEY_KEY_BRAND is %q; use a lower-case letter and up to 9 lower-case letters or digits", c.KeyBrand)
	}
	if c.DatabaseConns < 0 {
		return fmt.Errorf("LATCHKEY_DATABASE_CONNS is %d; use 0 or more", c.DatabaseConns)
	}
	if c.BaseURL != "" {
		u, err := url.Parse(c.BaseURL)
		if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") || strings.Trim(u.Path, "/") != "" || u.User != nil || u.RawQuery != "" {
			return fmt.Errorf("LATCHKEY_BASE_URL is %q; use a scheme and a host, like https://latchkey.example.com", c.BaseURL)
		}
		c.BaseURL = u.Scheme + "://" + u.Host
	}
	return nil
}

// readSetting takes a setting from the file that was named instead of it.
func readSetting(name string, setting *string, file string) error {
	if file == "" {
		return nil
	}
	if *setting != "" {
		return fmt.Errorf("%s and %s_FILE are both set; keep one", name, name)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("%s_FILE cannot be read: %w", name, err)
	}
	*setting = strings.TrimSpace(string(text))
	return nil
}

// DatabasePath is the SQLite file.
func (c *Config) DatabasePath() string { return filepath.Join(c.Data, "latchkey.db") }

// Load checks the server's settings.
func (s *Server) Load() error {
	if _, _, err := net.SplitHostPort(s.Addr); err != nil {
		return fmt.Errorf("LATCHKEY_ADDR is %q; use host:port, or :port for every address", s.Addr)
	}
	if _, err := s.Proxies(); err != nil {
		return err
	}
	if _, err := s.WebhookTargets(); err != nil {
		return err
	}
	if s.SessionIdle <= 0 || s.SessionAbsolute < s.SessionIdle {
		return fmt.Errorf("LATCHKEY_SESSION_ABSOLUTE (%s) must be at least LATCHKEY_SESSION_IDLE (%s), which must be positive", s.SessionAbsolute, s.SessionIdle)
	}
	return nil
}

// Proxies are the trusted networks.
func (s *Server) Proxies() ([]netip.Prefix, error) {
	return prefixes("LATCHKEY_TRUSTED_PROXIES", s.TrustedProxies)
}

// WebhookTargets are the private networks that outbound webhooks may reach.
func (s *Server) WebhookTargets() ([]netip.Prefix, error) {
	return prefixes("LATCHKEY_WEBHOOK_ALLOW_CIDRS", s.WebhookAllowCIDRs)
}

func prefixes(name string, texts []string) ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, text := range texts {
		text = strings.TrimSpace(text)
		if text == "" {
			continue
		}
		prefix, err := netip.ParsePrefix(text)
		if addr, addrErr := netip.ParseAddr(text); addrErr == nil {
			prefix, err = netip.PrefixFrom(addr, addr.BitLen()), nil
		}
		if err != nil {
			return nil, fmt.Errorf("%s holds %q; use addresses or CIDRs, like 10.0.0.0/8", name, text)
		}
		out = append(out, prefix)
	}
	return out, nil
}

// LocalURL is how this machine reaches a server that listens on addr.
func LocalURL(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return "http://" + addr
	}
	if ip := net.ParseIP(host); host == "" || (ip != nil && ip.IsUnspecified()) {
		host = "localhost"
	}
	return "http://" + net.JoinHostPort(host, port)
}

// Level is the log level.
func (c *Config) Level() slog.Level {
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.LogLevel)); err != nil {
		return slog.LevelInfo
	}
	return level
}
