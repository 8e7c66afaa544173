"""Letters cut into parts, with their demands; trends of what they say."""

from __future__ import annotations

import random
from datetime import date
from pathlib import Path

import pytest

from eclaireur.bricks.semantic.demands import amounts, deadline, demands
from eclaireur.bricks.semantic.outline import Patterns, parts, read_patterns, sentences
from eclaireur.bricks.semantic.outline_learnt import PartTagger, cut_at
from eclaireur.bricks.semantic.trends import changes, new_terms, poisson_interval, seldom
from eclaireur.cases import inspection_letters
from eclaireur.cases.inspection_letters.letters import generate
from eclaireur.core.errors import ConfigError

PATTERNS = Path(inspection_letters.__file__).with_name("patterns.toml")


@pytest.fixture(scope="module")
def patterns() -> Patterns:
    return read_patterns(PATTERNS)


def test_parts_of_generated_letters_are_found_even_when_badly_scanned(patterns: Patterns) -> None:
    letters = generate(120, seed=5)
    right = [tuple(one.kind for one in parts(letter.text, patterns)) == letter.parts for letter in letters]
    assert sum(letter.scanned for letter in letters) > 20
    assert sum(right) / len(right) >= 0.97


def test_demands_of_generated_letters_have_their_deadlines(patterns: Patterns) -> None:
    letters = generate(120, seed=6)
    found = [tuple(one.due for one in demands(one.text, patterns, sent=one.day)) for one in letters]
    right = [mine == letter.due for mine, letter in zip(found, letters, strict=True)]
    assert sum(map(len, found)) > 200
    assert sum(right) / len(right) >= 0.97


def test_a_demand_says_its_part_its_sources_and_its_amounts(patterns: Patterns) -> None:
    text = (
        "A. DEMANDES D'ACTIONS CORRECTIVES\nSelon l'article L. 593-33 du code de l'environnement, "
        "il vous est demandé de consigner 1 500 € sous un mois."
    )
    (one,) = demands(text, patterns, sent=date(2024, 1, 31))
    assert (one.part, one.due, one.amounts) == ("corrective", date(2024, 2, 29), (1500.0,))
    assert one.references == ("L. 593-33 du code de l'environnement",)


def test_a_title_spaced_out_or_misread_is_a_title(patterns: Patterns) -> None:
    text = "Bonjour.\n\nB. C O M P L É M E N T S D'lNF0RMATION :\nRien.\nC - 0BSERVATI0NS\nRien."
    assert [one.kind for one in parts(text, patterns)] == ["head", "complements", "observations"]


def test_a_synthesis_that_quotes_a_title_does_not_begin_its_part(patterns: Patterns) -> None:
    text = "Synthèse de l'inspection\nObservations\nVoir plus bas.\nA. Demandes d'actions correctives\nUne."
    assert [one.kind for one in parts(text, patterns)] == ["synthesis", "corrective"]


def test_marked_letters_teach_titles_that_no_pattern_knows_and_keep_those_that_patterns_know(
    patterns: Patterns,
) -> None:
    own, usual = generate(90, seed=5, house=True), generate(50, seed=6)
    known = [*own[:40], *usual[:20]]
    model = PartTagger.fit([one.text for one in known], [one.begins for one in known], patterns=patterns)
    for letters in (own[40:], usual[20:]):
        found = [model.parts(one.text) for one in letters]
        right = [cut_at(one.text, one.begins, {}) for one in letters]
        same = [
            [(one.start, one.kind) for one in mine] == [(one.start, one.kind) for one in truth]
            for mine, truth in zip(found, right, strict=True)
        ]
        assert sum(same) / len(same) >= 0.9
    assert not any(len(parts(one.text, patterns)) == len(cut_at(one.text, one.begins, {})) for one in own)
    for text in ("", " \n ", "mot", "x" * 300_000, "Je vous demande\n" * 20_000):
        cut = model.parts(text)
        assert [one.start for one in cut[1:]] == [one.end for one in cut[:-1]]


@pytest.mark.parametrize("text", ["", " \n ", "mot", "x" * 300_000, "Je vous demande " * 20_000])
def test_any_text_is_cut_into_parts_that_cover_it_once(patterns: Patterns, text: str) -> None:
    found = parts(text, patterns)
    assert [one.start for one in found[1:]] == [one.end for one in found[:-1]]
    assert demands(text, patterns, sent=date(2024, 1, 1))[1:] == ()


@pytest.mark.parametrize(
    ("text", "due"),
    [
        ("dans un délai de 15 jours", date(2024, 2, 15)),
        ("d'ici trois semaines", date(2024, 2, 21)),
        ("sous deux (2) mois", date(2024, 3, 31)),
        ("au plus tard le 1er mars 2024", date(2024, 3, 1)),
        ("avant le 31/12/2024, et sous un an", date(2024, 12, 31)),
        ("sous 999 ans", date(3023, 1, 31)),
        ("depuis deux mois", None),
        ("sous le bâtiment 2", None),
    ],
)
def test_a_deadline_is_counted_from_the_letter(text: str, due: date | None) -> None:
    assert deadline(text, date(2024, 1, 31))[0] == due


def test_sentences_keep_abbreviations_whole() -> None:
    text = "M. Dupont a vu l'art. L. 593-33. Il est parti.\n\nFin"
    assert [text[a:b] for a, b in sentences(text)] == [
        "M. Dupont a vu l'art. L. 593-33.",
        "Il est parti.",
        "Fin",
    ]


@pytest.mark.parametrize(
    ("text", "value"),
    [("1\u202f234 €", 1234.0), ("0,50 euro", 0.5), ("2 millions d'euros", 2e6), ("12 €/m", 12.0)],
)
def test_amounts_are_read_in_french_form(text: str, value: float) -> None:
    assert [one[2] for one in amounts(text)] == [value]


@pytest.mark.parametrize(
    "content", ["[[part]]\nkind = 'a'", "part = 3", "\x00", "[[part]]\nkind='a'\ntitle='b'\nheads=['(']"]
)
def test_a_wrong_file_of_patterns_is_refused_in_french(tmp_path: Path, content: str) -> None:
    path = tmp_path / "motifs.toml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ConfigError, match="motifs illisibles"):
        read_patterns(path)


def test_a_planted_jump_is_found_and_noise_is_not() -> None:
    draw = random.Random(3)
    names = [f"S{number}" for number in range(40)]
    before = {name: draw.randint(80, 120) for name in names}
    last = {name: round(count / 4) for name, count in before.items()}
    assert changes(last, before, total_last=500, total_before=2000) == ()
    last["S7"] = 70
    found = changes(last, before, total_last=500, total_before=2000)
    assert [one.topic for one in found] == ["S7"]
    assert found[0].ratio > 2


def test_no_text_in_a_period_gives_no_alert() -> None:
    assert changes({}, {"a": 9}, total_last=0, total_before=9) == ()
    assert seldom([]) == ()


def test_a_topic_never_seen_at_one_site_is_told_with_what_was_expected() -> None:
    mentions = [(site, topic) for site in "ABC" for topic in ("fire", "dose", "waste") for _ in range(20)]
    mentions = [one for one in mentions if one != ("B", "waste")]
    (first, *_) = seldom(mentions)
    assert (first.place, first.topic, first.found) == ("B", "waste", 0)
    assert first.expected > 5


def test_new_words_are_those_of_several_last_texts_only() -> None:
    last = [["drone", "fuite"], ["drone"], ["drone", "rare"]]
    assert new_terms(last, [["fuite"]]) == [("drone", 3)]


@pytest.mark.parametrize("count", [0, 1, 7, 100])
def test_an_interval_of_a_count_holds_it(count: int) -> None:
    low, high = poisson_interval(count)
    assert low <= count <= high
