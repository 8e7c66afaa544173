#!/bin/sh
# Runs the proofs, in full or in short, and keeps their logs. Called by ./eclaireur prove.
PYTHONPATH=".${PYTHONPATH:+:$PYTHONPATH}" exec python benchmarks/run_proofs.py "$@"
