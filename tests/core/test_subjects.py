"""Typed keys."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from eclaireur.core.errors import BadValueError
from eclaireur.core.subjects import KINDS, Subject, luhn_valid, normalise_siret


def test_a_subject_reads_back_what_it_writes() -> None:
    assert Subject.parse(str(Subject("commune", "2A004"))) == Subject("commune", "2A004")


@pytest.mark.parametrize(
    ("kind", "key"),
    [("siret", "8328377930002"), ("commune", "2a004"), ("commune", "75"), ("moon", "x"), ("station", " ")],
)
def test_a_key_of_the_wrong_form_is_refused(kind: str, key: str) -> None:
    with pytest.raises(BadValueError):
        Subject(kind, key)


def test_a_subject_without_a_kind_is_refused() -> None:
    with pytest.raises(BadValueError, match="sans genre"):
        Subject.parse("83283779300021")


@given(st.text("0123456789", min_size=13, max_size=13))
def test_exactly_one_last_digit_satisfies_luhn(digits: str) -> None:
    assert sum(luhn_valid(digits + last) for last in "0123456789") == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("832 837 793 00021", "83283779300021"),
        ("83283779300022", None),
        ("8,32838E+13", None),
        ("35600000000048", "35600000000048"),  # La Poste's head office, valid by Luhn too
        ("35600000049837", "35600000049837"),  # a post office: Luhn fails, the sum of digits is 45
        ("", None),
    ],
)
def test_a_siret_is_checked_and_la_poste_has_its_own_rule(text: str, expected: str | None) -> None:
    assert normalise_siret(text) == expected


def test_every_kind_says_what_it_expects() -> None:
    assert all(kind.french and kind.expected for kind in KINDS.values())
