package console

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/a-h/templ"

	"latchkey/internal/keys"
	"latchkey/internal/signals"
	"latchkey/models"
	"latchkey/views"
)

// awaitFirstRequest is the stream behind "Waiting for the first request...". It says what is wrong
// with requests that were rejected, and ends with the first one that was accepted. It looks into
// the database: the request may arrive at another instance.
func (s *server) awaitFirstRequest(c Ctx) error {
	v, ctx := visit(c), c.Request().Context()
	k, err := s.Keys.Get(ctx, v.Actor, c.Param("id"))
	if err != nil {
		return err
	}
	if !strings.Contains(c.Request().Header.Get("Accept"), "text/event-stream") {
		return redirect(c, v.path(keysPath, k.ID))
	}
	out, err := s.openStream(c)
	if err != nil {
		return s.streamEnded(c, err)
	}
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	look, shown := s.firstRequest, ""
	if c.QueryParam("value") == "new" || k.EndpointType == models.APIAccess {
		look = s.firstUse
	}
	// The page opens the next stream when this one ends without the word "done".
	for end := s.Now().Add(liveFor); s.Now().Before(end) && s.mayStillRead(c); {
		news := look(ctx, v, k)
		if err := news.say(out, &shown); err != nil || news.done {
			return s.streamEnded(c, err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-s.Stopping:
			return nil
		case <-tick.C:
		}
	}
	return nil
}

// keyNews is what came with a new key: the request that it is about, and whether it was the one
// that the page waits for.
type keyNews struct {
	request string // id; empty when nothing came
	part    templ.Component
	done    bool
}

// say sends news that the page does not show yet, and the end after the last.
func (n keyNews) say(out *stream, shown *string) error {
	if n.request == *shown {
		return out.beat()
	}
	*shown = n.request
	err := out.send(n.request, n.part)
	if n.done {
		err = errors.Join(err, out.event("done"))
	}
	return err
}

// firstRequest looks for news; a database that does not answer has none.
func (s *server) firstRequest(ctx context.Context, v *visitor, k keys.Item) keyNews {
	found, err := s.Signals.Requests(ctx, v.Actor, signals.RequestFilter{Environment: k.Environment, KeyID: k.ID, Limit: keyPageRequests})
	if err != nil || len(found.Items) == 0 {
		return keyNews{}
	}
	view := func(r signals.RequestItem, text string, done bool) keyNews {
		return keyNews{r.ID, views.FirstRequest(views.FirstRequestView{Done: done, Text: text, Href: v.path("requests", r.ID)}), done}
	}
	for _, r := range found.Items {
		if r.Accepted+r.Duplicates > 0 {
			return view(r, "First request received from "+r.IP+".", true)
		}
	}
	r := found.Items[0]
	return view(r, fmt.Sprintf("A request arrived and was rejected with %d %s: %s Waiting for the next...", r.Status, r.Code, r.Message), false)
}

// firstUse looks for a request with the present value of a key that leaves none in the request log,
// or that has had another value.
func (s *server) firstUse(ctx context.Context, v *visitor, k keys.Item) keyNews {
	k, err := s.Keys.Get(ctx, v.Actor, k.ID)
	if err != nil {
		return keyNews{}
	}
	u := k.LastUsed
	if !u.LastUsedAt.After(k.ValueSince.Time) || !u.LastUsedAt.After(u.PreviousUsedAt.Time) && !s.newCounted(ctx, v, k) {
		return keyNews{}
	}
	text := "First request received " + from(u.IP, u.UserAgent) + "."
	return keyNews{k.ID, views.FirstRequest(views.FirstRequestView{Done: true, Text: text}), true}
}

// newCounted tells by the counts whether the new value was used: where the old one is in steady
// use, the times of both are often those of the same half second.
func (s *server) newCounted(ctx context.Context, v *visitor, k keys.Item) bool {
	r, err := s.Keys.Rotation(ctx, v.Actor, k.ID, keys.Spans[0])
	return err == nil && r != nil && newValueUsed(k, *r)
}
