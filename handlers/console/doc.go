// Package console is the door for people: HTML pages and HTMX fragments over the use-cases in
// internal/. It reads a form, calls one use-case, fills a view struct and renders; it holds no SQL,
// no clock of its own and no cryptography.
//
// # How to add a page
//
// Put the noun's handlers in a file of its name (keys.go), its components in views/keys.templ, and
// its lines into a table that [server.routes] concatenates:
//
//	func (s *server) keyRoutes() []Route {
//		return []Route{
//			{GET, "/w/:slug/settings/api-keys", In(access.ManageKeys), s.listKeys},
//			{POST, "/w/:slug/settings/api-keys/:id/deactivation", In(access.ManageKeys), s.deactivateKey},
//		}
//	}
//
// Register refuses a route without an Access. Before the handler runs, the request has passed the
// same-origin check, the body limit of 1 MiB, the session and the role; then
//
//	v := visit(c)            // who, where: v.Actor, v.Account, v.Workspace, v.Env ("live" or "test")
//	v.path("settings/api-keys", id)  // "/w/acme/settings/api-keys/<id>" in this workspace
//	v.envPath("signals")     // the same with ?env=test when the page shows test data
//	f := form(c)             // the POST's body as url.Values; the URL's query is not mixed in
//	s.shell(c, page{Title: "API keys", Nav: navKeys, HasEnv: true})   // views.Page with frame and flash
//	s.time(c, k.CreatedAt.Time, "Never")    // ui.TimeProps in the reader's zone
//
// and a handler ends with one of
//
//	return s.render(c, http.StatusOK, views.Keys(v), views.KeyRows(rows))  // page, fragment (nil: page only)
//	return s.refused(c, err, views.KeyForm(p), nil)   // a form again with 422 when err is fault.Invalid, else err
//	return s.done(c, v.path("settings/api-keys"), "Key deactivated.")      // flash and 303 (HX-Redirect with HTMX)
//	return s.swapped(c, views.KeyRow(r), "Key deactivated.")                // HTMX: the row and a toast
//	return s.removed(c, "Invitation revoked.")                               // HTMX: the row goes, and a toast
//	return err               // errors.go turns a fault into its page, or a toast for HTMX
//
// Use isHTMX(c) to choose between done and swapped. Never render a form's secret fields again.
package console
