package api

import (
	"fmt"
	"net/http"
	"net/netip"
	"time"

	"latchkey/internal/access"
	"latchkey/internal/fault"
	"latchkey/internal/leaks"
)

func publicRoutes() []Route {
	return []Route{
		{Method: http.MethodPost, Path: "/credentials/revoke", Operation: "revokeCredentials", Public: true, Handler: revokeCredentials},
		{Method: http.MethodPost, Path: "/secret-scanning/github", Operation: "receiveGitHubAlert", Public: true, Handler: receiveGitHubAlert},
	}
}

// reportsAMinute is how many reports one address may send.
const reportsAMinute = 60

// revokeCredentials ends keys for whoever has them: possession is the proof. It answers the same
// whatever it was given, so that nobody learns from it what is a key.
func revokeCredentials(c *call) error {
	if err := c.limitAddress("revoke", reportsAMinute); err != nil {
		return err
	}
	values, err := c.credentials()
	if err != nil {
		return err
	}
	if len(values) > leaks.MaxTokens {
		return fault.Fields{"credentials": fmt.Sprintf("Send at most %d credentials at a time.", leaks.MaxTokens)}.Err()
	}
	tokens := make([]leaks.Token, len(values))
	for i, v := range values {
		tokens[i] = leaks.Token{Value: v, Type: "credential", Source: "credentials/revoke"}
	}
	from := access.Origin{IP: c.echo.RealIP(), RequestID: requestID(c.echo)}
	reporter := leaks.Reporter{Name: "Revocation by possession", Force: true, From: from}
	if _, err := c.api.Leaks.Report(c.ctx(), reporter, tokens); err != nil {
		return err
	}
	return c.json(http.StatusAccepted, struct{}{})
}

// credentials is the body: a list of strings, or an object around it.
func (c *call) credentials() ([]string, error) {
	raw, err := c.parse()
	if err != nil {
		return nil, err
	}
	var values []string
	if raw[0] == '[' {
		if err := decodeValue(raw, &values); err != nil {
			return nil, err
		}
		return values, nil
	}
	var form struct {
		Credentials opt[[]string] `json:"credentials" null:"no"`
	}
	if err := c.decode(&form); err != nil {
		return nil, err
	}
	if !form.Credentials.Given {
		return nil, fault.Fields{"credentials": "Give the credentials that are to end, as a list of strings."}.Err()
	}
	return form.Credentials.Value, nil
}

// limitAddress counts a call that carries no key against its address.
func (c *call) limitAddress(subject string, limit int) error {
	d, err := c.api.Limits.Take(c.ctx(), subject+":"+network(c.echo.RealIP()), limit)
	if err != nil {
		return fmt.Errorf("take of the limit: %w", err)
	}
	if d.Allowed {
		return nil
	}
	p := newProblem(http.StatusTooManyRequests, codeRateLimited, fmt.Sprintf("This address made its %d calls of this minute. Try again after the time in Retry-After.", limit))
	p.retryAfter = max(d.RetryAfter, time.Second)
	return p
}

// network is what one holder of addresses has: an IPv4 address, or a /64.
func network(ip string) string {
	addr, err := netip.ParseAddr(ip)
	if err != nil {
		return "unknown"
	}
	addr = addr.Unmap().WithZone("")
	if addr.Is4() {
		return addr.String()
	}
	prefix, err := addr.Prefix(64)
	if err != nil {
		return "unknown"
	}
	return prefix.String()
}
