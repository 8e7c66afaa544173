"""Deploy, go on with the trial, or stop: decided by two named people who sign the same dossier.

A signature is a line of the journal with the choice, its reason and the hash of the dossier that was read.
The dossier is kept in the lake: the second person reads the same one, whatever happened since. It holds
once two people have signed the same choice on the same dossier; signing anything else begins anew.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eclaireur.core import canonical
from eclaireur.core.errors import BadValueError, RefusedError
from eclaireur.core.view_json import from_plain, to_plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from eclaireur.core.journal import Entry
    from eclaireur.core.view import Block
    from eclaireur.service.work import Work

__all__ = ["KIND", "Choice", "Decided", "Signature", "decided", "kept_dossier", "sign", "signatures"]

_KEPT = "dossier.json"

KIND = "deployment"
"""Kind of the journal's lines that sign a choice."""


class Choice(StrEnum):
    """What may be decided at the end of a trial."""

    DEPLOY = "deploy"
    GO_ON = "go_on"
    STOP = "stop"

    @property
    def french(self) -> str:
        """Words on screen."""
        return {"deploy": "déployer", "go_on": "poursuivre l’essai", "stop": "ne pas déployer"}[self]


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """Who signed which choice, when, why, on which dossier."""

    seq: int
    at: datetime
    by: str
    login: str
    choice: Choice
    reason: str
    dossier: str
    run: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """The last decision that holds, and the signature that still waits for a second one."""

    choice: Choice | None
    signed: tuple[Signature, ...]
    waiting: Signature | None


def _hash(blocks: Sequence[Block]) -> str:
    return hashlib.sha256(canonical.text(to_plain(list(blocks))).encode()).hexdigest()


def _keep(work: Work, blocks: Sequence[Block], digest: str) -> str:
    run = work.run("dossier", config={"sha256": digest}, inputs=())

    def write(folder: Path) -> None:
        text = json.dumps(to_plain(list(blocks)), ensure_ascii=False)
        (folder / _KEPT).write_text(text, encoding="utf-8")

    work.workspace.runs.do(run, write)
    return run.id


def kept_dossier(work: Work, signature: Signature) -> tuple[Block, ...]:
    """Return the dossier that was signed.

    Raises
    ------
    NotFoundError
        If it is gone.
    RefusedError
        If it was changed since.
    """
    runs = work.workspace.runs
    folder = work.workspace.lake.folder(runs.address(runs.read(work.card.name, "dossier", signature.run)))
    blocks: tuple[Block, ...] = from_plain(json.loads((folder / _KEPT).read_text(encoding="utf-8")))
    if _hash(blocks) != signature.dossier:
        raise RefusedError(
            "le dossier signé a été modifié.", file=str(folder / _KEPT), fix="Restaurez la sauvegarde."
        )
    return blocks


def sign(work: Work, choice: Choice, *, by: str, login: str, reason: str, blocks: Sequence[Block]) -> Decided:
    """Sign a choice on a dossier; the second person's signature decides.

    Raises
    ------
    BadValueError
        If no reason is given, or the same person signs twice.
    """
    written = reason.strip()
    if not written or len(written) > 2000:
        raise BadValueError(
            "signer demande une raison, de 2 000 caractères au plus.", fix="Écrivez-la.", column="reason"
        )
    dossier = _hash(blocks)
    first = decided(work).waiting
    if first is not None and (first.choice, first.dossier, first.login) == (choice, dossier, login):
        raise BadValueError(
            "vous avez déjà signé ; une autre personne doit signer à son tour.",
            fix="Demandez à une deuxième personne de relire le dossier.",
        )
    run = _keep(work, blocks, dossier)
    work.workspace.journal.append(
        KIND,
        case=work.card.name,
        actor=by,
        data={"choice": choice.value, "reason": written, "dossier": dossier, "run": run, "login": login},
    )
    return decided(work)


def signatures(work: Work) -> tuple[Signature, ...]:
    """Return every signature of a case, oldest first."""
    return tuple(map(_signature, work.workspace.journal.entries(KIND, case=work.card.name)))


def _signature(entry: Entry) -> Signature:
    data: dict[str, Any] = dict(entry.data)
    return Signature(
        seq=entry.seq,
        at=entry.time,
        by=entry.actor,
        login=data["login"],
        choice=Choice(data["choice"]),
        reason=data["reason"],
        dossier=data["dossier"],
        run=data["run"],
    )


def decided(work: Work) -> Decided:
    """Return the last decision of a case that two people signed."""
    return _decided(signatures(work))


def _decided(rows: Iterable[Signature]) -> Decided:
    held: tuple[Signature, ...] = ()
    waiting: Signature | None = None
    for one in rows:
        same = waiting is not None and (waiting.choice, waiting.dossier) == (one.choice, one.dossier)
        if waiting is not None and same and waiting.login != one.login:
            held, waiting = (waiting, one), None
        else:
            waiting = one
    return Decided(choice=held[0].choice if held else None, signed=held, waiting=waiting)
