package console

import (
	"strings"

	"latchkey/internal/keys"
	"latchkey/models"
	"latchkey/views"
	"latchkey/views/ui"
)

// likeKey is the key that a new one is made after; false when there is none.
func (s *server) likeKey(c Ctx) (keys.Item, bool, error) {
	id := form(c).Get("like")
	if id == "" {
		id = c.QueryParam("like")
	}
	if id == "" {
		return keys.Item{}, false, nil
	}
	k, err := s.Keys.Get(c.Request().Context(), visit(c).Actor, id)
	return k, err == nil, err
}

// protectLike gives a new key the limit, the address list and the fate after a leak of the one that
// it replaces: a replacement must not be less protected without anybody having said so.
func (s *server) protectLike(c Ctx, f *keys.CreateForm) error {
	k, found, err := s.likeKey(c)
	if !found {
		return err
	}
	f.OnLeak, f.AllowList, f.AllowListMode = k.OnLeak, k.AllowList, k.AllowListMode
	if f.EndpointType != models.APIAccess {
		f.RateLimit = k.RateLimit
	}
	return nil
}

// likeView says what a new key takes over, apart from what its form shows.
func (s *server) likeView(c Ctx) (views.NewKeyLike, error) {
	k, found, err := s.likeKey(c)
	if !found {
		return views.NewKeyLike{}, err
	}
	var parts []string
	if k.RateLimit > 0 {
		parts = append(parts, "the limit of "+ui.Count(k.RateLimit)+" requests a minute")
	}
	if k.AllowListMode != models.AllowListOff {
		parts = append(parts, "the address list")
	}
	if k.OnLeak == models.OnLeakAlert {
		parts = append(parts, "only an alarm when it is reported as leaked")
	}
	p := views.NewKeyLike{ID: k.ID}
	if len(parts) > 0 {
		p.Text = "Taken over from " + k.Name + ": " + strings.Join(parts, ", ") + "."
	}
	return p, nil
}
