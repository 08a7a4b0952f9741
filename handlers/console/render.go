package console

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"

	"github.com/a-h/templ"

	"latchkey/internal/fault"
	"latchkey/views/ui"
)

// isHTMX tells that htmx wants a fragment. A request that replaces the whole body gets the page.
func isHTMX(c Ctx) bool {
	h := c.Request().Header
	return h.Get("HX-Request") == "true" && h.Get("HX-Boosted") == "" && h.Get("HX-Request-Type") != "full"
}

// form is the body of a POST, without the URL's query.
func form(c Ctx) url.Values { return c.Request().PostForm }

// render answers with the fragment when htmx asks and there is one, else with the page.
func (s *server) render(c Ctx, status int, page, fragment templ.Component) error {
	if fragment != nil && isHTMX(c) {
		return write(c, status, fragment)
	}
	return write(c, status, page)
}

// write renders into a buffer first, so that a failing template is an error and not half a page.
func write(c Ctx, status int, component templ.Component) error {
	var b bytes.Buffer
	if err := component.Render(c.Request().Context(), &b); err != nil {
		return fmt.Errorf("render: %w", err)
	}
	return c.HTMLBlob(status, b.Bytes())
}

// refused shows a form again, with 422, when err is fault.Invalid; any other error is returned.
// The dialog keeps a fragment that belongs to it.
func (s *server) refused(c Ctx, err error, page, fragment templ.Component) error {
	if !fault.Is(err, fault.Invalid) {
		return err
	}
	if fragment != nil && isHTMX(c) {
		c.Response().Header().Set("HX-Retarget", "#dialog-content")
		c.Response().Header().Set("HX-Reswap", "innerHTML")
	}
	return s.render(c, http.StatusUnprocessableEntity, page, fragment)
}

// done says what was done on the next page and goes there.
func (s *server) done(c Ctx, href, text string) error {
	if err := s.flash(c, text, false); err != nil {
		return err
	}
	return redirect(c, href)
}

// swapped answers HTMX with the changed part of the page and a toast.
func (s *server) swapped(c Ctx, part templ.Component, text string) error {
	return write(c, http.StatusOK, templ.Join(part, ui.ToastSwap(ui.ToastProps{Tone: ui.ToneOK, Text: text})))
}

// removed answers HTMX that the row it asked about is gone, and says so in a toast.
func (s *server) removed(c Ctx, text string) error {
	c.Response().Header().Set("HX-Reswap", "delete")
	return s.swapped(c, templ.NopComponent, text)
}

// redirect goes to a local address: 303 for a form, HX-Redirect for htmx, which follows a 303
// within its request and would swap the page into a part of this one.
func redirect(c Ctx, href string) error {
	if c.Request().Header.Get("HX-Request") == "true" {
		c.Response().Header().Set("HX-Redirect", href)
		return c.NoContent(http.StatusOK)
	}
	return c.Redirect(http.StatusSeeOther, href)
}
