"""The reader desk: what is found, counted, filtered and shown, and what a perimeter hides."""

from __future__ import annotations

import html
import re
from collections.abc import Callable

import pytest
from django.test import Client

from eclaireur.bricks.semantic.index import Search
from eclaireur.desk.jobs import queue, running
from eclaireur.desk.models import Grant, Job, JobState, Role, SavedSearch, User
from eclaireur.desk.place import workspace
from eclaireur.service import searching
from tests.desk.conftest import CASE, Desk

SignIn = Callable[[User], Client]
READER = "inspection_letters"
HERE = f"/{READER}/"
SITE, OTHER = "Port-Clair", "Valmorte"
pytestmark = pytest.mark.django_db


def carried(kind: str) -> Job:
    """Do the task that waits, as a worker would, and return it."""
    held = queue.claim("here", lease=600)
    assert held is not None
    assert held.kind == kind
    running.run(held.pk, held.token)
    return Job.objects.get(pk=held.pk)


@pytest.fixture(scope="module")
def indexed(django_db_setup: None, django_db_blocker: pytest.FixtureDef[object]) -> None:
    """Index the sample once for the tests of this file."""
    from eclaireur.desk.place import work_on
    from eclaireur.service.indexing import index_case

    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        index_case(work_on(READER), "sample")


@pytest.fixture
def inspector(desk: Desk, indexed: None) -> User:
    """Return somebody who reads all letters."""
    Grant.objects.create(user=desk.stranger, role=Role.AGENT, case=READER)
    return desk.stranger


@pytest.fixture
def local(desk: Desk, indexed: None) -> User:
    """Return somebody who reads the letters of one site."""
    Grant.objects.create(user=desk.agent, role=Role.AGENT, case=READER, area=SITE)
    return desk.agent


def text(client: Client, path: str, status: int = 200) -> str:
    answer = client.get(path)
    assert answer.status_code == status
    return html.unescape(answer.content.decode())


def test_without_an_index_the_page_says_what_to_do_and_a_task_makes_it(
    desk: Desk, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = "similar_decisions"
    Grant.objects.create(user=desk.stranger, role=Role.AGENT, case=case)
    Grant.objects.create(user=desk.manager, role=Role.MANAGER, case=case)
    assert "Préparer la recherche" not in text(sign_in(desk.stranger), f"/{case}/")
    client = sign_in(desk.manager)
    assert "Préparer la recherche" in text(client, f"/{case}/")
    client.post(f"/{case}/calculer/", {"kind": "index"})
    assert "se prépare" in text(client, f"/{case}/")
    built: list[str] = []

    def build(_: object, source: str) -> tuple[int, tuple[str, ...]]:
        built.append(source)
        return 3, ()

    monkeypatch.setattr("eclaireur.service.indexing.index_case", build)
    done = carried("index")
    assert (done.state, done.result, built) == (JobState.DONE, {"documents": 3, "notes": []}, ["sample"])


def test_words_are_marked_in_passages_and_each_result_says_why(inspector: User, sign_in: SignIn) -> None:
    shown = text(sign_in(inspector), f"{HERE}?q=extincteurs")
    assert "<mark>extincteurs</mark>" in shown
    assert "« extincteurs » dans : texte" in shown
    assert "avec vos mots" in shown


def test_filters_counts_and_months_lead_to_what_they_say(inspector: User, sign_in: SignIn) -> None:
    client = sign_in(inspector)
    shown = client.get(HERE).content.decode()
    found = re.search(rf'href="\?([^"]*f-site={SITE}[^"]*)">{SITE}</a> <span class="soft">(\d+)<', shown)
    assert found is not None
    filtered = text(client, f"{HERE}?{html.unescape(found[1])}")
    assert f">{found[2]} documents<" in filtered.replace("\u202f", "")
    bar = re.search(r'<a href="\?([^"]+)"[^>]* aria-label="(\d\d)/(\d{4}) : (\d+) document', shown)
    assert bar is not None
    month = text(client, f"{HERE}?{html.unescape(bar[1])}")
    assert f">{bar[4]} document" in month
    assert f"01/{bar[2]}/{bar[3]}" in month


def test_pages_follow_each_other_without_repeating(inspector: User, sign_in: SignIn) -> None:
    client = sign_in(inspector)
    seen: list[str] = []
    path: str | None = "?"
    while path is not None:
        shown = text(client, HERE + path)
        seen += re.findall(r'class="open" href="[^"]+">([^<]+)<', shown)
        following = re.search(r'rel="next" href="([^"]+)"', shown)
        path = following[1] if following else None
    assert len(seen) == len(set(seen)) == 60


def test_a_misspelt_word_is_proposed_as_documents_write_it(inspector: User, sign_in: SignIn) -> None:
    shown = text(sign_in(inspector), f"{HERE}?q=extinteurs SAUF fûts")
    assert "Vouliez-vous dire" in shown
    assert "<strong>extincteurs SAUF fûts</strong>" in shown


@pytest.mark.parametrize(
    ("asked", "said", "status"),
    [
        ({"q": "a" * 10_000}, "trop longue", 422),
        ({"q": "((((" * 40 + "incendie"}, "parenthèse", 422),
        ({"q": "!!!"}, "ucun mot à chercher", 422),
        ({"q": '"porte coupe-feu'}, "Guillemet non fermé", 200),
        ({"q": "incendie", "du": "hier"}, "n'est pas une date", 422),
        ({"q": "incendie", "du": "2024-01-02", "au": "2023-01-01"}, "premier jour est après", 422),
        ({"q": "<script>alert()</script>"}, "Rien ne répond", 200),
        ({"q": "incendie", "page": "99999999999"}, "avec vos mots", 200),
        ({"q": "incendie\x00", "f-inconnue": "x"}, "avec vos mots", 200),
    ],
)
def test_a_wrong_question_is_told_in_french_and_kept_as_it_was_typed(
    asked: dict[str, str], said: str, status: int, inspector: User, sign_in: SignIn
) -> None:
    client = sign_in(inspector)
    for answer in (client.get(HERE, asked), client.post(HERE, asked)):
        assert answer.status_code == status
        shown = html.unescape(answer.content.decode()).replace("’", "'")
        assert said in shown.replace("\u202f", " ").replace("\u00a0", " ")
        assert asked["q"].replace("\x00", "") in shown
    assert "<script>alert" not in answer.content.decode()


def test_a_territory_bounds_what_is_found_counted_and_proposed(local: User, sign_in: SignIn) -> None:
    client = sign_in(local)
    shown = text(client, HERE)
    assert OTHER not in shown
    assert SITE in shown
    assert "Aucun document" in text(client, f"{HERE}?f-site={OTHER}")
    index = searching.opened(workspace(), READER)
    whole = index.search(Search(query="extincteurs", perimeters=frozenset({SITE}))).total
    assert f">{whole} document" in text(client, f"{HERE}?q=extincteurs")


def test_a_reader_case_has_no_page_of_the_target_desk_and_the_reverse(
    desk: Desk, inspector: User, sign_in: SignIn
) -> None:
    Grant.objects.create(user=inspector, role=Role.MANAGER, case=READER)
    client = sign_in(inspector)
    for path in ("tirage/", "lot/", "fond.geojson", "classement/carte.geojson", "entrainement/"):
        assert client.get(HERE + path).status_code in {404, 405}, path
    assert "Ciblage" in text(sign_in(desk.manager), f"/{CASE}/")
    for person in (desk.manager, desk.administrator):
        assert sign_in(person).get(HERE).status_code == 404


def test_a_document_shows_its_parts_its_labels_and_what_is_known(inspector: User, sign_in: SignIn) -> None:
    client = sign_in(inspector)
    found = re.search(r'class="open" href="([^"]+)">([^<]+)<', text(client, f"{HERE}?q=extincteurs"))
    assert found is not None
    shown = text(client, found[1])
    assert f"<h1>{found[2]}</h1>" in shown
    assert "Passages trouvés" in shown
    assert "<mark>extincteurs</mark>" in shown
    for said in (
        "Synthèse de l'inspection",
        "Demandes",
        "Échéance",
        "encore applicable",
        "Documents semblables",
    ):
        assert said in shown
    assert re.search(r'<mark class="sure">[^<]+<span class="mark-label">.*?S0\d', shown)
    unsure = text(client, f"{HERE}document/?id=INSSN-2021-0006")
    assert re.search(r'<mark class="unsure">[^<]+<span class="mark-label">.*?S0\d \?', unsure)
    rail = re.findall(r'href="#(partie-0-\d)"', shown)
    assert len(rail) >= 5
    assert all(f'id="{name}"' in shown for name in rail)


def test_two_documents_are_compared(inspector: User, sign_in: SignIn) -> None:
    client = sign_in(inspector)
    listed = re.findall(r'class="open" href="[^"]+id=([^"&]+)', text(client, HERE))
    shown = text(client, f"{HERE}comparer/?gauche={listed[0]}&droite={listed[1]}")
    assert "<del>" in shown
    assert "<ins>" in shown
    same = text(client, f"{HERE}comparer/?gauche={listed[0]}&droite={listed[0]}")
    assert "Les deux textes sont identiques." in same


def test_a_document_of_another_territory_does_not_exist(local: User, sign_in: SignIn) -> None:
    client = sign_in(local)
    index = searching.opened(workspace(), READER)
    inside, outside = (
        index.search(Search(perimeters=frozenset({site}))).hits[0].document.id for site in (SITE, OTHER)
    )
    shown = text(client, f"{HERE}document/?id={inside}")
    assert OTHER not in shown
    for path in (
        f"document/?id={outside}",
        f"comparer/?gauche={inside}&droite={outside}",
        "document/",
        "document/?id=../../etc/passwd",
    ):
        assert client.get(HERE + path).status_code == 404, path


def test_a_kept_search_tells_what_is_new_since_it_was_read(inspector: User, sign_in: SignIn) -> None:
    client = sign_in(inspector)
    place = f"{HERE}recherches/"
    assert "Aucune recherche gardée" in text(client, place)
    assert client.post(place, {"act": "save", "title": "Rien", "q": " "}).status_code == 422
    assert client.post(place, {"act": "save", "title": "t" * 201, "q": "incendie"}).status_code == 422
    assert (
        client.post(place, {"act": "save", "title": "Feu", "q": "extincteurs", "f-site": SITE}).status_code
        == 302
    )
    assert "Rien de nouveau" in text(client, place)

    row = SavedSearch.objects.get()
    fresh, row.known = row.known[0], row.known[1:]
    row.save()
    shown = text(client, place)
    assert "1 nouveau" in shown
    assert f"id={fresh}" in shown
    assert f">{SITE}</a>" in text(client, f"{HERE}?{row.address}")
    client.post(place, {"act": "read", "search": row.pk})
    assert "Rien de nouveau" in text(client, place)
    client.post(place, {"act": "forget", "search": row.pk})
    assert not SavedSearch.objects.exists()


def test_a_kept_search_is_its_owners_and_stays_within_reach(
    desk: Desk, inspector: User, local: User, sign_in: SignIn
) -> None:
    place = f"{HERE}recherches/"
    sign_in(inspector).post(place, {"act": "save", "title": "Feu", "q": "extincteurs"})
    row = SavedSearch.objects.get()
    for act in ("read", "forget"):
        assert sign_in(local).post(place, {"act": act, "search": row.pk}).status_code == 404
    assert "Feu" not in text(sign_in(local), place)
    # Kept when all was within reach, read by the same person who now has one site.
    SavedSearch.objects.update(user=local, known=[])
    assert OTHER not in text(sign_in(local), place)
    assert sign_in(desk.manager).get(place).status_code == 404


def test_words_that_end_what_is_typed_are_those_of_documents_within_reach(
    inspector: User, local: User, sign_in: SignIn
) -> None:
    client = sign_in(inspector)
    words = client.get(f"{HERE}completer/", {"q": "contrôle extinc"}).json()["words"]
    assert words
    assert all(word.startswith("extinc") for word in words)
    for typed in ("", "contrôle ", "e", "12", '"', "(", "extinc" * 900):
        assert client.get(f"{HERE}completer/", {"q": typed}).json() == {"words": [], "titles": []}, typed
    start = OTHER[:4].lower()
    assert OTHER.lower() in client.get(f"{HERE}completer/", {"q": start}).json()["words"]
    near = sign_in(local)
    assert OTHER.lower() not in near.get(f"{HERE}completer/", {"q": start}).json()["words"]

    # Whole titles too, by any of their words; not those of others, nor of a question with operators.
    def titles(who: Client, typed: str) -> list[str]:
        return [one["title"] for one in who.get(f"{HERE}completer/", {"q": typed}).json()["titles"]]

    assert titles(client, "2024 inssn 0053") == ["INSSN-2024-0053"]
    assert len(titles(client, "INSSN-2024-00")) == 4
    found = client.get(f"{HERE}completer/", {"q": "INSSN-2024-0053"}).json()["titles"][0]
    assert client.get(found["address"]).status_code == 200
    assert titles(near, "INSSN-2024-0053") == []
    assert titles(client, "inssn OU 0053") == titles(client, "inssn 00 ") == titles(client, "in") == []
    assert client.post(f"{HERE}completer/").status_code == 405
