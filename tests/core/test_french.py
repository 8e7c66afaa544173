"""French forms."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from eclaireur.core import french


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (french.number(1234567.891, 2), "1\u202f234\u202f567,89"),
        (french.number(0), "0"),
        (french.percent(0.314), "31\u00a0%"),
        (french.percent(0.0314, 1), "3,1\u00a0%"),
        (french.signed(-0.25, 2), "−0,25"),
        (french.signed(3), "+3"),
        (french.count(0, "contrôle"), "0 contrôle"),
        (french.count(1, "contrôle"), "1 contrôle"),
        (french.count(2, "avis", "avis"), "2 avis"),
        (french.day(date(2026, 11, 20)), "20/11/2026"),
        (french.moment(datetime(2026, 11, 20, 14, 5)), "20/11/2026 à 14\u00a0h\u00a005"),
        (french.duration(1), "1 jour"),
        (french.duration(59), "59 jours"),
        (french.duration(365), "12 mois"),
        (french.duration(3660), "10 ans"),
    ],
)
def test_forms(written: str, expected: str) -> None:
    assert written == expected
