"""An S3-compatible store, whose address an administrator sets: ``s3://bucket/key`` or ``s3://bucket/start*``."""

from __future__ import annotations

import fnmatch
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from eclaireur.core.case import Progress, quiet
from eclaireur.core.errors import (
    BadValueError,
    ConfigError,
    ExtraMissingError,
    FileRefusedError,
    NotFoundError,
    RefusedError,
    WorkFailedError,
)

__all__ = ["Store", "Stored", "split"]

_PIECE = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """An object of a store: its key, size in bytes, date and mark (ETag)."""

    bucket: str
    key: str
    size: int
    modified: datetime
    mark: str


def split(address: str) -> tuple[str, str]:
    """Return the bucket and the key of ``s3://bucket/key``; the key may be a pattern.

    Raises
    ------
    BadValueError
        If it is not of this form.

    Examples
    --------
    >>> split("s3://exports/2026/*.csv")
    ('exports', '2026/*.csv')
    """
    bucket, _, key = address.removeprefix("s3://").partition("/")
    if not address.startswith("s3://") or not bucket or not key:
        raise BadValueError(f"adresse invalide : « {address} ».", fix="Attendu : s3://compartiment/chemin.")
    return bucket, key


class Store:
    """A store that speaks S3.

    Keys are read by boto3 from the environment (``AWS_ACCESS_KEY_ID``, ``AWS_SECRET_ACCESS_KEY``) or its own
    file; without any, objects are asked for anonymously. The metadata service of a cloud is never asked.

    Parameters
    ----------
    endpoint
        Address of the store, as an administrator sets it; it is trusted, and never taken from a user.

    Raises
    ------
    ConfigError
        If no store is set.
    ExtraMissingError
        If boto3 is not installed.
    """

    def __init__(self, endpoint: str, *, region: str = "") -> None:
        if not endpoint:
            raise ConfigError(
                "aucun espace de stockage n'est réglé.",
                fix="Un administrateur donne son adresse au réglage « objects_endpoint ».",
            )
        self._client = _connect(endpoint, region)

    def find(self, bucket: str, key: str) -> Stored:
        """Return an object: the one named, or the newest that matches a pattern (``*``, ``?``).

        Raises
        ------
        NotFoundError
            If there is none.
        """
        if not any(sign in key for sign in "*?"):
            head = self._call("head_object", Bucket=bucket, Key=key)
            return Stored(
                bucket=bucket,
                key=key,
                size=int(head["ContentLength"]),
                modified=head["LastModified"],
                mark=str(head["ETag"]),
            )
        start = key[: min(key.find(sign) for sign in "*?" if sign in key)]
        found = [one for one in self._list(bucket, start) if fnmatch.fnmatchcase(one.key, key)]
        if not found:
            raise NotFoundError(f"aucun objet ne répond à « {key} » dans « {bucket} ».")
        return max(found, key=lambda one: (one.modified, one.key))

    def _list(self, bucket: str, start: str) -> list[Stored]:
        found: list[Stored] = []
        more: dict[str, str] = {}
        while True:
            page = self._call("list_objects_v2", Bucket=bucket, Prefix=start, **more)
            found += [
                Stored(
                    bucket=bucket,
                    key=one["Key"],
                    size=int(one["Size"]),
                    modified=one["LastModified"],
                    mark=str(one.get("ETag", "")),
                )
                for one in page.get("Contents", ())
            ]
            if not page.get("IsTruncated"):
                return found
            more = {"ContinuationToken": page["NextContinuationToken"]}

    def bring(self, stored: Stored, into: Path, *, most: int, progress: Progress = quiet) -> None:
        """Bring an object, in the very version that was found.

        Raises
        ------
        FileRefusedError
            If it is larger than ``most`` bytes.
        WorkFailedError
            If it changed meanwhile or comes cut.
        """
        if stored.size > most:
            raise FileRefusedError(
                "l'objet est trop gros.", fix="Un administrateur peut changer le réglage « download »."
            )
        more = {"IfMatch": stored.mark} if stored.mark else {}
        body = self._call("get_object", Bucket=stored.bucket, Key=stored.key, **more)["Body"]
        written = 0
        try:
            with into.open("wb") as stream:
                for piece in body.iter_chunks(_PIECE):
                    written += len(piece)
                    if written > most:
                        raise FileRefusedError("l'objet est plus gros qu'annoncé.")
                    stream.write(piece)
                    progress(written, stored.size, "Réception de l'objet")
        except _errors() as error:
            raise WorkFailedError("l'objet arrive coupé.", fix="Relancez la commande.") from error
        finally:
            body.close()
        if written != stored.size:
            raise WorkFailedError("l'objet arrive coupé.", fix="Relancez la commande.")

    def _call(self, action: str, **arguments: Any) -> Any:
        from botocore.exceptions import ClientError

        try:
            return getattr(self._client, action)(**arguments)
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", ""))
            name = f"s3://{arguments.get('Bucket')}/{arguments.get('Key', '')}"
            if code in {"404", "NoSuchKey", "NoSuchBucket", "NotFound"}:
                raise NotFoundError(f"{name} : cet objet n'existe pas.", fix="Vérifiez son nom.") from error
            if code in {"401", "403", "AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch"}:
                raise RefusedError(
                    f"{name} : l'espace de stockage refuse l'accès.",
                    fix="Vérifiez AWS_ACCESS_KEY_ID et AWS_SECRET_ACCESS_KEY.",
                ) from error
            if code in {"412", "PreconditionFailed"}:
                raise WorkFailedError(
                    f"{name} : l'objet a changé pendant sa lecture.", fix="Relancez la commande."
                ) from error
            raise WorkFailedError(f"{name} : l'espace de stockage a répondu « {code} ».") from error
        except _errors() as error:
            raise WorkFailedError(
                "l'espace de stockage ne répond pas.", fix="Vérifiez le réglage « objects_endpoint »."
            ) from error


def _errors() -> tuple[type[Exception], ...]:
    from botocore.exceptions import BotoCoreError
    from urllib3.exceptions import HTTPError

    return (BotoCoreError, HTTPError, OSError)


def _connect(endpoint: str, region: str) -> Any:
    try:
        import boto3
        from botocore import UNSIGNED
        from botocore.config import Config
        from botocore.session import Session
    except ImportError as error:
        raise ExtraMissingError(
            "la lecture d'un espace de stockage demande une partie qui n'est pas installée.",
            fix="Lancez : ./eclaireur install objects",
        ) from error
    session = Session()
    chain = session.get_component("credential_provider")
    for provider in list(chain.providers):
        if provider.METHOD in {"iam-role", "container-role"}:
            chain.remove(provider.METHOD)
    keys = session.get_credentials()
    config = Config(
        connect_timeout=10,
        read_timeout=30,
        retries={"max_attempts": 4, "mode": "standard"},
        s3={"addressing_style": "path"},
        # Stores that are not Amazon's do not all know its newer sums.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        **({} if keys else {"signature_version": UNSIGNED}),
    )
    return boto3.Session(botocore_session=session).client(
        "s3", endpoint_url=endpoint, region_name=region or "us-east-1", config=config
    )
