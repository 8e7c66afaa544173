#!/bin/sh
# Every static check, all of them even when one fails. Called by ./eclaireur check.
set -u
failed=0
step() {
    printf '\n%s\n' "— $1"
    shift
    "$@" || failed=1
}
step "ruff check" python -m ruff check .
step "ruff format" python -m ruff format --check .
step "mypy" python -m mypy
step "import-linter" python -c 'import sys; from importlinter.cli import lint_imports_command; sys.exit(lint_imports_command())'
step "fiches des cas d'usage" python -m eclaireur check-cards
exit "$failed"
