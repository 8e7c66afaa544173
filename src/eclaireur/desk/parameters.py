"""What a report asks for, as fields of a form, and what was sent, as the arguments of its task."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eclaireur.core.errors import BadValueError, FileRefusedError
from eclaireur.core.view import FormField
from eclaireur.desk import uploads
from eclaireur.desk.models import Upload
from eclaireur.service import reporting
from eclaireur.service.settings import read_settings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from eclaireur.core.card import Card
    from eclaireur.desk.asking import Asking
    from eclaireur.service.work import Work

__all__ = ["ALREADY", "Shown", "arguments_of", "earlier_files", "fields_of", "file_sent", "shown_fields"]

ALREADY = "-deja"
"""Ends the name of the choice of a file that was sent before."""

_LONGEST = 200
_REMEMBERED = 20
_INPUTS = {"number": "text", "integer": "text", "date": "date", "file": "file", "zone": "zone"}


@dataclass(frozen=True, slots=True)
class Shown:
    """A field on a page: its identifier, what it holds, what is wrong with it, files to choose from."""

    field: FormField
    id: str
    value: str
    error: str = ""
    files: tuple[Upload, ...] = ()

    @property
    def kind(self) -> str:
        """How it is asked: ``choice``, ``file``, ``zone``, ``date`` or ``text``."""
        if self.field.choices:
            return "choice"
        return "file" if self.field.name == "table" else _INPUTS.get(self.field.kind, "text")

    @property
    def numeric(self) -> bool:
        """Whether a number is typed."""
        return self.field.kind in {"number", "integer"}

    @property
    def described(self) -> str:
        """Identifiers of its help and of its error."""
        named = [f"{self.id}-aide"] if self.help else []
        return " ".join([*named, *([f"{self.id}-erreur"] if self.error else [])])

    @property
    def help(self) -> str:
        """Help with the default, in one line."""
        one = self.field
        default = dict(one.choices).get(one.default, one.default)
        told = f"Par défaut : {default}{f' {one.unit}' if one.unit else ''}." if default else ""
        return " ".join(part for part in (one.help, told) if part)

    @property
    def required(self) -> bool:
        """Whether the browser may insist: not on a file that may be chosen among earlier ones."""
        return not (self.field.optional or self.field.default or self.files)


def fields_of(work: Work, name: str) -> tuple[FormField, ...]:
    """Return what a report asks for; one word that may stay empty when the case says nothing of it."""
    found = reporting.asks(work, name)
    if found is not None:
        return found
    help_text = "Facultatif : ce que le titre du rapport demande."
    return (FormField(name="about", title="Au sujet de", kind="text", help=help_text, optional=True),)


def shown_fields(
    fields: Sequence[FormField],
    *,
    end: str,
    typed: Mapping[str, str],
    error: BadValueError | FileRefusedError | None = None,
    files: tuple[Upload, ...] = (),
) -> list[Shown]:
    """Return the fields of a form.

    Parameters
    ----------
    end
        Ends the identifiers, so that a page may hold several forms.
    typed
        Name → what was sent before; a field that it lacks has its default.
    error
        What was wrong; it stands by the field that it names.
    """
    said = "" if error is None else f"{error.message} {error.fix}".strip()
    made = [
        Shown(
            one,
            f"{one.name}-{end}",
            typed.get(one.name, one.default),
            said if error is not None and error.column == one.name else "",
        )
        for one in fields
    ]
    return [
        Shown(one.field, one.id, one.value, one.error, files if one.kind == "file" else ()) for one in made
    ]


def earlier_files(asking: Asking, case: str) -> tuple[Upload, ...]:
    """Return the last files that a person sent for reports and calculations of a case, each once."""
    rows = Upload.objects.filter(
        user=asking.user, case=case, table=uploads.FOR_REPORT, state=uploads.RECEIVED
    ).order_by("-at")
    kept: dict[tuple[str, str], Upload] = {}
    for one in rows[: 4 * _REMEMBERED]:
        kept.setdefault((one.name, one.sha256), one)
    return tuple(kept.values())[:_REMEMBERED]


def arguments_of(asking: Asking, card: Card, work: Work, name: str) -> dict[str, Any]:
    """Read what was sent for a report as the arguments of its task; files are kept.

    Raises
    ------
    BadValueError, FileRefusedError
        If something is missing or wrong; ``column`` names its field.
    """
    fields = fields_of(work, name)
    found: dict[str, Any] = {"report": name}
    plain = [one for one in fields if one.kind != "file" and one.name not in {"about", "table"}]
    typed = {one.name: asking.POST.get(one.name, "").strip() for one in plain}
    read_settings(plain, typed)
    if plain:
        found["settings"] = {key: text for key, text in typed.items() if text}
    for field in fields:
        if field.name == "about":
            text = asking.POST.get("about", "").strip()
            if (not text and not field.optional) or len(text) > _LONGEST:
                raise BadValueError(f"il manque : {field.title.lower()}.", fix=field.help, column="about")
            if text:
                found["about"] = text
        elif field.name == "table" and not (field.optional and not _any_file(asking, "table")):
            found["upload"] = file_sent(asking, card, field).pk
        elif (
            field.kind == "file"
            and field.name != "table"
            and not (field.optional and not _any_file(asking, field.name))
        ):
            found.setdefault("files", {})[field.name] = file_sent(asking, card, field).pk
    return found


def _any_file(asking: Asking, name: str) -> bool:
    return name in asking.FILES or bool(asking.POST.get(name + ALREADY))


def file_sent(asking: Asking, card: Card, field: FormField) -> Upload:
    """Return the file that was sent for a field, or chosen among one's earlier ones.

    Raises
    ------
    BadValueError
        If there is none.
    """
    sent = asking.FILES.get(field.name)
    if sent is not None:
        upload = uploads.receive(asking.user, card.name, sent)
        upload.table = uploads.FOR_REPORT
        upload.save(update_fields=["table"])
        return upload
    chosen = asking.POST.get(field.name + ALREADY, "")
    for one in earlier_files(asking, card.name):
        if str(one.pk) == chosen:
            return one
    raise BadValueError("aucun fichier n'a été choisi.", fix=field.help, column=field.name)
