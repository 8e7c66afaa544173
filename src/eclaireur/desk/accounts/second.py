"""A second factor: a code that an application makes anew every thirty seconds (TOTP, RFC 6238).

The secret is kept encrypted under a key of the desk's own secret: whoever reads the database alone makes no
code. A code serves once. Ten spare codes, kept as keyed hashes, stand in for a lost telephone. People who
enter by an identity provider have theirs there.
"""

from __future__ import annotations

import base64
import secrets
import time
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction
from django.utils.crypto import constant_time_compare, salted_hmac

from eclaireur.core.errors import BadValueError, WorkFailedError
from eclaireur.desk.accounts.open_sessions import close_others
from eclaireur.desk.models import Role, SecondFactor
from eclaireur.desk.place import workspace

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    from cryptography.hazmat.primitives.twofactor.totp import TOTP

    from eclaireur.desk.models import User

__all__ = [
    "SPARE",
    "accept",
    "add",
    "address",
    "asked_of",
    "has",
    "new_secret",
    "picture",
    "remove",
    "sealed",
]

SPARE = 10
"""Spare codes that are given with a factor."""

_STEP, _DIGITS, _BYTES = 30, 6, 20
_MARGIN = 4  # modules: what a camera needs around
_AROUND = (0, -1, 1)
"""Steps in which a code holds: clocks of telephones are some seconds off."""


def new_secret() -> str:
    """Return a new secret, as applications take it: 160 random bits in base 32."""
    return base64.b32encode(secrets.token_bytes(_BYTES)).decode()


def address(user: User, secret: str) -> str:
    """Return the address that an application reads from a picture, or opens on the same telephone."""
    return _totp(secret).get_provisioning_uri(user.login, "Éclaireur")


def picture(text: str) -> str:
    """Draw a text as a QR code; return an address of its SVG that a page may hold."""
    from reportlab.graphics.barcode.qr import QrCodeWidget

    code = QrCodeWidget(text, barLevel="M").qr
    code.make()
    dark = "".join(
        f"M{x + _MARGIN} {y + _MARGIN}h1v1h-1z"
        for y, row in enumerate(code.modules)
        for x, on in enumerate(row)
        if on
    )
    side = len(code.modules) + 2 * _MARGIN
    drawn = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side} {side}"><path d="{dark}"/></svg>'
    return f"data:image/svg+xml;base64,{base64.b64encode(drawn.encode()).decode()}"


def has(user: User) -> bool:
    """Tell whether a person has a second factor."""
    return SecondFactor.objects.filter(user=user).exists()


def asked_of(user: User) -> bool:
    """Tell whether the installation asks a second factor of a person (setting ``second_factor``)."""
    match settings.SECOND_FACTOR:
        case "all":
            return True
        case "administrators":
            return user.grants.filter(role=Role.ADMINISTRATOR).exists()
    return False


def add(user: User, secret: str, code: str, session: str | None) -> list[str]:
    """Give a person a second factor, once a code proves that the application has it; end other sessions.

    Returns
    -------
    list of str
        Spare codes, to be shown this once.

    Raises
    ------
    BadValueError
        If the code is not the one of this moment.
    """
    step = _step_of(secret, code)
    if step is None:
        raise BadValueError(
            "ce code n'est pas celui du moment.",
            fix="Vérifiez l'heure du téléphone, puis tapez le code qu'il montre.",
            column="code",
        )
    spare = [f"{one[:4]}-{one[4:]}" for one in (secrets.token_hex(4) for _ in range(SPARE))]
    with transaction.atomic():
        _tell(user, user, "second factor")
        row = {"sealed": sealed(user, secret), "last": step, "spare": [_hash(user, one) for one in spare]}
        SecondFactor.objects.update_or_create(user=user, defaults=row)
        close_others(user, session)
    return spare


def accept(user: User, code: str) -> bool:
    """Tell whether a code, or a spare one, is this person's; it does not serve again.

    Raises
    ------
    WorkFailedError
        If the factor cannot be read: the desk's secret has changed since.
    """
    row = SecondFactor.objects.filter(user=user).first()
    if row is None:
        return False
    step = _step_of(_open(user, row.sealed), code)
    if step is not None:
        # Of two at once with the same code, one is let in: the other finds the step gone.
        return bool(SecondFactor.objects.filter(pk=row.pk, last__lt=step).update(last=step))
    return _spend(user, code)


def remove(by: User | None, user: User) -> None:
    """Take a second factor away: by its owner, an administrator, or from the machine that serves (None)."""
    with transaction.atomic():
        _tell(by, user, "second factor removed")
        SecondFactor.objects.filter(user=user).delete()
        if by is None or by.pk != user.pk:
            close_others(user, None)


def _spend(user: User, code: str) -> bool:
    hashed = _hash(user, code.strip().lower())
    with transaction.atomic():
        row = SecondFactor.objects.select_for_update().filter(user=user).first()
        if row is None or not any(constant_time_compare(one, hashed) for one in row.spare):
            return False
        _tell(user, user, "spare code", left=len(row.spare) - 1)
        row.spare = [one for one in row.spare if one != hashed]
        row.save(update_fields=["spare"])
    return True


def _step_of(secret: str, code: str) -> int | None:
    """Return the step of time whose code this is, among those that hold now."""
    typed = "".join(code.split())
    if len(typed) != _DIGITS or not (typed.isascii() and typed.isdigit()):
        return None
    totp, now = _totp(secret), int(time.time()) // _STEP
    steps = [now + one for one in _AROUND]
    return next(
        (one for one in steps if constant_time_compare(totp.generate(one * _STEP).decode(), typed)), None
    )


def _totp(secret: str) -> TOTP:
    from cryptography.hazmat.primitives.hashes import SHA1
    from cryptography.hazmat.primitives.twofactor.totp import TOTP

    # SHA-1 is what applications know; as a keyed hash of a counter it is not broken (RFC 6238, section 1.2).
    return TOTP(base64.b32decode(secret), _DIGITS, SHA1(), _STEP)  # noqa: S303


def sealed(user: User, secret: str) -> str:
    """Return a secret as its row keeps it: encrypted, for this person alone."""
    nonce = secrets.token_bytes(12)
    return base64.b64encode(nonce + _cipher().encrypt(nonce, secret.encode(), _owner(user))).decode()


def _open(user: User, sealed: str) -> str:
    from cryptography.exceptions import InvalidTag

    data = base64.b64decode(sealed)
    try:
        return _cipher().decrypt(data[:12], data[12:], _owner(user)).decode()
    except InvalidTag as error:
        raise WorkFailedError(
            "le second facteur de ce compte ne se lit plus : le secret du bureau a changé.",
            fix="Demandez à votre administrateur de le retirer, puis ajoutez-en un autre.",
        ) from error


def _cipher() -> AESGCM:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    made = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"eclaireur.second_factor.1")
    return AESGCM(made.derive(settings.SECRET_KEY.encode()))


def _owner(user: User) -> bytes:
    return str(user.pk).encode()  # moved to another account, it does not open


def _hash(user: User, code: str) -> str:
    text = f"{user.pk}:{code}"
    return salted_hmac("eclaireur.desk.spare_code", text, algorithm="sha256").hexdigest()


def _tell(by: User | None, user: User, act: str, **data: int) -> None:
    workspace().journal.append(
        "account",
        case="",
        actor=by.full_name if by else "machine du bureau",
        data={"act": act, "login": by.login if by else "", "account": user.login, **data},
    )
