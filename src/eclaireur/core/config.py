"""Settings: from the environment, else from ``eclaireur.toml`` in the workspace, else the default."""

from __future__ import annotations

import dataclasses
import difflib
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from eclaireur.core.errors import ConfigError

__all__ = ["FILE_NAME", "Settings", "read_settings", "secret_of_file", "settings_table"]

FILE_NAME = "eclaireur.toml"


def _setting(default: Any, *, help: str, env: str, secret: bool = False) -> Any:  # noqa: A002 (users know it)
    # What holds a password is not shown when settings are printed.
    return field(default=default, repr=not secret, metadata={"help": help, "env": env})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What an installation may choose.

    Examples
    --------
    >>> Settings().engine
    'processes'
    """

    home: Path = _setting(
        Path("~/.local/share/eclaireur"),
        help="the workspace: snapshots, tables, models, journal, mappings",
        env="ECLAIREUR_HOME",
    )
    data: Path | None = _setting(
        None, help="folder of real data for the sources that need it", env="ECLAIREUR_DATA"
    )
    engine: str = _setting("processes", help="where parts of work run", env="ECLAIREUR_ENGINE")
    url: str = _setting(
        "",
        help="address that people type to reach the desk; empty for this machine alone",
        env="ECLAIREUR_URL",
    )
    administration: str = _setting(
        "",
        help="who serves the desk, as its statement of accessibility names it",
        env="ECLAIREUR_ADMINISTRATION",
    )
    accessibility_contact: str = _setting(
        "",
        help="whom to tell, and how, of a page that cannot be read or used",
        env="ECLAIREUR_ACCESSIBILITY_CONTACT",
    )
    hosts: str = _setting(
        "", help="further host names that the desk answers, separated by commas", env="ECLAIREUR_HOSTS"
    )
    database: str = _setting(
        "",
        help="PostgreSQL address of the desk's rows; empty for SQLite in the workspace",
        env="DATABASE_URL",
        secret=True,
    )
    clear_hosts: str = _setting(
        "",
        help="hosts of a network of yours alone, reached without a checked TLS (PostgreSQL, mail, language "
        "model), separated by commas",
        env="ECLAIREUR_CLEAR_HOSTS",
    )
    secret_key: str = _setting(
        "",
        help="secret that signs sessions; empty for one made in the workspace",
        env="ECLAIREUR_SECRET_KEY",
        secret=True,
    )
    breached_passwords: Path | None = _setting(
        None,
        help="file of the SHA-1 of breached passwords, in order: none of them can be chosen",
        env="ECLAIREUR_BREACHED_PASSWORDS",
    )
    second_factor: str = _setting(
        "chosen",
        help="who must have a second factor: `chosen` (each decides), `administrators`, or `all`",
        env="ECLAIREUR_SECOND_FACTOR",
    )
    oidc_issuer: str = _setting(
        "",
        help="address of the OpenID Connect provider, ProConnect among others; empty for passwords alone",
        env="ECLAIREUR_OIDC_ISSUER",
    )
    oidc_client: str = _setting(
        "", help="name under which the provider knows this desk", env="ECLAIREUR_OIDC_CLIENT"
    )
    oidc_secret: str = _setting(
        "", help="secret shared with the provider", env="ECLAIREUR_OIDC_SECRET", secret=True
    )
    oidc_name: str = _setting(
        "ProConnect", help="what the sign-in button calls the provider", env="ECLAIREUR_OIDC_NAME"
    )
    oidc_acr: str = _setting(
        "",
        help="accepted levels of assurance, separated by spaces; empty for any",
        env="ECLAIREUR_OIDC_ACR",
    )
    oidc_siret: str = _setting(
        "",
        help="SIRET of the administrations whose agents may enter, separated by commas; empty for any",
        env="ECLAIREUR_OIDC_SIRET",
    )
    oidc_create: str = _setting(
        "no",
        help="`yes` makes an account without rights for an unknown identity",
        env="ECLAIREUR_OIDC_CREATE",
    )
    language_url: str = _setting(
        "",
        help="address of a language model's server, ending in /v1; empty for none",
        env="ECLAIREUR_LANGUAGE_URL",
    )
    language_model: str = _setting(
        "", help="name of the model that this server expects", env="ECLAIREUR_LANGUAGE_MODEL"
    )
    language_key: str = _setting("", help="key of this server", env="ECLAIREUR_LANGUAGE_KEY", secret=True)
    smtp: str = _setting(
        "",
        help="mail server of the answers, `smtps://name:password@host:465` or `smtp://…`; empty for files",
        env="ECLAIREUR_SMTP",
        secret=True,
    )
    smtp_from: str = _setting("", help="address that answers are sent from", env="ECLAIREUR_SMTP_FROM")
    theme: str = _setting(
        "auto",
        help="`neutral`, or `dsfr` for the State's design system; `auto` takes it when it is installed",
        env="ECLAIREUR_THEME",
    )
    upload: int = _setting(
        100, help="largest file that may be sent to the desk, in megabytes", env="ECLAIREUR_UPLOAD"
    )
    download: int = _setting(
        2000, help="largest file that is fetched, in megabytes", env="ECLAIREUR_DOWNLOAD"
    )
    allowed_addresses: str = _setting(
        "",
        help="networks and hosts that may be fetched from beside the public internet, separated by commas",
        env="ECLAIREUR_ALLOWED_ADDRESSES",
    )
    read_addresses: str = _setting(
        "no",
        help="`yes` lets who connects data have the desk read an address of the web or of data.gouv.fr",
        env="ECLAIREUR_READ_ADDRESSES",
    )
    datagouv: str = _setting(
        "https://www.data.gouv.fr",
        help="portal that `datagouv:` and `fetch --search` ask",
        env="ECLAIREUR_DATAGOUV",
    )
    objects_endpoint: str = _setting(
        "", help="address of the S3-compatible store that `s3://` names", env="ECLAIREUR_OBJECTS_ENDPOINT"
    )
    objects_region: str = _setting(
        "", help="region of that store, when it has some", env="ECLAIREUR_OBJECTS_REGION"
    )
    threads: int = _setting(2, help="threads of each process that computes", env="ECLAIREUR_THREADS")
    memory: str = _setting(
        "", help="memory limit of table queries, such as `4GB`; empty for no limit", env="ECLAIREUR_MEMORY"
    )


def settings_table() -> tuple[tuple[str, str, str, str], ...]:
    """Return name, environment variable, default and meaning of every setting."""
    return tuple(
        (one.name, one.metadata["env"], str(one.default), one.metadata["help"])
        for one in dataclasses.fields(Settings)
    )


def read_settings(home: Path | None = None, environ: Mapping[str, str] | None = None) -> Settings:
    """Read the settings of a workspace.

    Parameters
    ----------
    home
        The workspace; by default ``ECLAIREUR_HOME``, else ``XDG_DATA_HOME/eclaireur``, else
        ``~/.local/share/eclaireur``.
    environ
        Environment to read; by default the process's own.

    Raises
    ------
    ConfigError
        If the file is not TOML, or a key is unknown or of the wrong type.
    """
    environment = os.environ if environ is None else environ
    folder = (home or _default_home(environment)).expanduser().absolute()
    file = folder / FILE_NAME
    values = _file_values(file)
    for one in dataclasses.fields(Settings):
        text = environment.get(one.metadata["env"], "")
        if not text and not one.repr:
            text = secret_of_file(one.metadata["env"], environment)
        if text:
            values[one.name] = text
    values["home"] = folder
    return Settings(**{name: _convert(name, value, file) for name, value in values.items()})


def secret_of_file(variable: str, environment: Mapping[str, str]) -> str:
    """Return the secret that lies in the file which ``VARIABLE_FILE`` names; empty when it names none.

    Whoever keeps secrets (a vault's agent, a credential of systemd, a secret of Kubernetes) hands them over
    as files: they are then neither in the environment nor in what deploys.

    Raises
    ------
    ConfigError
        If the file cannot be read, or is empty.
    """
    name = environment.get(f"{variable}_FILE", "")
    if not name:
        return ""
    try:
        found = Path(name).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"le fichier que nomme {variable}_FILE est illisible.", file=name, fix="Corrigez ce chemin."
        ) from error
    if not found:
        raise ConfigError(
            f"le fichier que nomme {variable}_FILE est vide.", file=name, fix="Écrivez-y le secret."
        )
    return found


def _default_home(environment: Mapping[str, str]) -> Path:
    if environment.get("ECLAIREUR_HOME"):
        return Path(environment["ECLAIREUR_HOME"])
    if environment.get("XDG_DATA_HOME"):
        return Path(environment["XDG_DATA_HOME"]) / "eclaireur"
    return Path("~/.local/share/eclaireur")


def _file_values(file: Path) -> dict[str, Any]:
    if not file.is_file():
        return {}
    try:
        values = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"réglages illisibles : {error}.", file=str(file), fix="Corrigez le fichier."
        ) from error
    known = [one.name for one in dataclasses.fields(Settings)]
    for name in values:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            fix = f"Vouliez-vous écrire « {near[0]} » ?" if near else f"Réglages connus : {', '.join(known)}."
            raise ConfigError(f"réglage inconnu : « {name} ».", file=str(file), fix=fix)
    return values


def _convert(name: str, value: Any, file: Path) -> Any:
    if name in {"breached_passwords", "data", "home"}:
        if not isinstance(value, str | Path):
            raise _wrong(name, value, "un chemin entre guillemets", file)
        return Path(value).expanduser().absolute()
    if name in {"download", "threads", "upload"}:
        if isinstance(value, bool) or not str(value).isdecimal() or not int(value):
            raise _wrong(name, value, "un nombre entier, au moins 1", file)
        return int(value)
    if not isinstance(value, str):
        raise _wrong(name, value, "un texte entre guillemets", file)
    return value


def _wrong(name: str, value: Any, expected: str, file: Path) -> ConfigError:
    return ConfigError(
        f"valeur invalide pour le réglage « {name} » : {value!r} ; attendu : {expected}.",
        fix=f"Corrigez-la dans {file} ou dans l'environnement.",
    )
