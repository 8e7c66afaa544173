#!/bin/sh
# Makes the locks again from pyproject.toml: pinned, hashed, for every platform, without index address.
# Usage: scripts/lock.sh            keep the pinned versions that still fit
#        scripts/lock.sh --upgrade  take the newest versions that are a week old
# A release younger than a week is not taken: a stolen package is usually found by then.
set -eu
cd "$(dirname -- "$(readlink -f -- "$0")")/.."
uv=${UV:-uv}
week=$(date -u -d '7 days ago' +%Y-%m-%d 2>/dev/null || date -u -v-7d +%Y-%m-%d)

lock() { # NAME ARGUMENTS…: writes requirements/NAME.txt
    name=$1
    shift
    "$uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
        --no-header --exclude-newer "$week" --output-file "requirements/$name.txt" "$@"
}

upgrade=${1:-}
lock uv ${upgrade:+"$upgrade"} requirements/uv.in
lock core ${upgrade:+"$upgrade"} pyproject.toml
# The others are built on the core's very versions, so that they can be installed together.
for extra in audio cluster documents dsfr geo objects oidc postgresql semantic spectra weather; do
    lock "$extra" ${upgrade:+"$upgrade"} --constraint requirements/core.txt --extra "$extra" pyproject.toml
done
lock dev ${upgrade:+"$upgrade"} --constraint requirements/core.txt --all-extras \
    --group build --group lint --group test --group docs pyproject.toml
# What the benchmarks compare with, the fuzzer, and what audits: never part of a check.
lock peers ${upgrade:+"$upgrade"} --constraint requirements/dev.txt --group peers --group fuzz --group audit pyproject.toml
