"""Entry point of ``eclaireur`` and ``python -m eclaireur``."""

from __future__ import annotations

import sys

from eclaireur.cli.app import main

__all__ = ["main"]

if __name__ == "__main__":
    sys.exit(main())
