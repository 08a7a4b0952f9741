package views

// ErrorPage is what a person sees when a page cannot be shown: what happened, to what, and the way out.
type ErrorPage struct {
	Page        Page
	Status      string // "404"
	Title       string
	Text        string
	RequestID   string // shown so that it can be reported and found in the log; empty to leave out
	ActionLabel string
	ActionHref  string
}

// Forbidden is 403. reason says which role may, e.g. "Only Owners and Admins can see members."
func Forbidden(p Page, reason, homeHref string) ErrorPage {
	return errorPage(p, "403", "You can't open this page", reason, "Go to Home", homeHref)
}

// NotFound is 404, the same for what never was and for another workspace's things.
func NotFound(p Page, homeHref string) ErrorPage {
	return errorPage(p, "404", "Page not found", "The address is wrong, or what was here is gone.", "Go to Home", homeHref)
}

// Unprocessable is 400 and 422 where no form can be shown again. text says what to correct.
func Unprocessable(p Page, text, backHref string) ErrorPage {
	return errorPage(p, "422", "That couldn't be done", text, "Go back", backHref)
}

// TooMany is 429. retry says when, e.g. "Try again in 4 minutes."
func TooMany(p Page, retry, backHref string) ErrorPage {
	return errorPage(p, "429", "Too many attempts", retry, "Go back", backHref)
}

// Unavailable is 503: nothing was changed.
func Unavailable(p Page, retry, backHref string) ErrorPage {
	return errorPage(p, "503", "Latchkey can't answer right now", "Nothing was changed. "+retry, "Try again", backHref)
}

// Internal is 500. The cause is in the log under requestID, never on the page.
func Internal(p Page, requestID, homeHref string) ErrorPage {
	e := errorPage(p, "500", "Something went wrong on the server", "The error was logged. If it happens again, send the request ID to whoever runs this Latchkey.", "Go to Home", homeHref)
	e.RequestID = requestID
	return e
}

func errorPage(p Page, status, title, text, label, href string) ErrorPage {
	p.Title = title
	return ErrorPage{Page: p, Status: status, Title: title, Text: text, ActionLabel: label, ActionHref: href}
}
