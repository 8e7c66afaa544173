"""French titles of the columns of a scored file, and those that a page shows."""

from __future__ import annotations

__all__ = ["SHOWN", "TITLES"]

TITLES = {
    "note": "Remarque sur le spectre",
    "name": "Molécule proposée",
    "formula": "Formule brute",
    "inchikey": "InChIKey",
    "smiles": "SMILES",
    "score": "Probabilité",
    "accepted": "Identification retenue",
    "level": "Niveau de confiance (1 à 5)",
    "evidence": "Fondement du niveau",
    "absent": "Probabilité d'être hors bibliothèque",
    "why_none": "Pourquoi aucune",
    "isotopes": "Isotopes",
    "related": "Autre ion de la même molécule",
    "similarity": "Ressemblance",
    "matched": "Pics communs",
    "ppm": "Écart de masse (ppm)",
    "library_spectrum": "Spectre de la bibliothèque",
    "name_2": "Deuxième molécule",
    "inchikey_2": "InChIKey de la deuxième",
    "score_2": "Probabilité de la deuxième",
    "name_3": "Troisième molécule",
    "inchikey_3": "InChIKey de la troisième",
    "score_3": "Probabilité de la troisième",
    "candidates": "Tous les candidats (JSON)",
}
"""Column → title; those of the file itself have theirs in the card."""

SHOWN = (
    "rank",
    "score",
    "line",
    "spectrum",
    "name",
    "formula",
    "accepted",
    "level",
    "absent",
    "matched",
    "ppm",
    "name_2",
    "score_2",
    "reasons",
)
"""Columns that a page shows, in order."""
