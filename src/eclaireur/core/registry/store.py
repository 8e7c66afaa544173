"""The registry of trained models: one folder per model, written whole or not at all.

``<root>/<case>/<number>/`` holds ``card.json`` and the artefacts that it names. A model is never changed or
renumbered. What is in service is not said here but in the journal, which names a model by number and seal.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
import shutil
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from eclaireur.core import artefacts as formats
from eclaireur.core.errors import BadValueError, ModelRefusedError, NotFoundError, WorkFailedError
from eclaireur.core.files import sync_folder, write_atomically
from eclaireur.core.locking import exclusive
from eclaireur.core.registry import cards
from eclaireur.core.types import ModelCard

__all__ = ["Registry"]

_CARD = "card.json"
_CASE = re.compile(r"[a-z][a-z0-9_]{0,99}")
_LONGEST_CARD = 2**24
_RESTORE = "Restaurez-le depuis une sauvegarde, ou retirez le dossier de ce modèle et entraînez-en un autre."
_TEMPORARY = ".writing-"


class Registry:
    """Trained models in a folder.

    Parameters
    ----------
    root
        Folder of the registry, on a local disk; made on the first save.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    def __repr__(self) -> str:
        return f"Registry({str(self._root)!r})"

    def save(self, card: ModelCard, artefacts: Mapping[str, bytes]) -> ModelCard:
        """Store a model under the next number of its case.

        Saving a run that is already stored stores nothing and returns the card that is there: a task
        killed after the save is simply run again.

        Parameters
        ----------
        card
            Its ``number`` and ``artefacts`` are filled in here.
        artefacts
            File name → bytes, in the formats of `core.artefacts`.

        Returns
        -------
        ModelCard
            The card as stored.

        Raises
        ------
        ModelRefusedError
            If there is no artefact, or one has an unknown format or is not what its name says.
        BadValueError
            If the card has a wrong case name, no run, or a number that cannot be written.
        WorkFailedError
            If the disk refuses the write; then nothing is stored.
        """
        if not _CASE.fullmatch(card.case) or not card.run:
            raise BadValueError("la fiche du modèle ne nomme pas de cas ou de calcul.")
        if not artefacts:
            raise ModelRefusedError("un modèle sans fichier ne peut pas être conservé.")
        for name, data in artefacts.items():
            if name == _CARD:
                raise ModelRefusedError(f"le nom « {_CARD} » est réservé à la fiche du modèle.")
            formats.check(name, data)
        hashes = {name: hashlib.sha256(data).hexdigest() for name, data in sorted(artefacts.items())}
        folder = self._root / card.case
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with exclusive(folder / ".lock"):
                _sweep(folder)
                existing = self._whole(card.case, card.run)
                if existing is not None:
                    return existing
                number = self._next(card.case)
                text = cards.card_to_json(replace(card, number=number, artefacts=hashes))
                _publish(folder, number, {**artefacts, _CARD: text.encode()})
        except OSError as error:
            raise WorkFailedError(
                f"le modèle n'a pas pu être conservé ({error.strerror}). Rien n'a été écrit.",
                file=str(folder),
                fix="Libérez de la place sur le disque, puis recommencez.",
            ) from error
        return self.card(card.case, number)

    def card(self, case: str, number: int, *, expect: str | None = None) -> ModelCard:
        """Return the card of a model.

        Parameters
        ----------
        expect
            Seal that the card must have, as the journal recorded it.

        Raises
        ------
        NotFoundError
            If there is no such model.
        ModelRefusedError
            If the card is unreadable, is another model's, or does not have the expected seal.
        """
        name = f"{case}/{number}/{_CARD}"
        if number not in self._numbers(case):
            raise NotFoundError(
                f"aucun modèle n° {number} pour « {case} ».",
                fix=f"Voyez les modèles conservés : ./eclaireur compare {case}",
            )
        data = _read(self._root / case / str(number) / _CARD, name, longest=_LONGEST_CARD)
        card = cards.card_from_json(data.decode("utf-8", "replace"), file=name)
        if (card.case, card.number) != (case, number):
            raise ModelRefusedError(
                f"cette fiche est celle du modèle n° {card.number} de « {card.case} ».",
                file=name,
                fix=_RESTORE,
            )
        if expect is not None and not hmac.compare_digest(cards.seal(card).encode(), expect.encode()):
            raise ModelRefusedError(
                "la fiche du modèle a changé depuis que le journal l'a enregistrée.", file=name, fix=_RESTORE
            )
        return card

    def cards(self, case: str) -> tuple[ModelCard, ...]:
        """Return the cards of a case, oldest first.

        Raises
        ------
        ModelRefusedError
            If one of them was altered.
        """
        return tuple(self.card(case, number) for number in sorted(self._numbers(case)))

    def artefact(self, card: ModelCard, name: str) -> bytes:
        """Return the bytes of an artefact, checked against the card's hash and its own format.

        Raises
        ------
        ModelRefusedError
            If the card names no such artefact, or the file is absent, was altered or has an unknown format.
        """
        where = f"{card.case}/{card.number}/{name}"
        expected = card.artefacts.get(name)
        if expected is None or not _CASE.fullmatch(card.case):
            raise ModelRefusedError(
                f"le modèle n° {card.number} de « {card.case} » n'a pas de fichier « {name} ».",
                fix="Vérifiez que ce modèle est bien celui de ce cas.",
            )
        # The name is checked before it is used as a path.
        formats.check_name(name)
        data = _read(self._root / card.case / str(card.number) / name, where)
        if hashlib.sha256(data).hexdigest() != expected:
            raise ModelRefusedError("ce fichier du modèle a été modifié.", file=where, fix=_RESTORE)
        formats.check(name, data)
        return data

    def reader(self, card: ModelCard) -> Callable[[str], bytes]:
        """Return `artefact` for one card: what a case's ``signals`` asks for (`core.case.Artefact`)."""
        return lambda name: self.artefact(card, name)

    def seal(self, card: ModelCard) -> str:
        """Return the SHA-256 of a card, to journal when the model is put in service."""
        return cards.seal(card)

    def _whole(self, case: str, run: str) -> ModelCard | None:
        """Return the card of a run if its model is stored unaltered; else training may store it anew."""
        for number in sorted(self._numbers(case)):
            with suppress(ModelRefusedError):
                card = self.card(case, number)
                if card.run == run:
                    for name in card.artefacts:
                        self.artefact(card, name)
                    return card
        return None

    def _next(self, case: str) -> int:
        """Take the next number. A number is never given twice, even when its model was removed."""
        last = self._root / case / ".last"
        given = 0
        with suppress(FileNotFoundError, ValueError):
            given = int(last.read_text("ascii"))
        number = max(given, *self._numbers(case), 0) + 1

        def write(path: Path) -> None:
            path.write_text(f"{number}\n", "ascii")

        write_atomically(last, write)
        return number

    def _numbers(self, case: str) -> set[int]:
        folder = self._root / case
        if not _CASE.fullmatch(case) or not folder.is_dir():
            return set()
        return {int(path.name) for path in folder.iterdir() if re.fullmatch(r"[1-9]\d{0,8}", path.name)}


def _publish(folder: Path, number: int, files: Mapping[str, bytes]) -> None:
    """Write files into a temporary folder, make them durable, then give it its name in one step."""
    temporary = folder / f"{_TEMPORARY}{secrets.token_hex(8)}"
    temporary.mkdir()
    try:
        for name, data in files.items():
            with (temporary / name).open("xb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
        sync_folder(temporary)
        temporary.rename(folder / str(number))
        sync_folder(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _sweep(folder: Path) -> None:
    """Remove what a killed save left. The lock is held, so nobody is writing there."""
    for path in folder.glob(f"{_TEMPORARY}*"):
        shutil.rmtree(path, ignore_errors=True)


def _read(path: Path, name: str, *, longest: int | None = None) -> bytes:
    """Read a regular file of a model; a link is not followed."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as stream:
            if longest is not None and os.fstat(stream.fileno()).st_size > longest:
                raise ModelRefusedError("ce fichier du modèle est trop grand.", file=name, fix=_RESTORE)
            return stream.read()
    except OSError as error:
        raise ModelRefusedError(
            "ce fichier du modèle est absent ou illisible.", file=name, fix=_RESTORE
        ) from error
