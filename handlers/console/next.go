package console

import (
	"net/url"
	"strings"
)

// localPath returns next when it is a path of this instance, else "/". Anything that a browser
// could read as another host is refused: "//host", "/\host", and what hides behind control
// characters, which browsers strip.
func localPath(next string) string {
	if !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") || strings.ContainsAny(next, "\\") ||
		strings.IndexFunc(next, func(r rune) bool { return r < 0x20 || r == 0x7f }) >= 0 {
		return "/"
	}
	u, err := url.Parse(next)
	if err != nil || u.Scheme != "" || u.Host != "" || strings.HasPrefix(u.Path, "//") || u.Path == "/sign-in" || u.Path == "/sign-out" {
		return "/"
	}
	return next
}

// signInHref leads to the sign-in page and back to next.
func signInHref(next string) string {
	if next = localPath(next); next == "/" {
		return "/sign-in"
	}
	return "/sign-in?" + url.Values{"next": {next}}.Encode()
}
