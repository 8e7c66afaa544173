#!/bin/sh
# scripts/install.sh NAME: brings .venv/ to requirements/core.txt and requirements/NAME.txt. Called by ./eclaireur.
# Uses the uv on PATH, or fetches the pinned one into .tools/; both obey the user's UV_* and PIP_* settings.
set -eu
here=$(dirname -- "$(readlink -f -- "$0")")/..
here=$(readlink -f -- "$here")
venv=$here/.venv tools=$here/.tools locks=$here/requirements name=$1

stop() {
    printf '%s\n' "$1" >&2
    exit 1
}

announce() {
    if [ -d "$venv/locks" ]; then
        echo "Mise à jour de l'installation…" >&2
    else
        echo "Première installation : environ 500 Mo, une à cinq minutes…" >&2
    fi
}

find_python() {
    for python in python3 python3.13 python3.12 python3.11 python3.14; do
        "$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' 2>/dev/null && return
    done
    python=$(uv python find '>=3.11,<3.15' 2>/dev/null) ||
        stop "Éclaireur a besoin de Python 3.11 à 3.14 : sous Debian, installez le paquet python3-venv."
}

find_uv() {
    uv=uv
    "$uv" --version >/dev/null 2>&1 && announce && return
    # A pip that works into .tools/, a folder of ours: PEP 668 protects the system, which stays untouched.
    uv=$tools/bin/uv
    wheel=$(find /usr/share/python-wheels -name 'pip-*.whl' 2>/dev/null | tail -n 1)
    rm -rf "$tools"
    if "$python" -m venv "$tools" >/dev/null 2>&1; then
        set -- "$tools/bin/python" -m pip
    elif rm -rf "$tools" && ! "$python" -m venv --without-pip "$tools" >/dev/null 2>&1; then
        set -- false
    elif "$python" -m pip --version >/dev/null 2>&1; then
        set -- "$python" -m pip --python "$tools/bin/python"
    else
        set -- "$tools/bin/python" "$wheel/pip"
    fi
    export PIP_USER=0 PIP_DISABLE_PIP_VERSION_CHECK=1
    "$@" --version >/dev/null 2>&1 ||
        stop "Il manque de quoi installer Éclaireur : sous Debian, installez le paquet python3-venv."
    announce
    "$@" install --quiet --require-hashes --only-binary :all: --no-compile -r "$locks/uv.txt" ||
        stop "L'outil uv n'a pas pu être téléchargé : vérifiez le réseau, puis relancez la même commande."
    # What pip was told of a mirror holds for uv too, unless uv was told otherwise.
    index=${PIP_INDEX_URL-$("$@" config get global.index-url 2>/dev/null || true)}
    [ -z "$index" ] || export UV_DEFAULT_INDEX="${UV_DEFAULT_INDEX-${UV_INDEX_URL-$index}}"
}

is_current() {
    [ -x "$venv/bin/python" ] && cmp -s "$locks/$name.txt" "$venv/locks/$name.txt"
}

[ -f "$locks/$name.txt" ] && [ "$name" != uv ] ||
    stop "Partie inconnue : « $name ». Exemple : ./eclaireur install cluster"
find_python
exec 9<"$locks/core.txt" # two first calls at once: the second waits here, then finds all in place
flock 9 2>/dev/null || "$python" -c 'import fcntl; fcntl.flock(9, fcntl.LOCK_EX)'
is_current && exit 0

export UV_PYTHON_DOWNLOADS=never
[ -n "${UV_CACHE_DIR-}" ] || unset UV_CACHE_DIR
[ -w "${HOME:-/nowhere}" ] || export UV_NO_CACHE="${UV_NO_CACHE-1}" PIP_NO_CACHE_DIR=1
# An administration's own certificate lies among the system's: uv would not look there by itself.
[ ! -e /etc/ssl/certs/ca-certificates.crt ] || export UV_SYSTEM_CERTS="${UV_SYSTEM_CERTS-true}"
cd "$here" # uv reads settings from the current folder: ours, not that of a stranger
find_uv

# Every part ever asked for stays installed. An empty copy of a lock tells of an interrupted installation,
# which may have left half a package: the environment is made again.
parts=$( (echo core && echo "$name" && ls "$venv/locks" 2>/dev/null | sed 's/[.]txt$//') | sort -u)
[ -z "$(find "$venv/locks" -empty 2>/dev/null)" ] || rm -rf "$venv"
if ! "$venv/bin/python" -c 'import sys; sys.exit(sys.prefix == sys.base_prefix)' 2>/dev/null; then
    rm -rf "$venv"
    "$uv" venv --quiet --python "$python" "$venv" || stop "Le dossier .venv n'a pas pu être créé : voir ci-dessus."
fi

mkdir -p "$venv/locks"
set --
wheels="--only-binary :all:"
for part in $parts; do
    [ -f "$locks/$part.txt" ] || continue # a part of an older version
    : >"$venv/locks/$part.txt"
    set -- "$@" "$locks/$part.txt"
    [ "$part" != peers ] || wheels= # one library that others are measured beside has no wheel
done
# shellcheck disable=SC2086
"$uv" pip sync --quiet --python "$venv/bin/python" --require-hashes $wheels "$@" ||
    stop "L'installation a échoué : vérifiez le réseau et la place libre, puis relancez la même commande."
# Their own tests are a fifteenth of what numerical libraries weigh, and nothing here imports them.
for library in numpy pyarrow scipy sklearn; do
    find "$venv"/lib/python*/site-packages/"$library" -type d -name tests -prune -exec rm -rf {} + 2>/dev/null || :
done
# Nor are Django's words in a hundred other languages than the desk's.
find "$venv"/lib/python*/site-packages/django -path '*/locale/*' -prune -type d ! -name fr ! -name en \
    -exec rm -rf {} + 2>/dev/null || :
cp "$@" "$venv/locks/"
rm -rf "$tools" # 38 MB that only the next change of a lock needs
echo "Installation terminée." >&2
