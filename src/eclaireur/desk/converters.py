"""The part of an address that names a case: only names that exist match, so no page hides behind one."""

from __future__ import annotations

from django.urls import register_converter

from eclaireur.core.card import Desk
from eclaireur.desk.served import served_cards

__all__ = ["BenchName", "CaseName", "IntakeName", "ReaderName"]


class CaseName:
    """``<case:case>`` in an address."""

    regex = "[a-z][a-z0-9_]*"

    def to_python(self, value: str) -> str:
        """Return the name of a case that exists; any other makes the address match nothing here."""
        if all(card.name != value for card in served_cards()):
            raise ValueError
        return value

    def to_url(self, value: str) -> str:
        """Write a name back."""
        return value


class ReaderName(CaseName):
    """``<reader:case>``: only the cases of the reader desk, whose first page is a search."""

    def to_python(self, value: str) -> str:
        """Return the name of a case that is read; any other makes the address match nothing here."""
        if all(card.name != value or card.desk is not Desk.READER for card in served_cards()):
            raise ValueError
        return value


class BenchName(CaseName):
    """``<bench:case>``: only the cases of the workbench, whose first page offers calculations."""

    def to_python(self, value: str) -> str:
        """Return the name of a case of the workbench; any other makes the address match nothing here."""
        if all(card.name != value or card.desk is not Desk.WORKBENCH for card in served_cards()):
            raise ValueError
        return value


class IntakeName(CaseName):
    """``<intake:case>``: only the cases of the intake desk, whose first page is an inbox or a question."""

    def to_python(self, value: str) -> str:
        """Return the name of such a case; any other makes the address match nothing here."""
        if all(card.name != value or card.desk is not Desk.INTAKE for card in served_cards()):
            raise ValueError
        return value


register_converter(CaseName, "case")
register_converter(IntakeName, "intake")
register_converter(ReaderName, "reader")
register_converter(BenchName, "bench")
