package main

import (
	"context"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"latchkey/bench/internal/fill"
)

// walk asks for pages as a person who follows every link, and for lists as a program.
type walk struct {
	*product
	shapes  map[string]int // addresses without their ids: how often each was asked for
	answers map[int]int
	asked   int
}

const (
	walkTimeout = 10 * time.Second // streams and exports end then
	walkEach    = 2                // addresses of one shape
	walkFilters = 2                // of a query; more of them together tell nothing new
	walkMost    = 1500
	walkBytes   = 1 << 20 // of an answer; the rest of an export is the same again
	console     = "/w/bench"
)

var (
	linkIn   = regexp.MustCompile(`(?:href|hx-get)="(/[^"#]*)`)
	formIn   = regexp.MustCompile(`(?s)<form\b([^>]*)>(.*?)</form>`)
	action   = regexp.MustCompile(`action="([^"]*)"`)
	postForm = regexp.MustCompile(`(?i)method="(post|dialog)"`)
	fieldIn  = regexp.MustCompile(`(?s)<(select|input)\b([^>]*)>`)
	named    = regexp.MustCompile(`name="([^"]*)"`)
	optionIn = regexp.MustCompile(`<option\b[^>]*?value="([^"]+)"`)
	anID     = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f-]{27}|[0-9]+`)
)

// console follows links and the choices of forms that search, from Home on.
func (w *walk) console(ctx context.Context) error {
	queue := []string{console}
	for _, filter := range []string{
		"/signals?event=" + url.QueryEscape(fill.CommonEvent), "/signals?event=" + url.QueryEscape(fill.RareEvent),
		"/signals?email=" + url.QueryEscape(fill.Address(17)), "/signals?key=" + w.seen.key, "/signals?before=" + w.seen.before,
		"/signals?q=user_4711", "/signals?q=nothing+has+this", "/requests?before=" + w.seen.before, "/requests?q=" + w.seen.before,
		"/settings/api-keys?q=integration+0777", "/settings/members", "/audit", "/uploads", "/settings/endpoints", "/product-orgs",
	} {
		queue = append(queue, console+filter)
	}
	for len(queue) > 0 && w.asked < walkMost && ctx.Err() == nil {
		address := queue[0]
		queue = queue[1:]
		if !w.take(address) {
			continue
		}
		body := w.get(ctx, address, "Cookie", w.cookie)
		queue = append(queue, linksOf(address, body)...)
	}
	return ctx.Err()
}

// take tells whether an address is still to be asked for.
func (w *walk) take(address string) bool {
	if !strings.HasPrefix(address, console) && !strings.HasPrefix(address, "/profile") {
		return false
	}
	shape := shapeOf(address)
	if strings.Count(shape, "&") >= walkFilters {
		return false
	}
	w.shapes[shape]++
	return w.shapes[shape] <= walkEach
}

// shapeOf leaves out what tells one thing of a kind from another: ids, numbers, and what is searched.
func shapeOf(address string) string {
	path, query, _ := strings.Cut(address, "?")
	values, _ := url.ParseQuery(query)
	var names []string
	export := strings.Contains(path, "/export.") // read to their end: one of each filter will do
	for name, list := range values {
		if value := list[0]; value == "" {
			continue
		} else if choices := []string{"env", "status", "kind", "span", "sort", "order", "type", "tab", "plan", "source"}; slices.Contains(choices, name) && !export {
			name += "=" + value
		}
		names = append(names, name)
	}
	slices.Sort(names)
	return anID.ReplaceAllString(path, "*") + "?" + strings.Join(names, "&")
}

// linksOf are a page's links, and one address for each choice of its forms that search.
func linksOf(address, body string) []string {
	var links []string
	for _, m := range linkIn.FindAllStringSubmatch(body, -1) {
		links = append(links, html.UnescapeString(m[1]))
	}
	for _, form := range formIn.FindAllStringSubmatch(body, -1) {
		if postForm.MatchString(form[1]) {
			continue
		}
		to, _, _ := strings.Cut(address, "?")
		if m := action.FindStringSubmatch(form[1]); m != nil && m[1] != "" {
			to = html.UnescapeString(m[1])
		}
		for _, choice := range choicesOf(form[2]) {
			links = append(links, to+"?"+choice)
		}
	}
	return links
}

// choicesOf are queries: each option of each field alone, and something typed into each text field.
func choicesOf(form string) []string {
	var choices []string
	for _, field := range fieldIn.FindAllStringSubmatchIndex(form, -1) {
		attributes := form[field[4]:field[5]]
		name := named.FindStringSubmatch(attributes)
		if name == nil {
			continue
		}
		if form[field[2]:field[3]] == "input" {
			if !strings.Contains(attributes, `type="hidden"`) {
				choices = append(choices, url.Values{name[1]: {typed(name[1], attributes)}}.Encode())
			}
			continue
		}
		options, _, _ := strings.Cut(form[field[1]:], "</select>")
		for _, option := range optionIn.FindAllStringSubmatch(options, -1) {
			choices = append(choices, url.Values{name[1]: {html.UnescapeString(option[1])}}.Encode())
		}
	}
	return choices
}

// typed is what a person would type there.
func typed(name, attributes string) string {
	switch {
	case strings.Contains(attributes, `type="date`) || name == "from":
		return time.Now().Add(-72 * time.Hour).Format(time.DateOnly)
	case name == "to":
		return time.Now().Format(time.DateOnly)
	case strings.Contains(name, "email"):
		return fill.Address(17)
	case strings.Contains(name, "event"):
		return fill.RareEvent
	}
	return "4711"
}

// admin reads the key that may read everything, as the command printed it.
func (p *product) admin(printed []byte) error {
	if err := json.Unmarshal(printed, &p.api); err != nil {
		return fmt.Errorf("read the new key: %w", err)
	}
	return nil
}

// get asks once, and gives what came within the time.
func (w *walk) get(ctx context.Context, address, header, value string) string {
	text, _ := w.ask(ctx, address, header, value)
	return text
}

func (w *walk) ask(ctx context.Context, address, header, value string) (text string, next string) {
	if ctx.Err() != nil {
		return "", ""
	}
	limited, cancel := context.WithTimeout(ctx, walkTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(limited, http.MethodGet, "http://"+w.server.addr+address, nil)
	if err != nil {
		return "", ""
	}
	request.Header.Set(header, value)
	w.asked++
	began := time.Now()
	answer, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		w.answers[0]++
		fmt.Fprintf(os.Stderr, "no answer after %s: %s\n", short(time.Since(began)), address)
		return "", ""
	}
	defer func() { _ = answer.Body.Close() }()
	body, _ := io.ReadAll(io.LimitReader(answer.Body, walkBytes)) // a stream ends with the time
	w.answers[answer.StatusCode]++
	if answer.StatusCode >= http.StatusBadRequest {
		fmt.Fprintf(os.Stderr, "%d: %s\n", answer.StatusCode, address)
	}
	if took := time.Since(began); took > 100*time.Millisecond {
		fmt.Fprintf(os.Stderr, "%8s  %s\n", short(took), address)
	}
	return string(body), answer.Header.Get("Link")
}
