package client

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// basePath is where the API stands below the instance's address.
const basePath = "/api/v1"

// Client calls one instance with one token. It may be used by many goroutines.
type Client struct {
	base       *url.URL
	token      func() string // a function, because printing a struct would show a field
	http       *http.Client
	userAgent  string
	maxRetries int
	sleep      func(context.Context, time.Duration) error
	now        func() time.Time

	mu        sync.Mutex
	workspace string // id, once it is known
}

// Option changes how a client works.
type Option func(*Client)

// WithHTTPClient sends by h, of which the transport, the cookies and the timeout of each attempt
// are taken; redirects stay the client's own matter.
func WithHTTPClient(h *http.Client) Option { return func(c *Client) { c.http = h } }

// WithUserAgent names the program; "latchkey-go" follows its name.
func WithUserAgent(name string) Option {
	return func(c *Client) { c.userAgent = name + " " + defaultUserAgent }
}

// WithMaxRetries says how often a call is sent again after the first time: 3 unless set, 0 for never.
func WithMaxRetries(n int) Option { return func(c *Client) { c.maxRetries = max(n, 0) } }

// WithWorkspace saves the one call of /me with which a client finds out its workspace's id.
func WithWorkspace(id string) Option { return func(c *Client) { c.workspace = id } }

const (
	defaultUserAgent  = "latchkey-go/1"
	defaultMaxRetries = 3
	attemptTimeout    = time.Minute
)

// New makes a client for the instance at baseURL, a scheme and a host such as
// https://latchkey.example.com, with an API-access key. It calls nobody yet.
func New(baseURL, token string, options ...Option) (*Client, error) {
	base, err := parseBase(baseURL)
	if err != nil {
		return nil, err
	}
	if token = strings.TrimSpace(token); token == "" {
		return nil, errors.New("the token is empty; use an API-access key, which the console makes under Settings, API keys")
	}
	if strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, errors.New("the token has characters that no key has; use the key alone, as the console showed it")
	}
	c := &Client{
		base: base, token: func() string { return token }, userAgent: defaultUserAgent, maxRetries: defaultMaxRetries, sleep: sleep, now: time.Now,
	}
	for _, o := range options {
		o(c)
	}
	c.http = guarded(c.http)
	return c, nil
}

func parseBase(text string) (*url.URL, error) {
	u, err := url.Parse(strings.TrimSpace(text))
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") || u.User != nil || u.RawQuery != "" || u.Fragment != "" || strings.Trim(u.Path, "/") != "" {
		// What was given may be a key that was put in the wrong place: it is not repeated.
		return nil, errors.New("the address of the instance is not right; use a scheme and a host, like https://latchkey.example.com")
	}
	return &url.URL{Scheme: u.Scheme, Host: u.Host}, nil
}

// guarded is h, or a client of its own, that follows redirects only to the same origin and only
// where that repeats the same call.
func guarded(h *http.Client) *http.Client {
	if h == nil {
		h = &http.Client{Timeout: attemptTimeout}
	}
	copied := *h
	copied.CheckRedirect = func(next *http.Request, via []*http.Request) error {
		first := via[0]
		if len(via) > 5 || next.Method != first.Method || next.URL.Scheme != first.URL.Scheme || next.URL.Host != first.URL.Host {
			return http.ErrUseLastResponse
		}
		return nil
	}
	return &copied
}

// String says where the client points, and never with what.
func (c *Client) String() string { return "latchkey client of " + c.base.String() }

// path is an address below the token's workspace.
func (c *Client) path(ctx context.Context, parts ...string) (string, error) {
	id, err := c.workspaceID(ctx)
	if err != nil {
		return "", err
	}
	path := "/workspaces/" + url.PathEscape(id)
	for _, part := range parts {
		if part == "" || part == "." || part == ".." {
			return "", fmt.Errorf("%q is not an id", part)
		}
		path += "/" + url.PathEscape(part)
	}
	return path, nil
}

func (c *Client) workspaceID(ctx context.Context) (string, error) {
	c.mu.Lock()
	id := c.workspace
	c.mu.Unlock()
	if id != "" {
		return id, nil
	}
	me, err := c.Me(ctx)
	if err != nil {
		return "", err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.workspace = me.Workspace.ID
	return c.workspace, nil
}
