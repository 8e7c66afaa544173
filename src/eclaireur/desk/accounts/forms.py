"""Forms of accounts and rights: what is asked, in which words, and what is refused."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django import forms
from django.contrib.auth.password_validation import validate_password
from django.utils import timezone

from eclaireur.core.catalog import cards
from eclaireur.desk.access import Perimeter
from eclaireur.desk.accounts.keys import DAYS
from eclaireur.desk.accounts.passwords import LONGEST
from eclaireur.desk.accounts.throttling import normal
from eclaireur.desk.models import Role, User

__all__ = [
    "AccountForm",
    "CodeForm",
    "DetailsForm",
    "FirstForm",
    "GrantForm",
    "KeyForm",
    "NewPasswordForm",
    "OwnCodeForm",
    "OwnPasswordForm",
    "SignInForm",
]

_ROLES = (
    (Role.AGENT, "agent : voit les listes, donne son avis, exporte"),
    (Role.MANAGER, "responsable : de plus, confie, tire les listes, connecte des données, calcule, suspend"),
    (Role.SCIENTIST, "data scientist : voit, connecte des données, calcule ; ne donne pas d’avis"),
    (Role.ADMINISTRATOR, "administrateur : gère comptes, droits et clés ; ce rôle ne montre aucun dossier"),
)
_SCOPES = (
    ("read", "lire"),
    ("decide", "décider"),
    ("export", "exporter"),
    ("compute", "calculer"),
    ("connect", "faire lire des fichiers"),
)
_LOGIN = r"[a-z0-9][a-z0-9._@+\-]*"


def _password(label: str, *, current: bool = False, help_text: str = "") -> forms.CharField:
    return forms.CharField(
        label=label,
        help_text=help_text,
        strip=False,
        max_length=LONGEST,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password" if current else "new-password"}),
    )


def _login() -> forms.CharField:
    return forms.RegexField(
        regex=rf"(?i)^{_LOGIN}$",
        label="Identifiant",
        help_text="En minuscules, sans accent ni espace : ada.martin",
        min_length=3,
        max_length=150,
        error_messages={"invalid": "Lettres sans accent, chiffres, et les signes . _ @ + - seulement."},
        widget=forms.TextInput(attrs={"autocomplete": "username", "autocapitalize": "none"}),
    )


class SignInForm(forms.Form):
    """Login and password. What is wrong with them is said by the page, in one way only."""

    login = forms.CharField(
        label="Identifiant",
        max_length=150,
        widget=forms.TextInput(
            attrs={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"}
        ),
    )
    password = _password("Mot de passe", current=True)
    next = forms.CharField(required=False, widget=forms.HiddenInput)


class CodeForm(forms.Form):
    """The code that an application shows, or a spare one."""

    code = forms.CharField(
        label="Code",
        help_text="Les six chiffres de votre application, ou un code de secours.",
        max_length=20,
        widget=forms.TextInput(
            attrs={"autocomplete": "one-time-code", "autocapitalize": "none", "spellcheck": "false"}
        ),
    )


class OwnCodeForm(CodeForm):
    """A code, and the password of the person who is signed in."""

    current = _password("Mot de passe actuel", current=True)
    field_order = ("code", "current")


class NewPasswordForm(forms.Form):
    """A password, twice."""

    password = _password(
        "Nouveau mot de passe",
        help_text="Douze caractères au moins. Une suite de quatre mots sans rapport convient bien.",
    )
    again = _password("Le même, une seconde fois")

    def __init__(self, *args: Any, user: User | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user

    def clean(self) -> dict[str, Any]:
        """Check that both are the same, and that it is not easy to guess."""
        found = super().clean() or self.cleaned_data
        password, again = found.get("password"), found.get("again")
        if password and again and password != again:
            self.add_error("again", "Les deux mots de passe sont différents.")
        if password:
            try:
                validate_password(password, self._owner())
            except forms.ValidationError as error:
                self.add_error("password", error)
        return found

    def _owner(self) -> User:
        return self.user or User(
            login=self.cleaned_data.get("login", ""), full_name=self.cleaned_data.get("full_name", "")
        )


class OwnPasswordForm(NewPasswordForm):
    """A new password for the person who is signed in, who gives the old one."""

    current = _password("Mot de passe actuel", current=True)
    field_order = ("current", "password", "again")


class _Named(forms.Form):
    full_name = forms.CharField(
        label="Prénom et nom",
        max_length=150,
        help_text="Comme ils seront écrits au journal, à côté de chaque décision.",
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )


class FirstForm(_Named, NewPasswordForm):
    """The account of the first administrator."""

    login = _login()
    manager = forms.BooleanField(label="Je suis aussi responsable, dans tous les cas d’usage", required=False)
    field_order = ("login", "full_name", "password", "again", "manager")

    def clean_login(self) -> str:
        """Return the login as accounts write it."""
        return _free(self.cleaned_data["login"])


class DetailsForm(_Named):
    """Name and address of an account."""

    email = forms.EmailField(
        label="Adresse électronique", required=False, widget=forms.EmailInput(attrs={"autocomplete": "off"})
    )


class AccountForm(DetailsForm):
    """A new account."""

    login = _login()
    field_order = ("login", "full_name", "email")

    def clean_login(self) -> str:
        """Return the login as accounts write it."""
        return _free(self.cleaned_data["login"])


def _free(login: str) -> str:
    written = normal(login)
    if User.objects.filter(login=written).exists():
        raise forms.ValidationError("Cet identifiant est déjà pris.")
    return written


class _Where(forms.Form):
    """Case, territory and service; a territory that no list shows must be confirmed."""

    case = forms.ChoiceField(label="Cas d’usage", required=False)
    area = forms.CharField(
        label="Territoire",
        required=False,
        max_length=120,
        help_text="Vide : tous les territoires.",
        widget=forms.TextInput(attrs={"list": "territoires", "autocomplete": "off"}),
    )
    service = forms.CharField(
        label="Service",
        required=False,
        max_length=120,
        help_text="Vide : tous les services.",
        widget=forms.TextInput(attrs={"list": "services", "autocomplete": "off"}),
    )
    unknown = forms.BooleanField(
        label="Accepter un territoire ou un service qui ne figure encore dans aucune liste", required=False
    )

    def __init__(
        self, *args: Any, areas: Iterable[str] = (), services: Iterable[str] = (), **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.areas, self.services = tuple(areas), tuple(services)
        choices = [("", "tous les cas d’usage"), *((card.name, card.title) for card in cards())]
        self.fields["case"].choices = choices  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """Refuse a territory or a service that is written as no row is: it would show nothing."""
        found = super().clean() or self.cleaned_data
        for name, known in (("area", self.areas), ("service", self.services)):
            value = found.get(name)
            if value and value not in known and not found.get("unknown"):
                self.add_error(name, "Aucune liste ne le connaît. Choisissez-le dans la liste, ou confirmez.")
        return found

    def perimeter(self, role: str) -> Perimeter:
        """Return what was chosen."""
        found = self.cleaned_data
        return Perimeter(role, found["case"], found["area"], found["service"])


class GrantForm(_Where):
    """A role within a perimeter."""

    role = forms.ChoiceField(label="Rôle", choices=_ROLES, widget=forms.RadioSelect)
    field_order = ("role", "case", "area", "service", "unknown")


class KeyForm(_Where):
    """A key for a program."""

    name = forms.CharField(
        label="Nom",
        max_length=120,
        help_text="Le programme qui s’en servira, comme il sera écrit au journal.",
    )
    scopes = forms.MultipleChoiceField(
        label="Ce qu’elle permet",
        choices=_SCOPES,
        required=False,
        help_text="« Lire » va toujours avec.",
        widget=forms.CheckboxSelectMultiple,
        initial=["read"],
    )
    expires = forms.DateField(
        label="Dernier jour",
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        input_formats=["%Y-%m-%d", "%d/%m/%Y"],
        help_text="Deux ans au plus.",
    )
    field_order = ("name", "scopes", "case", "area", "service", "unknown", "expires")

    def clean_expires(self) -> Any:
        """Keep the date within two years."""
        day, today = self.cleaned_data["expires"], timezone.localdate()
        if not today <= day < today + timedelta(days=DAYS):
            raise forms.ValidationError("Entre aujourd’hui et deux ans.")
        return day
