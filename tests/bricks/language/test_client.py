"""The client of language models, beside a server that answers well, badly, late or not at all."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from eclaireur.bricks.language.client import Budget, LanguageModel, Turn, configured
from eclaireur.core.errors import ConfigError, RefusedError, WorkFailedError
from tests.language_server import Scripted, language_server

ASKED = (Turn("user", "Bonjour ?"),)


@pytest.fixture
def server() -> Iterator[Scripted]:
    with language_server() as script:
        yield script


def test_an_answer_comes_whole_or_in_pieces_with_the_key_and_no_tool(server: Scripted) -> None:
    model = LanguageModel(url=server.url, model="petit", key="secret")
    assert model.chat(ASKED) == "Bonjour."
    assert list(model.stream(ASKED)) == ["Bonjo", "ur."]
    assert [one["authorization"] for one in server.asked] == ["Bearer secret"] * 2
    assert server.asked[0]["messages"] == [{"role": "user", "content": "Bonjour ?"}]
    assert not {"tools", "functions"} & set(server.asked[0])
    assert "secret" not in repr(model)


def test_a_busy_server_is_asked_again(server: Scripted) -> None:
    server.way = "busy"
    assert LanguageModel(url=server.url).chat(ASKED) == "Bonjour."
    assert len(server.asked) == 3


@pytest.mark.parametrize("way", ["html", "malformed", "refusing", "slow", "cut", "endless"])
def test_a_server_that_misbehaves_ends_in_one_french_sentence(server: Scripted, way: str) -> None:
    server.way = way
    with pytest.raises(WorkFailedError, match="modèle de langue n’a pas pu servir"):
        LanguageModel(url=server.url, timeout=0.4 if way == "slow" else 5.0).chat(ASKED)


@pytest.mark.parametrize("stream", [False, True])
def test_a_server_that_drips_is_cut_when_time_is_up(server: Scripted, *, stream: bool) -> None:
    server.way = "dripping"
    model = LanguageModel(url=server.url, timeout=0.3)
    start = time.monotonic()
    with pytest.raises(WorkFailedError):
        "".join(model.stream(ASKED)) if stream else model.chat(ASKED)
    assert time.monotonic() - start < 4.0


def test_a_stream_that_stops_before_its_end_is_not_taken_for_whole(server: Scripted) -> None:
    server.way = "half"
    with pytest.raises(WorkFailedError):
        list(LanguageModel(url=server.url).stream(ASKED))


def test_nobody_answering_is_told(server: Scripted) -> None:
    with pytest.raises(WorkFailedError):
        LanguageModel(url="http://127.0.0.1:9/v1", timeout=1.0).chat(ASKED)


def test_a_budget_is_each_person_s_and_lasts_a_day(server: Scripted) -> None:
    model = LanguageModel(url=server.url, budget=Budget(most=30))
    model.chat(ASKED, person="ana")
    with pytest.raises(RefusedError, match="limite"):
        model.chat((Turn("user", "a" * 20),), person="ana")
    assert model.chat(ASKED, person="bob") == "Bonjour."
    budget = Budget(most=5)
    budget.take("ana", 5, now=1.0)
    assert (budget.left("ana", now=2.0), budget.left("ana", now=90_000.0)) == (0, 5)


def test_a_person_has_one_budget_however_often_the_model_is_asked_for() -> None:
    given = {"ECLAIREUR_LANGUAGE_URL": "http://127.0.0.1:9/v1"}
    first, second = configured(given), configured(given)
    assert first is not None
    assert second is not None
    before = second.budget.left("quelqu'un")
    first.budget.take("quelqu'un", 100)
    assert second.budget.left("quelqu'un") == before - 100
    first.budget.take("", 10**9)


def test_the_environment_names_the_server() -> None:
    found = configured({"ECLAIREUR_LANGUAGE_URL": "https://a.fr/v1", "ECLAIREUR_LANGUAGE_MODEL": "m"})
    assert found is not None
    assert (found.url, found.model) == ("https://a.fr/v1", "m")
    with pytest.raises(ConfigError, match="adresse"):
        configured({"ECLAIREUR_LANGUAGE_URL": "a.fr"})
