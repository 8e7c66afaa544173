"""The child process that reads files for `isolated`: confined first, then one file after another.

It takes one JSON line for each file on its standard input, answers how far it is with a large one, then one
JSON line; tables are left in its folder as Arrow files, or one Parquet file, which the parent takes.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from eclaireur.sources.answers import to_json
from eclaireur.sources.confinement import confine, limit_processor
from eclaireur.sources.media.described import Kind, notes_of, refused
from eclaireur.sources.reading import Outcome, Reading
from eclaireur.sources.refusals import EXPORT_AGAIN

__all__ = ["main"]


def main(arguments: list[str]) -> int:
    """Confine this process, say how well, then read what is asked until the input ends."""
    folder, memory = Path(arguments[0]), int(arguments[1])
    # What a library prints must not be taken for an answer.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    missing = confine(folder, memory=memory)

    def answer(content: dict[str, Any]) -> None:
        answers.write(json.dumps(content) + "\n")
        answers.flush()

    import pyarrow as pa

    from eclaireur.sources import tables  # noqa: F401 - loaded before the first file, not during it

    pa.set_cpu_count(1)
    answer({"missing": missing})
    for line in sys.stdin:
        asked = json.loads(line)
        limit_processor(int(asked["seconds"]))
        if asked.get("document"):
            from eclaireur.sources.documents.answering import answer_document

            def consult(question: dict[str, Any]) -> dict[str, Any]:
                answer(question)
                told: dict[str, Any] = json.loads(sys.stdin.readline())
                return told

            answer(answer_document(Path(asked["path"]), folder, consult))
            continue
        if "draw" in asked:
            from eclaireur.sources.documents.drawing import draw_here

            answer(draw_here(Path(asked["path"]), int(asked["draw"]), int(asked["width"]), folder))
            continue
        if "call" in asked:
            from eclaireur.sources.called import call_here

            answer(call_here(Path(asked["path"]), asked["call"], folder))
            continue
        if "look" in asked:
            answer(_look(asked, folder))
            continue
        target = folder / "written.parquet" if asked["to"] else None
        reading = _read(asked, target, lambda done: answer({"done": done}))
        if reading.table is not None and reading.typed is not None:
            numbered = pa.table({"line": pa.array(reading.lines)})
            for name, table in (("table", reading.table), ("typed", reading.typed), ("lines", numbered)):
                with pa.ipc.new_file(str(folder / f"{name}.arrow"), table.schema) as writer:
                    writer.write_table(table)
        answer(to_json(reading))
    return 0


def _read(asked: dict[str, Any], target: Path | None, progress: Callable[[int], None]) -> Reading:
    """Read a file; whatever its parser raises is a refusal, as its death would be."""
    from eclaireur.sources import tables

    path = Path(asked["path"])
    try:
        written = None if asked["hold"] else tables.write_table(path, target, progress=progress)
        return written or tables.read_table(path, sheet=asked["sheet"], progress=progress)
    except Exception as error:  # noqa: BLE001 - a hostile file may make a parser raise anything
        reason = f"le fichier a fait échouer son lecteur ({type(error).__name__})."
        return Reading(file=path.name, outcome=Outcome.REFUSE, reason=reason, fix=EXPORT_AGAIN)


def _look(asked: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Read an image, a map or a sound, and leave what it holds in the folder when it is asked for."""
    import pyarrow as pa

    from eclaireur.core.errors import ExtraMissingError
    from eclaireur.sources.media.opening import read_media

    path, kind = Path(asked["path"]), Kind(asked["look"])
    try:
        found = read_media(path, kind, folder, data=asked["data"], **asked["options"])
    except ExtraMissingError as error:
        found = refused(path.name, kind, error.message, error.fix)
    except Exception as error:  # noqa: BLE001 - a hostile file may make a parser raise anything
        reason = f"le fichier a fait échouer son lecteur ({type(error).__name__})."
        found = refused(path.name, kind, reason, "Convertissez-le dans un format courant.")
    for left in folder.iterdir():
        if left.is_file():
            left.unlink()  # the files of an archive
    if found.data is not None:
        with pa.ipc.new_file(str(folder / "data.arrow"), found.data.schema) as writer:
            writer.write_table(found.data)
    return {**notes_of(found), "facts": dict(found.facts), "data": found.data is not None}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
