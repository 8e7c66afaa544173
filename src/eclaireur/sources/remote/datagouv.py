"""data.gouv.fr: search, datasets and resources, by the API of udata that it and other portals speak.

References
----------
Documentation of the API: https://guides.data.gouv.fr/guide-data.gouv.fr/api (versions 1 and 2).
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from eclaireur.core.errors import BadValueError, NotFoundError, WorkFailedError
from eclaireur.sources.remote.client import Client
from eclaireur.sources.remote.download import Checksum, read_json

__all__ = ["Dataset", "Portal", "Resource", "newest"]

_LICENCES = {
    "fr-lo": "Licence Ouverte 1.0",
    "lov1": "Licence Ouverte 1.0",
    "lov2": "Licence Ouverte 2.0",
    "odc-odbl": "ODbL 1.0",
    "odc-by": "ODC-By 1.0",
    "odc-pddl": "PDDL 1.0",
    "cc-by": "CC BY",
    "cc-by-sa": "CC BY-SA",
    "cc-zero": "CC0",
    "other-open": "autre licence ouverte",
    "other-pd": "domaine public",
    "other-at": "autre licence, avec attribution",
    "notspecified": "",
}
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.\-]{0,300}")
_CHECKSUMS = {"sha256": 64, "sha1": 40, "md5": 32}
_PAGE = 50
_MOST_PAGES = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """A file of a dataset, as the portal describes it.

    Parameters
    ----------
    form
        Format that the producer declares, in lower case (``csv``); often wrong, so only a hint.
    modified
        When the file last changed, or was last said to.
    """

    id: str
    title: str
    url: str
    form: str = ""
    size: int | None = None
    modified: datetime | None = None
    checksum: Checksum | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """A dataset: its page, its producer, its licence, its resources in the portal's order."""

    id: str
    slug: str
    title: str
    producer: str
    licence: str
    page: str
    resources: tuple[Resource, ...] = ()


class Portal:
    """A portal that speaks udata's API.

    Parameters
    ----------
    client
        Asks the portal, under its rules.
    base
        Address of the portal.
    folder
        Where answers lie while they are read.
    """

    def __init__(self, client: Client, folder: Path, base: str = "https://www.data.gouv.fr") -> None:
        self._client = client
        self._folder = folder
        self._base = base.rstrip("/")

    def _ask(self, path: str, **query: str | int) -> dict[str, Any]:
        url = f"{self._base}{path}"
        try:
            content = read_json(self._client, f"{url}?{urlencode(query)}" if query else url, self._folder)
        except NotFoundError as error:
            raise NotFoundError(
                f"le portail {self._base} ne connaît pas ce jeu de données ou cette ressource.",
                fix="Cherchez-le : ./eclaireur fetch --search « mots ».",
            ) from error
        if not isinstance(content, dict):
            raise WorkFailedError("le portail a répondu autre chose que ce qui est attendu.")
        return content

    def search(self, words: str, *, most: int = 20) -> tuple[Dataset, ...]:
        """Return the datasets that answer words, best first, without their resources."""
        content = self._ask("/api/1/datasets/", q=words, page=1, page_size=most)
        return tuple(_dataset(one, ()) for one in _records(content.get("data")))

    def dataset(self, name: str) -> Dataset:
        """Return a dataset by its id or its short name, with all its resources.

        Raises
        ------
        NotFoundError
            If there is none.
        """
        found = self._ask(f"/api/1/datasets/{_checked(name)}/")
        told = _records(found.get("resources"))
        return _dataset(found, told or self._resources(_text(found.get("id")) or name))

    def _resources(self, id: str) -> list[dict[str, Any]]:  # noqa: A002 the name of the field
        """Return the resources of a dataset by version 2 of the API, page after page."""
        resources: list[dict[str, Any]] = []
        for page in range(1, _MOST_PAGES + 1):
            content = self._ask(f"/api/2/datasets/{_checked(id)}/resources/", page=page, page_size=_PAGE)
            resources += _records(content.get("data"))
            if not content.get("next_page"):
                break
        return resources

    def resource(self, id: str) -> tuple[Dataset, Resource]:  # noqa: A002 the name of the field
        """Return a resource by its id, with its dataset.

        Raises
        ------
        NotFoundError
            If there is none.
        """
        content = self._ask(f"/api/2/datasets/resources/{_checked(id)}/")
        found = content.get("resource")
        if not isinstance(found, dict):
            raise NotFoundError(f"aucune ressource « {id} » sur le portail.")
        return self.dataset(_text(content.get("dataset_id"))), _resource(found)

    def find(self, name: str) -> tuple[Dataset, Resource | None]:
        """Return what ``DATASET``, ``DATASET/RESOURCE`` or the id of a resource names.

        Raises
        ------
        NotFoundError
            If there is none, or the dataset has no such resource.
        """
        dataset_name, _, wanted = name.strip("/").partition("/")
        if not wanted:
            try:
                return self.dataset(dataset_name), None
            except NotFoundError:
                if not _UUID.fullmatch(dataset_name):
                    raise
                return self.resource(dataset_name)
        dataset = self.dataset(dataset_name)
        for one in dataset.resources:
            if one.id == wanted:
                return dataset, one
        raise NotFoundError(
            f"le jeu de données « {dataset.title} » n'a pas de ressource « {wanted} ».",
            fix=_choices(dataset.resources),
        )


def newest(dataset: Dataset, *, pattern: str = "", form: str = "") -> Resource:
    """Return the resource of a dataset that changed last, among those that match.

    Parameters
    ----------
    pattern
        What the title or the file name must look like, in any case: ``*restaurants*``.
    form
        Format that is wanted, such as ``csv``.

    Raises
    ------
    NotFoundError
        If none matches.
    """
    wanted = pattern.casefold()
    found = [
        one
        for one in dataset.resources
        if (not form or form.lower() in {one.form, _suffix(one.url)})
        and (not wanted or any(fnmatch.fnmatchcase(text, wanted) for text in _names(one)))
    ]
    if not found:
        said = " et ".join(filter(None, [pattern and f"« {pattern} »", form and f"le format {form}"]))
        raise NotFoundError(
            f"aucune ressource de « {dataset.title} » ne répond à {said or 'la demande'}.",
            fix=_choices(dataset.resources),
        )
    first = datetime.min.replace(tzinfo=UTC)
    # The first of the portal's order wins among those that changed at the same instant.
    return max(found, key=lambda one: one.modified or first)


def _names(resource: Resource) -> tuple[str, str]:
    return resource.title.casefold(), resource.url.partition("?")[0].rpartition("/")[2].casefold()


def _suffix(url: str) -> str:
    return url.partition("?")[0].rpartition(".")[2].lower()


def _choices(resources: Sequence[Resource]) -> str:
    if not resources:
        return "Il n'a aucune ressource."
    shown = " ; ".join(f"{one.title} ({one.form or '?'}, {one.id})" for one in resources[:8])
    return f"Ressources : {shown}{' ; …' if len(resources) > 8 else ''}"


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise BadValueError(
            f"nom de jeu de données invalide : « {name} ».",
            fix="Attendu : le dernier mot de son adresse sur data.gouv.fr, ou son identifiant.",
        )
    return quote(name, safe="")


def _records(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _dataset(found: dict[str, Any], resources: Iterable[dict[str, Any]]) -> Dataset:
    owner = found.get("organization") or found.get("owner") or {}
    named = owner if isinstance(owner, dict) else {}
    people = f"{_text(named.get('first_name'))} {_text(named.get('last_name'))}".strip()
    licence = _text(found.get("license"))
    return Dataset(
        id=_text(found.get("id")),
        slug=_text(found.get("slug")),
        title=_text(found.get("title")),
        producer=_text(named.get("name")) or people,
        licence=_LICENCES.get(licence, licence),
        page=_text(found.get("page")) or _text(found.get("uri")),
        resources=tuple(_resource(one) for one in resources),
    )


def _resource(found: dict[str, Any]) -> Resource:
    size = found.get("filesize")
    return Resource(
        id=_text(found.get("id")),
        title=_text(found.get("title")),
        # `latest` always leads to the last version of the file; `url` may name a dated one.
        url=_text(found.get("url")) or _text(found.get("latest")),
        form=_text(found.get("format")).lower().strip(". "),
        size=size if isinstance(size, int) and size > 0 else None,
        modified=_moment(found.get("last_modified")) or _moment(found.get("created_at")),
        checksum=_checksum(found.get("checksum")),
    )


def _moment(value: Any) -> datetime | None:
    try:
        found = datetime.fromisoformat(_text(value))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _checksum(value: Any) -> Checksum | None:
    """Read a checksum; one of another kind, or malformed, cannot be verified and is left out."""
    if not isinstance(value, dict):
        return None
    kind, text = _text(value.get("type")).lower().replace("-", ""), _text(value.get("value")).lower()
    if len(text) != _CHECKSUMS.get(kind) or not re.fullmatch(r"[0-9a-f]+", text):
        return None
    return Checksum(kind=kind, value=text)
