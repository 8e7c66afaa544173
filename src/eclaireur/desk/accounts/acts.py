"""What an administrator does to accounts and rights: each act is journalled in its own transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import IntegrityError, transaction

from eclaireur.core.errors import BadValueError, NotFoundError, RefusedError
from eclaireur.desk.accounts import second
from eclaireur.desk.accounts.links import administrators, new_link
from eclaireur.desk.accounts.open_sessions import close_others
from eclaireur.desk.models import Grant, Role, Session, SetupLink, User
from eclaireur.desk.place import workspace

if TYPE_CHECKING:
    from eclaireur.desk.access import Perimeter

__all__ = [
    "bind_identity",
    "change_details",
    "change_password",
    "close_account",
    "create_account",
    "detach_identity",
    "give",
    "open_account",
    "send_link",
    "send_link_from_host",
    "take_back",
]


def create_account(by: User | None, login: str, full_name: str, email: str = "", subject: str = "") -> User:
    """Make an account without right nor password.

    Parameters
    ----------
    by
        Who makes it; None when a person of the identity provider makes her own.
    subject
        Identity that it belongs to from the start.

    Raises
    ------
    BadValueError
        If the login is taken.
    """
    try:
        with transaction.atomic():
            _tell(by, "account", login, act="create", name=full_name, email=bool(email), identity=subject)
            user = User.objects.create_user(login, full_name)
            user.email, user.subject = email, subject
            user.save(update_fields=["email", "subject"])
    except IntegrityError as error:
        raise BadValueError(
            f"l'identifiant « {login} » est déjà pris.", fix="Choisissez-en un autre.", column="login"
        ) from error
    return user


def change_details(by: User, user: User, full_name: str, email: str) -> None:
    """Correct a name or an address; decisions already journalled keep the name that they were made under."""
    with transaction.atomic():
        _tell(by, "account", user.login, act="details", before=user.full_name, name=full_name)
        user.full_name, user.email = full_name, email
        user.save(update_fields=["full_name", "email"])


def change_password(user: User, password: str, session: str | None) -> None:
    """Give a person the password that she chose; all her sessions end but the one that asks."""
    with transaction.atomic():
        _tell(user, "account", user.login, act="password")
        user.set_password(password)
        user.save(update_fields=["password"])
        close_others(user, session)


def close_account(by: User, user: User) -> None:
    """Close an account: nobody enters with it any more, its sessions end, its rights stay written.

    Raises
    ------
    RefusedError
        If it is the last administrator's.
    """
    with transaction.atomic():
        _tell(by, "account", user.login, act="close")
        User.objects.filter(pk=user.pk).update(is_active=False)
        _keep_an_administrator()
        Session.objects.filter(user=user).delete()
        SetupLink.objects.filter(user=user, used=None).delete()


def open_account(by: User, user: User) -> None:
    """Open a closed account again, with the rights that it had."""
    with transaction.atomic():
        _tell(by, "account", user.login, act="open")
        User.objects.filter(pk=user.pk).update(is_active=True)


def send_link(by: User, user: User) -> str:
    """Return the path of a link with which the person chooses a password. It is shown this once.

    Raises
    ------
    RefusedError
        If the account is closed.
    """
    if not user.is_active:
        raise RefusedError("ce compte est fermé.", fix="Ouvrez-le avant d'envoyer un lien.")
    with transaction.atomic():
        _tell(by, "account", user.login, act="link")
        return new_link(user)


def send_link_from_host(login: str, *, second_factor: bool = False) -> str:
    """Return such a link to whoever governs the machine: the way back of an administrator locked out.

    Whoever reads the workspace and its database can do more than that; here the journal tells it.

    Parameters
    ----------
    second_factor
        Take the account's second factor away too: the telephone is lost.

    Raises
    ------
    NotFoundError
        If no account has this login.
    RefusedError
        If the account is closed.
    """
    user = User.objects.filter(login=login).first()
    if user is None:
        logins = ", ".join(administrators().order_by("login").values_list("login", flat=True)[:20])
        raise NotFoundError(
            f"aucun compte ne s'appelle « {login} ».",
            fix=f"Administrateurs : {logins}." if logins else "`./eclaireur serve` donne le premier lien.",
        )
    if not user.is_active:
        raise RefusedError("ce compte est fermé.", fix="Choisissez celui d'un administrateur, qui l'ouvrira.")
    with transaction.atomic():
        workspace().journal.append(
            "account",
            case="",
            actor="machine du bureau",
            data={"act": "link", "account": login, "host": True},
        )
        if second_factor:
            second.remove(None, user)
        return new_link(user)


def give(by: User, user: User, perimeter: Perimeter) -> Grant:
    """Give a role within a perimeter. Giving it to oneself is written like any other.

    Raises
    ------
    BadValueError
        If the account has it already, or an administrator would be bounded: accounts have no perimeter.
    """
    where = {"case": perimeter.case, "area": perimeter.area, "service": perimeter.service}
    if perimeter.role == Role.ADMINISTRATOR and any(where.values()):
        raise BadValueError(
            "un administrateur gère tous les comptes.",
            fix="Laissez vides le cas d'usage, le territoire et le service.",
            column="role",
        )
    with transaction.atomic():
        _tell(by, "grant", user.login, act="give", role=perimeter.role, own=by.pk == user.pk, **where)
        grant, made = Grant.objects.get_or_create(
            user=user,
            role=perimeter.role,
            case=perimeter.case,
            area=perimeter.area,
            service=perimeter.service,
        )
        if not made:
            raise BadValueError("ce droit est déjà donné.", column="role")
    return grant


def take_back(by: User, grant: Grant) -> None:
    """Take a right back, from the next page on.

    Raises
    ------
    RefusedError
        If nobody would manage accounts any more.
    """
    user = grant.user
    if user is None:
        raise RefusedError("ce droit est celui d'une clé.", fix="Révoquez la clé.")
    where = {"case": grant.case, "area": grant.area, "service": grant.service}
    with transaction.atomic():
        _tell(by, "grant", user.login, act="take_back", role=grant.role, own=by.pk == user.pk, **where)
        grant.delete()
        _keep_an_administrator()


def bind_identity(user: User, subject: str) -> None:
    """Tie an account to the identity that its person proved.

    Raises
    ------
    RefusedError
        If the identity is another account's.
    """
    try:
        with transaction.atomic():
            _tell(user, "account", user.login, act="identity", identity=subject)
            User.objects.filter(pk=user.pk).update(subject=subject)
    except IntegrityError as error:
        raise RefusedError(
            "cette identité est déjà reliée à un autre compte.",
            fix="Connectez-vous avec elle, ou demandez à votre administrateur de la détacher.",
        ) from error
    user.subject = subject


def detach_identity(by: User, user: User) -> None:
    """Untie an account from its identity; its sessions end.

    Raises
    ------
    RefusedError
        If the last administrator would have no way in.
    """
    with transaction.atomic():
        _tell(by, "account", user.login, act="detach", identity=user.subject)
        User.objects.filter(pk=user.pk).update(subject="")
        _keep_an_administrator()
        Session.objects.filter(user=user).delete()


def _keep_an_administrator() -> None:
    """Undo the transaction that leaves nobody to manage accounts.

    The journal's line comes first in each act and has one writer at a time: two administrators who close each
    other at the same moment come here one after the other.
    """
    if not administrators().exists():
        raise RefusedError(
            "c'est le dernier administrateur : plus personne ne gérerait les comptes.",
            fix="Nommez d'abord un autre administrateur, qui aura choisi son mot de passe.",
        )


def _tell(by: User | None, kind: str, account: str, *, case: str = "", **data: Any) -> None:
    workspace().journal.append(
        kind,
        case=case,
        actor=by.full_name if by else data.get("name", account),
        data={"login": by.login if by else account, "account": account, "case": case, **data},
    )
