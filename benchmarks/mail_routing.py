"""Routing on the subjects of official sheets, parents kept whole; speed on made-up mails; reviews described.

Run alone: ``.venv/bin/python benchmarks/mail_routing.py [--speed] [--figures] [--describe]
[--encoder NAME]``; all but the encoder when nothing is asked. Sheets are read without title.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import hashlib
import os
import resource
import sys
import tempfile
import time
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))

import numpy as np

from eclaireur.bricks.semantic.encoders import encoder_of
from eclaireur.cases.mail_routing import case, encoded, measuring, reading, sample, sheets
from eclaireur.core.case import quiet
from eclaireur.core.intake import Message
from eclaireur.core.types import EvaluationBlock


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    for name in ("speed", "figures", "describe"):
        parser.add_argument(f"--{name}", action="store_true")
    parser.add_argument("--encoder", default="")
    parser.add_argument("--rows", type=int, default=0, help="sheets drawn for the encoder; 0 for all")
    asked = parser.parse_args()
    every = not (asked.speed or asked.figures or asked.describe or asked.encoder)
    if asked.speed or every:
        _speed()
    folder = os.environ.get("ECLAIREUR_DATA")
    if not folder:
        print("skipped: ECLAIREUR_DATA is not set")
        return
    path = Path(folder) / "service_public_sheets" / "fiches_service_public.jsonl.gz"
    if asked.figures or every:
        rows = [reading.row_of(row) for row in sheets.rows(path)]
        named = [row for row in rows if row["service"]]
        boxes = {row["box"] for row in named}
        largest = Counter(row["box"] for row in named).most_common(1)[0][1]
        subjects = len({row["service"] for row in named})
        print(f"sheets {len(rows)}, with a subject {len(named)}, subjects {subjects}")
        print(f"parents {len(boxes)}, the largest has {largest} sheets", flush=True)
        start = time.process_time()
        for block in measuring.evaluate("service_public", rows, seed=1, progress=_told):
            _shown(block)
            sys.stdout.flush()
        print(f"both measured in {time.process_time() - start:.0f} CPU s")
    if asked.encoder:
        _encoder(path, asked.encoder, asked.rows)
    if asked.describe or every:
        _describe(Path(folder) / "services_publics_plus" / "experiences_services_publics_plus_1200.csv.gz")


def _told(done: int, total: int, message: str) -> None:
    print(f"{message} : {done} / {total}", file=sys.stderr, flush=True)


def _shown(block: EvaluationBlock) -> None:
    print(f"\n{block.data_set} ({block.split})")
    for one in block.metrics:
        value = "-" if one.value is None else f"{one.value:.3f}"
        bounds = "" if one.low is None or one.high is None else f" [{one.low:.3f} ; {one.high:.3f}]"
        beside = "" if one.baseline_value is None else f", {one.baseline} {one.baseline_value:.3f}"
        print(f"  {one.name} {value}{bounds} (n {one.n}){beside}")
    for group in block.subgroups:
        if group.attribute == "service" and group.metric.n < 100:
            continue
        value = "-" if group.metric.value is None else f"{group.metric.value:.3f}"
        print(f"    {group.attribute} {group.group}: precision_routed {value} (routed {group.metric.n})")
    for note in block.notes:
        print(f"  {note}")


def _speed() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sample.write(folder, seed=1)
        records = case.records("sample", folder, outcomes=None, progress=quiet)
        after = case.data_date(records) + timedelta(days=1)
        start = time.process_time()
        fitted = case.train(records, case.examples(records), as_of=after, seed=1, progress=quiet)
        read = dict(fitted.artefacts).__getitem__
        print(f"trained on {fitted.card.positives} made-up mails in {time.process_time() - start:.1f} CPU s")
        box = folder / "grande.mbox"
        box.write_bytes((folder / "boite.mbox").read_bytes() * 10)
        start = time.process_time()
        table = case.read_candidates(box)
        if table is None:
            return
        middle = time.process_time()
        case.score(table.drop_columns(["line"]), records, fitted.card, read, progress=quiet)
        end = time.process_time()
        size = table.num_rows
        print(
            f"{size} mails: read {size / (middle - start):.0f} a CPU s, routed with reasons and previews "
            f"{size / (end - middle):.0f}, both {size / (end - start):.0f}"
        )
        _speed_of_kinds(folder)
        # As the registry completes it: the desk then reads the model once.
        sums = {name: hashlib.sha256(data).hexdigest() for name, data in fitted.artefacts.items()}
        stored = replace(fitted.card, artefacts=sums)
        rows = case.messages(records).slice(0, 200).to_pylist()
        start = time.process_time()
        for row in rows:
            message = Message(**{**row, "attachments": tuple(row["attachments"])})
            case.handle(message, records, stored, read)
        print(f"one by one, as the desk asks: {len(rows) / (time.process_time() - start):.0f} a CPU s")


def _speed_of_kinds(folder: Path) -> None:
    """Time mails that are not plain text alone, with the confined child that some need."""
    size = 1000
    for kind in ("a PDF of 30 kB attached", "a page alone", "a page alone and a PDF attached"):
        path = folder / "sorte.mbox"
        path.write_bytes(b"".join(_made(kind, at) for at in range(size)))
        start = _with_children()
        found = reading.mail_rows(path)
        reading.close_child()
        spent = _with_children() - start
        read = sum(bool(row["body"].strip()) for row in found)
        print(f"{kind}: {read} of {size} read, {size / spent:.0f} a CPU s, start of the child counted")


def _made(kind: str, at: int) -> bytes:
    mail = EmailMessage()
    mail["From"], mail["Subject"], mail["Message-ID"] = (
        f"a{at}@exemple.fr",
        f"Cantine {at}",
        f"<{at}@exemple.fr>",
    )
    text = f"Bonjour,\n\nLa facture de cantine est fausse : {at} repas de trop.\nCordialement\nA. B.\n"
    if "page" in kind:
        lines = "".join(f"<p>{line}</p>" for line in text.splitlines())
        mail.set_content(f"<html><body>{lines}</body></html>", subtype="html")
    else:
        mail.set_content(text)
    if "PDF" in kind:
        data = b"%PDF-1.4 " + np.random.default_rng(at).bytes(30_000)
        mail.add_attachment(data, maintype="application", subtype="pdf", filename="facture.pdf")
    return b"From MAILER Mon Jan  5 08:00:00 2026\n" + mail.as_bytes() + b"\n\n"


def _with_children() -> float:
    """Return the seconds of processor of this process and of its ended children."""
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in both)


def _encoder(path: Path, name: str, count: int) -> None:
    encoder = encoder_of(name)
    if encoder is None:
        return
    rows = [row for row in map(reading.row_of, sheets.rows(path)) if row["service"]]
    if count:
        drawn = np.random.default_rng(1).permutation(len(rows))[:count]
        rows = [rows[at] for at in sorted(drawn.tolist())]
    start = time.process_time()
    for one in encoded.compared(rows, encoder, seed=1, progress=quiet):
        print(one)
    print(f"compared on {len(rows)} sheets in {time.process_time() - start:.0f} CPU s")


def _describe(path: Path) -> None:
    """Count the structures of published experiences: too few and too often absent to measure on them."""
    if not path.is_file():
        print("skipped: no file of experiences")
        return
    with gzip.open(path, "rt", encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    names = Counter(row["Intitulé structure 1"].strip() for row in rows)
    without = names.pop("", 0) + names.pop("Hors-structures", 0)
    kinds = Counter(row["Intitulé Typologie 1"].strip() for row in rows)
    kinds.pop("", 0)
    once, ten = sum(one == 1 for one in names.values()), sum(one >= 10 for one in names.values())
    print(f"\nexperiences {len(rows)}, without a structure {without}, structures {len(names)}")
    print(f"structures seen once {once}, seen ten times or more {ten}; networks {len(kinds)}")
    length = int(np.median([len(row["Description"]) for row in rows]))
    print(f"texts: median {length} characters (none is shown)")


if __name__ == "__main__":
    main()
