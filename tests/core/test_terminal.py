"""View blocks in a terminal."""

from __future__ import annotations

import io
from datetime import date
from typing import get_args

import pytest
from rich.console import Console

from eclaireur.core import view
from eclaireur.core.terminal import TerminalRenderer

BLOCKS: dict[type, view.Block] = {
    view.Facts: view.Facts(title="Identité", pairs=(("Nom", "[bold]Chez Léa[/bold]"),)),
    view.Reasons: view.Reasons(
        title="Pourquoi ?",
        reasons=(
            view.Reason(
                theme="historique", sentence="Deux mauvais contrôles.", weight=0.5, source="controles.csv"
            ),
            view.Reason(theme="météo", sentence="Semaine fraîche.", weight=-0.1),
        ),
        caution="L'agent décide.",
    ),
    view.Table: view.Table(
        title="Liste",
        columns=(
            view.Column(key="name", title="Nom"),
            view.Column(key="score", title="Risque", align="right", kind="share"),
            view.Column(key="day", title="Jour"),
        ),
        rows=[{"name": "A [red]", "score": 0.314, "day": date(2026, 11, 20)}, {"name": "B"}],
        note="Note.",
    ),
    view.Chart: view.Chart(
        title="Le risque monte",
        form="line",
        x_title="mois",
        y_title="risque",
        series=(view.Series(name="risque", x=(1, 2, 3), y=(0.0, 0.5, 1.0)),),
        text="De 0 à 1 en trois mois.",
    ),
    view.Map: view.Map(
        title="Carte",
        places=(view.Place(label="Chez Léa", latitude=48.1, longitude=-1.6, value=0.3),),
        legend="Risque.",
    ),
    view.SpanText: view.SpanText(
        title="Lettre", text="Il faut agir.", marks=(view.Mark(start=8, end=12, label="demande", sure=False),)
    ),
    view.Page: view.Page(title="Page", document="lettre.pdf", number=3, boxes=((0, 0, 1, 1, "demande"),)),
    view.Diff: view.Diff(title="Écart", left_title="a", right_title="b", left="un\ndeux", right="un\ntrois"),
    view.Timeline: view.Timeline(
        title="Historique",
        events=(
            view.Event(day=date(2024, 1, 2), lane="contrôle", text="bon"),
            view.Event(day=date(2025, 1, 2), lane="contrôle", text="mauvais", bad=True),
        ),
    ),
    view.Citations: view.Citations(
        title="Sources",
        citations=(view.Citation(title="Fiche", passage="Texte.", origin="site", observed=date(2026, 1, 1)),),
    ),
    view.Funnel: view.Funnel(title="Sélection", steps=(("tous", 12345), ("retenus", 12))),
    view.Form: view.Form(
        title="Paramètres",
        fields=(view.FormField(name="radius", title="Rayon", kind="number", unit="m", default="500"),),
    ),
}


def rendered(*blocks: view.Block, width: int = 100) -> str:
    console = Console(file=io.StringIO(), width=width, color_system=None)
    TerminalRenderer(console).render(blocks)
    text: str = console.file.getvalue()  # type: ignore[attr-defined]
    return text


def test_every_kind_of_block_has_an_example_here() -> None:
    assert set(BLOCKS) == set(get_args(view.Block))


@pytest.mark.parametrize("kind", BLOCKS, ids=lambda kind: kind.__name__)
def test_every_block_renders_its_title_and_something_more(kind: type) -> None:
    text = rendered(BLOCKS[kind])
    assert BLOCKS[kind].title in text
    assert len(text.splitlines()) > 2


def test_data_are_never_read_as_markup() -> None:
    assert "[bold]Chez Léa[/bold]" in rendered(BLOCKS[view.Facts])
    assert "A [red]" in rendered(BLOCKS[view.Table])


def test_numbers_and_dates_are_french() -> None:
    text = rendered(BLOCKS[view.Table], BLOCKS[view.Funnel])
    assert "31\u00a0%" in text
    assert "20/11/2026" in text
    assert "12\u202f345" in text


def test_reasons_are_parted_into_what_raises_and_what_lowers() -> None:
    text = rendered(BLOCKS[view.Reasons])
    assert text.index("Ce qui augmente") < text.index("Deux mauvais") < text.index("Ce qui diminue")


def test_reasons_are_grouped_by_theme_with_source_and_date() -> None:
    reasons = tuple(
        view.Reason(theme=theme, sentence=sentence, weight=weight, source="controles.csv", observed=day)
        for theme, sentence, weight, day in (
            ("historique", "Forte.", 0.9, date(2024, 8, 1)),
            ("météo", "Moyenne.", 0.5, None),
            ("historique", "Faible.", 0.1, None),
        )
    )
    text = rendered(view.Reasons(title="Pourquoi ?", reasons=reasons))
    assert text.count("historique") == 1
    assert text.index("Forte. (controles.csv, 01/08/2024)") < text.index("Faible.") < text.index("météo")


def test_a_time_line_starts_with_the_latest_event() -> None:
    text = rendered(BLOCKS[view.Timeline])
    assert text.index("02/01/2025") < text.index("02/01/2024")


def test_an_uncertain_mark_says_so() -> None:
    assert "demande (incertain) : « agir »" in rendered(BLOCKS[view.SpanText])
