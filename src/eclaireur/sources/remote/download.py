"""Brings a file whole: what is cut is resumed or asked again, what is not the announced file is refused."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import time
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import IO, Any

from eclaireur.core import french
from eclaireur.core.case import Progress, quiet
from eclaireur.core.errors import (
    EclaireurError,
    FileRefusedError,
    NotFoundError,
    RefusedError,
    WorkFailedError,
)
from eclaireur.sources.remote.addresses import shown
from eclaireur.sources.remote.client import Answer, Client

__all__ = ["Checksum", "Received", "download", "file_name", "read_json"]

_PIECE = 1 << 16
_JSON_SIZE = 50_000_000
_AGAIN = {408, 425, 429, 500, 502, 503, 504}
_PAGE = re.compile(rb"\s*(<!--.{0,500}?-->\s*)*<(!doctype\s+html|html|head)\b", re.IGNORECASE | re.DOTALL)
_DATA = frozenset(
    {"csv", "tsv", "txt", "xlsx", "xls", "ods", "json", "jsonl", "geojson", "parquet", "zip", "gz", "pdf"}
    | {"gpkg", "shp", "tif", "tiff", "wav", "mp3", "flac", "ogg", "png", "jpg", "jpeg", "docx", "odt"}
)
_NAME = re.compile(r"[^A-Za-zÀ-ÿ0-9._\-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Checksum:
    """What a catalogue says a file's bytes sum up to: ``sha256``, ``sha1`` or ``md5``, in hexadecimal."""

    kind: str
    value: str

    def of(self, path: Path) -> str:
        """Return the same sum of a file."""
        with path.open("rb") as stream:
            return hashlib.file_digest(
                stream, lambda: hashlib.new(self.kind, usedforsecurity=False)
            ).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A file that came whole.

    Parameters
    ----------
    url
        Where it came from in the end, without secrets.
    size
        Bytes on disk.
    notes
        French sentences about what could not be checked, or was resumed.
    """

    url: str
    size: int
    content_type: str = ""
    notes: tuple[str, ...] = ()


class _AgainError(Exception):
    """Worth another try, after some seconds."""

    def __init__(self, reason: str, wait: float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.wait = wait


@dataclass(slots=True)
class _Part:
    """What has come so far: bytes written, and the mark of the version that they are of."""

    most: int
    written: int = 0
    mark: str = ""
    total: int | None = None
    resumed: bool = False


def file_name(path: str, form: str = "") -> str:
    """Return a plain file name for what an address gives.

    Examples
    --------
    >>> file_name("/d/Export%20été.csv?x=1"), file_name("/download", "csv"), file_name("/..")
    ('Export_été.csv', 'download.csv', 'fichier')
    """
    from urllib.parse import unquote

    last = unquote(path.partition("?")[0]).rpartition("/")[2]
    name = _NAME.sub("_", last).strip("._-")[-120:] or "fichier"
    if form and "." not in name and re.fullmatch(r"[a-z0-9]{1,8}", form):
        name = f"{name}.{form}"
    return name


def download(
    client: Client,
    url: str,
    into: Path,
    *,
    form: str = "",
    checksum: Checksum | None = None,
    most: int | None = None,
    progress: Progress = quiet,
) -> Received:
    """Bring a file to ``into``.

    Parameters
    ----------
    form
        Suffix that is expected (``csv``); by default, that of the address. A web page in the place of a
        data file is refused.
    checksum
        What the bytes must sum up to, when a catalogue says it.
    most
        Most bytes of the file; by default the client's limit.

    Raises
    ------
    NotFoundError
        If the server does not have it.
    RefusedError
        If an address may not be reached, or the bytes are not those that were announced.
    FileRefusedError
        If it is too large, or is a web page.
    WorkFailedError
        If it did not come whole after every try.
    """
    part = _Part(most=min(most or client.limits.size, client.limits.size))
    reason = ""
    for tried in range(client.limits.tries):
        try:
            received = _try(client, url, into, part, form or _suffix(url), progress)
        except _AgainError as again:
            reason = again.reason
            wait = float(2**tried) if again.wait is None else again.wait
        except OSError as error:
            reason = "la connexion a été coupée ou n'a pas répondu à temps"
            wait = float(2**tried)
            if not isinstance(error, (ConnectionError, TimeoutError)):
                raise
        else:
            _check(into, checksum)
            return received
        if wait > client.limits.patience:
            minutes = french.number(wait / 60, 0)
            raise WorkFailedError(
                f"{shown(url)} : {reason} ; il faut attendre {minutes} minutes.",
                fix="Relancez la commande plus tard.",
            )
        if tried + 1 < client.limits.tries:
            client.sleep(wait)
    raise WorkFailedError(
        f"{shown(url)} : {reason}, après {client.limits.tries} essais. Rien n'a été gardé.",
        fix="Relancez la commande plus tard.",
    )


def _suffix(url: str) -> str:
    return url.partition("?")[0].rpartition("/")[2].rpartition(".")[2].lower()


def _check(path: Path, checksum: Checksum | None) -> None:
    if checksum is None:
        return
    found = checksum.of(path)
    if found != checksum.value.lower():
        raise RefusedError(
            f"l'empreinte {checksum.kind} du fichier reçu ({found[:12]}…) n'est pas celle qui était annoncée"
            f" ({checksum.value[:12]}…) : le fichier a changé ou a été abîmé. Il n'est pas gardé.",
            fix="Relancez la commande ; si cela dure, prévenez le producteur des données.",
        )


def _try(client: Client, url: str, into: Path, part: _Part, form: str, progress: Progress) -> Received:
    headers = {}
    if part.written and part.mark:
        headers = {"Range": f"bytes={part.written}-", "If-Range": part.mark}
    with client.open(url, headers) as answer:
        _check_status(answer, url)
        coded = answer.headers.get("content-encoding", "").lower()
        if answer.status == 206 and not coded and _continues(answer, part):
            part.resumed = True
        elif answer.status == 200:
            part.written, part.mark, part.total, part.resumed = 0, _mark(answer), _length(answer), False
        else:
            part.written, part.mark = 0, ""
            raise _AgainError("le site a mal repris l'envoi", 0.0)
        _check_size(into, part, coded=bool(coded))
        with into.open("r+b" if part.written else "wb") as stream:
            stream.seek(part.written)
            if coded:
                part.mark = ""  # a compressed answer is asked again from its start
                _decode(answer, stream, coded, part)
            else:
                _copy(client, answer, stream, part, progress)
    _check_page(into, form)
    notes = ["L'envoi a été coupé, puis repris."] if part.resumed else []
    if part.total is None and "chunked" not in answer.headers.get("transfer-encoding", "").lower():
        notes.append("Le site n'annonce pas la taille du fichier : une fin manquante ne se verrait pas.")
    return Received(
        url=shown(answer.target.url),
        size=into.stat().st_size,
        content_type=answer.headers.get("content-type", "").partition(";")[0].strip().lower(),
        notes=tuple(notes),
    )


def _check_status(answer: Answer, url: str) -> None:
    status, where = answer.status, shown(url)
    if status in {200, 206}:
        return
    if status in _AGAIN:
        said = "le site demande de ralentir" if status == 429 else f"le site est en panne (erreur {status})"
        raise _AgainError(said, _retry_after(answer.headers.get("retry-after", "")))
    if status == 416:
        raise _AgainError("le site a mal repris l'envoi", 0.0)
    if status in {404, 410}:
        raise NotFoundError(f"{where} : le fichier n'existe pas ou plus.", fix="Vérifiez l'adresse.")
    if status in {401, 403, 407}:
        raise RefusedError(f"{where} : le site demande une autorisation (erreur {status}).")
    raise WorkFailedError(f"{where} : le site a répondu par l'erreur {status}.", fix="Vérifiez l'adresse.")


def _retry_after(text: str) -> float | None:
    """Read seconds, or a date, as RFC 9110 allows."""
    if re.fullmatch(r"\d{1,9}", text.strip()):
        return float(text)
    until = _date(text)
    return None if until is None else max((until - datetime.now(UTC)).total_seconds(), 0.0)


def _date(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _mark(answer: Answer) -> str:
    """Return what tells two versions of a file apart; a weak mark does not."""
    mark = answer.headers.get("etag", "")
    return "" if mark.startswith("W/") else mark


def _length(answer: Answer) -> int | None:
    text = answer.headers.get("content-length", "")
    return int(text) if re.fullmatch(r"\d{1,18}", text) else None


def _continues(answer: Answer, part: _Part) -> bool:
    """Tell whether an answer begins where the last one was cut, in the same version."""
    found = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", answer.headers.get("content-range", ""))
    if found is None or int(found[1]) != part.written or not part.written:
        return False
    same = found[2] == "*" or part.total is None or int(found[2]) == part.total
    return same and (_mark(answer) or part.mark) == part.mark


def _check_size(into: Path, part: _Part, *, coded: bool) -> None:
    total = part.total
    if total is None:
        return
    if total > part.most:
        raise _too_large(part)
    if not coded and total > shutil.disk_usage(into.parent).free:
        raise WorkFailedError(
            f"il n'y a pas la place pour ce fichier de {french.number(total / 1e6, 0)} Mo.",
            fix="Libérez de la place.",
        )


def _too_large(part: _Part) -> EclaireurError:
    return FileRefusedError(
        f"le fichier dépasse {french.number(part.most / 1e6, 0)} Mo.",
        fix="Un administrateur peut changer le réglage « download ».",
    )


def _copy(client: Client, answer: Answer, stream: IO[bytes], part: _Part, progress: Progress) -> None:
    until = time.monotonic() + client.limits.seconds
    while piece := answer.read(_PIECE):
        if part.written + len(piece) > part.most:
            raise _too_large(part)
        stream.write(piece)
        part.written += len(piece)
        progress(part.written, part.total or 0, f"Réception : {french.number(part.written / 1e6, 1)} Mo")
        if time.monotonic() > until:
            raise _AgainError("le site envoie trop lentement")
    stream.truncate()
    if part.total is not None and part.written < part.total:
        raise _AgainError(f"le fichier arrive coupé ({part.written} octets sur {part.total})")


def _decode(answer: Answer, stream: IO[bytes], coded: str, part: _Part) -> None:
    """Expand what a server compressed for the way, though it was not asked to."""
    if coded not in {"gzip", "x-gzip"}:
        raise WorkFailedError(f"le site envoie un codage inconnu : « {coded} ».")
    taken = 0
    expander = zlib.decompressobj(31)
    try:
        while piece := answer.read(_PIECE):
            taken += len(piece)
            while piece:
                data = expander.decompress(piece, _PIECE)
                stream.write(data)
                if stream.tell() > part.most:
                    raise _too_large(part)
                piece = expander.unconsumed_tail
                if expander.eof and expander.unused_data:
                    piece, expander = expander.unused_data, zlib.decompressobj(31)
    except zlib.error as error:
        raise _AgainError("le fichier arrive abîmé") from error
    if not expander.eof or (part.total is not None and taken < part.total):
        raise _AgainError(f"le fichier arrive coupé ({taken} octets compressés)")


def _check_page(path: Path, form: str) -> None:
    if form not in _DATA:
        return
    with path.open("rb") as stream:
        if _PAGE.match(stream.read(2000).lstrip(b"\xef\xbb\xbf")):
            raise FileRefusedError(
                f"le site a répondu par une page web, pas par un fichier {form}.",
                fix="Ouvrez l'adresse dans un navigateur : le fichier a peut-être changé de place.",
            )


def read_json(client: Client, url: str, folder: Path) -> Any:
    """Ask a service for a JSON document.

    Raises
    ------
    WorkFailedError
        If what comes is not JSON.
    """
    path = folder / "answer.json"
    try:
        download(client, url, path, most=_JSON_SIZE)
        return json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        if isinstance(error, EclaireurError):
            raise
        raise WorkFailedError(
            f"{shown(url)} : la réponse du service est illisible.", fix="Relancez la commande plus tard."
        ) from error
    finally:
        path.unlink(missing_ok=True)
