"""French normalisation: every key has its place in the original, whatever the text."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings, strategies as st

from eclaireur.bricks.semantic.many_keys import keys_of
from eclaireur.bricks.semantic.normalise import (
    keys,
    marks,
    plain,
    stem,
    stems_of_beginning,
    tidy,
    tokens,
)

FRENCH = st.text(
    st.sampled_from("aeéèçœﬁst LRD.1234567890-‐\u00ad\u0301\u00a0\u202f\n\r\t'’«»,;()€%"), max_size=80
)
TEXTS = st.one_of(st.text(max_size=200), FRENCH)


@given(TEXTS)
@settings(max_examples=150)
def test_each_token_is_a_slice_of_the_original(text: str) -> None:
    last = 0
    for one in tokens(text):
        assert last <= one.start < one.end <= len(text)
        assert text[one.start].isalnum()
        assert one.key
        assert " " not in one.key
        last = one.end


@given(TEXTS)
@settings(max_examples=150)
def test_the_fast_way_gives_the_keys_of_the_tokens(text: str) -> None:
    assert keys(text).split() == [one.key for one in tokens(text)]


def test_texts_read_together_have_the_keys_of_each() -> None:
    draw = random.Random(0)
    page = [*map(chr, range(0x80)), *map(chr, range(0xA0, 0x100)), *"€’œŒ–…\u202f", *"LRDaà123e-\n '" * 40]
    beyond = [*page, *"\u0301\u200bﬁ\ud800\U0001f600漢ŷ"]
    tied = "lqudajs'''’1«-_ \u00ad\u202f\n"
    inside, outside, articles = (
        ["", *("".join(draw.choices(letters, k=draw.choice((1, 30, 200)))) for _ in range(500))]
        for letters in (page, beyond, tied)
    )
    for some in (inside, outside, articles, [" - ", "·"] * 6000, inside[:20]):
        assert keys_of(some) == [keys(text) for text in some]
    # Long enough to be read together.
    assert min(sum(map(len, some)) for some in (inside, outside, articles)) > 20_000


PLURALS = """accident action agent animal bijou bureau cheveu choix conseil contrôle décision délai eau école
élément étranger français journal jeu lieu loi maison matériau médicament mention mission niveau noyau option
patient pension permis prix produit question recours retrait salarié session statut tuyau usager"""


@pytest.mark.parametrize("word", PLURALS.split())
def test_a_word_and_its_plural_have_one_key(word: str) -> None:
    single = plain(word)
    if single.endswith("al"):
        plural = f"{single[:-1]}ux"
    elif single.endswith(("s", "x")):
        plural = single
    else:
        plural = f"{single}{'x' if single.endswith(('au', 'eu', 'jou')) else 's'}"
    assert stem(plural) == stem(single)


@pytest.mark.parametrize("word", ["pensions", "tuyau", "journaux", "jeux", "lois", "bureaux"])
def test_the_beginning_of_a_word_finds_its_stem_once_it_tells_the_word(word: str) -> None:
    found = stem(word)
    for size in range(len(word) - 1, len(word) + 1):
        begun = word[:size]
        assert found.startswith(begun) or found in stems_of_beginning(begun)


@given(TEXTS)
def test_tidying_twice_changes_nothing(text: str) -> None:
    assert tidy(tidy(text)) == tidy(text)


@given(TEXTS)
def test_a_plain_word_stays_as_it_is(text: str) -> None:
    assert plain(plain(text)) == plain(text)
    assert all(char.isalnum() for char in plain(text))


@given(TEXTS)
def test_each_mark_is_a_slice_of_the_original(text: str) -> None:
    for one in marks(text):
        assert 0 <= one.start < one.end <= len(text)
        assert one.value


@given(st.text(st.sampled_from("aàeéiou rsxltnmd"), max_size=30))
def test_accents_and_case_do_not_matter(text: str) -> None:
    assert keys(text) == keys(text.upper())


def test_what_is_written_differently_is_found_under_one_key() -> None:
    for one, other in (
        ("l'école", "École"),
        ("L’ŒUVRE", "oeuvre"),
        ("inspec-\ntion", "inspection"),
        ("co\u00adpie", "copie"),
        ("e\u0301cole", "école"),
        ("article L1234-5", "article L. 1234-5"),
        ("1\u202f234", "1 234"),
        ("les journaux", "les journal"),
        ("déclarées", "déclarer"),
    ):
        assert keys(one) == keys(other), (one, other)


def test_a_word_in_one_line_of_ten_million_letters_has_a_bounded_key() -> None:
    assert len(keys("a" * 10_000_000)) == len("a" * 64 + " ")


def test_numbers_have_their_french_values() -> None:
    text = "entre 1 234,5 € et 12 %, soit −3 au total, le 12/03/2021 ; réf. 12a et 1,2,3"

    assert [(one.kind, one.value) for one in marks(text)][:4] == [
        ("number", "1234.5 €"),
        ("number", "12 %"),
        ("number", "-3"),
        ("date", "2021-03-12"),
    ]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("(radon),", "radon"),
        ("l'(école)", "ecol"),
        ("l',", "l"),
        ("« l' »", "l"),
        ("--", ""),
        ("d’«eau»", "eau"),
    ],
)
def test_punctuation_around_a_piece_changes_no_key(text: str, found: str) -> None:
    assert keys(text).split() == found.split()
    assert [one.key for one in tokens(text)] == found.split()
