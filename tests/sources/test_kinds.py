"""What a column seems to hold."""

from __future__ import annotations

import pyarrow as pa
import pytest

from eclaireur.sources.kinds import judge, kind_of
from eclaireur.sources.values import date_of


@pytest.mark.parametrize(
    ("name", "values", "kind"),
    [
        ("Montant", ["1 234,50", "−3", None], "number"),
        ("Montant", ["1 234,50", "environ 3"], "text"),
        ("Effectif", ["12", "3"], "integer"),
        ("Effectif", ["0", "1"], "integer"),
        ("Date", ["01/02/2023", "2023-02-01"], "date"),
        ("Date", ["31/02/2023"], "text"),
        ("Conforme", ["oui", "Non"], "boolean"),
        ("SIRET", ["83283779300021", None], "siret"),
        ("SIRET", ["83283779300022"], "siret"),
        ("Code postal", ["01000"], "postal_code"),
        ("Code INSEE", ["2A004"], "commune"),
        ("Référence", ["00123"], "code"),
        ("Quantité", ["00123"], "code"),
        ("N° de dossier", ["123", "124"], "code"),
        ("Nombre de SIRET", ["3", "4"], "integer"),
        ("Tél.", ["01 02 03 04 05", "+33612345678"], "phone"),
        ("Dép.", ["01", "2A", "974"], "department"),
        ("Créé le", ["01/02/2023 14:30"], "datetime"),
        ("Créé le", ["01/02/2023 00:00:00"], "date"),
        ("Créé le", ["1er mars 2021"], "date"),
        ("Créé le", ["12/31/2020"], "text"),
        ("Taux", ["12,5 %", "3 %"], "number"),
        ("Taux", ["12,5 %", "3"], "text"),
        ("Montant", ["1.234"], "text"),
        ("Montant", ["1.234", "12,50"], "number"),
        ("Montant", ["(12,50)", "nd"], "number"),
        ("Vide", [None, ""], "text"),
        ("N", ["12", "3"], "integer"),
        ("N°", ["12", "3"], "code"),
        ("Article", ["1.1", "1.10"], "code"),
        ("NIR", ["185017500100123"], "code"),
        ("Activité", ["01.11", "56.10"], "code"),
        ("Jour", ["01.11.2023"], "date"),
        ("Codes", ["1,2", "3,4"], "code"),
        ("Lot", ["1E10", "2E5"], "text"),
        ("Teneur", ["1E-05", "2,5E3"], "number"),
        ("SIRET", ["83283779300021.0"], "siret"),
        ("Département", ["1", "2", "75"], "department"),
        ("Numéro fiscal", ["12345678901", "22345678901"], "code"),
        ("Latitude", ["46,205"], "number"),
        ("Taux", ["12,5 %", "s"], "number"),
        ("Passage", ["01/02/2023 02:30 PM"], "datetime"),
    ],
)
def test_a_kind_is_said_only_when_every_value_fits(name: str, values: list[str | None], kind: str) -> None:
    assert str(kind_of(name, pa.chunked_array([pa.array(values, pa.string())]))) == kind


def test_a_comma_typed_by_hand_among_a_programs_numbers_is_not_taken_for_thousands() -> None:
    for texts in (["1,234"], ["1,234", "1.5"], ["1,234", "1.234"]):
        found = judge("Montant", pa.chunked_array([texts]), range(2, len(texts) + 2), machine=True)
        assert [doubt.kind for doubt in found.doubts] == ["number"]
        if found.typed is not None:
            assert found.typed.to_pylist() == [1.234]


def test_an_hour_of_the_afternoon_is_read_and_an_impossible_one_is_not() -> None:
    assert str(date_of("01/02/2023 02:30 PM")) == "2023-02-01 14:30:00"
    assert str(date_of("01/02/2023 12:15 am")) == "2023-02-01 00:15:00"
    assert date_of("01/02/2023 14:30 PM") is None


def test_mixed_units_and_metres_named_degrees_are_said() -> None:
    for name, texts in (("Taux", ["12,5 %", "3"]), ("Latitude", ["6862047,5", "6862048,25"])):
        assert judge(name, pa.chunked_array([texts]), (2, 3)).doubts, name


@pytest.mark.parametrize(
    ("name", "text"), [("SIRET", "83283779300021.0"), ("Code postal", "1000.0"), ("Département", "1")]
)
def test_a_number_made_of_an_identifier_is_flagged(name: str, text: str) -> None:
    assert [doubt.lines for doubt in judge(name, pa.chunked_array([[text]]), (2,)).doubts] == [(2,)]


def test_per_thousand_is_a_unit_and_mixed_with_per_cent_a_doubt() -> None:
    column = pa.chunked_array([["3,2 ‰", "10‰"]])
    found = judge("Taux", column, [2, 3])
    assert (str(found.kind), found.unit) == ("number", "‰")
    assert found.typed is not None
    assert found.typed.to_pylist() == [3.2, 10.0]
    mixed = judge("Taux", pa.chunked_array([["3,2 ‰", "10 %"]]), [2, 3])
    assert mixed.typed is None
    assert [doubt.kind for doubt in mixed.doubts] == ["number"]
