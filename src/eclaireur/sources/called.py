"""Runs a case's own reader of files in the confined child: whatever a file does to its parser, we live."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eclaireur.core.errors import BadValueError, EclaireurError, ExtraMissingError, FileRefusedError
from eclaireur.sources.held import held_reader
from eclaireur.sources.isolated import Isolated

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Reader", "call_here", "call_reader"]

Reader = Callable[[Path], "dict[str, pa.Table]"]
"""What a case gives: reads a file into Arrow tables, and raises in French what is wrong with it."""

_PACKAGE = "eclaireur."
_LONGEST = 2_000
_TOO_MUCH = "la lecture de ce fichier demande trop de mémoire ou de temps, ou échoue."
_DAMAGED = "le résultat de la lecture est abîmé."
_FIX = "Téléchargez-le de nouveau, ou extrayez-en la seule partie utile."


def call_reader(
    reader: Reader,
    path: Path,
    *,
    expect: Mapping[str, pa.Schema],
    child: Isolated | None = None,
    seconds: float = 60.0,
) -> dict[str, pa.Table]:
    """Read a file by a function of ours, in the confined child.

    Parameters
    ----------
    reader
        A function of a module of this package: the child imports it by its name.
    expect
        Schema of each table. The file may have taken the child over: a table of another form is refused.
    child
        A child to use; by default the one that this process keeps.
    seconds
        Seconds granted.

    Raises
    ------
    FileRefusedError
        If the reader dies, is too long or gives anything but the tables expected.
    BadValueError
        What the reader itself said of the file.
    ExtraMissingError
        If a library is not installed.
    """
    if child is not None:
        return _asked(child, reader, path, expect, seconds)
    with held_reader() as kept:
        return _asked(kept, reader, path, expect, seconds)


def _asked(
    child: Isolated, reader: Reader, path: Path, expect: Mapping[str, pa.Schema], seconds: float
) -> dict[str, pa.Table]:
    question = {
        "path": str(path.resolve()),
        "call": f"{reader.__module__}:{reader.__qualname__}",
        "seconds": int(seconds),
    }
    content = child.converse(question, serve=lambda _: {}, seconds=seconds)
    if content is None:
        raise FileRefusedError(_TOO_MUCH, file=path.name, fix=_FIX)
    said, fix = (str(content.get(key, ""))[:_LONGEST] for key in ("refused", "fix"))
    if content.get("extra"):
        raise ExtraMissingError(said, fix=fix)
    if said:
        raise BadValueError(said, file=path.name, fix=fix)
    try:
        found = {name: child.take(name) for name in expect}
    except (ValueError, LookupError, OSError) as error:
        child.close()
        raise FileRefusedError(_DAMAGED, file=path.name, fix=_FIX) from error
    if any(not table.schema.equals(expect[name]) for name, table in found.items()):
        child.close()
        raise FileRefusedError(_DAMAGED, file=path.name, fix=_FIX)
    return found


def call_here(path: Path, name: str, folder: Path) -> dict[str, Any]:
    """Call a reader, in the child, and leave its tables in the folder."""
    import pyarrow as pa

    module, _, function = name.partition(":")
    if not module.startswith(_PACKAGE):
        raise ValueError(name)
    try:
        tables: dict[str, pa.Table] = getattr(import_module(module), function)(path)
    except ExtraMissingError as error:
        return {"extra": True, "refused": error.message, "fix": error.fix}
    except EclaireurError as error:
        return {"refused": error.message, "fix": error.fix}
    except Exception as error:  # noqa: BLE001 - a hostile file may make a parser raise anything
        return {"refused": f"le fichier a fait échouer son lecteur ({type(error).__name__}).", "fix": _FIX}
    for one, table in tables.items():
        with pa.ipc.new_file(str(folder / f"{one}.arrow"), table.schema) as writer:
            writer.write_table(table)
    return {"tables": sorted(tables)}
