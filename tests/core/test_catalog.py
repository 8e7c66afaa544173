"""Cards are read without importing cases, and a wrong card says what is wrong."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from eclaireur.core import catalog
from eclaireur.core.card import RULES, Card, QualityState, false_claims
from eclaireur.core.catalog import cards, find_card, parse_card
from eclaireur.core.errors import ConfigError, NotFoundError
from eclaireur.core.notes import JOB_IMPACT, PROTOCOL, Note, read_note
from eclaireur.service.project import sample_size

CARD = """
format = 1
name = "tiny"
title = "Essai"
summary = "Un essai."
administration = "Une administration"
users = "Agents"
desk = "target"
bricks = ["predict"]
nouns = { singular = "site", plural = "sites" }
label = "défaut"
limits = ["Une limite."]

[law]
purpose = "But"
legal_basis = "Base"
personal_data = "Aucune"
ai_act = "Hors annexe III"
aipd = "Sans objet"
appeal = "Recours"

[[sources]]
name = "sample"
title = "Échantillon"
licence = "MIT"
origin = "Générateur"
"""


def quality(state: str) -> str:
    lines = []
    for level, rules in RULES.items():
        lines.append(f"[quality.{level}]")
        lines += [f'{rule} = "{state}"' for rule in rules]
    return "\n".join(lines)


def write(folder: Path, text: str) -> Path:
    path = folder / "case.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_reading_every_card_imports_no_case() -> None:
    code = (
        "import sys; from eclaireur.core.catalog import cards; assert cards();"
        "sys.exit(any(name.startswith('eclaireur.cases.') for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_an_unknown_case_is_answered_with_those_that_exist() -> None:
    with pytest.raises(NotFoundError, match="restaurant_risk"):
        find_card("restaurant")


def test_built_in_cards_claim_nothing_false() -> None:
    assert {card.name: false_claims(card) for card in cards() if false_claims(card)} == {}


def test_a_card_without_a_key_says_which(tmp_path: Path) -> None:
    path = write(tmp_path, CARD.replace('desk = "target"\n', "") + quality("todo"))
    with pytest.raises(ConfigError, match="'desk' manque"):
        parse_card(path, "x")


def test_a_card_with_an_unknown_key_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, 'colour = "blue"\n' + CARD + quality("todo"))
    with pytest.raises(ConfigError, match="colour"):
        parse_card(path, "x")


def test_a_card_that_is_not_toml_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="illisible"):
        parse_card(write(tmp_path, "format = "), "x")


def test_a_done_that_the_folder_contradicts_is_a_false_claim(tmp_path: Path) -> None:
    card = parse_card(write(tmp_path, CARD + quality("done")), "x")
    assert {problem.partition(" : ")[0] for problem in false_claims(card)} == {
        "runs_on_sample",
        "agents_evaluation_protocol",
        "job_impact_note",
    }


def test_a_note_without_its_headings_or_its_words_is_a_false_claim(tmp_path: Path) -> None:
    card = parse_card(write(tmp_path, CARD + quality("done")), "x")

    def said(text: str) -> list[str]:
        (tmp_path / PROTOCOL.file).write_text(text, encoding="utf-8")
        return [one for one in false_claims(card) if one.startswith("agents_evaluation_protocol")]

    whole = "# Essai\n\n" + "".join(f"## {one}\n\n- {'mot ' * 30}\n\n" for one in PROTOCOL.headings)
    assert said(whole) == []
    assert "ces titres" in said("tout en vrac")[0]
    assert "ces titres" in said(whole.replace("## Les deux bras", "## Les bras"))[0]
    assert "ces titres" in said(whole + "## Annexe\n\nautre\n")[0]
    assert "« Question »" in said(whole.replace("mot " * 30, "à écrire", 1))[0]


def _notes() -> Iterator[tuple[Card, Note, str]]:
    for card in cards():
        for note in (PROTOCOL, JOB_IMPACT):
            yield card, note, (card.folder / note.file).read_text(encoding="utf-8")


def test_each_case_has_notes_of_its_own() -> None:
    """Short, and never the same line for two cases."""
    seen: dict[str, str] = {}
    for card, note, text in _notes():
        assert 40 <= len(text.splitlines()) <= 70, (card.name, note.file)
        for line in (one for one in text.splitlines() if len(one) > 30 and not one.startswith("## ")):
            assert line not in seen, (card.name, seen[line], line)
            seen[line] = card.name


def test_the_size_of_each_trial_is_what_the_project_page_computes() -> None:
    told = re.compile(
        r"De (\d+) % à (\d+) % : (\d+) \w+ dans chaque bras "
        r"pour 80 % de chances de voir l’écart, (\d+) pour 90 %\."
    )
    for card, note, text in _notes():
        flat = text.replace("\u00a0", " ")
        flat = re.sub(r"(?<=\d) (?=\d{3}\b)", "", flat)
        found = told.findall(flat)
        assert len(found) == flat.count("dans chaque bras pour")
        assert bool(found) is (note is PROTOCOL), card.name
        for before, after, *sizes in found:
            shares = int(before) / 100, int(after) / 100
            assert [int(one) for one in sizes] == [sample_size(*shares, power=power) for power in (0.8, 0.9)]


def test_the_figures_that_notes_quote_are_those_of_the_documentation() -> None:
    docs = Path(__file__).resolve().parents[2] / "docs"
    figures = (docs / "figures.md").read_text(encoding="utf-8")
    quoted = 0
    for card, note, text in _notes():
        page = (docs / "cases" / f"{card.name}.md").read_text(encoding="utf-8")
        page += figures if card.name == "restaurant_risk" else ""
        for one in re.findall(r"\b\d,\d{3}\b", text):
            quoted += 1
            plain = one.replace(",", ".")
            assert re.search(
                rf"(?<![\d.]){re.escape(plain)}|(?<![\d.]){re.escape(plain.lstrip('0'))}", page
            ), f"{card.name}/{note.file} cite {one}, que sa page de documentation ne dit plus"
    assert quoted >= 10


def test_what_a_protocol_measures_has_the_name_that_is_on_screen() -> None:
    """Names in guillemets are on a page, in a report or in the card: nobody looks for what is not there."""
    package = Path(catalog.__file__).resolve().parents[1]
    shared = [path for part in ("desk", "service") for path in (package / part).rglob("*")]
    words = "\n".join(
        path.read_text(encoding="utf-8")
        for path in shared
        if path.suffix in {".py", ".html"} and path.is_file()
    ).casefold()
    for card, note, text in _notes():
        if note is not PROTOCOL:
            continue
        section = next(one for one in read_note(text) if one.heading == "Ce qui est mesuré")
        own = "\n".join(
            path.read_text(encoding="utf-8")
            for path in card.folder.glob("*")
            if path.suffix in {".py", ".toml"}
        ).casefold()
        names = re.findall(r"« ([^»]+) »", section.text)
        assert names, card.name
        for name in names:
            assert name.casefold() in words or name.casefold() in own, (card.name, name)


def test_an_exemption_needs_its_reason(tmp_path: Path) -> None:
    card = parse_card(write(tmp_path, CARD + quality("exempt")), "x")
    assert all("raison" in problem for problem in false_claims(card))
    assert len(false_claims(card)) == sum(map(len, RULES.values()))


def test_a_missing_rule_is_a_problem(tmp_path: Path) -> None:
    text = CARD + quality("todo").replace('drift_watch = "todo"', "")
    card = parse_card(write(tmp_path, text), "x")
    assert false_claims(card) == ("règle absente : gold.drift_watch",)


@pytest.mark.parametrize(
    ("done", "level"),
    [((), ""), (("bronze",), "bronze"), (("bronze", "silver"), "silver"), (("silver",), "")],
)
def test_a_level_is_reached_when_it_and_those_below_are_done(
    tmp_path: Path, done: tuple[str, ...], level: str
) -> None:
    text = CARD
    for name, rules in RULES.items():
        state = QualityState.DONE if name in done else QualityState.TODO
        text += f"\n[quality.{name}]\n" + "\n".join(f'{rule} = "{state}"' for rule in rules)
    assert parse_card(write(tmp_path, text), "x").level == level


INPUTS = """
[inputs.visits]
title = "Visites"
fields = [
  { name = "site", title = "Site", required = true },
  { name = "note", title = "Note" },
]
"""


@pytest.mark.parametrize(
    ("told", "error"),
    [
        ('[inputs.visits.purposes]\n"Désigner le site" = ["site"]\n', ""),
        ("", "champ obligatoire sans finalité dans « visits » : site"),
        ('[inputs.visits.purposes]\n"Désigner" = ["site", "nom"]\n', "champ inconnu de « visits » : nom"),
        ('[inputs.visits.purposes]\n"Un" = ["site"]\n"Deux" = ["site"]\n', "deux finalités pour « site »"),
    ],
)
def test_a_field_is_loaded_for_a_purpose(tmp_path: Path, told: str, error: str) -> None:
    path = tmp_path / "case.toml"
    path.write_text(CARD + INPUTS + told + quality("todo"), encoding="utf-8")
    if error:
        with pytest.raises(ConfigError, match=error):
            parse_card(path, "tiny")
        return
    table = parse_card(path, "tiny").input_table("visits")
    assert [one.name for one in table.loaded] == ["site"]
    assert table.fields[0].purpose == "Désigner le site"


def test_a_date_follows_another_date_of_its_row(tmp_path: Path) -> None:
    path = tmp_path / "case.toml"
    told = '[inputs.visits.purposes]\n"Désigner le site" = ["site"]\n'
    field = '  { name = "known", title = "Connue le", kind = "date", not_before = "site" },'
    text = INPUTS.replace("\n]\n", f"\n{field}\n]\n")
    path.write_text(CARD + text + told + quality("todo"), encoding="utf-8")

    with pytest.raises(ConfigError, match="ne compare pas deux dates : known"):
        parse_card(path, "tiny")


def test_what_rows_concern_is_a_field_of_theirs(tmp_path: Path) -> None:
    path = tmp_path / "case.toml"
    told = '[inputs.visits.purposes]\n"Désigner le site" = ["site"]\n'
    for concerns, error in (('["site"]', ""), ('["nom"]', "champ inconnu, nom")):
        text = INPUTS.replace('title = "Visites"', f'title = "Visites"\nconcerns = {concerns}')
        path.write_text(CARD + text + told + quality("todo"), encoding="utf-8")
        if error:
            with pytest.raises(ConfigError, match=error):
                parse_card(path, "tiny")
        else:
            assert parse_card(path, "tiny").concerns == (("site",),)


def test_the_only_columns_that_no_case_reads_are_known() -> None:
    """Each was looked at: no code uses it."""
    unread = {
        (card.name, table.name, field.name)
        for card in cards()
        for table in card.inputs
        for field in table.fields
        if not field.purpose
    }
    assert unread == {
        ("restaurant_risk", "inspections", "kind"),
        ("restaurant_risk", "complaints", "kind"),
        ("restaurant_risk", "weather", "precipitation"),
        ("restaurant_risk", "weather", "wind"),
    }
