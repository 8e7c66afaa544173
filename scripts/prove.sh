#!/bin/sh
# Runs every script that prints a published figure, one after the other, then writes docs/proofs.md from the logs of
# those that keep one. Called by ./eclaireur prove.
set -u
failed=0
logs=$(mktemp -d)
for script in benchmarks/prove_*.py; do
    [ -f "$script" ] || continue
    printf '\n%s\n' "— $script"
    name=$(basename "$script" .py)
    if grep -q '"--log"' "$script"; then
        python "$script" --log "$logs/$name.json" || failed=1
    else
        python "$script" || failed=1
    fi
done
python benchmarks/write_proofs.py "$logs" --output docs/proofs.md || failed=1
printf '\n%s\n' "— $logs"
exit "$failed"
