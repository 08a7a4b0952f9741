package views

// htmxConfig keeps htmx inside the Content-Security-Policy (no style of its own, no extension but the one we ship).
// htmx evaluates text only for hx-on, js: values and trigger filters, which no template here uses.
const htmxConfig = `{"includeIndicatorCSS":false,"extensions":"sse"}`
