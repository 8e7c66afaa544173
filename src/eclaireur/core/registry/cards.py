"""Model cards as JSON, and the seal of a card.

``card.json`` is the canonical text (`core.canonical`) of the card's fields and of ``format``, 1. Its SHA-256
is the card's *seal*. A card holds the SHA-256 of every artefact, so whoever keeps the seal, as the journal
does at each promotion, can tell that nothing of the model changed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

from eclaireur.core import canonical
from eclaireur.core.errors import BadValueError, ModelRefusedError
from eclaireur.core.types import Metric, ModelCard

__all__ = ["card_from_json", "card_to_json", "seal"]

_FORMAT = 1


def card_to_json(card: ModelCard) -> str:
    """Write a card as canonical JSON.

    Raises
    ------
    BadValueError
        If a number is infinite or not a number, or a moment has no time zone.
    """
    if card.created.tzinfo is None:
        raise BadValueError("la date de création du modèle n'a pas de fuseau horaire.")
    return canonical.text(
        {
            "format": _FORMAT,
            "case": card.case,
            "number": int(card.number),
            "kind": card.kind,
            "created": card.created.astimezone(UTC).isoformat(),
            "run": card.run,
            "source": card.source,
            "examples_sha256": card.examples_sha256,
            "examples": int(card.examples),
            "positives": int(card.positives),
            "as_of": card.as_of.isoformat(),
            "features": card.features,
            "thresholds": {name: float(value) for name, value in card.thresholds.items()},
            "metrics": [_metric_to_json(metric) for metric in card.metrics],
            "limits": card.limits,
            "artefacts": card.artefacts,
        }
    )


def card_from_json(text: str, *, file: str = "") -> ModelCard:
    """Read a card.

    Raises
    ------
    ModelRefusedError
        If the text is not what `card_to_json` writes.
    """
    try:
        values = canonical.parse(text)
        if values.pop("format") != _FORMAT:
            raise _refused("elle a été écrite par une autre version d'Éclaireur", file)
        card = ModelCard(
            **{
                **values,
                "created": datetime.fromisoformat(values["created"]),
                "as_of": date.fromisoformat(values["as_of"]),
                "features": tuple(values["features"]),
                "metrics": tuple(Metric(**metric) for metric in values["metrics"]),
                "limits": tuple(values["limits"]),
            }
        )
        same = card_to_json(card) == text
    except (BadValueError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise _refused("elle est illisible", file) from error
    if not same:
        raise _refused("elle n'a pas la forme attendue", file)
    return card


def seal(card: ModelCard) -> str:
    """Return the SHA-256 of a card, in hexadecimal."""
    return hashlib.sha256(card_to_json(card).encode()).hexdigest()


def _metric_to_json(metric: Metric) -> Mapping[str, Any]:
    def real(value: float | None) -> float | None:
        # NumPy's numbers are accepted here; NaN is refused by the canonical text.
        return None if value is None else float(value)

    return {
        "name": metric.name,
        "value": real(metric.value),
        "low": real(metric.low),
        "high": real(metric.high),
        "n": int(metric.n),
        "baseline": metric.baseline,
        "baseline_value": real(metric.baseline_value),
    }


def _refused(why: str, file: str) -> ModelRefusedError:
    return ModelRefusedError(
        f"la fiche du modèle est refusée : {why}.",
        file=file,
        fix="Restaurez-la depuis une sauvegarde, ou entraînez de nouveau le modèle.",
    )
