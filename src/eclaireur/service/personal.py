"""What a person may ask of their data: a copy of all that is held, or that it be erased.

One code path for every case: the card says which columns name whom a row concerns (``concerns``), and the
case which subject a name means.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from eclaireur.core.errors import BadValueError, EclaireurError, NotFoundError
from eclaireur.core.subjects import Subject
from eclaireur.core.view import Block, Column, Facts, Table
from eclaireur.service import erasing
from eclaireur.service.erasing import Trace

if TYPE_CHECKING:
    from eclaireur.core.card import Card
    from eclaireur.service.work import Work

__all__ = ["ERASED", "Erased", "Held", "Rows", "access_blocks", "erase", "held", "replay"]

ERASED = "erasure"
"""Kind of the journal's line that says how much was erased, of whom nobody knows."""

_SHOWN = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """All that is held on a person: rows of tables by place, lines of the journal, rows of the desk."""

    case: str
    names: tuple[str, ...]
    tables: Mapping[str, list[dict[str, Any]]]
    journal: list[dict[str, Any]]
    desk: Mapping[str, list[dict[str, Any]]] = field(default_factory=dict)

    @property
    def empty(self) -> bool:
        """Tell whether nothing is held."""
        return not (self.tables or self.journal or self.desk)


@dataclass(frozen=True, slots=True, kw_only=True)
class Erased:
    """What was erased, and what still names the person: models to train again, files to delete."""

    done: tuple[Trace, ...]
    left: tuple[Trace, ...]


class Rows(Protocol):
    """The rows of a desk: what they hold under some names, which can be erased."""

    def subjects(self, marks: Collection[str], /) -> Collection[str]:
        """Return the subjects that are followed under these names."""

    def held(self, marks: Collection[str], /) -> Mapping[str, list[dict[str, Any]]]:
        """Return the rows, by what they are."""

    def everyone(self) -> Collection[str]:
        """Return every subject that is followed."""

    def erase(self, marks: Collection[str], /) -> Collection[Trace]:
        """Erase them."""


def _names(work: Work, name: str, rows: Rows | None) -> tuple[str, ...]:
    """Return every name of a person: what the data call them, and the subjects that the desk follows."""
    marks = erasing.marks_of(work, name)
    followed = sorted(rows.subjects(marks)) if rows is not None and marks else []
    return tuple(dict.fromkeys([*marks, *followed, *(one.partition(":")[2] for one in followed)]))


def held(work: Work, name: str, *, rows: Rows | None = None) -> Held:
    """Gather all that a case holds on a person.

    Raises
    ------
    NotFoundError
        If nothing is.
    """
    import pyarrow.parquet as pq

    marks = _names(work, name, rows)
    lake, tables = work.workspace.lake, dict[str, list[dict[str, Any]]]()
    for address in erasing.addresses(work.workspace, work.card):
        for path in sorted(lake.folder(address).rglob("*.parquet")):
            found = erasing.concerning(work.card, pq.read_table(path), marks).to_pylist()
            if found:
                tables[f"{address}/{path.stem}"] = found
    desk = rows.held(marks) if rows is not None else {}
    gathered = Held(case=work.card.name, names=marks, tables=tables, journal=_lines(work, marks), desk=desk)
    if gathered.empty:
        raise NotFoundError(
            f"rien n'est gardé sur « {name} » dans ce cas d'usage.",
            fix="Vérifiez l'identifiant, tel que vos fichiers l'écrivent.",
        )
    return gathered


def _lines(work: Work, marks: Collection[str]) -> list[dict[str, Any]]:
    journal, found = work.workspace.journal, []
    for subject in _subjects(marks):
        entries = list(journal.entries(case=work.card.name, subject=subject))
        for entry, said in zip(entries, journal.reveal_all(entries), strict=True):
            found.append(
                {
                    "line": entry.seq,
                    "at": entry.time.isoformat(),
                    "kind": entry.kind,
                    "by": entry.actor,
                    "data": dict(entry.data),
                    "personal": dict(said or {}),
                }
            )
    return found


def _subjects(marks: Collection[str]) -> list[Subject]:
    found = []
    for mark in marks:
        try:
            found.append(Subject.parse(mark))
        except EclaireurError:
            continue
    return found


def erase(
    work: Work, name: str, *, by: str, reason: str, rows: Rows | None = None, words: Collection[str] = ()
) -> Erased:
    """Erase a person from a case: tables, indexes, files, rows of the desk, and the key of their values.

    What was decided stays in the journal, without whom it was about. Calling it again finishes what a killed
    process left.

    Parameters
    ----------
    by
        Who erases: first and last name.
    reason
        Why, without naming the person.
    rows
        Rows of the desk, where there is one.
    words
        Other words that name the person, looked for afterwards in every file.

    Raises
    ------
    BadValueError
        If the person or the reason is missing, or the reason names the person.
    """
    marks = _names(work, name, rows)
    if len(by.split()) < 2:
        raise BadValueError(
            "un effacement demande votre prénom et votre nom.", fix="Ajoutez --by « Prénom Nom »."
        )
    if not marks or not reason.strip() or any(mark in reason for mark in marks):
        raise BadValueError(
            "un effacement demande un motif, qui ne nomme pas la personne effacée.",
            fix="Écrivez le motif en une phrase, par exemple « demande de la personne ».",
        )
    done = [*erasing.erase_data(work, marks), *_erase_followed(work, marks, rows, by=by, reason=reason)]
    left = erasing.traces(work.workspace, [*marks, *words])
    counts = {"places": len(done), "rows": sum(one.rows for one in done), "left": len(left)}
    work.workspace.journal.append(ERASED, case=work.card.name, actor=by, data={"reason": reason, **counts})
    return Erased(done=tuple(done), left=tuple(left))


_STAGES = {
    "snapshots": "Donnée reçue",
    "records": "Donnée lue",
    "signals": "Indice calculé",
    "worklist": "Liste du mois",
    "compare": "Comparaison de modèles",
}


def _erase_followed(
    work: Work, marks: Collection[str], rows: Rows | None, *, by: str, reason: str
) -> Iterator[Trace]:
    """Erase the rows of the desk, and destroy the keys of what the journal sealed."""
    yield from rows.erase(marks) if rows is not None else ()
    for subject in _subjects(marks):
        try:
            work.workspace.journal.forget(subject, actor=by, reason=reason)
        except NotFoundError:  # nothing was written of this subject, or it is already done
            continue
        yield Trace("valeurs scellées du journal", "journal")


def replay(work: Work, *, rows: Rows | None = None) -> tuple[Trace, ...]:
    """Erase again, after a backup was restored, those whom the list of erasures holds.

    The list names nobody: it is asked of each row of the lake, each document of the index, each subject that
    the desk follows or of whom the journal says something.
    """
    workspace, case = work.workspace, work.card.name
    entries = [entry for entry in workspace.journal.entries(case=case) if entry.subject is not None]
    told = (said for said in workspace.journal.reveal_all(entries) if said and "subject" in said)
    followed = {str(said["subject"]) for said in told} | set(rows.everyone() if rows is not None else ())
    gone = workspace.erasures.gone(case, followed)
    marks = sorted(gone | {one.partition(":")[2] for one in gone})
    done = list(erasing.replay(work))
    if marks:
        by, reason = "Éclaireur (liste des effacements)", "effacement rejoué après une restauration"
        done += _erase_followed(work, marks, rows, by=by, reason=reason)
    return tuple(done)


def access_blocks(card: Card, found: Held) -> tuple[Block, ...]:
    """Return what is held on a person as blocks, for the file that is handed to them.

    Rows that several calculations hold alike are shown once.
    """
    titles = {one.name: one.title for table in card.inputs for one in table.fields}
    count = sum(map(len, found.tables.values()))
    pairs = (
        ("Cas d’usage", card.title),
        ("Lignes de données", str(count)),
        ("Lignes du journal", str(len(found.journal))),
        ("Lignes du bureau", str(sum(map(len, found.desk.values())))),
    )
    blocks: list[Block] = [Facts(title="Ce qui est gardé", pairs=pairs)]
    alike: dict[tuple[str, str], list[str]] = {}
    for place, rows in found.tables.items():
        alike.setdefault((_where(place), repr(rows)), []).append(place)
    for (title, _), places in alike.items():
        copies = "" if len(places) == 1 else f", {len(places)} fois la même"
        blocks.append(_table(f"{title}{copies}", found.tables[places[0]], titles))
    blocks += [_table(f"Bureau : {place.lower()}", rows, titles) for place, rows in found.desk.items()]
    if found.journal:
        blocks.append(_table("Journal des décisions", found.journal, titles))
    return tuple(blocks)


def _where(place: str) -> str:
    """Say what the table of an address is: ``runs/CASE/STAGE/RUN/TABLE`` or ``snapshots/SOURCE/ID/TABLE``."""
    parts = place.split("/")
    stage = parts[2] if parts[0] == "runs" else parts[0]
    return f"{_STAGES.get(stage, stage)} : {parts[-1]}"


def _table(title: str, rows: list[dict[str, Any]], titles: Mapping[str, str]) -> Table:
    names = list(dict.fromkeys(name for row in rows for name in row))
    shown = [{name: _cell(row.get(name)) for name in names} for row in rows[:_SHOWN]]
    note = (
        f"Les {_SHOWN} premières lignes sur {len(rows)} ; toutes sont dans le fichier JSON."
        if len(rows) > _SHOWN
        else ""
    )
    return Table(
        title=title,
        columns=tuple(Column(key=name, title=titles.get(name, name)) for name in names),
        rows=shown,
        note=note,
    )


def _cell(value: object) -> str:
    return "–" if value is None or value == "" else str(value)
