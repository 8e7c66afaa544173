"""Documents that indexes are made from, as the lake keeps them.

Under ``search/NAME``, one address for each build or addition, in the order of the prefix's log; a deletion
builds again without.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Sequence, Set as AbstractSet
from typing import TYPE_CHECKING, Any

from eclaireur.bricks.semantic.index import Document
from eclaireur.core.errors import BadValueError

if TYPE_CHECKING:
    from eclaireur.core.workspace import Workspace

__all__ = ["changes_of", "documents_of", "keep", "left", "prefix"]

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_BATCH = 10_000


def prefix(name: str) -> str:
    """Return where the lake keeps the documents of an index.

    Raises
    ------
    BadValueError
        If it cannot be the name of an index.
    """
    if not _NAME.fullmatch(name):
        raise BadValueError(
            f"nom d'index invalide : « {name} ».", fix="Lettres minuscules sans accent, chiffres, _ et -."
        )
    return f"search/{name}"


def keep(
    workspace: Workspace,
    name: str,
    kind: str,
    *,
    documents: Iterable[Document],
    facets: tuple[str, ...] = (),
) -> None:
    """Keep documents under an address of their own, and note it: a ``build``, or an ``add`` to it."""
    import pyarrow as pa

    lake = workspace.lake
    schema = pa.schema([("document", pa.large_string())], metadata={"facets": json.dumps(facets)})
    with lake.stage() as folder:
        lake.write(
            folder, "documents", pa.RecordBatchReader.from_batches(schema, _batches(documents, schema))
        )
        digest = hashlib.sha256(kind.encode())
        for path in sorted(folder.iterdir()):
            digest.update(path.read_bytes())
        address = f"{prefix(name)}/{kind}-{digest.hexdigest()[:24]}"
        lake.settle(folder, address)
    lake.note(prefix(name), address, workspace.clock())


def _batches(documents: Iterable[Document], schema: Any) -> Iterator[Any]:
    import pyarrow as pa

    rows: list[str] = []
    for one in documents:
        rows.append(json.dumps(one.as_json(), ensure_ascii=False))
        if len(rows) == _BATCH:
            yield pa.record_batch([pa.array(rows, pa.large_string())], schema=schema)
            rows = []
    yield pa.record_batch([pa.array(rows, pa.large_string())], schema=schema)


def changes_of(workspace: Workspace, name: str) -> list[str]:
    """Return the addresses since the last build, the build first; what is noted but not there is left out."""
    noted = [one for one in workspace.lake.notes(prefix(name)) if workspace.lake.has(one)]
    starts = [at for at, one in enumerate(noted) if "/build-" in one]
    return noted[starts[-1] :] if starts else []


def left(
    workspace: Workspace, changes: Sequence[str], gone: AbstractSet[str] = frozenset()
) -> Iterator[Document]:
    """Give the documents that some changes leave, each as it was last added, but those that must go."""
    last = {
        one.id: (change, row)
        for change, address in enumerate(changes)
        for row, one in enumerate(documents_of(workspace, address))
        if one.id not in gone
    }
    for change, address in enumerate(changes):
        for row, one in enumerate(documents_of(workspace, address)):
            if last.get(one.id) == (change, row):
                yield one


def documents_of(workspace: Workspace, address: str) -> Iterator[Document]:
    """Read the documents of an address, in their order."""
    import pyarrow.parquet as pq

    with pq.ParquetFile(workspace.lake.folder(address) / "documents.parquet") as file:
        for batch in file.iter_batches(_BATCH):
            for text in batch.column(0).to_pylist():
                yield Document.from_json(json.loads(text))
