"""Every address of the desk, read from its own table, asked by many people about many perimeters.

A row outside a person's reach does not exist: 404, whatever the address and the method, and no answer
names it. Each row is marked by its perimeter, so a leak shows wherever it is.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.base import ContentFile
from django.core.handlers.base import BaseHandler
from django.db import transaction
from django.test import Client, RequestFactory
from django.urls import URLPattern, URLResolver, get_resolver

from eclaireur.core.catalog import find_card
from eclaireur.core.types import Verdict
from eclaireur.core.view import Column, Table
from eclaireur.core.view_json import to_plain
from eclaireur.desk import contests, decisions
from eclaireur.desk.access import Action, Reach, reach_of
from eclaireur.desk.models import (
    Contest,
    Dossier,
    Edition,
    Grant,
    Item,
    Job,
    JobState,
    Role,
    TargetReasons,
    Upload,
    User,
    Worklist,
)
from eclaireur.desk.place import work_on
from tests.desk.conftest import CASE

pytestmark = pytest.mark.django_db

AREAS, SERVICES, PEOPLE, ROWS = 5, 4, 50, 3
"""5 areas of 4 services are 20 perimeters."""

STRIDE = 40
"""Of the routes, one in so many is asked for each person and perimeter, in turn: each route meets them all.
With 1 every combination is asked, in minutes.
"""

TURNS = 8
"""Of the routes that a person may use, one in so many is asked by each, in turn. With 1 each asks all."""

_FORMS = {"<case:case>/tirage/": {"capacity": "0"}}
"""What to send where an empty form would need a whole calculation behind it."""

_OWN = ("lire/<", "<intake:case>/messages/<", "<intake:case>/comparaisons/<")
"""Asked for elsewhere: what a person had read is theirs alone (test_read), messages are of cases of another
desk (test_intake).
"""

_MARK = re.compile(rb"ZQ(\d\d|A\d|S\d)X")


@dataclass
class Perimeter:
    """An area of a service, and one thing of each kind in it."""

    number: int
    things: dict[str, Any] = field(default_factory=dict)

    @property
    def area(self) -> str:
        return f"Secteur ZQA{self.number % AREAS}X"

    @property
    def service(self) -> str:
        return f"Service ZQS{self.number // AREAS}X"

    @property
    def mark(self) -> str:
        return f"ZQ{self.number:02}X"

    def seen_by(self, reach: Reach) -> bool:
        return reach.may(Action.SEE, CASE, self.area, self.service)


@dataclass(frozen=True)
class Person:
    """Somebody signed in, and what may be shown to them."""

    user: User
    reach: Reach
    session: str
    marks: frozenset[bytes]

    def ask(self, route: Route, method: str, things: dict[str, Any]) -> Any:
        """Ask, through everything that a request goes through, and undo whatever was written."""
        factory, address = RequestFactory(), route.address(things)
        factory.cookies["sessionid"] = self.session
        body = body_of(route.pattern)
        if method == "get":
            request = factory.get(address)
        elif body is not None:
            request = factory.post(address, body, content_type="application/json")
        else:
            request = factory.post(address, _FORMS.get(route.pattern, {}))
        request._dont_enforce_csrf_checks = True  # type: ignore[attr-defined]
        with undone():
            response: Any = handler().get_response(request)
            response.body = b"".join(response.streaming_content) if response.streaming else response.content
            response.close()
        response.where = (self.user.login, method, address, response.status_code)
        return response


@dataclass(frozen=True)
class World:
    """All perimeters, all people."""

    perimeters: tuple[Perimeter, ...]
    people: tuple[Person, ...]


@cache
def handler() -> BaseHandler:
    """Return what answers requests, with every middleware; lighter than a client, which records templates."""
    made = BaseHandler()
    made.load_middleware()
    return made


@contextmanager
def undone() -> Iterator[None]:
    """Roll back what happens inside."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: Any) -> Iterator[World]:
    """Build the perimeters once for all tests of this file, and take them away at the end."""
    logging.disable()  # each refusal would be a line
    with django_db_blocker.unblock(), undone():
        perimeters = tuple(Perimeter(number) for number in range(AREAS * SERVICES))
        _fill(perimeters)
        yield World(perimeters, tuple(_people(perimeters)))
    logging.disable(logging.NOTSET)
    handler.cache_clear()


def _fill(perimeters: Iterable[Perimeter]) -> None:
    base = Edition.objects.get(case=CASE, service="", current=True, training=False)
    rows = iter(base.targets.select_related("dossier", "reasons").order_by("pk"))
    author = User.objects.get(login="responsable")
    editions: dict[str, Edition] = {}
    kept = _kept_report()
    for one in perimeters:
        if one.service not in editions:
            copy = Edition.objects.get(pk=base.pk)
            copy.pk, copy.service = None, one.service
            copy.save()
            editions[one.service] = copy
        edition = editions[one.service]
        place = {"case": CASE, "area": one.area, "service": one.service}
        worklist = Worklist.objects.create(
            **place, edition=edition, title=f"Liste {one.mark}", run="r", capacity=3, random_share=0.3
        )
        for position in range(ROWS):
            row = next(rows)
            name = f"{one.mark} numéro {position}"
            dossier = Dossier.objects.create(
                **place, subject=row.dossier.subject, name=name, status="to_inspect"
            )
            reasons, row.pk = row.reasons.content, None
            row.edition, row.dossier, row.name = edition, dossier, name
            row.area, row.service = one.area, one.service
            row.save()
            TargetReasons.objects.create(target=row, content=reasons)
            if position < ROWS - 1:  # the last one is in no list
                drawn = "random" if position else "model"
                Item.objects.create(
                    **place, worklist=worklist, target=row, position=position, drawn=drawn, propensity=1
                )
            decisions.comment(author, dossier, f"Commentaire {one.mark}")
        job = Job.objects.create(
            **place, pk=uuid4(), kind="publish", title=one.mark, state=JobState.FAILED, user=author
        )
        report = Job.objects.create(
            **place,
            pk=uuid4(),
            kind="report",
            title=one.mark,
            state=JobState.DONE,
            arguments={"report": "r"},
            result={"run": kept},
            user=author,
        )
        upload = Upload.objects.create(
            **place, name=f"{one.mark}.csv", sha256="", bytes=1, state="refused", user=author
        )
        upload.file.save(f"perimeter-{one.number}", ContentFile(b"a"))
        one.things = {
            "editions": edition.pk,
            "listes": worklist.pk,
            "dossiers": dossier.pk,
            "taches": job.pk,
            "rapports": report.pk,
            "calculs": report.pk,
            "calcul": job.pk,
            "fichiers": upload.pk,
            "connecter": upload.pk,
            "contestations": _contest(one, dossier).pk,
            "explained": decisions.decide(author, dossier, row, Verdict.FOLLOW).pk,
            "kind": dossier.subject.partition(":")[0],
            "key": dossier.key,
        }


def _contest(one: Perimeter, dossier: Dossier) -> Contest:
    """Send a contest on a dossier, whose words name its perimeter."""
    row = contests.send(
        CASE,
        {"about": dossier.key, "name": one.mark, "contact": one.mark, "text": f"Contestation {one.mark}"},
        address=one.mark,
    )
    row.area, row.service, row.dossier = one.area, one.service, dossier
    row.save()
    return row


def _kept_report() -> str:
    """Keep a report that names nobody, for every perimeter to show; return its run."""
    work = work_on(CASE)
    run = work.run("report", config={"report": "r"}, inputs=())
    blocks = to_plain([Table(title="Rien", columns=(Column(key="a", title="A"),), rows=({"a": 1},))])
    text = json.dumps({"blocks": blocks, "mentions": {}})

    def write(folder: Path) -> None:
        (folder / "report.json").write_text(text)

    work.workspace.runs.do(run, write)
    return run.id


def _grants(number: int, perimeters: tuple[Perimeter, ...]) -> Sequence[tuple[str, str, str, str]]:
    """Return the rights of the nth person: every shape of perimeter, every role, and nothing at all."""
    here, there = perimeters[number % len(perimeters)], perimeters[(7 * number + 3) % len(perimeters)]
    role = (Role.AGENT, Role.MANAGER, Role.SCIENTIST)[number % 3]
    shapes: tuple[Sequence[tuple[str, str, str, str]], ...] = (
        [(role, CASE, here.area, here.service)],
        [(role, CASE, here.area, here.service), (Role.AGENT, CASE, there.area, there.service)],
        [(role, CASE, here.area, "")],
        [(role, CASE, "", here.service)],
        [(role, "", here.area, here.service)],
        [(role, "another_case", "", "")],
        [(Role.ADMINISTRATOR, "", "", "")],
        [(Role.ADMINISTRATOR, "", "", ""), (role, CASE, here.area, here.service)],
        [(role, CASE, here.service, here.area)],
        [] if number < PEOPLE - 1 else [(Role.MANAGER, "", "", "")],
    )
    return shapes[number % len(shapes)]


def _people(perimeters: tuple[Perimeter, ...]) -> Iterator[Person]:
    for number in range(PEOPLE):
        user = User.objects.create_user(f"personne-{number}", f"Personne {number}")
        for role, case, area, service in _grants(number, perimeters):
            Grant.objects.create(user=user, role=role, case=case, area=area, service=service)
        client = Client()
        client.force_login(user)
        reach = reach_of(user)
        seen = [one for one in perimeters if one.seen_by(reach)]
        own = re.findall(r"ZQ(\w\d)X", json.dumps([[one.area, one.service] for one in reach.perimeters]))
        names = {text for one in seen for text in _MARK.findall(f"{one.area}{one.service}".encode())}
        marks = {f"{one.number:02}".encode() for one in seen} | names | {text.encode() for text in own}
        yield Person(user, reach, client.cookies["sessionid"].value, frozenset(marks))


@dataclass(frozen=True)
class Route:
    """An address of the desk, with holes."""

    pattern: str

    @property
    def holes(self) -> list[str]:
        return re.findall(r"<(?:\w+:)?(\w+)>", self.pattern)

    @property
    def room(self) -> str:
        """Which kind of thing the address names; empty when it names none."""
        if "kind" in self.holes:
            return "kind"
        found = re.search(r"(\w+)/<(?:\w+:)?pk>", self.pattern)
        return found[1] if found else ""

    @property
    def public(self) -> bool:
        """Tell whether the address serves people who are not signed in."""
        return self.pattern.startswith(
            ("acces/", "demonstration/", "connexion/", "fiches/", "contester/", "accessibilite/")
        )

    def address(self, things: dict[str, Any]) -> str:
        """Fill the holes. A hole that nothing fills is a route that nobody probes: the test fails."""
        letters = find_card(CASE).procedure.letters
        fillings: dict[str, Any] = {
            "case": CASE,
            "form": "csv",
            "template": letters[0].code,
            "token": "inconnu",
            "number": User.objects.order_by("pk").values_list("pk", flat=True)[0],
            "grant": 1,
            "rest": "v1/inconnu",
            **{name: things[name] for name in ("kind", "key") if name in things},
        }
        if "/explication/" in self.pattern:
            fillings["number"] = things["explained"]
        if self.room and self.room != "kind":
            fillings["pk"] = things[self.room]
        text = re.sub(r"\^\(\?P<(\w+)>\.\*\)\$", r"<\1>", self.pattern)
        return "/" + re.sub(r"<(?:\w+:)?(\w+)>", lambda hole: str(fillings[hole[1]]), text)


@cache
def routes() -> tuple[Route, ...]:
    """Return every address that the desk's own table knows."""
    found = set(_walk(get_resolver().url_patterns, ""))
    return tuple(Route(text) for text in sorted(found) if not text.startswith(_OWN))


def _walk(patterns: Iterable[URLPattern | URLResolver], before: str) -> Iterator[str]:
    for one in patterns:
        if isinstance(one, URLResolver):
            yield from _walk(one.url_patterns, before + str(one.pattern))
        else:
            yield before + str(one.pattern)


@cache
def body_of(pattern: str) -> str | None:
    """Return what to send to an address of the API: the example of its description."""
    from eclaireur.desk.api.site import api

    found: dict[str, Any] = api.get_openapi_schema(path_prefix="/api/v1/")
    path = "/" + re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", pattern)
    sent = found["paths"].get(path, {}).get("post", {}).get("requestBody")
    if sent is None or "application/json" not in sent["content"]:
        return None  # nothing, or a file
    name = sent["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
    return json.dumps(found["components"]["schemas"][name]["examples"][0])


def leaks(person: Person, response: Any, *, rows_only: bool = False) -> set[bytes]:
    """Return the marks, in an answer, of what the person may not see."""
    found = set(_MARK.findall(response.body)) - person.marks
    return {mark for mark in found if mark.isdigit()} if rows_only else found


def test_every_route_can_be_probed(world: World) -> None:
    for route in routes():
        assert route.address(world.perimeters[0].things).startswith("/"), route.pattern
    assert len(routes()) > 80


def test_what_lies_outside_a_reach_does_not_exist(world: World) -> None:
    naming = [route for route in routes() if route.room]
    answers: dict[str, dict[str, set[int]]] = {
        route.pattern: {"get": set(), "post": set()} for route in naming
    }
    for nth, person in enumerate(world.people):
        editions = {one.things["editions"] for one in world.perimeters if one.seen_by(person.reach)}
        for one in world.perimeters:
            if one.seen_by(person.reach):
                continue
            for at in range((nth + one.number) % STRIDE, len(naming), STRIDE):
                route = naming[at]
                if route.room == "editions" and one.things["editions"] in editions:
                    continue  # of this calculation the person sees other lines
                method = ("get", "post")[(at // STRIDE + one.number // 2 + nth) % 2]
                response = person.ask(route, method, one.things)
                answers[route.pattern][method].add(response.status_code)
                assert not leaks(person, response), response.where
    for pattern, found in answers.items():
        # 405 where nobody may use the method: that tells nothing of what exists.
        assert all(statuses in ({404}, {405}) for statuses in found.values()), (pattern, found)
        assert {404} in found.values(), pattern


def test_what_lies_inside_a_reach_answers_and_names_nothing_else(world: World) -> None:
    naming = [route for route in routes() if route.room]
    answered: dict[str, set[int]] = {route.pattern: set() for route in naming}
    for nth, person in enumerate(world.people):
        mine = [one for one in world.perimeters if one.seen_by(person.reach)]
        for at, route in enumerate(naming):
            if not mine:
                break
            if (nth + at) % TURNS and len(mine) < len(world.perimeters):
                continue
            chosen = ("get", "post")[(nth // 3 + at) % 2]
            everywhere = len(mine) == len(world.perimeters)  # few people are: they try both methods
            for method in ("get", "post") if everywhere else (chosen,):
                response = person.ask(route, method, mine[(nth + at) % len(mine)].things)
                answered[route.pattern].add(response.status_code)
                assert response.status_code not in {403, 500}, response.where
                assert not leaks(person, response), response.where
    # The lists of this world are real ones: in the training desk they do not exist.
    silent = {pattern for pattern, statuses in answered.items() if statuses <= {404, 405}}
    silent = {pattern for pattern in silent if "/entrainement/" not in pattern}
    assert not silent, "nobody can use these: does the test still build what they name?"


@pytest.mark.one_database
def test_the_other_pages_name_nothing_outside_a_reach(world: World) -> None:
    others = [route for route in routes() if not route.room]
    for nth, person in enumerate(world.people):
        manages = person.reach.may(Action.MANAGE, "")
        for at, route in enumerate(others):
            if (nth + at) % (2 * TURNS):
                continue
            method = ("get", "post")[(nth // 3 + at) % 2]
            response = person.ask(route, method, {})
            assert response.status_code not in {403, 500}, response.where
            # An administrator gives rights: the names of areas are shown there, no row is.
            assert not leaks(person, response, rows_only=manages), response.where
            closed = route.pattern.startswith("administration/") and not manages
            if closed or ("case" in route.holes and not person.reach.cases([CASE])):
                assert response.status_code in {404, 405}, response.where
