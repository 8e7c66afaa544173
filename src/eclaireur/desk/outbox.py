"""How an answer leaves: a mail file in the outbox, then the mail server when there is one. Each once.

A file is named by the answer's key and appears whole, so writing it again changes nothing. A mail server
gives no such promise: an answer whose departure was cut between the server's reply and the row is never
sent again by itself. It is shown as perhaps gone, and a person checks.
"""

from __future__ import annotations

import os
import smtplib
import ssl
from contextlib import suppress
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, getaddresses
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any
from urllib.parse import unquote, urlsplit

from django.utils import timezone

from eclaireur.core.clear import may_be_clear
from eclaireur.core.config import read_settings
from eclaireur.core.errors import ConfigError, NotFoundError, WorkFailedError
from eclaireur.desk.models import MailContent, Outgoing
from eclaireur.desk.place import workspace

__all__ = ["deliver", "letter_of", "outbox"]

_NOTICE = (
    "Cette réponse a été préparée à l’aide d’un programme qui rédige des textes, "
    "puis relue et envoyée par un agent."
)
_TIMEOUT = 30.0


def outbox(case: str) -> Path:
    """Return the folder of the mails that left for a case."""
    folder = workspace().home / "outbox" / case
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def letter_of(outgoing: Outgoing) -> EmailMessage:
    """Return an answer as a mail, the same each time.

    Raises
    ------
    NotFoundError
        If its text was erased.
    """
    journal = workspace().journal
    entry = journal.entry(outgoing.seq)
    said = journal.reveal(entry)
    if said is None:
        raise NotFoundError("le texte de cette réponse a été effacé.", fix="Elle ne peut plus partir.")
    message: dict[str, Any] = MailContent.objects.get(mail__dossier=outgoing.dossier_id).message
    made = EmailMessage(policy=SMTP)
    if address := _address(message["sender"]):
        made["To"] = address
    if sender := _line(workspace().settings.smtp_from):
        made["From"] = sender
    made["Subject"] = f"Re : {_line(message['subject']) or 'votre message'}"
    made["Date"] = format_datetime(timezone.localtime(outgoing.at))
    made["Message-ID"] = f"<{outgoing.key}@eclaireur.invalid>"
    if "@" in (reference := _line(message["id"])) and " " not in reference and ":" not in reference:
        made["In-Reply-To"] = f"<{reference}>"
    text = str(said["text"])
    if entry.data.get("generated"):
        text = f"{text}\n\n{_NOTICE}"
    made.set_content(text, cte="quoted-printable")
    return made


def _line(text: str | None) -> str:
    """Keep one line: a heading that a stranger wrote must not add another."""
    return " ".join("".join(c if c.isprintable() else " " for c in text or "").split())[:300]


def _address(sender: str | None) -> str:
    found = [address for _, address in getaddresses([_line(sender)]) if "@" in address]
    return found[0] if len(found) == 1 and found[0].isascii() and " " not in found[0] else ""


def deliver(outgoing: Outgoing) -> Outgoing:
    """Have an answer leave, once, whatever was done of it before; return what it has become.

    Raises
    ------
    WorkFailedError
        If the mail server refused before taking it: it still waits.
    """
    rows = Outgoing.objects.filter(pk=outgoing.pk)
    outgoing.refresh_from_db()
    if outgoing.state == Outgoing.State.SENDING:  # cut between the server's answer and ours
        rows.filter(state=Outgoing.State.SENDING).update(state=Outgoing.State.UNSURE)
    elif outgoing.state == Outgoing.State.WAITING:
        mail = letter_of(outgoing)
        name = _write(outbox(outgoing.case) / f"{outgoing.key}.eml", mail)
        server = workspace().settings.smtp
        if not server or "To" not in mail:
            rows.filter(state=Outgoing.State.WAITING).update(
                state=Outgoing.State.SENT, file=name, left=timezone.now()
            )
        elif rows.filter(state=Outgoing.State.WAITING).update(state=Outgoing.State.SENDING, file=name):
            _hand_over(rows, server, mail)
    outgoing.refresh_from_db()
    return outgoing


def _write(path: Path, mail: EmailMessage) -> str:
    if not path.exists():
        with NamedTemporaryFile(dir=path.parent, prefix=".", suffix=".tmp", delete=False) as held:
            held.write(mail.as_bytes())
            held.flush()
            os.fsync(held.fileno())
        try:
            with suppress(FileExistsError):  # another process was first: its file is the same mail
                os.link(held.name, path)
        finally:
            Path(held.name).unlink()
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    return path.name


def _hand_over(rows: Any, server: str, mail: EmailMessage) -> None:
    try:
        _post(server, mail)
    except (smtplib.SMTPResponseException, smtplib.SMTPRecipientsRefused, ConnectionRefusedError) as error:
        # It said no, so it does not have it.
        rows.filter(state=Outgoing.State.SENDING).update(state=Outgoing.State.WAITING)
        raise WorkFailedError(
            "le serveur de courriel a refusé la réponse.",
            fix="Elle est gardée : relancez la tâche plus tard.",
        ) from error
    except OSError as error:
        rows.filter(state=Outgoing.State.SENDING).update(state=Outgoing.State.UNSURE)
        raise WorkFailedError(
            "la liaison avec le serveur de courriel a été coupée : la réponse est peut-être partie.",
            fix="Vérifiez dans la boîte d'envoi avant de l'envoyer de nouveau.",
        ) from error
    rows.filter(state=Outgoing.State.SENDING).update(state=Outgoing.State.SENT, left=timezone.now())


def _post(address: str, mail: EmailMessage) -> None:
    parts = urlsplit(address)
    if parts.scheme not in {"smtp", "smtps"} or not parts.hostname:
        raise ConfigError(
            "l'adresse du serveur de courriel n'est pas lisible.",
            fix="Écrivez ECLAIREUR_SMTP=smtps://nom:motdepasse@hote:465, ou smtp:// pour STARTTLS.",
        )
    safe = ssl.create_default_context()
    if parts.scheme == "smtps":
        client: smtplib.SMTP = smtplib.SMTP_SSL(
            parts.hostname, parts.port or 465, timeout=_TIMEOUT, context=safe
        )
    else:
        client = smtplib.SMTP(parts.hostname, parts.port or 25, timeout=_TIMEOUT)
    with client:
        client.ehlo()
        if parts.scheme == "smtp":
            if client.has_extn("starttls"):
                client.starttls(context=safe)
            elif not may_be_clear(parts.hostname, read_settings().clear_hosts):
                raise smtplib.SMTPResponseException(530, "STARTTLS manque : la lettre passerait en clair.")
        if parts.username:
            client.login(unquote(parts.username), unquote(parts.password or ""))
        client.send_message(mail)
