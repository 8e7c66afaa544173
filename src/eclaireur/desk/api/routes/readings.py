"""Reading a file of any kind, for a program: nothing of it is kept."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any, Literal

from django.http import Http404
from ninja import File, Query, Router, UploadedFile
from pydantic import Field

from eclaireur.desk.api.auth import Calling, needs
from eclaireur.desk.api.paging import Asked
from eclaireur.desk.api.shapes_files import DocumentRead, MediaRead, PictureRead, TableRead
from eclaireur.desk.asking import connectable
from eclaireur.desk.readings import plain_name

__all__ = ["How", "read", "router"]

router = Router(tags=["Fichiers"])


_Read = TableRead | PictureRead | DocumentRead | MediaRead


class How(Asked):
    """How the file is to be read."""

    feuille: str = Field(
        "", max_length=200, pattern=r"^[^\x00]*$", description="Feuille d'un classeur, ou couche d'une carte."
    )
    comme: Literal["", "table", "document"] = Field(
        "", description="Le lire comme un tableau, ou comme un document ; vide pour ce que c'est."
    )


@router.post(
    "/lecture",
    response=_Read,
    auth=needs("connect"),
    summary="Lire un fichier",
)
def read(request: Calling, how: Query[How], file: File[UploadedFile]) -> _Read:
    """Ce que « ./eclaireur read --json » dit du fichier : un tableau, un document, une image, un son.

    Un fichier refusé est une réponse, pas une erreur : « outcome » vaut « refusé ». Rien n'en est gardé.
    Les pages numérisées sont lues pendant 25 secondes ; celles qui restent sont dites.
    """
    from eclaireur.service import any_file
    from eclaireur.sources.held import held_reader

    if not connectable(request.auth):
        raise Http404
    with tempfile.TemporaryDirectory(prefix="eclaireur-lecture-") as folder:
        path = Path(folder) / plain_name(file.name or "")
        with path.open("wb") as stream:
            for chunk in file.chunks():
                stream.write(chunk)
        wanted = any_file.Wanted(sheet=how.feuille or None, form=how.comme)
        with held_reader() as reader:
            found = any_file.read_file(path, wanted, reader=reader)
    said: dict[str, Any] = any_file.file_json(found)
    if found.table is not None:
        return TableRead(**said)
    if found.document is None:
        return MediaRead(**said)
    return DocumentRead(**said) if found.described is None else PictureRead(**said)
