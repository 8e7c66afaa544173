"""Rows of a service that works on pseudonyms: nothing that is written there names anybody.

It is done where rows are written, not where they are shown: no page, file or answer of such a service can
tell what its rows do not hold.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from django.db.models import F

from eclaireur.desk.models import Decision, Dossier, Edition, Target
from eclaireur.service.pseudonyms import KIND, pseudonyms

if TYPE_CHECKING:
    import pyarrow as pa

    from eclaireur.core.workspace import Workspace

__all__ = ["is_pseudonym", "settle", "shown_name", "veil"]

_BATCH = 500


def is_pseudonym(subject: str) -> bool:
    """Tell whether a dossier's subject is a pseudonym."""
    return subject.startswith(f"{KIND}:")


def shown_name(subject: str) -> str:
    """Return how a pseudonym is read aloud.

    >>> shown_name("pseudonym:3f2a91bc00112233")
    'Dossier 3F2A-91BC'
    """
    digits = subject.partition(":")[2].upper()
    return f"Dossier {digits[:4]}-{digits[4:8]}"


def veil(workspace: Workspace, case: str, table: pa.Table) -> pa.Table:
    """Return signals that name nobody: pseudonyms for subjects and names, no place."""
    import pyarrow as pa

    names = pseudonyms(workspace, case, table["subject"].to_pylist())
    subjects = [names[one] for one in table["subject"].to_pylist()]
    signals = [
        f"{signal.partition('/')[0]}/{subject}"
        for signal, subject in zip(table["signal"].to_pylist(), subjects, strict=True)
    ]
    columns = {
        "record": subjects,
        "subject": subjects,
        "signal": signals,
        "name": [shown_name(one) for one in subjects],
        "latitude": [None] * table.num_rows,
        "longitude": [None] * table.num_rows,
    }
    for name, values in columns.items():
        at = table.schema.get_field_index(name)
        table = table.set_column(at, table.schema.field(at), pa.array(values, table.schema.field(at).type))
    return table


def settle(case: str, service: str, names: Mapping[str, str]) -> int:
    """Rename the dossiers that a service followed by name, once it works on pseudonyms; return how many.

    What their earlier calculations showed of them goes too. The other way needs nothing: a calculation that
    is not veiled opens dossiers by name.

    Parameters
    ----------
    names
        Pseudonym of each subject.
    """
    named = Dossier.objects.filter(case=case, service=service).exclude(subject__startswith=f"{KIND}:")
    renamed = []
    for dossier in named:
        subject = names.get(dossier.subject)
        if subject is not None:
            dossier.subject, dossier.name = subject, shown_name(subject)
            renamed.append(dossier)
    Dossier.objects.bulk_update(renamed, ["subject", "name"], batch_size=_BATCH)
    rows = list(Target.objects.filter(dossier__in=renamed).select_related("edition", "dossier"))
    for row in rows:
        row.name, row.latitude, row.longitude = row.dossier.name, None, None
        row.signal = f"{row.edition.run}/{row.dossier.subject}"
    Target.objects.bulk_update(rows, ["name", "signal", "latitude", "longitude"], batch_size=_BATCH)
    Decision.objects.filter(dossier__in=renamed).update(signal="")
    editions = {row.edition_id for row in rows}
    Edition.objects.filter(pk__in=editions).update(version=F("version") + 1)
    return len(renamed)
