package egress

import (
	"net/url"
	"strconv"
	"strings"
)

const maxURL = 2048

// problem is why a URL cannot be used: a code for attempts, a sentence for people.
type problem struct {
	code     Code
	sentence string
}

func invalid(sentence string) *problem { return &problem{InvalidURL, sentence} }

// target is a URL that is well-formed and leaves no room for two readings.
type target struct {
	url  *url.URL
	host host
}

// tls tells whether the connection is encrypted.
func (t target) tls() bool { return t.url.Scheme == "https" }

// parseTarget reads a URL without looking anything up.
func parseTarget(raw string) (target, *problem) {
	if p := oddText(raw); p != nil {
		return target{}, p
	}
	u, err := url.Parse(raw)
	if err != nil {
		return target{}, invalid("This is not a URL; use one like https://hooks.example.com/latchkey.")
	}
	switch {
	case u.Scheme != "https" && u.Scheme != "http":
		return target{}, invalid("The URL must begin with https://, or for a test endpoint with http://.")
	case u.Opaque != "" || u.Host == "":
		return target{}, invalid("The URL has no host; use one like https://hooks.example.com/latchkey.")
	case u.User != nil:
		return target{}, invalid("The URL holds a user name or password; leave it out, and use a custom header instead.")
	case u.Fragment != "" || strings.Contains(raw, "#"):
		return target{}, invalid("The URL has a part after #, which is never sent; leave it out.")
	}
	return normal(u)
}

// oddText refuses what URL parsers disagree about.
func oddText(raw string) *problem {
	switch {
	case raw == "":
		return invalid("Enter the URL that gets the messages.")
	case len(raw) > maxURL:
		return invalid("The URL is longer than " + strconv.Itoa(maxURL) + " bytes.")
	}
	for _, r := range raw {
		if r <= ' ' || r == 0x7f || r == '\\' || r == '\ufffd' || r >= 0x80 && r <= 0xa0 {
			return invalid("The URL holds a space, a backslash or an invisible character; leave it out, or write it as %XX.")
		}
	}
	if _, rest, ok := strings.Cut(raw, "://"); ok {
		authority := rest
		if i := strings.IndexAny(rest, "/?#"); i >= 0 {
			authority = rest[:i]
		}
		if strings.Contains(authority, "%") {
			return invalid("The host holds an escape (%); write the host as it is.")
		}
	}
	return nil
}

// normal brings a parsed URL into the one form that is saved.
func normal(u *url.URL) (target, *problem) {
	name, port := u.Host, ""
	if i := strings.LastIndexByte(name, ':'); i >= 0 && !strings.HasSuffix(name, "]") {
		name, port = name[:i], name[i+1:]
	}
	h, p := parseHost(name)
	if p != nil {
		return target{}, p
	}
	if port != "" {
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil || n == 0 {
			return target{}, invalid("The port must be a number from 1 to 65535.")
		}
		port = strconv.FormatUint(n, 10)
	}
	clean := &url.URL{Scheme: u.Scheme, Host: h.String(), Path: u.Path, RawPath: u.RawPath, RawQuery: plainQuery(u.RawQuery)}
	if port != "" && port != map[string]string{"https": "443", "http": "80"}[u.Scheme] {
		clean.Host += ":" + port
	}
	if clean.Path == "" {
		clean.Path = "/"
	}
	return target{clean, h}, nil
}

// plainQuery escapes what is not ASCII; url.URL writes a query as it is.
func plainQuery(query string) string {
	var b strings.Builder
	for i := range len(query) {
		if c := query[i]; c >= 0x80 {
			b.WriteString("%" + strings.ToUpper(strconv.FormatUint(uint64(c), 16)))
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}
