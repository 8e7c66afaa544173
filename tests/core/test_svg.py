"""Charts laid out once and written as SVG: round graduations, words, no style, nothing that runs."""

from __future__ import annotations

import math
import re
from datetime import date
from pathlib import Path
from typing import get_args
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, strategies as st

from eclaireur.core import view
from eclaireur.core.axes import day_ticks, nice_ticks, scale_of
from eclaireur.core.errors import BadValueError
from eclaireur.core.figures import Band, Dot, Figure, Line, Polyline, Primitive, Rect, Text, lay_out
from eclaireur.core.svg import to_svg

FORMS = ("line", "bar", "scatter", "reliability", "lift", "lag", "band", "mirror")


def chart(form: str, *series: view.Series, title: str = "Le risque monte") -> view.Chart:
    return view.Chart(
        title=title, form=form, x_title="jour (j)", y_title="effet (mg/L)", series=series, text="En mots."
    )


def one(name: str = "a", n: int = 5, *, band: bool = True) -> view.Series:
    y = tuple(at / 10 for at in range(n))
    low, high = tuple(v - 0.05 for v in y), tuple(v + 0.05 for v in y)
    return view.Series(name=name, x=y, y=y, low=low if band else (), high=high if band else ())


def parts(figure: Figure, kind: type) -> list[Primitive]:
    return [part for part in figure.parts if isinstance(part, kind)]


def words(figure: Figure) -> list[str]:
    return [part.text for part in figure.parts if isinstance(part, Text)]


def attributes(svg: str) -> set[str]:
    return {name for node in ET.fromstring(svg).iter() for name in node.attrib}  # noqa: S314 (our own)


@pytest.mark.parametrize("form", FORMS)
def test_each_form_is_well_formed_titled_and_without_style(form: str) -> None:
    svg = to_svg(lay_out(chart(form, one("a"), one("b"))))

    root = ET.fromstring(svg)  # noqa: S314 (our own)
    assert [node.text for node in root[:2]] == ["Le risque monte", "En mots."]
    assert root.get("role") == "img"
    assert not {name for name in attributes(svg) if name == "style" or name.startswith("on")}
    assert {"jour (j)", "effet (mg/L)"} <= set(words(lay_out(chart(form, one()))))


@pytest.mark.parametrize("form", FORMS)
def test_nothing_lies_outside_the_figure(form: str) -> None:
    figure = lay_out(chart(form, one("un nom très long " * 8), one("b"), one("c"), one("d")))

    for part in figure.parts:
        match part:
            case Line(x1, y1, x2, y2):
                points = [(x1, y1), (x2, y2)]
            case Polyline(points=found) | Band(points=found):
                points = list(found)
            case Rect(x, y, width, height):
                points = [(x, y), (x + width, y + height)]
            case Dot(x, y) | Text(x, y):
                points = [(x, y)]
        assert all(0 <= x <= figure.width and 0 <= y <= figure.height for x, y in points), part


def test_series_differ_without_colour() -> None:
    svg = to_svg(lay_out(chart("line", one("a"), one("b"))))
    lines = re.findall(r"<polyline[^>]*>", svg)

    assert len({re.sub(r' (points|class)="[^"]*"', "", line) for line in lines}) == 2
    bars = to_svg(lay_out(chart("bar", one("a"), one("b"))))
    assert len(set(re.findall(r'fill-opacity="([^"]+)"', bars))) == 2


def test_a_bar_stands_on_zero_and_its_height_is_its_value() -> None:
    series = view.Series(name="n", x=("nord", "sud"), y=(10.0, -5.0))
    up, down = parts(lay_out(chart("bar", series)), Rect)

    assert isinstance(up, Rect)
    assert isinstance(down, Rect)
    assert up.height == pytest.approx(2 * down.height)
    assert up.y + up.height == pytest.approx(down.y)


def test_reliability_has_its_diagonal_whiskers_and_counts() -> None:
    counts = view.Series(name="effectif", x=(0.2, 0.4), y=(120.0, 1500.0))
    stated = view.Series(name="observé", x=(0.2, 0.4), y=(0.25, 0.35), low=(0.2, 0.3), high=(0.3, 0.4))
    figure = lay_out(chart("reliability", stated, counts))

    kinds = [part.kind for part in figure.parts if isinstance(part, Line)]
    assert kinds.count("reference") == 1
    assert kinds.count("whisker") == 2
    assert {"120", "1\u202f500", "0\xa0%", "100\xa0%"} <= set(words(figure))


def test_a_lag_curve_shows_zero_and_its_band() -> None:
    figure = lay_out(chart("lag", one()))

    assert [part.kind for part in figure.parts if isinstance(part, Line)].count("zero") == 1
    assert len(parts(figure, Band)) == 1


def test_a_mirror_joins_only_the_peaks_that_the_case_matched() -> None:
    sample = view.Series(name="échantillon", x=(100.0, 150.0), y=(1.0, 0.5))
    library = view.Series(name="bibliothèque", x=(100.01, 180.0), y=(0.8, 0.2))
    matched = view.Series(name="appariés", x=(100.0,), y=(100.01,))
    figure = lay_out(chart("mirror", sample, library, matched))

    lines = [part for part in figure.parts if isinstance(part, Line)]
    assert len([line for line in lines if line.kind == "peak"]) == 4
    (join,) = [line for line in lines if line.kind == "join"]
    assert join.y1 < join.y2
    assert not [word for word in words(figure) if word.startswith("−")]


def test_missing_points_are_left_out_and_an_empty_figure_says_so() -> None:
    hole = view.Series(name="a", x=(1, 2, 3), y=(1.0, math.nan, 3.0))
    (line,) = parts(lay_out(chart("line", hole)), Polyline)
    assert isinstance(line, Polyline)
    assert len(line.points) == 2
    empty = lay_out(chart("line", view.Series(name="a", x=(1,), y=(math.nan,))))
    assert words(empty) == ["Aucune donnée à montrer."]


def test_a_wrong_chart_is_refused_in_french() -> None:
    with pytest.raises(BadValueError, match="forme de figure inconnue"):
        lay_out(chart("pie", one()))
    with pytest.raises(BadValueError, match="longueurs différentes"):
        lay_out(chart("line", view.Series(name="a", x=(1, 2), y=(1.0,))))


def test_a_time_line_has_a_lane_per_kind_and_a_triangle_for_what_is_bad() -> None:
    events = (
        view.Event(day=date(2024, 1, 2), lane="Contrôle", text="bon"),
        view.Event(day=date(2025, 6, 2), lane="Avis", text="mauvais", bad=True),
    )
    figure = lay_out(view.Timeline(title="Historique", events=events))

    good, bad = parts(figure, Dot)
    assert isinstance(good, Dot)
    assert isinstance(bad, Dot)
    assert good.x < bad.x
    assert good.y < bad.y
    assert figure.text.startswith("02/06/2025, Avis : mauvais")
    assert {"Contrôle", "Avis"} <= set(words(figure))
    assert to_svg(figure).count('class="dot bad"') == 1


def test_a_funnel_says_counts_and_shares() -> None:
    figure = lay_out(view.Funnel(title="Sélection", steps=(("tous", 12345), ("retenus", 1234))))

    assert "1\u202f234 (10\xa0%)" in words(figure)


def test_hostile_words_stay_words(hostile_files: Path) -> None:
    folder = hostile_files / "html"
    for path in sorted(folder.glob("*.txt")):
        for payload in path.read_text(encoding="utf-8", errors="replace").splitlines()[:400]:
            series = view.Series(name=payload, x=(payload, "b"), y=(1.0, 2.0))
            other = view.Series(name=f"{payload} 2", x=(payload, "b"), y=(1.0, 2.0))
            svg = to_svg(lay_out(chart("bar", series, other, title=payload)))
            names = {node.tag.rpartition("}")[2] for node in ET.fromstring(svg).iter()}  # noqa: S314
            assert names <= {"svg", "title", "desc", "line", "polyline", "polygon", "rect", "text"}
            assert not {name for name in attributes(svg) if name.startswith("on") or name == "href"}


@given(st.floats(-1e9, 1e9), st.floats(0, 1e9))
def test_graduations_are_round_few_and_cover(low: float, spread: float) -> None:
    ticks = nice_ticks(low, low + spread)

    assert 2 <= len(ticks) <= 9
    assert len(set(ticks)) == len(ticks)
    slack = 1e-8 * (ticks[-1] - ticks[0])
    assert ticks[0] <= low + slack
    assert ticks[-1] >= low + spread - slack


@given(st.dates(date(1950, 1, 1), date(2090, 1, 1)), st.integers(0, 20_000))
def test_days_under_an_axis_are_in_order_and_not_too_many(first: date, span: int) -> None:
    last = date.fromordinal(first.toordinal() + span)
    days = [day for day, _ in day_ticks(first, last)]

    assert days == sorted(set(days))
    assert len(days) <= 10
    assert all(first <= day <= last for day in days)


def test_an_axis_of_one_value_has_a_length() -> None:
    scale = scale_of([5.0], 0, 100)
    assert scale.at(5.0) == pytest.approx(50)
    assert scale_of([date(2026, 1, 1)], 0, 100).at(date(2026, 1, 1)) == 50


def test_every_primitive_is_drawn() -> None:
    drawn: list[Primitive] = [Line(0, 0, 1, 1, "axis"), Polyline(((0, 0),), 0), Band(((0, 0),), 0)]
    drawn += [Rect(0, 0, 1, 1, 0), Dot(0, 0, 0), Text(0, 0, "t")]
    assert {type(part) for part in drawn} == set(get_args(Primitive))
    root = ET.fromstring(to_svg(Figure(1, 1, "t", "d", tuple(drawn))))  # noqa: S314
    assert len(root) == 2 + len(drawn)
