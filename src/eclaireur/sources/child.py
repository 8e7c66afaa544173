"""The child process that reads files for `isolated`: confined first, then one file after another.

It takes one JSON line for each file on its standard input and answers one JSON line; tables are left in its
folder as Arrow files, which the parent takes.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from eclaireur.sources.confinement import confine, limit_processor

__all__ = ["main"]


def main(arguments: list[str]) -> int:
    """Confine this process, say how well, then read what is asked until the input ends."""
    folder, memory, seconds = Path(arguments[0]), int(arguments[1]), int(arguments[2])
    # What a library prints must not be taken for an answer.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    missing = confine(folder, memory=memory)

    def answer(content: dict[str, Any]) -> None:
        answers.write(json.dumps(content) + "\n")
        answers.flush()

    import pyarrow as pa

    from eclaireur.sources import tables

    pa.set_cpu_count(1)
    answer({"missing": missing})
    for line in sys.stdin:
        asked = json.loads(line)
        limit_processor(seconds)
        reading = tables.read_table(Path(asked["path"]), sheet=asked["sheet"])
        content = {
            "outcome": str(reading.outcome),
            "reason": reading.reason,
            "fix": reading.fix,
            "columns": [[one.name, one.kind, one.unit] for one in reading.columns],
            "repairs": [[one.kind, one.message, one.lines] for one in reading.repairs],
            "doubts": [[one.kind, one.message, one.column, one.lines, one.count] for one in reading.doubts],
        }
        if reading.table is not None and reading.typed is not None:
            numbered = pa.table({"line": pa.array(reading.lines)})
            for name, table in (("table", reading.table), ("typed", reading.typed), ("lines", numbered)):
                with pa.ipc.new_file(str(folder / f"{name}.arrow"), table.schema) as writer:
                    writer.write_table(table)
        answer(content)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
