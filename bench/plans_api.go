package main

import (
	"context"
	"encoding/json"
	"net/url"
	"regexp"
	"strings"
	"time"

	"latchkey/bench/internal/fill"
)

// apiList is a list of the management API: its filters, each asked for alone, and the lists below one
// of its items.
type apiList struct {
	path    string
	filters []string
	below   []apiList
	noItem  bool // there is no page of one of its items
}

func apiLists(p *product) []apiList {
	since := url.QueryEscape(time.Now().Add(-72 * time.Hour).UTC().Format(time.RFC3339))
	until := url.QueryEscape(time.Now().UTC().Format(time.RFC3339))
	times := []string{"from=" + since, "to=" + until, "from=" + since + "&to=" + until}
	with := func(more ...string) []string { return append(append([]string{}, times...), more...) }
	return []apiList{
		{path: "/signals", filters: with("environment=live", "environment=test", "kind=track", "event="+url.QueryEscape(fill.CommonEvent),
			"event="+url.QueryEscape(fill.RareEvent), "email="+url.QueryEscape(fill.Address(17)), "source=segment", "api_key_id="+p.seen.key,
			"request_id="+p.seen.before, "q=user_4711", "q=nothing", "environment=live&event="+url.QueryEscape(fill.RareEvent)+"&email="+url.QueryEscape(fill.Address(17)))},
		{path: "/product-orgs", filters: []string{"environment=live", "q=acct_0007", "q=company", "plan=Team", "trial_status=converted", "sort=mrr", "sort=mrr&order=asc", "sort=users", "sort=updated"},
			below: []apiList{{path: "/updates", noItem: true}}},
		{path: "/requests", filters: with("environment=live", "status=accepted", "status=rejected", "code=invalid_secret", "event="+url.QueryEscape(fill.RareEvent),
			"email="+url.QueryEscape(fill.Address(17)), "source=segment", "api_key_id="+p.seen.key, "q=user_4711")},
		{path: "/uploads", filters: []string{"environment=live", "status=running", "status=done", "api_key_id=" + p.seen.key}},
		{path: "/templates", below: []apiList{{path: "/versions", noItem: true}}},
		{path: "/members", noItem: true},
		{path: "/audit", noItem: true, filters: with("action=api_key.created", "target=api_key", "target_id="+p.seen.key)},
		{path: "/usage", noItem: true, filters: with("api_key_id="+p.seen.key, "environment=live", "step=minute", "step=hour", "step=day")},
		{path: "/api-keys", filters: []string{"status=active", "status=revoked", "status=expired", "environment=live", "endpoint_type=product_orgs", "q=0777"}},
		{path: "/event-types", noItem: true},
		{path: "/endpoints", filters: []string{"environment=test", "status=enabled", "status=disabled", "status=failing", "q=127"},
			below: []apiList{
				{path: "/deliveries", filters: with("status=pending", "status=delivered", "status=failed", "status=skipped", "type=signal.received", "type=webhook.test")},
				{path: "/replays"}, {path: "/replays/plan?kind=failed", noItem: true}, {path: "/replays/plan?kind=skipped&since=" + since, noItem: true},
			}},
	}
}

// api asks for each list, its filters, its second page and its first item.
func (w *walk) api(ctx context.Context) error {
	w.askAPI(ctx, "/api/v1/me")
	w.askAPI(ctx, "/api/v1/workspaces/me")
	base := "/api/v1/workspaces/" + w.product.api.WorkspaceID
	for _, list := range apiLists(w.product) {
		w.askList(ctx, base, list)
	}
	return ctx.Err()
}

func (w *walk) askAPI(ctx context.Context, address string) (text, next string) {
	return w.ask(ctx, address, "Authorization", "Bearer "+w.product.api.Key)
}

var nextPage = regexp.MustCompile(`<([^>]+)>;\s*rel="?next`)

func (w *walk) askList(ctx context.Context, base string, list apiList) {
	text, link := w.askAPI(ctx, base+list.path)
	for _, filter := range list.filters {
		_, more := w.askAPI(ctx, base+list.path+"?"+filter)
		w.second(ctx, more)
	}
	w.second(ctx, link)
	var items []struct {
		ID        string `json:"id"`
		MessageID string `json:"message_id"`
	}
	if list.noItem || json.Unmarshal([]byte(text), &items) != nil {
		return
	}
	// The last, too: of the endpoints, the first that was made gets the signals.
	for i := range items {
		if i > 0 && i < len(items)-1 {
			continue
		}
		id := items[i].ID
		if id == "" {
			id = items[i].MessageID
		}
		one := base + list.path + "/" + id
		w.askAPI(ctx, one)
		for _, below := range list.below {
			w.askList(ctx, one, below)
		}
	}
}

// second asks for the page that a header Link calls the next (RFC 8288).
func (w *walk) second(ctx context.Context, link string) {
	m := nextPage.FindStringSubmatch(link)
	if m == nil {
		return
	}
	if u, err := url.Parse(m[1]); err == nil && strings.HasPrefix(u.Path, "/") {
		w.askAPI(ctx, u.RequestURI())
	}
}
