"""Fictitious decisions, alone and in series, in the XML in which the Conseil d'État publishes.

Parties, places, judges and facts are made up. One decision in two belongs to a series: same matter, same
pleas and same reasons, other party, other dates and amounts. `made` also gives the series, which the
files do not hold.
"""

from __future__ import annotations

from eclaireur.cases.similar_decisions.sample.generator import JUDGES, Made, made, write

__all__ = ["JUDGES", "Made", "made", "write"]
