package views

// htmxConfig keeps htmx inside the Content-Security-Policy (no style of its own, no extension but the one we ship).
// htmx evaluates text only for hx-on, js: values and trigger filters, which no template here uses.
// What a reader has unfolded stays so when a part of the page is brought up to date (morphIgnore: open).
const htmxConfig = `{"includeIndicatorCSS":false,"extensions":"sse","morphIgnore":["data-htmx-powered","open"]}`
