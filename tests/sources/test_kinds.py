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
    ],
)
def test_a_kind_is_said_only_when_every_value_fits(name: str, values: list[str | None], kind: str) -> None:
    assert str(kind_of(name, pa.chunked_array([pa.array(values, pa.string())]))) == kind
