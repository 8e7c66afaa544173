"""A file of any kind is read as what it is, and told the same way wherever it is read."""

from __future__ import annotations

from pathlib import Path

from eclaireur.service.any_file import Wanted, file_json, read_file, report_of, show_file
from eclaireur.sources.held import held_reader
