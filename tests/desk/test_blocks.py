"""View blocks on a page: every kind, every word escaped, forms that keep what was typed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from datetime import date
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import pytest

from eclaireur.core import view
from eclaireur.core.errors import EclaireurError
from eclaireur.desk.blocks import FormState, render_blocks
from tests.core.test_terminal import BLOCKS

pytestmark = pytest.mark.one_database

if TYPE_CHECKING:
    from django.test import RequestFactory
    from playwright.sync_api import Dialog, Route

TAGS = {
    *("section", "h3", "h4", "dl", "dt", "dd", "button", "div", "p", "ul", "ol", "li", "span", "br"),
    *("svg", "title", "desc", "rect", "line", "polyline", "polygon", "text", "figure", "figcaption"),
    *("details", "summary", "table", "caption", "thead", "tbody", "tr", "th", "td", "script"),
    *("mark", "del", "ins", "cite", "blockquote", "a"),
    *("form", "input", "label", "select", "option", "textarea"),
}
"""Everything that a block may be made of."""


class Reader(HTMLParser):
    """Elements, attributes and texts of a fragment."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.text += data

    def values(self, name: str) -> list[str]:
        return [value for _, found, value in self.attributes if found == name]


def read(*blocks: view.Block, **options: Any) -> Reader:
    return Reader(render_blocks(blocks, **options))


def poisoned(value: Any, payload: str) -> Any:
    """Return a block in which every free text is the payload."""
    if is_dataclass(value) and not isinstance(value, type):
        kept = {"form", "kind"} if isinstance(value, view.Chart | view.FormField) else set()
        return replace(
            value,
            **{
                one.name: poisoned(getattr(value, one.name), payload)
                for one in fields(value)
                if one.name not in kept
            },
        )
    if isinstance(value, str):
        return payload
    if isinstance(value, tuple | list):
        return type(value)(poisoned(one, payload) for one in value)
    if isinstance(value, dict):
        return {key: poisoned(one, payload) for key, one in value.items()}
    return value


def payloads(folder: Path) -> Iterator[str]:
    """One line in three; `benchmarks/prove_pages.py` puts them all on the desk's own pages."""
    for path in sorted((folder / "html").glob("*.txt")):
        yield from path.read_text(encoding="utf-8", errors="replace").splitlines()[:150:3]


def poisoned_blocks(payload: str) -> list[view.Block]:
    made: list[view.Block] = [poisoned(block, payload) for block in BLOCKS.values()]
    chosen = view.FormField(name=payload, title=payload, kind="choice", choices=((payload, payload),))
    made.append(view.Form(title=payload, fields=(chosen,), submit=payload))
    source = view.Citation(title=payload, passage=payload, origin=payload, address=payload)
    made.append(view.Citations(title=payload, citations=(source,)))
    return made


@pytest.mark.parametrize("kind", BLOCKS, ids=lambda kind: kind.__name__)
def test_every_block_shows_its_title_and_something_more(kind: type) -> None:
    page = read(BLOCKS[kind])

    assert BLOCKS[kind].title in page.text
    assert len(page.text.split()) > len(BLOCKS[kind].title.split())
    assert set(page.tags) <= TAGS


def test_every_kind_of_block_is_known_and_another_is_refused() -> None:
    assert set(BLOCKS) == set(get_args(view.Block))
    with pytest.raises(EclaireurError, match="bloc d'affichage inconnu"):
        render_blocks([object()])  # type: ignore[list-item]


@pytest.mark.parametrize("kind", BLOCKS, ids=lambda kind: kind.__name__)
def test_nothing_is_inline_that_the_policy_would_refuse(kind: type) -> None:
    page = read(BLOCKS[kind])

    assert not [name for _, name, _ in page.attributes if name == "style" or name.startswith("on")]
    scripts = [value for tag, name, value in page.attributes if tag == "script" and name == "type"]
    assert page.tags.count("script") == len(scripts)
    assert set(scripts) <= {"application/json"}
    assert "style" not in page.tags


@pytest.mark.one_database
def test_hostile_words_stay_words(hostile_files: Path) -> None:
    count = 0
    for payload in payloads(hostile_files):
        count += 1
        page = read(
            *poisoned_blocks(payload), state=FormState(typed={payload: payload}, errors={payload: payload})
        )
        assert set(page.tags) <= TAGS, payload
        assert page.tags.count("script") == 1, payload
        assert not [name for _, name, _ in page.attributes if name.startswith("on") or name == "style"]
        links = [value for tag, name, value in page.attributes if tag == "a" and name == "href"]
        assert all(link.startswith(("http://", "https://")) for link in links), payload
    assert count > 170


@pytest.mark.browser
def test_hostile_words_fire_nothing_in_a_browser(hostile_files: Path) -> None:
    from playwright.sync_api import sync_playwright

    every = "\n".join(render_blocks(poisoned_blocks(payload)) for payload in payloads(hostile_files))
    flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path="/usr/bin/chromium", args=flags)
        try:
            page = browser.new_page()
            fired: list[str] = []

            def asked(dialog: Dialog) -> None:
                fired.append(dialog.message)
                dialog.dismiss()

            def requested(route: Route) -> None:
                fired.append(route.request.url)
                route.abort()

            page.on("dialog", asked)
            page.expose_function("told", lambda: fired.append("called"))
            page.add_init_script(
                "for (const name of ['alert', 'confirm', 'prompt', 'print']) window[name] = () => told(name);"
            )
            page.route("**/*", requested)
            page.set_content("<img src=http://exemple.invalid/x onerror=alert(1)>")
            page.wait_for_timeout(300)
            assert len(fired) == 2, "what would fire must be seen here"
            fired.clear()
            page.set_content(f"<!doctype html><body>{every}")
            for part in page.locator("summary, [data-map-show]").all()[:50]:
                part.click()
            page.mouse.wheel(0, 5000)
            page.wait_for_timeout(500)
            assert not fired
            assert page.locator("section.block").count() > 500
        finally:
            browser.close()


def test_an_identifier_can_be_copied_and_nothing_else() -> None:
    pairs = (("Identifiant", "80295478500028"), ("Ouvert le", "20/11/2026"), ("Adresse", "12 rue Haute"))

    assert read(view.Facts(title="", pairs=pairs)).values("data-copy") == ["80295478500028"]


def reasons() -> view.Reasons:
    def one(theme: str, sentence: str, weight: float, **more: Any) -> view.Reason:
        return view.Reason(theme=theme, sentence=sentence, weight=weight, **more)

    return view.Reasons(
        title="Pourquoi ?",
        reasons=(
            one("historique", "Faible.", 0.1),
            one("météo", "Moyenne.", 0.5),
            one("historique", "Forte.", 1.0, observed=date(2024, 8, 1), source="controles.csv"),
            one("avis", "Baisse.", -0.2),
        ),
        caution="L'agent décide.",
    )


def test_reasons_are_parted_by_theme_with_date_and_source() -> None:
    text = " ".join(read(reasons()).text.split())

    order = ["Ce qui augmente", "Historique", "Forte.", "controles.csv, 01/08/2024", "Faible.", "Météo"]
    order += ["Ce qui diminue", "Avis", "Baisse.", "L'agent décide."]
    places = [text.index(word) for word in order]
    assert places == sorted(places)
    assert text.count("Historique") == 1


def test_strengths_are_shown_and_hidden_before_a_verdict() -> None:
    shown = read(reasons())
    hidden = read(reasons(), weights=False)

    widths = [value for tag, name, value in shown.attributes if tag == "rect" and name == "width"]
    assert widths == ["100", "100.0", "100", "10.0", "100", "50.0", "100", "20.0"]
    assert "svg" not in hidden.tags
    assert "poids" not in hidden.text
    assert "Forte." in hidden.text


def test_a_table_has_a_caption_and_scopes() -> None:
    page = read(BLOCKS[view.Table])

    assert page.tags.count("caption") == 1
    assert page.values("scope") == ["col", "col", "col", "row", "row"]
    assert "31\u00a0%" in page.text
    assert "20/11/2026" in page.text


def test_a_chart_says_its_data_and_a_description() -> None:
    page = read(BLOCKS[view.Chart])

    assert {"figure", "figcaption", "desc", "details", "table"} <= set(page.tags)
    assert "0,500" in page.text


def test_a_map_keeps_its_words_and_gives_its_points_to_the_script() -> None:
    import json

    html = render_blocks(
        [view.Map(title="Carte", places=(view.Place(label="</script>", latitude=48.1, longitude=2),))]
    )

    start = html.index('type="application/json">') + len('type="application/json">')
    content = json.loads(html[start : html.index("</script>", start)])
    assert content["features"][0]["properties"]["name"] == "</script>"
    assert "48,10000 ; 2,00000" in Reader(html).text
    assert {"data-map", "data-map-show"} <= {name for _, name, _ in Reader(html).attributes}


def test_marks_that_overlap_or_overflow_lose_no_character() -> None:
    marks = (
        view.Mark(start=-5, end=6, label="a"),
        view.Mark(start=3, end=9, label="b", sure=False),
        view.Mark(start=8, end=99, label="c", sure=False),
        view.Mark(start=4, end=4, label="vide"),
        view.Mark(start=40, end=50, label="dehors"),
    )
    html = render_blocks([view.SpanText(title="", text="0123456789", marks=marks)])

    classes = [value for tag, name, value in Reader(html).attributes if tag == "mark" and name == "class"]
    assert classes == ["sure", "sure", "unsure", "unsure", "unsure"]
    labels = ("a", "a, b ?", "b ?", "b ?, c ?", "c ?")
    text = Reader(html).text
    for part, label in zip(("012", "345", "67", "8", "9"), labels, strict=True):
        assert f"{part} ({label})" in text
    assert "dehors" not in text


def test_a_diff_marks_only_the_words_that_differ() -> None:
    block = view.Diff(
        title="", left_title="a", right_title="b", left="le chat dort", right="le chien dort\nici"
    )
    html = render_blocks([block])

    assert "le <del>chat</del> dort" in html
    assert "le <ins>chien</ins> dort" in html
    assert "<ins>ici</ins>" in html
    same = render_blocks([view.Diff(title="", left_title="a", right_title="b", left="x", right="x")])
    assert "identiques" in same


@pytest.mark.parametrize(
    ("address", "linked"),
    [
        ("https://www.legifrance.gouv.fr/a", True),
        ("javascript:alert(1)", False),
        ("data:text/html,x", False),
        ("//exemple.invalid", False),
        ("https://[", False),
    ],
)
def test_only_an_address_of_the_web_is_a_link(address: str, *, linked: bool) -> None:
    source = view.Citation(title="t", passage="p", origin="o", address=address)

    assert ("a" in read(view.Citations(title="", citations=(source,))).tags) is linked


def form() -> view.Form:
    def one(name: str, kind: str, **more: Any) -> view.FormField:
        return view.FormField(name=name, title=f"Titre {name}", kind=kind, **more)

    return view.Form(
        title="Paramètres",
        fields=(
            one("radius", "number", unit="m", default="500", help="Autour du point."),
            one("mode", "choice", choices=(("a", "Rapide"), ("b", "Lent")), default="b"),
            one("note", "textarea"),
            one("all", "boolean", default="1"),
        ),
    )


def test_a_form_has_labels_help_units_and_defaults() -> None:
    page = read(form(), state=FormState(action="/calcul/", token="jeton"))

    labels = page.values("for")
    fields_ = [value for tag, name, value in page.attributes if name == "id" and tag != "span"]
    assert labels == fields_
    assert "(m)" in page.text
    assert "Autour du point. Par défaut : 500 m." in page.text
    assert {"500", "jeton"} <= set(page.values("value"))
    assert page.values("action") == ["/calcul/"]
    assert ("option", "selected", "") in page.attributes
    assert ("input", "checked", "") in page.attributes
    described = {word for value in page.values("aria-describedby") for word in value.split()}
    assert described <= set(page.values("id"))


def test_a_form_keeps_what_was_typed_and_says_what_is_wrong(rf: RequestFactory) -> None:
    request = rf.post("/calcul/", {"radius": "douze", "mode": "a", "note": "<b>"})
    state = FormState.of(request, errors={"radius": "« douze » n'est pas un nombre."})
    page = read(form(), state=state)

    assert "douze" in page.values("value")
    assert "« douze » n'est pas un nombre." in page.text
    assert page.values("aria-invalid") == ["true"]
    assert "<b>" in page.text
    assert ("input", "checked", "") not in page.attributes
    assert state.token
