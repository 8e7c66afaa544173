"""The intake desk: messages sorted into rows, shown masked, routed, answered once, corrected, counted."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from email import policy
from email.parser import BytesParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from django.core.cache import caches
from django.db import connection
from django.test import Client

from eclaireur.core.errors import WorkFailedError
from eclaireur.core.intake import Answer, Handling, Message, Part, PartKind, Route, Sentence
from eclaireur.core.view import Citation, Facts, FormField, Mark, Reason
from eclaireur.desk import outbox
from eclaireur.desk.inbox import sort_messages
from eclaireur.desk.jobs import queue, running
from eclaireur.desk.models import (
    Campaign,
    Feedback,
    Grant,
    Job,
    JobState,
    Mail,
    MailStatus,
    Outgoing,
    Role,
    User,
)
from eclaireur.desk.place import work_on, workspace
from eclaireur.service import feedback, messages as intake
from tests.desk.conftest import Desk

SignIn = Callable[[User], Client]
CASE = "mail_routing"
HERE = f"/{CASE}/"
NORTH, SOUTH = "Nord", "Sud"
PHONE, NAME = "06 12 34 56 78", "Zoé Tartempion"
SOURCE = Citation(
    title="Carte d'identité",
    passage="La carte d'identité est gratuite.",
    origin="fiche F1",
    observed=date(2026, 3, 4),
    address="https://exemple.fr/F1",
)
DRAFT = Answer(
    sentences=(
        Sentence(text="Bonjour,", form=True),
        Sentence(text="La carte d'identité est gratuite.", sources=(1,)),
        Sentence(text="Elle arrive en deux jours."),
    ),
    citations=(SOURCE,),
    generated=True,
)
WITHHELD = Answer(withheld="les sources ne le disent pas", offers=(SOURCE,))
pytestmark = pytest.mark.django_db


def letter(number: int, **changes: Any) -> Message:
    body = f"Bonjour,\nMa carte coûte-t-elle cher ? Appelez le {PHONE}.\n> Ancien message {number}\n"
    base = Message(
        id=f"document:{number:05}",
        thread=f"fil-{number // 2}",
        received=datetime(2026, 11, 1, 8, tzinfo=UTC) + timedelta(hours=number),
        sender=f"{NAME} <zoe@exemple.fr>",
        subject=f"Carte n° {number}",
        body=body,
        area=NORTH if number % 2 else SOUTH,
    )
    return replace(base, **changes)


def handling(message: Message, draft: Answer | None = DRAFT) -> Handling:
    body = message.body
    number = int(message.id[-5:])
    phone, quoted = body.index(PHONE), body.index(">")
    return Handling(
        routes=(
            Route(name="etat_civil", title="État civil", confidence=0.82),
            Route(name="voirie", title="Voirie", confidence=0.1),
        ),
        abstains=number % 5 == 4,
        urgency=0.9 if number == 3 else 0.0,
        urgent="parle de coupure" if number == 3 else "",
        parts=(
            Part(kind=PartKind.GREETING, start=0, end=9),
            Part(kind=PartKind.BODY, start=9, end=quoted),
            Part(kind=PartKind.QUOTED, start=quoted, end=len(body)),
        ),
        personal=(Mark(start=phone, end=phone + len(PHONE), label="téléphone"),),
        reasons=(Reason(theme="mots", sentence="« carte » oriente vers État civil.", weight=1.0),),
        facts={"Langue": "français"},
        draft=WITHHELD if number == 7 else draft,
    )


class Fake:
    """A case with hand-written messages, in place of a model's work."""

    def __init__(self, count: int = 10) -> None:
        self.work = work_on(CASE)
        self.source, self.model = "sample", SimpleNamespace(number=1)
        self.count = count
        self.asked: list[tuple[str, Mapping[str, str], str]] = []

    def messages(self) -> list[Message]:
        return [letter(number) for number in range(self.count)]

    def handled(self, without: Collection[str] = ()) -> Iterator[tuple[Message, Handling]]:
        return ((one, handling(one)) for one in self.messages() if one.id not in without)

    def answer(self, question: str, declared: Mapping[str, str], *, setup: str = "") -> Answer:
        self.asked.append((question, declared, setup))
        return WITHHELD if "hors" in question else intake.sound(replace(DRAFT, generated=setup == "b"))

    def try_rules(self, text: str) -> tuple[Facts, ...]:
        return (Facts(title="Essai : rien n’a été déplacé", pairs=(("Règles", text),)),)


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch, db: None) -> Fake:
    made = Fake()
    monkeypatch.setattr(intake, "open_desk", lambda *_, **__: made)
    monkeypatch.setattr(intake, "ready", lambda _: True)
    case = work_on(CASE).case
    monkeypatch.setattr(case, "answer", made.answer, raising=False)
    field = FormField(name="age", title="Âge", kind="text")
    monkeypatch.setattr(case, "SITUATION", (field,), raising=False)
    monkeypatch.setattr(case, "SETUPS", {"a": "Règles seules", "b": "Avec modèle"}, raising=False)
    return made


@pytest.fixture
def inbox(fake: Fake) -> Fake:
    sort_messages(CASE)
    return fake


@pytest.fixture
def agent(desk: Desk, inbox: Fake) -> User:
    Grant.objects.create(user=desk.stranger, role=Role.AGENT, case=CASE)
    return desk.stranger


@pytest.fixture
def northerner(desk: Desk, inbox: Fake) -> User:
    Grant.objects.create(user=desk.agent, role=Role.AGENT, case=CASE, area=NORTH)
    return desk.agent


@pytest.fixture
def manager(desk: Desk, fake: Fake) -> User:
    Grant.objects.create(user=desk.manager, role=Role.MANAGER, case=CASE)
    return desk.manager


def text(client: Client, path: str, status: int = 200) -> str:
    answer = client.get(path)
    assert answer.status_code == status
    return html.unescape(answer.content.decode())


def mail(number: int) -> Mail:
    return Mail.objects.get(message=f"document:{number:05}")


def at(number: int) -> str:
    return f"{HERE}messages/{mail(number).pk}/"


def post(client: Client, number: int, status: int = 302, **given: Any) -> str:
    answer = client.post(at(number), {"seen": mail(number).dossier.version, **given})
    assert answer.status_code == status
    return html.unescape(answer.content.decode())


def carried(kind: str) -> Job:
    held = queue.claim("here", lease=600)
    assert held is not None
    assert held.kind == kind
    running.run(held.pk, held.token)
    return Job.objects.get(pk=held.pk)


def journalled(kind: str) -> list[Any]:
    return list(workspace().journal.entries(kind, case=CASE))


def test_a_task_sorts_the_messages_and_again_changes_nothing(manager: User, sign_in: SignIn) -> None:
    client = sign_in(manager)
    assert "Trier les messages" in text(client, HERE)
    assert client.post(HERE).status_code == 302
    assert "se trient" in text(client, HERE)
    done = carried("sort")
    assert (done.state, done.result) == (JobState.DONE, {"messages": 10})
    before = list(Mail.objects.order_by("pk").values_list("pk", "message", "route", "status"))
    sort_messages(CASE)
    assert list(Mail.objects.order_by("pk").values_list("pk", "message", "route", "status")) == before


def test_sorting_again_keeps_what_people_decided(agent: User, sign_in: SignIn) -> None:
    client = sign_in(agent)
    post(client, 1, act="route", route="voirie")
    post(client, 2, act="file", text="Publicité")
    sort_messages(CASE)
    assert (mail(1).route, mail(1).decided) == ("voirie", True)
    assert mail(2).status == MailStatus.CLOSED


def test_what_the_source_no_longer_has_is_let_go(agent: User, sign_in: SignIn, inbox: Fake) -> None:
    client = sign_in(agent)
    post(client, 3, act="file", text="Publicité")
    inbox.count = 1
    sort_messages(CASE)
    assert set(Mail.objects.values_list("message", flat=True)) == {"document:00000", "document:00003"}
    shown = post(client, 3, status=200, act="unmask")
    assert "Carte n° 3" not in shown
    assert PHONE not in shown
    assert "Le message est vide" in shown


def test_an_inbox_shows_route_confidence_urgency_and_filters(agent: User, sign_in: SignIn) -> None:
    client = sign_in(agent)
    shown = text(client, HERE)
    assert shown.index("Carte n° 3") < shown.index("Carte n° 0")  # urgent first
    assert "À lire en premier : parle de coupure" in shown
    assert "→ État civil 82\u202f%" in shown.replace("\u00a0", "\u202f")
    found = dict(re.findall(r'href="\?([^"]*)"[^>]*>(?:<[^>]+>✓ </span>)?([^<]+)</a> <span', shown))
    unsure = next(address for address, title in found.items() if title == "Sans service sûr")
    assert "2 messages" in text(client, f"{HERE}?{unsure}").replace("\u00a0", " ")
    assert "1 message" in text(client, f"{HERE}?texte=n° 6").replace("\u00a0", " ")


def test_pages_follow_each_other(agent: User, sign_in: SignIn, inbox: Fake) -> None:
    inbox.count = 120
    sort_messages(CASE)
    client, seen, path = sign_in(agent), [], "?"
    while path:
        shown = text(client, HERE + path)
        seen += re.findall(r'class="open" href="[^"]+">([^<]+)<', shown)
        following = re.search(r'rel="next" href="([^"]+)"', shown)
        path = following[1] if following else ""
    assert len(seen) == len(set(seen)) == 120


def test_personal_data_are_not_in_a_page_until_asked_and_that_is_journalled(
    agent: User, sign_in: SignIn
) -> None:
    client = sign_in(agent)
    for path in (HERE, at(1)):
        shown = text(client, path)
        assert PHONE not in shown
        assert NAME not in shown
        assert "zoe@exemple.fr" not in shown
    assert "[téléphone]" in text(client, at(1))
    before = len(journalled("unmask"))
    shown = post(client, 1, status=200, act="unmask")
    assert PHONE in shown
    assert NAME in shown
    last = journalled("unmask")[-1]
    assert len(journalled("unmask")) == before + 1
    assert last.data == {"login": agent.login}
    assert PHONE not in text(client, at(1))


def test_a_message_says_its_parts_its_thread_and_why(agent: User, sign_in: SignIn) -> None:
    shown = text(sign_in(agent), at(2))
    assert re.search(r'<details class="part quoted">.*Ancien message 2', shown, re.DOTALL)
    assert "« carte » oriente vers État civil." in shown.replace("\u00a0", " ")
    assert "Carte n° 3" in shown.partition("Même échange")[2]


def test_routing_is_a_decision_that_training_learns_from(agent: User, sign_in: SignIn) -> None:
    post(sign_in(agent), 4, act="route", route="voirie")
    found = mail(4)
    assert (found.route, found.route_title, found.status) == ("voirie", "Voirie", MailStatus.ROUTED)
    learnt = feedback.outcomes(work_on(CASE), "sample").to_pylist()[-1]
    assert (learnt["subject"], learnt["value"], learnt["label"]) == ("document:00004", "voirie", 1.0)
    assert "aucun service" in post(sign_in(agent), 5, status=422, act="route", route="inventé").lower()


def test_a_sentence_without_source_is_in_no_draft(agent: User, sign_in: SignIn) -> None:
    shown = text(sign_in(agent), at(1))
    draft = shown.partition('<div class="sentences">')[2].partition("</div>")[0]
    assert "est gratuite." in draft
    assert "deux jours" not in draft
    assert "1 phrase sans source a été retirée" in shown
    assert 'data-ai-generated="true"' in shown


def test_a_withheld_answer_says_so_and_offers_what_is_near(agent: User, sign_in: SignIn) -> None:
    shown = text(sign_in(agent), at(7))
    assert "Les sources ne le disent pas" in shown
    assert "Carte d'identité" in shown.partition('class="offers"')[2]


def test_what_the_agent_adds_is_the_agents(agent: User, sign_in: SignIn) -> None:
    given = "Bonjour,\nLa carte d'identité est gratuite.\nVenez lundi."
    shown = post(sign_in(agent), 1, status=200, act="preview", text=given, key=uuid4())
    preview = shown.partition("Ce qui partira")[2]
    assert re.search(r"est gratuite\. <a[^>]*>\[1\]", preview)
    assert re.search(r"Venez lundi\.\s*<span[^>]*>écrit par vous", preview)
    assert not Outgoing.objects.exists()


def test_an_answer_leaves_once_whatever_is_retried(
    agent: User, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, key = sign_in(agent), uuid4()
    given = {"act": "send", "text": "La carte d'identité est gratuite.\nÀ bientôt.", "key": key, "seen": 0}
    for _ in range(3):
        assert client.post(at(1), given).status_code == 302
    outgoing = Outgoing.objects.get()
    found = mail(1)
    assert (found.status, found.assisted) == (MailStatus.ANSWERED, True)
    assert found.share is not None
    assert 0 < found.share < 1
    real = outbox._write

    def killed(*given: Any) -> str:  # after the file, before the row
        real(*given)
        raise KeyboardInterrupt

    monkeypatch.setattr(outbox, "_write", killed)
    with pytest.raises(KeyboardInterrupt):
        outbox.deliver(outgoing)
    monkeypatch.setattr(outbox, "_write", real)
    assert carried("send").result == {"state": "sent"}
    outbox.deliver(outgoing)
    (path,) = outbox.outbox(CASE).glob(f"*{key}*")
    assert not list(outbox.outbox(CASE).glob(".*"))
    sent = BytesParser(policy=policy.default).parsebytes(path.read_bytes())
    assert sent["To"] == "zoe@exemple.fr"
    body = sent.get_content()
    assert "La carte d'identité est gratuite." in body
    assert "préparée à l’aide d’un programme" in body
    shown = text(client, f"{HERE}envois/")
    assert "partie" in shown
    assert "gratuite" not in shown


def test_a_second_answer_from_an_old_page_is_refused(agent: User, sign_in: SignIn) -> None:
    client = sign_in(agent)
    post(client, 1, act="send", text="Oui.", key=uuid4())
    assert "déjà répondu" in post(client, 1, status=422, act="send", text="Non.", key=uuid4())
    assert Outgoing.objects.count() == 1


def test_a_mail_server_gets_each_answer_once(
    agent: User, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    post(sign_in(agent), 1, act="send", text="Oui.", key=uuid4())
    outgoing = Outgoing.objects.get()
    settings = SimpleNamespace(smtp="smtp://serveur.exemple.fr", smtp_from="mairie@exemple.fr")
    place = SimpleNamespace(settings=settings, journal=workspace().journal, home=workspace().home)
    monkeypatch.setattr(outbox, "workspace", lambda: place)
    posted: list[str] = []

    def refuse(address: str, made: Any) -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr(outbox, "_post", refuse)
    with pytest.raises(WorkFailedError):
        outbox.deliver(outgoing)
    outgoing.refresh_from_db()
    assert outgoing.state == Outgoing.State.WAITING

    def cut(address: str, made: Any) -> None:
        posted.append(made["Message-ID"])
        raise KeyboardInterrupt  # the process is killed once the server has it

    monkeypatch.setattr(outbox, "_post", cut)
    with pytest.raises(KeyboardInterrupt):
        outbox.deliver(outgoing)
    assert outbox.deliver(outgoing).state == Outgoing.State.UNSURE
    assert outbox.deliver(outgoing).state == Outgoing.State.UNSURE
    assert len(posted) == 1


def test_a_heading_of_a_stranger_adds_none_to_a_mail(agent: User) -> None:
    found = mail(1)
    found.content.message["subject"] = "Carte\r\nBcc: tous@exemple.fr"
    found.content.message["sender"] = "a@exemple.fr\nCc: b@exemple.fr"
    found.content.save()
    from eclaireur.desk.replying import send

    made = send(agent, found, "Oui.", uuid4(), draft=None)
    letter = outbox.letter_of(made)
    assert (letter["Bcc"], letter["Cc"]) == (None, None)


def test_a_draft_is_refused_with_a_reason_then_written_anew(agent: User, sign_in: SignIn) -> None:
    client = sign_in(agent)
    assert "demande une raison" in post(client, 1, status=422, act="refuse", code="")
    assert "demande une phrase" in post(client, 1, status=422, act="refuse", code="other")
    post(client, 1, act="refuse", code="stale", text="Tarif changé")
    shown = text(client, at(1))
    assert "Brouillon refusé" in shown
    assert '<div class="sentences">' not in shown
    post(client, 1, act="send", text="Bonjour, voici ma réponse.", key=uuid4())
    assert mail(1).assisted is False
    assert "Une source n’est plus à jour" in text(client, f"{HERE}chiffres/")


def test_somebody_else_who_acted_first_is_told(agent: User, northerner: User, sign_in: SignIn) -> None:
    old = mail(1).dossier.version
    post(sign_in(northerner), 1, act="route", route="voirie")
    answer = sign_in(agent).post(at(1), {"act": "send", "text": "Oui.", "key": uuid4(), "seen": old})
    assert answer.status_code == 422
    assert "a déjà agi" in answer.content.decode()
    assert not Outgoing.objects.exists()


def test_what_lies_outside_a_perimeter_does_not_exist(
    northerner: User, desk: Desk, manager: User, sign_in: SignIn
) -> None:
    client = sign_in(northerner)
    shown = text(client, HERE)
    assert "Carte n° 1" in shown
    assert SOUTH not in shown
    for number in (1, 2):
        inside = number == 1
        assert client.get(at(number)).status_code == (200 if inside else 404)
        for act in ("unmask", "route", "send", "refuse", "file", "preview"):
            if not inside:
                assert client.post(at(number), {"act": act}).status_code == 404
    assert "Carte n° 2" not in text(client, at(3))  # same thread, other territory
    assert client.get(f"{HERE}regles/").status_code == 404
    assert client.post(HERE).status_code == 404
    post(sign_in(manager), 2, act="send", text="Oui.", key=uuid4())
    assert "Carte n° 2" not in text(client, f"{HERE}envois/")
    for path in ("", "envois/", "question/", "regles/", "comparaisons/", "chiffres/"):
        assert sign_in(desk.administrator).get(HERE + path).status_code == 404


def test_who_may_only_look_changes_nothing(desk: Desk, inbox: Fake, sign_in: SignIn) -> None:
    Grant.objects.create(user=desk.scientist, role=Role.SCIENTIST, case=CASE)
    client = sign_in(desk.scientist)
    shown = text(client, at(1))
    assert 'value="send"' not in shown
    assert 'value="unmask"' not in shown
    assert client.post(at(1), {"act": "unmask"}).status_code == 404
    assert mail(1).opened is None


def test_a_question_is_answered_with_sources_and_nothing_of_it_is_kept(
    agent: User, fake: Fake, sign_in: SignIn
) -> None:
    client, here = sign_in(agent), f"{HERE}question/"
    lines = workspace().journal.entries(case=CASE)
    before = len(list(lines))
    answer = client.post(here, {"question": "Combien coûte ma carte ?", "s-age": "17"})
    shown = html.unescape(answer.content.decode())
    assert fake.asked[-1] == ("Combien coûte ma carte ?", {"age": "17", "person": str(agent.pk)}, "")
    assert "[1]" in shown
    assert "04/03/2026" in shown
    client.post(here, {"question": "Et en mairie ?", "before": ["Combien coûte ma carte ?"]})
    assert fake.asked[-1][:2] == (
        "Et en mairie ?",
        {"before": "Combien coûte ma carte ?", "person": str(agent.pk)},
    )
    shown = html.unescape(client.post(here, {"question": "hors sujet"}).content.decode())
    assert "Les sources ne le disent pas" in shown
    assert len(list(workspace().journal.entries(case=CASE))) == before
    assert not Feedback.objects.exists()


def test_the_situation_of_a_person_is_kept_nowhere(
    agent: User, fake: Fake, sign_in: SignIn, desk_home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Not in a row, a file, a session, a cache or a line of the log; not even with feedback, or an error."""
    caplog.set_level("DEBUG")
    client, here = sign_in(agent), f"{HERE}question/"
    for said in ({}, {"act": "feedback", "kind": ["clear"]}, {"question": "long " * 2000}):
        client.post(here, {"question": "Combien coûte ma carte ?", "s-age": "soixante-douze", **said})
    assert fake.asked[-1][1]["age"] == "soixante-douze"
    with connection.cursor() as cursor:
        kept = []
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")  # noqa: S608 (its own names)
            kept += [str(row) for row in cursor.fetchall()]
    kept += [str(dict(client.session)), caplog.text, str(vars(caches["default"]))]
    kept += [path.read_bytes().decode("latin-1") for path in desk_home.rglob("*") if path.is_file()]
    assert Feedback.objects.count() == 1
    assert any(agent.login in one for one in kept), "what is kept must be seen here"
    assert [one[:200] for one in kept if "soixante-douze" in one] == []


def test_what_is_not_ready_is_prepared_by_a_task(manager: User, sign_in: SignIn, monkeypatch: Any) -> None:
    monkeypatch.setattr(intake, "ready", lambda _: False)
    client = sign_in(manager)
    shown = text(client, f"{HERE}question/")
    assert "Les préparer" in shown
    assert 'name="question"' not in shown
    assert "pas encore lus" in text(client, f"{HERE}regles/")
    case = work_on(CASE).case
    monkeypatch.delattr(case, "messages")
    assert client.get(HERE)["Location"] == f"{HERE}question/"
    client.post(HERE)
    assert carried("sort").result == {"messages": 0}


def test_feedback_keeps_the_question_sealed_and_says_so(agent: User, sign_in: SignIn) -> None:
    client, here = sign_in(agent), f"{HERE}question/"
    given = {"question": "Combien coûte ma carte ?", "act": "feedback"}
    assert client.post(here, given).status_code == 422
    answer = client.post(here, {**given, "kind": ["clear", "sound"], "comment": "Merci"})
    assert "sont gardés" in answer.content.decode()
    row = Feedback.objects.get()
    assert row.kinds == ["clear", "sound"]
    entry = workspace().journal.entry(row.seq)
    assert "carte" not in str(entry.data)
    assert (workspace().journal.reveal(entry) or {})["question"] == "Combien coûte ma carte ?"


def test_rules_are_tried_before_they_act(manager: User, sign_in: SignIn) -> None:
    client = sign_in(manager)
    sort_messages(CASE)
    before = list(Mail.objects.order_by("pk").values())
    shown = html.unescape(client.post(f"{HERE}regles/", {"rules": "ma règle"}).content.decode())
    assert "rien n’a été déplacé" in shown
    assert list(Mail.objects.order_by("pk").values()) == before


def test_a_campaign_is_blind_until_its_end(manager: User, agent: User, sign_in: SignIn) -> None:
    client = sign_in(manager)
    given = {"title": "Essai", "first": "a", "second": "a", "questions": "Un ?\nDeux ?\nTrois ?\nQuatre ?"}
    assert client.post(f"{HERE}comparaisons/", given).status_code == 422
    assert client.post(f"{HERE}comparaisons/", {**given, "second": "b"}).status_code == 302
    row = Campaign.objects.get()
    here = f"{HERE}comparaisons/{row.pk}/"
    assert "se préparent" in text(client, here)
    assert carried("compare").result == {"pairs": 4}
    assert sum(row.pairs.values_list("swapped", flat=True)) == 2
    chooser = sign_in(agent)
    for pair in row.pairs.all():
        shown = text(chooser, here)
        assert pair.question in shown
        assert "Règles seules" not in shown
        assert "Avec modèle" not in shown
        assert "ai-generated" not in shown  # it would tell which is which
        side = "left" if pair.swapped else "right"  # always the second
        assert chooser.post(here, {"pair": pair.number, "choice": side}).status_code == 302
    assert "tout comparé" in text(chooser, here)
    assert chooser.post(here, {"act": "end"}).status_code == 404
    client.post(here, {"act": "end"})
    shown = text(chooser, here).replace("\u202f", " ").replace("\u00a0", " ")
    assert "Avec modèle</strong> 4 fois" in shown
    assert "de 0 % à 49 %" in shown
    chooser.post(here, {"pair": 1, "choice": "left"})
    assert set(row.pairs.values_list("choices", flat=True)[0].values()) == {"second"}


def test_figures_say_too_few_until_five_then_an_interval(agent: User, sign_in: SignIn) -> None:
    client = sign_in(agent)
    here = f"{HERE}chiffres/"
    assert "0 sur 0 (trop peu" in text(client, here)
    for number in range(6):
        text(client, at(number))
        start = "Bonjour,\nLa carte d'identité est gratuite."
        post(client, number, act="send", text=start if number else "Autre texte.", key=uuid4())
    for value in ("4", "3", "3", "1", "4"):
        assert client.post(here, {"about": "user", "value": value}).status_code == 302
    assert client.post(here, {"about": "user", "value": "9"}).status_code == 422
    shown = text(client, here).replace("\u202f", " ").replace("\u00a0", " ")
    assert "83 %, de 44 % à 97 % (5 sur 6)" in shown  # assisted
    assert "80 %, de 38 % à 96 % (4 sur 5)" in shown  # satisfied


def test_a_suspended_case_sorts_and_answers_nothing_new(agent: User, manager: User, sign_in: SignIn) -> None:
    from eclaireur.desk.switching import switch

    switch(manager, CASE, stop=True, reason="Contrôle")
    client = sign_in(manager)
    assert "Suspendu" in text(client, HERE)
    assert client.post(f"{HERE}question/", {"question": "Combien ?"}).status_code == 422
    post(sign_in(agent), 1, act="send", text="Oui.", key=uuid4())  # a person may still answer
    assert carried("send").result == {"state": "sent"}
