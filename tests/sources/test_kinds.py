"""What a column seems to hold."""

from __future__ import annotations

import pyarrow as pa
import pytest

from eclaireur.sources.kinds import kind_of


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
        ("SIRET", ["83283779300022"], "integer"),
        ("Code postal", ["01000"], "postal_code"),
        ("Code INSEE", ["2A004"], "commune"),
        ("Référence", ["00123"], "text"),
        ("Vide", [None, ""], "text"),
    ],
)
def test_a_kind_is_said_only_when_every_value_fits(name: str, values: list[str | None], kind: str) -> None:
    assert str(kind_of(name, pa.chunked_array([pa.array(values, pa.string())]))) == kind
