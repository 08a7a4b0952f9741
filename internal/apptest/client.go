package apptest

import (
	"cmp"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// Browser is a client with a cookie jar that fills in forms by their labels, as a person without
// JavaScript would.
type Browser struct {
	t    *testing.T
	base *url.URL
	http *http.Client
}

// NewBrowser opens a browser on the server at base.
func NewBrowser(t *testing.T, base string) *Browser {
	t.Helper()
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &Browser{t: t, base: u, http: &http.Client{Jar: jar}}
}

// NotFollowing is the same browser, cookies included, that shows redirects instead of following.
func (b *Browser) NotFollowing() *Browser {
	copied := *b.http
	copied.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Browser{t: b.t, base: b.base, http: &copied}
}

// Cookies are the ones that the browser would send.
func (b *Browser) Cookies() []*http.Cookie { return b.http.Jar.Cookies(b.base) }

// Get opens a path or URL.
func (b *Browser) Get(path string, headers ...string) *Screen {
	b.t.Helper()
	return b.Do(http.MethodGet, path, nil, headers...)
}

// Post sends a form from a page of the same site; headers are names and values in turn.
func (b *Browser) Post(path string, values url.Values, headers ...string) *Screen {
	b.t.Helper()
	return b.Do(http.MethodPost, path, values, append([]string{"Sec-Fetch-Site", "same-origin"}, headers...)...)
}

// Do sends a request; headers are names and values in turn, the last one of a name counts.
func (b *Browser) Do(method, path string, values url.Values, headers ...string) *Screen {
	b.t.Helper()
	u, err := b.base.Parse(path)
	if err != nil {
		b.t.Fatal(err)
	}
	var body io.Reader
	if values != nil {
		body = strings.NewReader(values.Encode())
	}
	r, err := http.NewRequestWithContext(b.t.Context(), method, u.String(), body)
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0")
	if values != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	res, err := b.http.Do(r)
	if err != nil {
		b.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatalf("%s %s: read: %v", method, path, err)
	}
	return &Screen{t: b.t, browser: b, Status: res.StatusCode, Header: res.Header, Body: string(text), URL: res.Request.URL}
}

// Screen is what came back, after redirects.
type Screen struct {
	t       *testing.T
	browser *Browser
	Status  int
	Header  http.Header
	Body    string
	URL     *url.URL

	root *html.Node
}

// Want fails the test unless the status is this one.
func (a *Screen) Want(status int) *Screen {
	a.t.Helper()
	if a.Status != status {
		a.t.Fatalf("%s: status %d, want %d; page says: %s", a.URL.Path, a.Status, status, clip(a.Text(), 600))
	}
	return a
}

// At fails the test unless the browser ended on this path.
func (a *Screen) At(path string) *Screen {
	a.t.Helper()
	if a.URL.Path != path {
		a.t.Fatalf("ended at %s (%d), want %s; page says: %s", a.URL.Path, a.Status, path, clip(a.Text(), 600))
	}
	return a
}

// Shows fails the test unless the text of the page, or the value of one of its fields, contains
// each of these.
func (a *Screen) Shows(texts ...string) *Screen {
	a.t.Helper()
	for _, text := range texts {
		if !strings.Contains(a.Text(), text) {
			a.t.Errorf("%s does not show %q; it says: %s", a.URL.Path, text, clip(a.Text(), 1500))
		}
	}
	return a
}

// Hides fails the test when the answer's source contains one of these.
func (a *Screen) Hides(texts ...string) *Screen {
	a.t.Helper()
	for _, text := range texts {
		if strings.Contains(a.Body, text) {
			a.t.Errorf("%s contains %q", a.URL.Path, text)
		}
	}
	return a
}

// Text is what a person reads: white space joined, with the values of fields and the toasts that
// htmx would show.
func (a *Screen) Text() string {
	var b strings.Builder
	var walk func(*html.Node)
	walk = func(n *html.Node) {
		if n.Type == html.ElementNode && (n.Data == "script" || n.Data == "style" || (n.Data == "template" && !has(n, "hx"))) {
			return
		}
		if n.Type == html.TextNode {
			b.WriteString(n.Data)
		}
		if n.Type == html.ElementNode && n.Data == "input" && attr(n, "type") != "hidden" {
			b.WriteString(" " + attr(n, "value") + " ")
		}
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			walk(c)
		}
		if n.Type == html.ElementNode && n.Data != "strong" && n.Data != "span" && n.Data != "a" && n.Data != "code" {
			b.WriteByte(' ')
		}
	}
	walk(a.doc())
	return strings.Join(strings.Fields(b.String()), " ")
}

// Link returns the address behind the link with this text or accessible name.
func (a *Screen) Link(label string) string {
	a.t.Helper()
	for _, n := range all(a.doc(), "a") {
		if attr(n, "aria-label") == label || textOf(n) == label {
			return attr(n, "href")
		}
	}
	a.t.Fatalf("%s has no link %q", a.URL.Path, label)
	return ""
}

// HasLink tells whether there is a link with this text.
func (a *Screen) HasLink(label string) bool {
	for _, n := range all(a.doc(), "a") {
		if textOf(n) == label {
			return true
		}
	}
	return false
}

// Follow opens the link with this text.
func (a *Screen) Follow(label string) *Screen {
	a.t.Helper()
	return a.browser.Get(a.Link(label))
}

// Value is the value of the field with this id or name.
func (a *Screen) Value(idOrName string) string {
	a.t.Helper()
	for _, n := range all(a.doc(), "input") {
		if attr(n, "id") == idOrName || attr(n, "name") == idOrName {
			return attr(n, "value")
		}
	}
	a.t.Fatalf("%s has no field %q", a.URL.Path, idOrName)
	return ""
}

// Submit fills in the form whose button has this text or accessible name, and sends it as a plain
// form. Fields are named by label or name; choices by label or value.
func (a *Screen) Submit(button string, fields map[string]string) *Screen {
	a.t.Helper()
	form, pressed := a.form(button)
	values := a.defaults(form)
	if name := attr(pressed, "name"); name != "" {
		values.Set(name, attr(pressed, "value"))
	}
	for label, value := range fields {
		a.fill(form, values, label, value)
	}
	action := cmp.Or(attr(pressed, "formaction"), attr(form, "action"), a.URL.RequestURI())
	if strings.EqualFold(cmp.Or(attr(pressed, "formmethod"), attr(form, "method")), "post") {
		return a.browser.Post(action, values)
	}
	return a.browser.Get(action + "?" + values.Encode())
}

func (a *Screen) form(button string) (form, pressed *html.Node) {
	a.t.Helper()
	for _, f := range all(a.doc(), "form") {
		for _, n := range append(all(f, "button"), a.buttonsOf(attr(f, "id"))...) {
			if attr(n, "type") != "button" && (textOf(n) == button || attr(n, "aria-label") == button) {
				return f, n
			}
		}
	}
	a.t.Fatalf("%s (%d) has no form with the button %q; page says: %s", a.URL.Path, a.Status, button, clip(a.Text(), 600))
	return nil, nil
}

// buttonsOf are the buttons that stand outside of the form they belong to.
func (a *Screen) buttonsOf(form string) []*html.Node {
	var found []*html.Node
	for _, n := range all(a.doc(), "button") {
		if form != "" && attr(n, "form") == form {
			found = append(found, n)
		}
	}
	return found
}

// defaults are the values that a browser would send untouched.
func (a *Screen) defaults(form *html.Node) url.Values {
	values := url.Values{}
	for _, n := range all(form, "input") {
		switch attr(n, "type") {
		case "checkbox", "radio":
			if has(n, "checked") {
				values.Add(attr(n, "name"), valueOr(n, "on"))
			}
		case "submit", "button":
		default:
			if attr(n, "name") != "" {
				values.Add(attr(n, "name"), attr(n, "value"))
			}
		}
	}
	for _, n := range all(form, "textarea") {
		values.Add(attr(n, "name"), textOf(n))
	}
	for _, n := range all(form, "select") {
		options := all(n, "option")
		chosen := ""
		for i, o := range options {
			if i == 0 || has(o, "selected") {
				chosen = valueOr(o, textOf(o))
			}
		}
		values.Add(attr(n, "name"), chosen)
	}
	return values
}

func (a *Screen) fill(form *html.Node, values url.Values, label, value string) {
	a.t.Helper()
	n := a.field(form, label)
	name := attr(n, "name")
	switch {
	case n.Data == "select":
		for _, o := range all(n, "option") {
			if textOf(o) == value {
				value = valueOr(o, value)
			}
		}
		values.Set(name, value)
	case attr(n, "type") == "checkbox" && value == "":
		values.Del(name)
	case attr(n, "type") == "checkbox":
		values.Set(name, valueOr(n, "on"))
	default:
		values.Set(name, value)
	}
}

// field finds a control by its label's text, its aria-label or its name.
func (a *Screen) field(form *html.Node, label string) *html.Node {
	a.t.Helper()
	byID := map[string]bool{}
	for _, l := range all(form, "label") {
		if text := textOf(l); text == label || strings.HasPrefix(text, label+" (") {
			byID[attr(l, "for")] = true
		}
	}
	for _, tag := range []string{"input", "select", "textarea"} {
		for _, n := range all(form, tag) {
			if (attr(n, "id") != "" && byID[attr(n, "id")]) || attr(n, "name") == label || attr(n, "aria-label") == label {
				return n
			}
		}
	}
	a.t.Fatalf("the form at %s has no field %q", a.URL.Path, label)
	return nil
}

func (a *Screen) doc() *html.Node {
	if a.root == nil {
		root, err := html.Parse(strings.NewReader(a.Body))
		if err != nil {
			a.t.Fatalf("parse %s: %v", a.URL.Path, err)
		}
		a.root = root
	}
	return a.root
}

func all(root *html.Node, tag string) []*html.Node {
	var found []*html.Node
	for n := range root.Descendants() {
		if n.Type == html.ElementNode && n.Data == tag {
			found = append(found, n)
		}
	}
	return found
}

func textOf(root *html.Node) string {
	var b strings.Builder
	for n := range root.Descendants() {
		if n.Type == html.TextNode {
			b.WriteString(n.Data)
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

func attr(n *html.Node, name string) string {
	for _, at := range n.Attr {
		if at.Key == name {
			return at.Val
		}
	}
	return ""
}

func has(n *html.Node, name string) bool {
	for _, at := range n.Attr {
		if at.Key == name {
			return true
		}
	}
	return false
}

func valueOr(n *html.Node, fallback string) string {
	if has(n, "value") {
		return attr(n, "value")
	}
	return fallback
}

func clip(s string, n int) string {
	if len(s) > n {
		return s[:n] + "…"
	}
	return s
}
