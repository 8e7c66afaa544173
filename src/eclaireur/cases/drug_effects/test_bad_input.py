"""Files that cannot be read whole, and analyses that cannot be made: each is named, the rest goes on."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from eclaireur.cases.drug_effects import case, model as modelling, reading, reports as reporting, sample
from eclaireur.core.case import quiet
from eclaireur.core.errors import BadValueError, EmptyTableError, MissingColumnError
from eclaireur.core.view import Funnel


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> dict[str, pa.Table]:
    folder = tmp_path_factory.mktemp("sample")
    sample.write(folder, seed=3)
    return reading.read(folder)


def test_rows_that_cannot_be_read_set_their_person_aside_and_the_rest_goes_on(
    records: dict[str, pa.Table], tmp_path: Path
) -> None:
    lines = ["Patient;Catégorie;Produit ou événement;Début;Fin;Jours couverts"]
    for at in range(40):
        day = f"{1 + at % 28:02d}/03/2023"
        lines += [
            f"C{at};observation;;01/01/2023;31/12/2023;",
            f"C{at};achat;X;{day};;20",
            f"C{at};événement;E;{1 + (at + 9) % 28:02d}/03/2023;;",
        ]
    lines += [
        "D;observation;;01/01/2023;31/12/2023;",
        "D;achat;X;31/02/2023;;20",
        "D;événement;E;03/03/2023;;",
        ";achat;X;01/03/2023;;20",
        "F;vaccin;X;01/03/2023;;20",
        "G;observation;;01/01/2023;31/12/2023;",
        "G;événement;E;03/03/2023;;",
        "H;observation;;01/01/2",
    ]
    path = tmp_path / "a.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    table = case.read_candidates(path)
    assert table is not None
    fitted = case.train(records, case.examples(records), as_of=date(2030, 1, 1), seed=1, progress=quiet)
    scored = case.score(
        table.drop_columns(["line"]), records, fitted.card, fitted.artefacts.__getitem__, progress=quiet
    ).to_pylist()
    assert len(scored) == len(lines) - 1
    assert all(row["kept"] for row in scored[:120])
    assert {row["category"] for row in scored} >= {"observation", "achat", "événement"}
    said = [row["rejection"] for row in scored[120:]]
    assert all("ligne 123, colonne « Début » : « 31/02/2023 »" in one for one in said[:3])
    assert "ligne 125, colonne « Patient » : la cellule est vide" in said[3]
    assert "« vaccin » n'est pas une valeur acceptée" in said[4]
    assert said[5:7] == [None, None]
    assert "aucune exposition" in scored[125]["remark"]
    assert "ligne 129, colonne « Début »" in said[7]
    path.write_text("\n".join(lines[:1] + lines[-1:]), encoding="utf-8")
    with pytest.raises(BadValueError, match="01/01/2"):
        case.read_candidates(path)
    path.write_text("Patient;Catégorie\nA;observation", encoding="utf-8")
    with pytest.raises(MissingColumnError, match="Début"):
        case.read_candidates(path)


def test_an_analysis_without_any_exposure_says_so(records: dict[str, pa.Table]) -> None:
    some = records["histories"]
    bare = some.filter(pc.invert(pc.is_in(some["category"], pa.array(["exposure", "purchase"]))))
    prior = modelling.prior_of(records["reports"])

    def made(name: str) -> Any:
        tables = {**records, "histories": bare}
        return reporting.made(name, tables, prior, about="", table=None, seed=1, progress=quiet)

    for name in ("series", "curves", "diagnostics"):
        with pytest.raises(EmptyTableError, match="aucun cas n'a d'exposition"):
            made(name)
    assert any(isinstance(block, Funnel) for block in made("cohort"))
