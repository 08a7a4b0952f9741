#!/usr/bin/env bash
# Fails when a committed generated file is not what scripts/generate.sh makes of its sources.
# Works on a copy, so that a check never changes the work tree; the copy has what git knows or would add.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
cd "$ROOT"

copy=$(mktemp -d "${TMPDIR:-/tmp}/latchkey-generated.XXXXXX")
trap 'rm -rf "$copy"' EXIT

git ls-files -z -co --exclude-standard | while IFS= read -r -d '' file; do
	[ ! -e "$file" ] || printf '%s\0' "$file"
done | tar -cf - --null -T - | tar -xf - -C "$copy"
ln -s "$ROOT/node_modules" "$copy/node_modules"

(cd "$copy" && scripts/generate.sh) >"$copy/.log" 2>&1 || { cat "$copy/.log" >&2; die "scripts/generate.sh failed."; }

stale=''
while IFS= read -r file; do
	cmp -s "$copy/$file" "$file" || stale+="  $file"$'\n'
done < <(cd "$copy" && find . \( -name node_modules -o -name .git -o -name .log \) -prune -o -type f -print | sed 's|^\./||')

if [ -n "$stale" ]; then
	say "These generated files are not current; run \"make generate\" and commit them with their sources:"
	printf '%s' "$stale" >&2
	exit 1
fi
