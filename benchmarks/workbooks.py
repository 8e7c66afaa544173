"""Processor time and peak memory of the confined child on a large generated workbook.

    PYTHONPATH=src:. python benchmarks/workbooks.py [--rows 300000]

The workbook has 12 columns: identifiers, words, days, numbers, codes and free text.
"""

from __future__ import annotations

import argparse
import random
import resource
import sys
import tempfile
from datetime import date, timedelta
from pathlib import Path

from eclaireur.sources.isolated import read_isolated

NAMES = ("SIRET", "Ville", "Date", "Montant", "Nb", "Actif", "Texte", "CP", "Tel", "Taux", "Obs", "Code")


def make(path: Path, rows: int) -> None:
    """Write the workbook."""
    import xlsxwriter

    draw = random.Random(1)
    with xlsxwriter.Workbook(str(path), {"constant_memory": True}) as book:
        sheet = book.add_worksheet()
        days = book.add_format({"num_format": "dd/mm/yyyy"})
        sheet.write_row(0, 0, NAMES)
        for row in range(1, rows + 1):
            sheet.write_row(row, 0, ["83283779300021", draw.choice(["Nice", "Évreux", "Lyon"])])
            sheet.write_datetime(row, 2, date(2023, 1, 1) + timedelta(days=draw.randrange(1000)), days)
            money, text = round(draw.random() * 1000, 2), f"Un texte libre n° {draw.randrange(10**6)}"
            sheet.write_row(row, 3, [money, draw.randrange(1000), "oui", text, "06000", "0612345678"])
            sheet.write_row(row, 9, [0.25, "RAS", f"A{row:05}"])


def main() -> int:
    """Read it in the child, and print what that took."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=300_000)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "large.xlsx"
        make(path, asked.rows)
        size = path.stat().st_size / 1e6
        reading = read_isolated(path)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    peak = used.ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)
    print(f"{asked.rows} rows, {size:.1f} MB: {reading.outcome}, {reading.count} rows read")
    print(f"processor {used.ru_utime + used.ru_stime:.1f} s, peak {peak:.0f} MB")
    return 0 if reading.count == asked.rows else 1


if __name__ == "__main__":
    sys.exit(main())
