"""What is typed is always read, quickly, or refused in French; what is marked is always in the text."""

from __future__ import annotations

import pytest
from hypothesis import example, given, strategies as st

from eclaireur.bricks.semantic.highlight import distance_within, passages
from eclaireur.bricks.semantic.normalise import keys
from eclaireur.bricks.semantic.query import LONGEST, Leaf, leaves, read_query
from eclaireur.core.errors import BadValueError

TYPED = st.text(st.sampled_from("ab é\"«»()*~-:ETOUSAFi'1 .\n"), max_size=120)


@given(st.one_of(st.text(max_size=200), TYPED))
@example("(a+)+$")
@example("((((((")
@example('"')
@example("ET OU SAUF")
@example("titre:")
def test_anything_typed_is_read_or_refused_in_french(text: str) -> None:
    try:
        read = read_query(text)
    except BadValueError as error:
        assert error.fix  # noqa: PT017 - either end is right
        return
    assert (read.tree is None) == (not text.strip())
    assert all(leaf.keys for leaf in leaves(read.tree))


def test_what_cannot_be_read_says_why() -> None:
    with pytest.raises(BadValueError, match="trop longue"):
        read_query("a" * (LONGEST + 1))
    with pytest.raises(BadValueError, match="parenthèses"):
        read_query("(" * 50 + "a")
    with pytest.raises(BadValueError, match="aucun mot"):
        read_query("?!…")
    assert read_query("a OU (b").notes == ("Parenthèse non fermée : lue jusqu’à la fin.",)
    assert "64 premiers" in read_query(" ".join(f"mot{n}" for n in range(100))).notes[0]


def test_small_words_are_left_out_but_of_phrases() -> None:
    assert [one.keys for one in leaves(read_query("le contrôle de l'école").tree)] == [
        ("control",),
        ("ecol",),
    ]
    assert read_query("« à la loi »").tree == Leaf(("a", "la", "loi"), "à la loi")
    assert [one.keys for one in leaves(read_query("de la").tree)] == [("de",), ("la",)]


@given(st.text(max_size=400), st.lists(st.sampled_from(["a", "le radon", "éco*", "radno~", "« le radon »"])))
def test_marks_lie_in_their_passage_and_passages_in_the_text(noise: str, asked: list[str]) -> None:
    text = f"{noise} Le radon à l'école. {noise}"
    found = [leaf for one in asked for leaf in leaves(read_query(one).tree)]
    for passage in passages(text, found):
        assert 0 <= passage.start < passage.end <= len(text)
        assert passage.marks
        for start, end in passage.marks:
            assert passage.start <= start < end <= passage.end


def test_a_passage_shows_the_words_asked_whole() -> None:
    text = "mot " * 500 + "Le radon dépasse le seuil. " + "mot " * 500
    (passage,) = passages(text, list(leaves(read_query("seuils radon").tree)))

    assert [text[start:end] for start, end in passage.marks] == ["radon", "seuil"]
    assert passage.end - passage.start <= 260
    assert not text[passage.start - 1].strip()


@given(st.text(max_size=6), st.text(max_size=6))
def test_the_distance_is_symmetric_and_zero_for_the_same(one: str, other: str) -> None:
    assert distance_within(one, one, 0)
    assert distance_within(one, other, 2) == distance_within(other, one, 2)


def test_keys_of_a_beginning_match_longer_words() -> None:
    (leaf,) = leaves(read_query("inspecti*").tree)

    assert keys("inspections").strip() in {*leaf.others, *leaf.keys}


def test_a_word_at_the_end_of_an_enormous_text_is_shown() -> None:
    text = "mot " * 150_000 + "mirabelle"
    (passage,) = passages(text, list(leaves(read_query("mirabelle").tree)))

    assert [text[start:end] for start, end in passage.marks] == ["mirabelle"]
