"""A linear-chain conditional random field (Lafferty, McCallum & Pereira 2001) over words or lines.

python-crfsuite (part ``semantic``) learns it; what it learnt is then a table of weights, kept as Parquet and
read here with NumPy alone. So a stored model runs no foreign parser, and tagging needs no extra.
"""

from __future__ import annotations

import importlib
import io
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eclaireur.core.errors import BadValueError, EmptyTableError, ExtraMissingError, ModelRefusedError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Described", "Tagger", "chunks", "outside_in"]

Described = Sequence[Sequence[str]]
"""One sequence: the attributes of each of its elements."""

_TERMS = "sequence.parquet"
_LEAST = 2
_ROUNDS = 60
_L1, _L2 = 0.1, 0.1
_OUT = "O"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tagger:
    """A fitted field.

    Parameters
    ----------
    names
        The tags, in order.
    rows
        Row of `weights` of each attribute.
    weights
        Shape ``(attributes + 1, tags)``; the last row is zero, for attributes that were not seen.
    moves
        Weight of a tag after another, shape ``(tags, tags)``.
    """

    names: tuple[str, ...]
    rows: Mapping[str, int]
    weights: NDArray[np.float32]
    moves: NDArray[np.float32]

    @classmethod
    def fit(cls, sequences: Sequence[Described], tags: Sequence[Sequence[str]]) -> Tagger:
        """Fit on tagged sequences (L-BFGS with L1 and L2 penalties).

        Raises
        ------
        EmptyTableError
            If fewer than two sequences have a tag.
        BadValueError
            If a sequence has not as many tags as elements.
        ExtraMissingError
            If python-crfsuite is not installed.
        """
        if sum(any(one != _OUT for one in row) for row in tags) < _LEAST:
            raise EmptyTableError(
                "trop peu de textes annotés pour apprendre.", fix="Annotez-en au moins deux."
            )
        if any(len(left) != len(right) for left, right in zip(sequences, tags, strict=True)):
            raise BadValueError("un texte n'a pas autant d'étiquettes que d'éléments.")
        try:
            pycrfsuite: Any = importlib.import_module("pycrfsuite")
        except ImportError as error:
            raise ExtraMissingError(
                "l'apprentissage d'étiquettes en suite n'est pas installé.",
                fix="Installez-le : ./eclaireur install semantic.",
            ) from error
        trainer = pycrfsuite.Trainer(verbose=False)
        for sequence, row in zip(sequences, tags, strict=True):
            if sequence:
                trainer.append(pycrfsuite.ItemSequence(list(map(list, sequence))), list(row))
        trainer.set_params({"c1": _L1, "c2": _L2, "max_iterations": _ROUNDS})
        with tempfile.TemporaryDirectory() as folder:
            path = str(Path(folder) / "model")
            trainer.train(path)
            tagger = pycrfsuite.Tagger()
            tagger.open(path)
            found = cls._of(tagger.info())
            tagger.close()
        return found

    @classmethod
    def _of(cls, info: Any) -> Tagger:
        import numpy as np

        names = tuple(sorted(info.labels))
        place = {name: at for at, name in enumerate(names)}
        rows = {attribute: at for at, attribute in enumerate(sorted({one for one, _ in info.state_features}))}
        weights = np.zeros((len(rows) + 1, len(names)), np.float32)
        for (attribute, tag), weight in info.state_features.items():
            weights[rows[attribute], place[tag]] = weight
        moves = np.zeros((len(names), len(names)), np.float32)
        for (left, right), weight in info.transitions.items():
            moves[place[left], place[right]] = weight
        return cls(names=names, rows=rows, weights=weights, moves=moves)

    def tags(self, sequences: Sequence[Described]) -> list[list[str]]:
        """Return the likeliest tags of each sequence (Viterbi 1967).

        Examples
        --------
        >>> import numpy as np
        >>> weights = np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]], np.float32)
        >>> moves = np.zeros((2, 2), np.float32)
        >>> field = Tagger(names=("A", "B"), rows={"a": 0, "b": 1}, weights=weights, moves=moves)
        >>> field.tags([[["a"], ["b"]], []])
        [['A', 'B'], []]
        """
        return [self._walked(self._scores(one)) if one else [] for one in sequences]

    def _scores(self, sequence: Described) -> NDArray[np.float32]:
        import numpy as np

        unknown = len(self.rows)
        known = [self.rows.get(one, unknown) for element in sequence for one in (*element, "")]
        starts = np.cumsum([0, *(len(element) + 1 for element in sequence[:-1])])
        found: NDArray[np.float32] = np.add.reduceat(self.weights[known], starts, axis=0)
        return found

    def _walked(self, scores: NDArray[np.float32]) -> list[str]:
        import numpy as np

        back = np.zeros(scores.shape, np.int64)
        best = scores[0]
        for at in range(1, len(scores)):
            ways = best[:, None] + self.moves
            back[at] = ways.argmax(axis=0)
            best = ways.max(axis=0) + scores[at]
        tag = int(best.argmax())
        found = [tag]
        for at in range(len(scores) - 1, 0, -1):
            tag = int(back[at, tag])
            found.append(tag)
        return [self.names[one] for one in reversed(found)]

    def dump(self) -> dict[str, bytes]:
        """Write the model as one Parquet file: weights by attribute, the rest in its metadata."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        from eclaireur.core import canonical

        head = {"names": list(self.names), "moves": self.moves.astype(float).round(6).tolist()}
        flat = pa.array(self.weights[:-1].ravel())
        table = pa.table(
            {
                "attribute": pa.array(sorted(self.rows, key=self.rows.__getitem__), pa.string()),
                "weights": pa.FixedSizeListArray.from_arrays(flat, max(1, len(self.names))),
            }
        ).replace_schema_metadata({"sequence": canonical.text(head)})
        sink = io.BytesIO()
        pq.write_table(table, sink, compression="zstd")
        return {_TERMS: sink.getvalue()}

    @classmethod
    def read(cls, files: Mapping[str, bytes] | Callable[[str], bytes]) -> Tagger:
        """Read what `dump` wrote: a mapping, or a function that gives the bytes of a file.

        Raises
        ------
        ModelRefusedError
            If the file is not such a model.
        """
        import numpy as np
        import pyarrow as pa
        import pyarrow.parquet as pq

        from eclaireur.core import canonical

        data = files(_TERMS) if callable(files) else files[_TERMS]
        try:
            table = pq.read_table(io.BytesIO(data))
            head = canonical.parse(table.schema.metadata[b"sequence"].decode())
            names = tuple(map(str, head["names"]))
            moves = np.array(head["moves"], np.float32).reshape(len(names), len(names))
            flat = table["weights"].combine_chunks().flatten().to_numpy(zero_copy_only=False)
            weights = flat.astype(np.float32).reshape(table.num_rows, len(names))
            rows = {one: at for at, one in enumerate(table["attribute"].to_pylist())}
        except (pa.ArrowException, KeyError, TypeError, ValueError) as error:
            raise ModelRefusedError(
                "le modèle d'étiquettes en suite est illisible.", fix="Apprenez-le de nouveau."
            ) from error
        weights = np.vstack([weights, np.zeros((1, len(names)), np.float32)])
        return cls(names=names, rows=rows, weights=weights, moves=moves)


def outside_in(count: int, spans: Sequence[tuple[int, int, str]]) -> list[str]:
    """Return begin-inside-outside tags of ``count`` elements; a span over one already tagged is left.

    >>> outside_in(4, [(1, 3, "date")])
    ['O', 'B-date', 'I-date', 'O']
    """
    tags = [_OUT] * count
    for start, end, kind in spans:
        if start < end and all(one == _OUT for one in tags[start:end]):
            tags[start:end] = [f"B-{kind}", *[f"I-{kind}"] * (end - start - 1)]
    return tags


def chunks(tags: Sequence[str]) -> list[tuple[int, int, str]]:
    """Return the spans that tags say: ``[start, end)`` and kind. An inside tag that begins one is a begin.

    >>> chunks(["O", "B-date", "I-date", "I-place"])
    [(1, 3, 'date'), (3, 4, 'place')]
    """
    found: list[tuple[int, int, str]] = []
    for at, tag in enumerate(tags):
        mark, _, kind = tag.partition("-")
        if mark == _OUT:
            continue
        if mark == "I" and found and found[-1][1] == at and found[-1][2] == kind:
            found[-1] = found[-1][0], at + 1, kind
        else:
            found.append((at, at + 1, kind))
    return found
