"""How the desk looks: its own neutral theme, or the State's design system when its part is installed.

The design system's licence keeps it to the State's own sites: its files are never in the core. Only its
colours, letters and logo are taken; pages are the same.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from eclaireur.core.errors import ConfigError, ExtraMissingError

__all__ = ["THEMES", "state_files"]

THEMES = ("auto", "neutral", "dsfr")
"""``auto`` takes the State's theme when its part is installed."""

_PARTS = ("core", "fonts", "component/logo", "icons/system")
_PACKAGE = "dsfr"


def state_files(theme: str) -> list[tuple[str, Path]]:
    """Return the folders of the State's design system to serve, with their prefix; none for our theme.

    Raises
    ------
    ConfigError
        If the theme is unknown.
    ExtraMissingError
        If the State's theme is asked for and its part is not installed.
    """
    if theme not in THEMES:
        raise ConfigError(f"thème inconnu : « {theme} ».", fix=f"Thèmes connus : {', '.join(THEMES)}.")
    if theme == "neutral":
        return []
    found = find_spec(_PACKAGE)
    folders = [Path(one) for one in (found.submodule_search_locations or ())] if found else []
    if not folders:
        if theme == "auto":
            return []
        raise ExtraMissingError(
            "le thème de l'État demande une partie qui n'est pas installée.",
            fix="Lancez : ./eclaireur install dsfr",
        )
    files = folders[0] / "static" / "dsfr" / "dist"
    return [(f"dsfr/{part}", files / part) for part in _PARTS]
