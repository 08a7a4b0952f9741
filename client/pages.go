package client

import (
	"context"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"strings"
)

// pageSize is how many items are asked for at a time.
const pageSize = "100"

// list goes over a list page by page. It stops at the first error, which comes with a zero item.
func list[T any](ctx context.Context, c *Client, query url.Values, parts ...string) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var zero T
		path, err := c.path(ctx, parts...)
		if err != nil {
			yield(zero, err)
			return
		}
		query.Set("limit", pageSize)
		at := c.base.JoinPath(basePath + path)
		at.RawQuery = query.Encode()
		for at != nil {
			var page []T
			a, err := c.send(ctx, at, call{method: http.MethodGet, into: &page})
			if err != nil {
				yield(zero, err)
				return
			}
			for _, item := range page {
				if !yield(item, nil) {
					return
				}
			}
			if at, err = c.next(at, a.header); err != nil {
				yield(zero, err)
				return
			}
		}
	}
}

// next is the address of the page after this one; nil when it was the last.
func (c *Client) next(at *url.URL, h http.Header) (*url.URL, error) {
	link := nextLink(h.Values("Link"))
	if link == "" {
		return nil, nil
	}
	next, err := at.Parse(link)
	if err != nil {
		return nil, fmt.Errorf("the address of the next page cannot be read: %w", err)
	}
	if next.Scheme != c.base.Scheme || next.Host != c.base.Host || next.User != nil {
		return nil, fmt.Errorf("the next page is at %s://%s, where the token does not go; use that address for the client, or set LATCHKEY_BASE_URL of the instance to %s",
			next.Scheme, next.Host, c.base)
	}
	if next.String() == at.String() {
		return nil, fmt.Errorf("the next page of %s is the page itself", at.Path)
	}
	return next, nil
}

// nextLink is the target of rel="next" (RFC 8288).
func nextLink(values []string) string {
	for _, value := range values {
		for value != "" {
			_, after, ok := strings.Cut(value, "<")
			if !ok {
				break
			}
			target, rest, ok := strings.Cut(after, ">")
			if !ok {
				break
			}
			parameters, more, _ := strings.Cut(rest, ", <")
			if hasRelNext(parameters) {
				return target
			}
			if value = more; value != "" {
				value = "<" + value
			}
		}
	}
	return ""
}

func hasRelNext(parameters string) bool {
	for p := range strings.SplitSeq(parameters, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(p), "=")
		if strings.EqualFold(strings.TrimSpace(name), "rel") {
			for _, rel := range strings.Fields(strings.Trim(strings.TrimSpace(value), `",`)) {
				if strings.EqualFold(rel, "next") {
					return true
				}
			}
		}
	}
	return false
}
