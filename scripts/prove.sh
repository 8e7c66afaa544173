#!/bin/sh
# Runs every script that prints a published figure, one after the other. Called by ./eclaireur prove.
set -u
failed=0
for script in benchmarks/prove_*.py; do
    [ -f "$script" ] || continue
    printf '\n%s\n' "— $script"
    python "$script" || failed=1
done
exit "$failed"
