#!/bin/sh
# Copies the desk's two JavaScript libraries out of the npm registry's own archives, and says what was copied.
# Run by hand when a version changes: scripts/vendor.sh. Needs npm; obeys its settings (mirror, proxy).
# The comment that names a source map is cut off, since the map is not shipped; nothing else is changed.
set -eu
cd "$(dirname -- "$(readlink -f -- "$0")")/.."
htmx=2.0.11 maplibre=5.24.1
to=src/eclaireur/desk/static/vendor
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

(cd "$work" && npm pack --silent "htmx.org@$htmx" "maplibre-gl@$maplibre" >/dev/null &&
    for archive in *.tgz; do mkdir "${archive%.tgz}" && tar -xzf "$archive" -C "${archive%.tgz}"; done)

copy() { # FROM TO
    sed '/^\/\/# sourceMappingURL=/d' "$work/$1" >"$to/$2"
}

rm -rf "$to"/htmx-* "$to"/maplibre-gl-*
mkdir -p "$to/maplibre-gl-$maplibre"
copy "htmx.org-$htmx/package/dist/htmx.min.js" "htmx-$htmx.min.js"
copy "htmx.org-$htmx/package/LICENSE" "htmx-$htmx.LICENSE.txt"
# The build for a strict content security policy: its worker is a file, not a blob.
for file in maplibre-gl-csp.js maplibre-gl-csp-worker.js maplibre-gl.css LICENSE.txt; do
    copy "maplibre-gl-$maplibre/package/dist/$file" "maplibre-gl-$maplibre/$file"
done
(cd "$to" && sha256sum htmx-* maplibre-gl-*/*)
echo "Write these sums into $to/VENDOR.toml, then run: ./eclaireur test tests/desk/test_vendor.py"
