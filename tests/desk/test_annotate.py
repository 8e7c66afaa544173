"""Annotation: five minutes of passages, each a line of the journal; undone, compared, taken away."""

from __future__ import annotations

import html
import io
import json
import re
import zipfile
from collections.abc import Callable, Sequence

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from eclaireur.bricks.semantic.annotators import krippendorff_alpha
from eclaireur.desk.documents import proposals_of
from eclaireur.desk.models import Annotation, Decision, Grant, Role, Switch, User
from eclaireur.desk.place import work_on, workspace
from eclaireur.service import feedback
from eclaireur.service.indexing import index_case, index_origin
from tests.desk.conftest import Desk

SignIn = Callable[[User], Client]
READER = "inspection_letters"
HERE = f"/{READER}/annoter/"
SITE = "Port-Clair"
pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def indexed(django_db_setup: None, django_db_blocker: pytest.FixtureDef[object]) -> None:
    """Index the sample once for the tests of this file."""
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        index_case(work_on(READER), "sample")


@pytest.fixture
def inspectors(desk: Desk, indexed: None) -> Sequence[User]:
    """Return two people who annotate all letters."""
    for person in (desk.stranger, desk.agent):
        Grant.objects.create(user=person, role=Role.AGENT, case=READER)
    return desk.stranger, desk.agent


def shown(client: Client, path: str = HERE, status: int = 200) -> str:
    answer = client.get(path)
    assert answer.status_code == status
    return html.unescape(answer.content.decode())


def asked(page: str) -> tuple[str, list[str]]:
    """Return the passage that a page asks about, and the labels that it proposes."""
    found = re.search(r'name="passage" value="([^"]+)"', page)
    assert found is not None
    return found[1], re.findall(r'name="label" value="([^"]+)" checked', page)


def send(client: Client, act: str, **fields: object) -> None:
    answer = client.post(HERE, {"act": act, **fields})
    assert answer.status_code == 302, html.unescape(answer.content.decode())[-3000:]


def test_a_session_of_fifteen_sure_and_five_unsure_passages_is_annotated_to_its_end(
    inspectors: Sequence[User], sign_in: SignIn
) -> None:
    client = sign_in(inspectors[0])
    send(client, "start")
    seen = []
    for number in range(20):
        page = shown(client)
        assert f"Phrase {number + 1} sur 20" in page
        passage, labels = asked(page)
        seen.append(passage)
        if number == 3:
            send(client, "none", passage=passage)
        elif number == 4:
            send(client, "unsure", passage=passage, label=labels)
        else:
            send(client, "save", passage=passage, label=labels)
    assert len(set(seen)) == 20
    rows = Annotation.objects.all()
    chances = [proposals_of(READER, index_origin(workspace(), READER)).find(one).chance for one in seen]  # type: ignore[union-attr]
    best = [one for at, one in enumerate(chances) if at % 4 != 3]
    hesitant = chances[3::4]
    assert (len(best), len(hesitant), rows.count()) == (15, 5, 20)
    assert min(best) >= max(hesitant)
    assert min(abs(one - 0.5) for one in hesitant) < 0.2
    values = list(Decision.objects.filter(kind="annotation").values_list("value", flat=True))
    assert sorted(values) == ["accept"] * 18 + ["reject", "unsure"]
    page = shown(client)
    assert "Séance finie : 20 phrases annotées sur 20" in page
    assert "Séance finie" not in shown(client)
    send(client, "start")
    assert asked(shown(client))[0] not in seen


def test_each_annotation_is_a_sealed_line_of_the_journal_and_is_undone_by_another(
    inspectors: Sequence[User], sign_in: SignIn
) -> None:
    client, other = (sign_in(person) for person in inspectors)
    send(client, "start")
    passage, labels = asked(shown(client))
    send(client, "save", passage=passage, label=labels)
    made = Annotation.objects.get()
    journal = workspace().journal
    entry = journal.entry(made.decision_id)
    assert (entry.kind, entry.data["labels"], entry.actor) == ("annotation", labels, inspectors[0].full_name)
    document = passage.rpartition("@")[0]
    assert document not in json.dumps(entry.data)
    assert (journal.reveal(entry) or {})["document"] == document

    # The model learns from it; it will no longer once it is undone.
    work = work_on(entry.case)
    taught = feedback.outcomes(work, entry.data["source"]).to_pylist()
    assert [(one["subject"], one["value"]) for one in taught] == [(f"document:{passage}", " ".join(labels))]
    assert taught[0]["origin"] == "decision"

    # Somebody else's annotation of the same passage does not stand in the way.
    other.post(HERE, {"act": "none", "passage": passage})
    send(client, "undo")
    assert Decision.objects.get(pk=made.decision_id).undone_by is not None
    assert Annotation.objects.filter(decision__undone_by=None).get().user == inspectors[1]
    assert [one["label"] for one in feedback.outcomes(work, entry.data["source"]).to_pylist()] == [0.0]
    assert asked(shown(client))[0] == passage
    assert "rien à annuler" in html.unescape(client.post(HERE, {"act": "undo"}).content.decode()).lower()


def test_what_is_wrong_is_told_and_nothing_is_recorded(inspectors: Sequence[User], sign_in: SignIn) -> None:
    client = sign_in(inspectors[0])
    send(client, "start")
    passage, _ = asked(shown(client))
    for fields, said in (
        ({"act": "save", "passage": passage}, "aucune étiquette n'est cochée"),
        ({"act": "save", "passage": passage, "label": "S99"}, "étiquette inconnue"),
        ({"act": "save", "passage": "INCONNU@0-3", "label": "S01"}, "n'est plus dans les documents"),
        ({"act": "autre"}, "n'existe pas"),
    ):
        answer = client.post(HERE, fields)
        assert answer.status_code == 422, fields
        assert said in html.unescape(answer.content.decode()).lower(), fields
    assert not Annotation.objects.exists()
    assert client.get(f"{HERE}?phrase=INCONNU@0-3").status_code == 404


def test_agreement_is_measured_and_disagreements_are_shown(
    inspectors: Sequence[User], sign_in: SignIn
) -> None:
    for person in inspectors:
        client = sign_in(person)
        send(client, "start")
        for number in range(6):
            passage, labels = asked(shown(client))
            if number == 2 and person is inspectors[1]:
                send(client, "none", passage=passage)
            else:
                send(client, "save", passage=passage, label=labels)
        send(client, "leave")
    # Words chosen in these sentences change nothing of it.
    one = Annotation.objects.filter(user=inspectors[0]).first()
    assert one is not None
    text = task_text(client, one.document)
    said = {"start": one.start, "end": one.end, "said": text[one.start : one.end]}
    client.post(WORDS, {"id": one.document, "act": "label", "label": "S05", **said})
    assert Annotation.objects.filter(span=True, document=one.document).exists()
    page = shown(client)
    assert "sur 6 phrases annotées par deux personnes au moins" in page
    assert re.search(
        r"Ada Martin et Ella Durand</th><td class=\"right\">0,\d\d</td><td class=\"right\">6<", page
    )
    assert "Désaccords à revoir" in page
    assert "Ada Martin : aucune étiquette" in page


def test_annotations_are_taken_away_with_offsets_that_hold(
    inspectors: Sequence[User], sign_in: SignIn
) -> None:
    client = sign_in(inspectors[0])
    send(client, "start")
    for act in ("save", "save", "unsure"):
        passage, labels = asked(shown(client))
        send(client, act, passage=passage, label=labels)
    proposals = proposals_of(READER, index_origin(workspace(), READER))
    assert proposals is not None
    tasks = json.loads(client.get(f"{HERE}annotations.json").content)
    regions = [(task, one) for task in tasks for made in task["annotations"] for one in made["result"]]
    assert len(regions) == 3
    for task, one in regions:
        value = one["value"]
        said = task["data"]["text"][value["start"] : value["end"]]
        found = proposals.find(f"{task['data']['document']}@{value['start']}-{value['end']}")
        assert found is not None
        assert said == value["text"]
        assert " ".join(said.split()) == found.text
    with zipfile.ZipFile(io.BytesIO(client.get(f"{HERE}annotations.zip").content)) as archive:
        names = archive.namelist()
        assert "etranger/annotation.conf" in names
        for name in (one for one in names if one.endswith(".ann")):
            text = archive.read(name.replace(".ann", ".txt")).decode()
            for line in archive.read(name).decode().splitlines():
                if line.startswith("T"):
                    _, where, said = line.split("\t")
                    spans = [tuple(map(int, one.split())) for one in where.split(" ", 1)[1].split(";")]
                    assert " ".join(text[a:b] for a, b in spans) == said


def test_a_territory_bounds_what_is_annotated(
    desk: Desk, inspectors: Sequence[User], sign_in: SignIn
) -> None:
    Grant.objects.create(user=desk.scientist, role=Role.AGENT, case=READER, area=SITE)
    local = sign_in(desk.scientist)
    whole = sign_in(inspectors[0])
    send(whole, "start")
    passage, labels = asked(shown(whole))
    send(whole, "save", passage=passage, label=labels)
    send(local, "start")
    for _ in range(4):
        page = shown(local)
        assert f"{SITE}" in page
        send(local, "skip")
    outside = next(
        one.key
        for one in proposals_of(READER, index_origin(workspace(), READER)).passages  # type: ignore[union-attr]
        if one.labels and one.document == "INSSN-2024-0053"
    )
    assert local.get(f"{HERE}?phrase={outside}").status_code == 404
    assert local.post(HERE, {"act": "none", "passage": outside}).status_code == 404
    for person in (desk.manager, desk.administrator):
        for path in (HERE, f"{HERE}annotations.json"):
            assert sign_in(person).get(path).status_code == 404


def test_a_suspended_case_proposes_nothing(inspectors: Sequence[User], sign_in: SignIn) -> None:
    Switch.objects.create(case=READER, stopped=True, reason="revue", user=inspectors[0])
    client = sign_in(inspectors[0])
    assert 'value="start"' not in shown(client)
    assert client.post(HERE, {"act": "start"}).status_code >= 400
    assert "Étiquettes proposées" not in shown(client, f"/{READER}/document/?id=INSSN-2024-0053")


def test_a_case_without_labels_says_so(desk: Desk, sign_in: SignIn) -> None:
    Grant.objects.create(user=desk.stranger, role=Role.AGENT, case="similar_decisions")
    assert "La recherche n’est pas encore prête" in shown(
        sign_in(desk.stranger), "/similar_decisions/annoter/"
    )


def test_alpha_is_that_of_the_published_example() -> None:
    # Krippendorff (2011), example C: four observers, twelve units, nominal alpha 0.743.
    answers = ("123321412...", "1233224125.3", ".3332342251.", "12332441251.")
    units = [{str(who): row[at] for who, row in enumerate(answers) if row[at] != "."} for at in range(12)]
    assert round(krippendorff_alpha(units), 3) == 0.743


LETTER = "INSSN-2024-0053"
WORDS = f"{HERE}texte/"


def label(client: Client, **fields: object) -> str:
    """Label words of a letter; return the page that answers."""
    answer = client.post(WORDS, {"id": LETTER, "act": "label", **fields}, follow=True)
    assert answer.status_code in {200, 422}, fields
    return html.unescape(answer.content.decode())


@pytest.mark.one_database
def test_words_are_labelled_by_their_characters_or_by_being_said_and_undone(
    inspectors: Sequence[User], sign_in: SignIn
) -> None:
    client, other = (sign_in(person) for person in inspectors)
    page = shown(client, f"{WORDS}?id={LETTER}")
    text = task_text(client, LETTER)
    code, second = re.findall(r'name="label" value="([^"]+)"', page)[:2]
    start = text.index(" ", 40)
    end = start + 30
    label(client, label=code, start=start, end=end, said=text[start:end], unsure="1")
    row = Annotation.objects.get()
    assert text[row.start : row.end] == text[start:end].strip()
    assert (row.labels, row.unsure, row.span, row.proposed) == ([code], True, True, [])
    entry = workspace().journal.entry(row.decision_id)
    assert (entry.data["span"], entry.data["start"]) == (True, row.start)
    assert "text" not in entry.data

    # Said by their words: where they are several times, one is chosen, then labelled as any other.
    words = re.findall(r"\w+", text)
    often = next(one for one in words if len(one) > 3 and words.count(one) == 2 and text.count(one) == 2)
    page = label(client, label=second, de=often.upper())
    assert "sont à 2 endroits" in page
    places = re.findall(r'name="place" value="(\d+)-(\d+)"', page)
    assert [text[int(a) : int(b)] for a, b in places] == [often] * 2
    assert Annotation.objects.count() == 1
    assert f"Choisi : « {often} »" in label(client, place="-".join(places[1]))
    page = label(client, label=second, place="-".join(places[1]))
    assert page.count("<mark") == 2
    assert f'id="mot-{places[1][0]}">{often}</mark>' in page
    assert f"« {often} » :" in shown(client, f"/{READER}/document/?id={LETTER}").replace("\u00a0", " ")
    assert "<mark" not in shown(other, f"{WORDS}?id={LETTER}")
    first, last = text.split()[3], text.split()[9]
    label(client, label=code, de=first, a=last)
    row = Annotation.objects.order_by("-decision_id")[0]
    assert text[row.start : row.end].split()[0] == first
    assert text[row.start : row.end].split()[-1] == last

    # Words that moved since are to be labelled again: neither shown in the text nor exported.
    Annotation.objects.filter(pk=row.pk).update(start=row.start + 1)
    page = shown(client, f"{WORDS}?id={LETTER}")
    assert (page.count("<mark"), "Le texte a changé" in page.replace("\u00a0", " ")) == (2, True)
    tasks = json.loads(client.get(f"{HERE}annotations.json").content)
    assert len(tasks[0]["annotations"][0]["result"]) == 2
    Annotation.objects.filter(pk=row.pk).update(start=row.start)

    # The last one is undone, another taken out, and the words of nobody else.
    client.post(WORDS, {"id": LETTER, "act": "undo"})
    other.post(WORDS, {"id": LETTER, "act": "remove", "key": "-".join(places[1])})
    assert Annotation.objects.filter(decision__undone_by=None).count() == 2
    client.post(WORDS, {"id": LETTER, "act": "remove", "key": "-".join(places[1])})
    assert Annotation.objects.get(decision__undone_by=None).unsure
    assert client.post(HERE, {"act": "undo"}).status_code == 422  # that one undoes sentences
    assert "Mots choisis" in shown(client)
    for fields, said in (
        ({"label": code}, "aucun mot"),
        ({"label": code, "de": "introuvable"}, "n'est pas dans le texte"),
        ({"label": code, "de": first, "a": "introuvable"}, "ne vient pas"),
        ({"label": "S99", "place": "-".join(places[1])}, "étiquette inconnue"),
        ({"label": code, "start": "3", "end": "9", "said": "autre"}, "n'est plus celui"),
        ({"label": code, "start": "9", "end": "3", "said": "x"}, "n'est pas dans le texte"),
        ({"label": code, "start": "²", "end": "3", "said": "x"}, "n'est pas dans le texte"),
        ({"label": code, "place": "1-"}, "n'est pas dans le texte"),
        ({"act": "autre"}, "n'existe pas"),
    ):
        assert said in label(client, **fields).lower(), fields


def test_what_a_page_does_not_show_does_not_move_the_words_that_are_labelled() -> None:
    from eclaireur.desk.spans import between, pieces, selected

    text = "Un\x00 été\r\nà 𝒳 l’eau\rtiède.  Fin"
    row = Annotation(start=text.index("été"), end=text.index("tiède"), labels=["S1"], span=True)
    found = pieces(text, [row], {"S1": "Thème 1 (eau, été)"})
    assert [one.text for one in found] == ["Un", " ", "été", "\n", "à 𝒳 l’eau", "\n", "tiède.  Fin"]
    assert [text[one.start] for one in found] == ["U", " ", "é", "\r", "à", "\r", "t"]
    assert [one.labelled for one in found] == [False, False, True, True, True, True, False]
    assert [one.ending for one in found if one.ending] == [("Thème 1",)]
    (one,) = between(text, "Été  à", "L'EAU tiède")
    assert text[one.start : one.end] == "été\r\nà 𝒳 l’eau\rtiède"
    at = text.index(" Fin")
    one = selected(text, str(at - 1), str(len(text)), "  Fin")
    assert (one.start, one.end, one.said) == (at + 1, len(text), "Fin")


def task_text(client: Client, document: str) -> str:
    """Return the text of a document as the page to label its words gives it."""
    found = re.search(r'data-at="0">(.*?)</span>', shown(client, f"{WORDS}?id={document}"), re.DOTALL)
    assert found is not None
    return found[1]


def bring(client: Client, name: str, content: bytes, **how: str) -> str:
    file = SimpleUploadedFile(name, content)
    answer = client.post(HERE, {"act": "import", "file": file, **how}, follow=True)
    return re.sub("[\u00a0\u202f]", " ", html.unescape(answer.content.decode()))


@pytest.mark.one_database
def test_what_was_taken_away_comes_back_under_the_names_of_others_and_only_once(
    inspectors: Sequence[User], sign_in: SignIn
) -> None:
    client = sign_in(inspectors[0])
    send(client, "start")
    for act in ("save", "unsure", "save"):
        passage, labels = asked(shown(client))
        send(client, act, passage=passage, label=labels)
    send(client, "leave")
    # Words beside sentences: half of one, all of it, and a piece that goes from it to the next.
    one = proposals_of(READER, index_origin(workspace(), READER)).find(passage)  # type: ignore[union-attr]
    assert one is not None
    text = task_text(client, one.document)
    for start, end in ((one.start, one.end), (one.start, one.end - 9), (one.end - 9, one.end + 9)):
        said = {"start": start, "end": end, "said": text[start:end]}
        client.post(WORDS, {"id": one.document, "act": "label", "label": labels[0], **said})
    assert Annotation.objects.filter(span=True).count() == 3
    tasks = client.get(f"{HERE}annotations.json").content
    archive = client.get(f"{HERE}annotations.zip").content
    login = inspectors[0].login
    for name, content in (("a.json", tasks), ("a.zip", archive)):
        page = bring(client, name, content)
        assert "6 étaient déjà là" in page, name
        assert Annotation.objects.count() == 6

    # The same file of somebody else: six more, in another name, with the same labels.
    other = tasks.replace(login.encode(), b"expert@exemple.fr")
    with zipfile.ZipFile(io.BytesIO(archive)) as held:
        sink = io.BytesIO()
        with zipfile.ZipFile(sink, "w") as copy:
            for one in held.namelist():
                copy.writestr(one.replace(f"{login}/", "relecteur/"), held.read(one))
    for who, name, content in (
        ("expert@exemple.fr", "b.json", other),
        ("relecteur", "b.zip", sink.getvalue()),
    ):
        page = bring(client, name, content)
        assert "6 annotations reprises" in page
        assert "3 portent sur des mots choisis" in page
        assert "6 étaient déjà là" in bring(client, name, content)
        rows = Annotation.objects.filter(external=who)
        mine = Annotation.objects.filter(external="")
        theirs, ours = (
            sorted((row.key, row.span, tuple(row.labels), row.unsure) for row in some)
            for some in (rows, mine)
        )
        assert theirs == ours
        assert f"{who} (importé)" in shown(client)
    assert workspace().journal.entry(rows[0].decision_id).data["external"] == "relecteur"
    send(client, "undo")  # one's own last annotation, not those of the file
    assert Annotation.objects.filter(batch="", decision__undone_by=None).count() == 5
    send(client, "undo_import")
    assert Annotation.objects.filter(external="relecteur", decision__undone_by=None).count() == 0
    assert Annotation.objects.filter(external="expert@exemple.fr", decision__undone_by=None).count() == 6


@pytest.mark.one_database
def test_what_a_file_says_wrong_is_told_line_by_line_and_the_rest_goes_on(
    inspectors: Sequence[User], sign_in: SignIn
) -> None:
    client = sign_in(inspectors[0])
    proposals = proposals_of(READER, index_origin(workspace(), READER))
    assert proposals is not None
    first, second = proposals.by_document["INSSN-2024-0053"][:2]
    code, title = next(iter(proposals.labels.items()))

    def region(start: int, end: int, label: str, **more: str) -> dict[str, object]:
        return {"type": "labels", "value": {"start": start, "end": end, "labels": [label], **more}}

    good = [
        region(first.start, first.end, title),
        region(second.start, second.end - 5, code),  # a part of a sentence
    ]
    bad = [
        (region(first.start, first.end, "INVENTÉE"), "étiquette inconnue"),
        (region(-1, 5, code), "hors du texte"),
        (region(0, 10**9, code), "hors du texte"),
        (region(first.start, second.end, code), "d’une phrase à l’autre"),
        (region(first.start, first.end, code, text="Autre chose."), "n’est plus celui"),
        ({"type": "labels", "value": {"start": "a"}}, "sans étiquettes"),
        ({"type": "choices", "value": {"choices": ["a"]}}, "c’est « choices »"),
    ]
    tasks = [
        {
            "data": {"document": "INSSN-2024-0053"},
            "annotations": [
                {"completed_by": 7, "result": [*good, *(one for one, _ in bad)]},
                {"completed_by": 8, "was_cancelled": True, "result": good},
            ],
        },
        {"data": {"document": "AUTRE"}, "annotations": [{"result": [region(0, 5, code)]}]},
        {"data": {}},
    ]
    page = bring(client, "a.json", json.dumps(tasks).encode(), parts="widen")
    assert "2 annotations reprises" in page
    assert "1 étiquette ne couvrait" in page
    told = (
        *(said for _, said in bad),
        "de « 8 » y est annulée",
        "document inconnu",
        "de quel document elle parle",
    )
    for said in told:
        assert said in page.replace("'", "’"), said
    assert {row.external for row in Annotation.objects.all()} == {"7"}

    # One person, one sentence, two labels: in the file, then against what the file had said before.
    other = list(proposals.labels)[1]
    again = [{"completed_by": 7, "result": [region(first.start, first.end, one)]} for one in (code, other)]
    for made, said in ((again, "puis"), (again[1:], "avait dit")):
        file = json.dumps([{"data": {"document": first.document}, "annotations": made}]).encode()
        page = bring(client, "b.json", file)
        assert "dont 1 conflit" in page
        assert f"conflit : « 7 » {'donne à la même phrase' if said == 'puis' else said}" in page
        assert Annotation.objects.count() == 2
    assert "1 annotation reprise" in bring(client, "b.json", file, renew="1")
    assert "non-reprises.csv" not in shown(client)  # all was taken
    # What does not fit on the page is in a table, one's own alone.
    many = [region(first.start, first.end, f"=INVENTÉE {at}") for at in range(40)]
    tasks = [{"data": {"document": first.document}, "annotations": [{"result": many}, *again]}]
    page = bring(client, "c.json", json.dumps(tasks).encode())
    assert "11 autres lignes" in page
    assert page.index("conflit : « 7 »") < page.index("étiquette inconnue")
    table = client.get(f"{HERE}non-reprises.csv").content.decode("utf-8-sig")
    assert table.count("étiquette inconnue") == 40
    assert 'région 40;"étiquette inconnue : « =INVENTÉE 39 »' in table
    assert sign_in(inspectors[1]).get(f"{HERE}non-reprises.csv").status_code == 404


@pytest.mark.one_database
@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"a": 1}', b"PK\x03\x04cut", b"[" * 100_000, "é".encode("latin-1")]
)
def test_a_file_that_is_of_no_tool_is_refused_in_french(
    inspectors: Sequence[User], sign_in: SignIn, content: bytes
) -> None:
    client = sign_in(inspectors[0])
    answer = client.post(HERE, {"act": "import", "file": SimpleUploadedFile("a.json", content)})
    assert answer.status_code == 422
    assert "Label Studio" in answer.content.decode() or "choisi" in answer.content.decode()
    assert not Annotation.objects.exists()


def test_a_file_cannot_label_what_is_out_of_reach(desk: Desk, indexed: None, sign_in: SignIn) -> None:
    Grant.objects.create(user=desk.scientist, role=Role.AGENT, case=READER, area=SITE)
    proposals = proposals_of(READER, index_origin(workspace(), READER))
    assert proposals is not None
    outside = proposals.by_document["INSSN-2024-0053"][0]
    value = {"start": outside.start, "end": outside.end, "labels": [next(iter(proposals.labels))]}
    task = {
        "data": {"document": outside.document},
        "annotations": [{"result": [{"type": "labels", "value": value}]}],
    }
    assert "document inconnu" in bring(sign_in(desk.scientist), "a.json", json.dumps(task).encode())
    assert not Annotation.objects.exists()


def test_hostile_files_of_a_tool_are_refused_or_told_never_raised() -> None:
    from eclaireur.core.errors import FileRefusedError
    from eclaireur.desk.annotation_reading import read

    def packed(name: str, line: str) -> bytes:
        sink = io.BytesIO()
        with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(name, line)
        return sink.getvalue()

    long = packed("lou/a.ann", f"T1\tS01 0 {'9' * 5000}\tx\n")
    task = '[{"data": {"document": "a"}, "annotations": %s}]'
    for content in (long, (task % "5").encode(), (task % '[{"result": 5}]').encode()):
        said, refused = read("a", content)
        assert not said
        assert len(refused) == 1
    whole = packed("lou/a.ann", "T1\tS01 0 3\tfoo bar\n" * 200)
    start = whole.index(b"a.ann") + 5
    damaged = whole[:start] + b"\xff" * 12 + whole[start + 12 :]
    for content in (damaged, packed("lou/é.ann", "T1").replace("é".encode(), b"\xff\xff")):
        with pytest.raises(FileRefusedError):
            read("a.zip", content)
    others = "R1\tCause Arg1:T1 Arg2:T2\nA1\tIncertain T1\nA2\tAutre T1\n#1\tAnnotatorNotes T1\tvu\n"
    said, refused = read("a.zip", packed("lou/a.ann", f"T1\tS01 0 7\tfoo\u2028bar\r\n{others}"))
    assert (said[0].text, said[0].unsure) == ("foo\u2028bar", True)
    assert [one.where[-1] for one in refused] == ["2", "4", "5"]
    assert "une relation" in refused[0].why
