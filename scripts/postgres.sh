#!/usr/bin/env bash
# A Postgres for tests: its own data folder, a free port of 127.0.0.1, a random password, gone afterwards.
#
#   scripts/postgres.sh run [--durable] COMMAND...   start, run COMMAND with LATCHKEY_TEST_POSTGRES set, stop
#   eval "$(scripts/postgres.sh start [--durable])"  start, and set LATCHKEY_TEST_POSTGRES in this shell
#   scripts/postgres.sh stop                         stop what that start started
#
# Without --durable the server does not wait for the disk: right for unit tests, wrong for tests of crashes and for
# benchmarks. PG_PRELOAD names a shared object that the server alone preloads (LD_PRELOAD), such as one that delays
# fsync. A LATCHKEY_TEST_POSTGRES that is already set is used by "run" as it is, to test on a server of your own.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

# Postgres refuses to run as root, so root hands the server to an unprivileged user.
if [ "$(id -u)" -eq 0 ]; then
	owner=$(id -un postgres 2>/dev/null || echo nobody)
	as_owner() { (cd "$dir" && runuser -u "$owner" -- "$@"); }
else
	owner=$(id -un)
	as_owner() { (cd "$dir" && "$@"); }
fi

dir='' url=''

# use_readable_binaries copies a server that the owner may not reach (one under root's home) beside its data.
use_readable_binaries() {
	as_owner test -x "$bin/postgres" && return
	cp -R "$bin/.." "$dir/server"
	chown -R "$owner" "$dir/server"
	bin=$dir/server/bin
}

write_settings() {
	cat <<-SETTINGS
		listen_addresses = '127.0.0.1'
		unix_socket_directories = ''
		max_connections = 200
	SETTINGS
	[ "$1" = durable ] || cat <<-SETTINGS
		fsync = off
		synchronous_commit = off
		full_page_writes = off
		autovacuum = off
		# Far from UTC, so that a test sees it when the server's zone leaks into an answer.
		timezone = 'Asia/Kolkata'
	SETTINGS
}

# start_on_free_port tries ports below the range the kernel hands out itself; a taken one only costs another try.
start_on_free_port() {
	local attempt
	for attempt in 1 2 3 4 5 6 7 8; do
		port=$((15000 + RANDOM % 15000))
		if as_owner env ${PG_PRELOAD:+"LD_PRELOAD=$dir/preload.so"} "$bin/pg_ctl" -w -t 60 -s -D "$dir/data" -l "$dir/log" -o "-p $port" start >/dev/null 2>&1; then return; fi
	done
	say "Postgres did not start. The end of its log:"
	tail -n 20 "$dir/log" >&2 || true
	return 1
}

start() {
	local password
	bin=$(find_postgres) || die "Postgres was not found; run scripts/setup.sh postgres."
	dir=$(mktemp -d "${TMPDIR:-/tmp}/latchkey-postgres.XXXXXX")
	chown "$owner" "$dir"
	as_owner test -w . || die "$owner, who runs the test server, cannot reach $dir; set TMPDIR to a folder that others may enter."
	use_readable_binaries
	password=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
	(umask 077 && printf '%s\n' "$password" >"$dir/password")
	chown "$owner" "$dir/password"
	as_owner "$bin/initdb" -D "$dir/data" -U latchkey -E UTF8 --locale=C --auth=scram-sha-256 --pwfile="$dir/password" \
		--no-sync >"$dir/initdb.log" 2>&1 || { tail -n 20 "$dir/initdb.log" >&2; die "initdb failed."; }
	# A copy that the server's user can read, wherever the original is.
	[ -z "${PG_PRELOAD:-}" ] || install -m 0644 "$PG_PRELOAD" "$dir/preload.so"
	write_settings "$1" >>"$dir/data/postgresql.conf"
	start_on_free_port || die "could not start a test server."
	printf '%s\n' "$bin" >"$dir/bin"
	url="postgres://latchkey:$password@127.0.0.1:$port/postgres?sslmode=disable"
}

# stop ends the server of $dir and removes the folder; nothing in it is worth a clean shutdown.
stop() {
	[ -n "$dir" ] && [ -d "$dir" ] || return 0
	local bin
	if [ -f "$dir/data/postmaster.pid" ]; then
		bin=$(cat "$dir/bin" 2>/dev/null || find_postgres)
		as_owner "$bin/pg_ctl" -w -s -D "$dir/data" -m immediate stop >/dev/null 2>&1 || true
	fi
	rm -rf "$dir"
	dir=''
}

command=${1:-} mode=quick
shift || true
if [ "${1:-}" = --durable ]; then mode=durable; shift; fi

# Until "start" has handed the folder over, any way out of here takes the server along.
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

case $command in
start)
	start "$mode"
	printf 'export LATCHKEY_TEST_POSTGRES=%q LATCHKEY_TEST_POSTGRES_DIR=%q\n' "$url" "$dir"
	trap - EXIT
	;;
stop)
	dir=${LATCHKEY_TEST_POSTGRES_DIR:-}
	# The folder is removed, so it must be one that "start" made.
	case $(basename "$dir") in latchkey-postgres.*) ;; *) dir='' && die "LATCHKEY_TEST_POSTGRES_DIR does not name a test server." ;; esac
	;;
run)
	[ $# -gt 0 ] || die "run needs a command."
	if [ -z "${LATCHKEY_TEST_POSTGRES:-}" ]; then
		start "$mode"
		export LATCHKEY_TEST_POSTGRES=$url
	fi
	"$@"
	;;
*)
	die "say run, start or stop (see the head of this file)."
	;;
esac
