"""Schemathesis asks the API all that its description allows, and much that it does not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import schemathesis
from django.core.wsgi import get_wsgi_application
from django.utils import timezone
from hypothesis import HealthCheck, Phase, settings as hypothesis_settings

from eclaireur.desk.access import SCOPES, Perimeter
from eclaireur.desk.accounts.keys import make_key
from eclaireur.desk.models import Job, User
from tests.desk.conftest import CASE, Desk

pytestmark = pytest.mark.one_database

EXAMPLES = 3
"""Requests of each kind, for each operation; those at the bounds of each parameter come on top."""

# What a card says (its reasons, its steps) is not in the description: a body of the right form may still be
# refused, by 422 in words. Every other answer is one of schemathesis's own expectations.
_CHECKS = {
    "positive_data_acceptance": {"expected-statuses": ["2xx", "401", "403", "404", "409", "422", "503"]}
}
_OPENAPI = "/api/v1/openapi.json"


def _schema(**config: Any) -> Any:
    whole = schemathesis.Config.from_dict({"checks": _CHECKS, **config})
    return schemathesis.openapi.from_wsgi(_OPENAPI, get_wsgi_application(), config=whole)


everything = _schema()
right = _schema(generation={"mode": "positive"}, phases={"coverage": {"enabled": False}})
few: Callable[[Callable[..., None]], Callable[..., None]] = hypothesis_settings(
    max_examples=EXAMPLES,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
    derandomize=True,
)


@pytest.fixture
def token(desk: Desk, settings: Any) -> str:
    """Return the key of a program that may do everything in the case."""
    settings.API_PER_MINUTE = 10**9
    settings.HEAVY_AT_ONCE = 3
    _, token = make_key(
        desk.manager,
        "Essai",
        scopes=tuple(SCOPES),
        expires=timezone.now() + timedelta(days=1),
        perimeter=Perimeter("", CASE),
    )
    return token


@pytest.fixture
def known(desk: Desk) -> dict[str, Any]:
    """Return numbers of things that exist, by the room of the address."""
    item = desk.worklist.items.first()
    assert item is not None
    job = Job.objects.create(kind="publish", title="Essai", case=CASE, user=User.objects.first())
    return {
        "editions": desk.edition.pk,
        "listes": desk.worklist.pk,
        "dossiers": item.target.dossier_id,
        "taches": str(job.pk),
        "cas": CASE,
    }


@everything.parametrize()  # type: ignore[untyped-decorator]
@few
def test_the_api_holds_to_its_description(case: Any, token: str) -> None:
    case.call_and_validate(headers={"Authorization": f"Bearer {token}"})


@right.include(path_regex="{").parametrize()  # type: ignore[untyped-decorator]
@few
def test_the_api_holds_to_its_description_on_what_exists(
    case: Any, token: str, known: dict[str, Any]
) -> None:
    room = case.path.split("/")[3]
    for name in {"pk", "case"} & set(case.path_parameters):
        case.path_parameters[name] = known[room]
    case.call_and_validate(headers={"Authorization": f"Bearer {token}"})
