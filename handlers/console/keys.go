package console

import (
	"net/http"
	"net/url"
	"slices"

	"latchkey/internal/access"
	"latchkey/internal/keys"
	"latchkey/internal/token"
	"latchkey/views"
	"latchkey/views/ui"
)

const keysPath = "settings/api-keys"

func (s *server) keyRoutes() []Route {
	const list, one = "/w/:slug/" + keysPath, "/w/:slug/" + keysPath + "/:id"
	return slices.Concat(s.rotationRoutes(), s.protectionRoutes(), []Route{
		{GET, list, In(access.ManageKeys), s.listKeys},
		{POST, list + "/search", In(access.ManageKeys), s.searchKeys},
		{GET, list + "/new", In(access.ManageKeys), s.newKey},
		{POST, list, In(access.ManageKeys), s.createKey},
		{GET, one, In(access.ManageKeys), s.showKey},
		{GET, one + "/first-request", In(access.ManageKeys), s.awaitFirstRequest},
		{POST, one + "/name", In(access.ManageKeys), s.renameKey},
		{POST, one + "/expiry", In(access.ManageKeys), s.changeKeyExpiry},
		{GET, one + "/deactivation", In(access.ManageKeys), s.confirmKeyDeactivation},
		{POST, one + "/deactivation", In(access.ManageKeys), s.deactivateKey},
		{GET, list + "/import", In(access.ManageKeys), s.newImport},
		{POST, list + "/import", In(access.ManageKeys), s.importKey},
	})
}

func (s *server) listKeys(c Ctx) error {
	q := keyQueryOf(c.QueryParams(), visit(c).Env)
	if looksSecret(q.Search) {
		return s.findKey(c, q)
	}
	found, err := s.Keys.List(c.Request().Context(), visit(c).Actor, q.filter())
	if err != nil {
		return err
	}
	return s.render(c, http.StatusOK, views.Keys(s.keysView(c, q, found)), nil)
}

// searchKeys takes the search as a POST: what is pasted may be a whole key, which has no place in a
// URL. Anything else becomes the list's URL.
func (s *server) searchKeys(c Ctx) error {
	f := form(c)
	q := keyQueryOf(f, f.Get("env"))
	if looksSecret(q.Search) {
		return s.findKey(c, q)
	}
	return redirect(c, q.href(visit(c)))
}

// findKey leads to the key whose whole value was pasted, without repeating it.
func (s *server) findKey(c Ctx, q keyQuery) error {
	v := visit(c)
	id, err := s.Keys.Find(c.Request().Context(), v.Actor, q.Search)
	if err != nil {
		return err
	}
	if id != "" {
		return redirect(c, v.path(keysPath, id))
	}
	if err := s.flash(c, "No key of this workspace has the value that you pasted.", true); err != nil {
		return err
	}
	q.Search = ""
	return redirect(c, q.href(v))
}

// looksSecret tells a whole key or shared secret, mistyped or not, from a text to search for.
func looksSecret(text string) bool { return token.Mask(text) != text }

// keyQuery is what the list's URL says.
type keyQuery struct{ Env, Status, Type, Search, Before, After string }

func keyQueryOf(q url.Values, env string) keyQuery {
	out := keyQuery{Env: liveEnv, Status: q.Get("status"), Type: q.Get("type"), Search: q.Get("q"), Before: q.Get("before"), After: q.Get("after")}
	if env == testEnv {
		out.Env = testEnv
	}
	return out
}

func (q keyQuery) filter() keys.Filter {
	return keys.Filter{Environment: q.Env, Status: q.Status, Type: q.Type, Search: q.Search, Before: q.Before, After: q.After}
}

// narrowed tells that filters are set beside the environment.
func (q keyQuery) narrowed() bool { return q.Status != "" || q.Type != "" || q.Search != "" }

func (q keyQuery) href(v *visitor) string {
	values := url.Values{}
	set := func(name, value string) {
		if value != "" {
			values.Set(name, value)
		}
	}
	if q.Env == testEnv {
		set("env", testEnv)
	}
	set("status", q.Status)
	set("type", q.Type)
	set("q", q.Search)
	set("before", q.Before)
	set("after", q.After)
	href := v.path(keysPath)
	if len(values) > 0 {
		href += "?" + values.Encode()
	}
	return href
}

// at is the same list from another place.
func (q keyQuery) at(before, after string) keyQuery {
	q.Before, q.After = before, after
	return q
}

func (q keyQuery) hidden() []ui.HiddenField {
	var fields []ui.HiddenField
	for _, f := range []ui.HiddenField{{Name: "env", Value: q.Env}, {Name: "status", Value: q.Status}} {
		if f.Value != "" && f.Value != liveEnv {
			fields = append(fields, f)
		}
	}
	return fields
}
