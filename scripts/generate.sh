#!/bin/sh
# Regenerates what is committed but not written by hand: the Go code of the templ files, the stylesheet, and the browser
# files that npm packages provide. check-generated.sh fails when somebody forgot.
set -eu
cd "$(dirname "$0")/.."

if [ ! -x node_modules/.bin/tailwindcss ]; then
  npm ci --ignore-scripts
fi

go tool -modfile=tools/go.mod templ generate -path views -log-level warn
npm run --silent css
cp node_modules/htmx.org/dist/htmx.min.js node_modules/htmx.org/dist/ext/hx-sse.min.js static/
cp node_modules/@fontsource-variable/inter/files/inter-latin-wght-normal.woff2 static/fonts/inter-latin.woff2
cp node_modules/@fontsource-variable/inter/files/inter-latin-ext-wght-normal.woff2 static/fonts/inter-latin-ext.woff2
