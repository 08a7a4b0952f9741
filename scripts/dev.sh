#!/usr/bin/env bash
# Runs the server and, at each change to a source file, regenerates, rebuilds and restarts it. Ctrl-C ends it.
# A build that fails leaves the last good server running, so a half-typed line does not take the page away.
# Nothing is injected into the pages: the Content-Security-Policy is the real one, and the browser is reloaded by hand.
#
#   scripts/dev.sh [serve's flags]
set -euo pipefail
. "$(dirname "$0")/lib.sh"
cd "$ROOT"

mkdir -p .cache/dev
binary=.cache/dev/latchkey server=''

# fingerprint changes when a source file is edited, added or removed; what generate.sh writes is no source.
fingerprint() {
	find . \( -name node_modules -o -name .git -o -name .cache -o -name data -o -name e2e \) -prune -o -type f \
		\( -name '*.go' ! -name '*_templ.go' -o -name '*.templ' -o -name '*.sql' -o -name '*.js' -o -name '*.yaml' \
		-o -path './static/src/*' -o -name go.mod \) -exec cksum {} + | cksum
}

stop_server() {
	[ -n "$server" ] || return 0
	kill "$server" 2>/dev/null || true
	wait "$server" 2>/dev/null || true
	server=''
}

rebuild() { scripts/generate.sh && go build -o "$binary.next" . && mv "$binary.next" "$binary"; }

trap stop_server EXIT
trap 'exit 0' INT TERM

seen=''
while :; do
	now=$(fingerprint)
	if [ "$now" != "$seen" ]; then
		seen=$now
		if rebuild; then
			stop_server
			"$binary" "${@:-serve}" &
			server=$!
		else
			say "The build failed; the last good server keeps running. Waiting for the next change."
		fi
	fi
	sleep 1
done
