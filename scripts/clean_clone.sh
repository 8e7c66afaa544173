#!/bin/sh
# The proof of the first command: a clone in a temporary folder, no uv on the PATH, nothing in HOME or in a cache.
# Run by hand: scripts/clean_clone.sh. Prints the time and the disk it took, and fails over 550 MB.
set -eu
here=$(dirname -- "$(readlink -f -- "$0")")/..
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/home" "$work/cache"
git clone --quiet "$here" "$work/clone"
cd "$work"

start=$(date +%s)
# Bytecode is written as on a user's machine, so that its size counts.
env -u PYTHONDONTWRITEBYTECODE -u UV -u ECLAIREUR_DATA -u ECLAIREUR_HOSTILE \
    HOME="$work/home" UV_CACHE_DIR="$work/cache" ECLAIREUR_HOME="$work/workspace" PATH=/usr/bin:/bin \
    "$work/clone/eclaireur" demo --check
echo "Time: $(($(date +%s) - start)) s"

for folder in clone/.venv clone/.tools workspace; do
    [ ! -e "$folder" ] || echo "$folder: $(du -sm "$folder" | cut -f 1) MB"
done
size=$(du -scm clone/.venv clone/.tools 2>/dev/null | tail -n 1 | cut -f 1)
[ "$size" -le 550 ] || { echo "Over 550 MB: $size" && exit 1; }

start=$(date +%s)
env -u PYTHONDONTWRITEBYTECODE HOME="$work/home" PATH=/usr/bin:/bin clone/eclaireur --version
echo "Second call: $(($(date +%s) - start)) s"
