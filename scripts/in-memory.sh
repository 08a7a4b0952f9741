#!/usr/bin/env bash
# Runs a command with TMPDIR in memory where this machine has room for that, else as it is.
#
#   scripts/in-memory.sh COMMAND...
#
# Each test has databases of its own, of some hundred small files on Postgres: making and removing them costs a disk more
# than the tests themselves. What a test kills is a process, whose files the kernel keeps in memory as well as on a disk.
# Never for benchmarks: there the disk is what is measured.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

# What the tests may take together, several times over; containers often have less here.
needed=$((2 * 1024 * 1024)) # KiB

# has_room tells that a folder is in memory, that the memory is there, and that programs in it may be run.
has_room() {
	[ "$(stat -f -c %T "$1" 2>/dev/null)" = tmpfs ] || return 1
	[ "$(df -Pk "$1" | awk 'NR == 2 {print $4}')" -ge "$needed" ] || return 1
	[ "$(awk '/^MemAvailable:/ {print $2}' /proc/meminfo)" -ge $((2 * needed)) ] || return 1
	dir=$(mktemp -d "$1/latchkey-tests.XXXXXX") || return 1
	printf '#!/bin/sh\n' >"$dir/program" && chmod +x "$dir/program" && "$dir/program" 2>/dev/null
}

[ $# -gt 0 ] || die "say which command to run (see the head of this file)."

dir=''
trap '[ -z "$dir" ] || rm -rf "$dir"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

if has_room /dev/shm; then
	# Root's Postgres runs as another user, who must come through.
	chmod 711 "$dir"
	# What Go builds is large, used once and as well off on a disk.
	export GOTMPDIR=${GOTMPDIR:-${TMPDIR:-/tmp}} TMPDIR=$dir
fi
"$@"
