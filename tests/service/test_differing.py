"""Two results side by side: what differs is found whatever the order, and only that."""

from __future__ import annotations

from eclaireur.core.view import Chart, Column, Facts, Series, Table
from eclaireur.service.differing import differences

COLUMNS = (Column(key="name", title="Nom"), Column(key="n", title="Nombre", align="right"))


def table(rows: dict[str, int], title: str = "T") -> Table:
    return Table(title=title, columns=COLUMNS, rows=[{"name": name, "n": n} for name, n in rows.items()])


def chart(title: str, *values: float) -> Chart:
    series = Series(name="s", x=tuple(range(len(values))), y=values)
    return Chart(title=title, form="line", x_title="x", y_title="y", series=(series,), text="")


def test_the_same_result_differs_in_nothing() -> None:
    blocks = (Facts(title="F", pairs=(("Cas", "3"),)), table({"a": 1}), chart("C", 1.0))
    found = differences(blocks, blocks)
    assert found.none
    assert found.tables[0].same == 1


def test_rows_are_matched_by_their_words_and_not_by_their_place() -> None:
    (found,) = differences([table({"a": 1, "b": 2, "c": 3})], [table({"c": 3, "b": 5, "d": 4})]).tables
    assert found.same == 1
    assert [row[0][:2] for row in found.rows] == [("a", "–"), ("b", "b"), ("–", "d")]
    assert found.rows[1][1] == ("2", "5", True)


def test_a_figure_whose_finding_changed_is_paired_by_its_axes_and_a_lone_one_stands_alone() -> None:
    found = differences(
        [chart("accru", 1.0), table({"a": 1}, "G")], [chart("égal", 2.0), table({"a": 1}, "D")]
    )
    ((left, right),) = [(one.left, one.right) for one in found.charts]
    assert (left.title, right.title) == ("accru", "égal")  # type: ignore[union-attr]
    assert [(one.title, len(one.rows)) for one in found.tables] == [("G", 1), ("D", 1)]
    assert not found.none


def test_equal_names_are_told_apart_by_their_order() -> None:
    left = [Facts(title="A", pairs=(("Cas", "1"),)), Facts(title="B", pairs=(("Cas", "2"),))]
    right = [Facts(title="A", pairs=(("Cas", "1"),)), Facts(title="B", pairs=(("Cas", "9"),))]
    assert differences(left, right).facts == (("Cas", "1", "1", False), ("Cas", "2", "9", True))


def test_many_different_rows_are_cut_and_counted() -> None:
    many = {f"r{at}": at for at in range(300)}
    (found,) = differences([table(many)], [table({name: n + 1 for name, n in many.items()})]).tables
    assert (len(found.rows), found.hidden, found.same) == (200, 100, 0)
