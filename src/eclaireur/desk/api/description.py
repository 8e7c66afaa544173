"""What the API says of itself: OpenAPI, and the same as a page that loads nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from eclaireur.desk.api.auth import Key
from eclaireur.desk.api.errors import usual_words
from eclaireur.desk.api.shapes import Error

if TYPE_CHECKING:
    from ninja import NinjaAPI

__all__ = ["complete", "page"]

_ANY = (400, 500, 503)
_GIVEN = {
    200: "Ce qui est demandé.",
    201: "C'est enregistré.",
    202: "La demande est prise : elle sera faite.",
}
_PARTS = {
    "pk": "Numéro, tel que l'API l'a donné.",
    "case": "Nom d'un cas d'usage.",
    "form": "Forme du fichier.",
}
_ERROR = "#/components/schemas/Error"


def complete(api: NinjaAPI, found: dict[str, Any]) -> dict[str, Any]:
    """Add to a description what the framework does not know: errors, scopes, words in French."""
    found["components"]["schemas"] |= _error_schemas()
    scopes = dict(_scopes(api))
    for methods in found["paths"].values():
        for method, one in methods.items():
            _operation(method, one, scopes.get(one["operationId"], ""))
    return found


def _error_schemas() -> dict[str, Any]:
    schema = Error.model_json_schema(ref_template="#/components/schemas/{model}")
    return {**schema.pop("$defs"), "Error": schema}


def _scopes(api: NinjaAPI) -> Iterator[tuple[str, str]]:
    for router in api._get_bound_routers():  # noqa: SLF001 (the framework has no public list)
        for view in router.path_operations.values():
            for operation in view.operations:
                for one in operation.auth_callbacks:
                    if isinstance(one, Key):
                        yield api.get_openapi_operation_id(operation), one.scope


def _operation(method: str, one: dict[str, Any], scope: str) -> None:
    for given in one["parameters"]:
        given.setdefault("description", _PARTS.get(given["name"], ""))
        if given["schema"].get("default", "") is None:
            del given["schema"]["default"]
    for status, answer in one["responses"].items():
        answer["description"] = _GIVEN[int(status)]
    if scope:
        one["security"] = [{name: [scope] for name in way} for way in one["security"]]
    for status in _errors(method, one):
        one["responses"][status] = _answer(status)


def _errors(method: str, one: dict[str, Any]) -> list[int]:
    """Return the statuses of the errors that an operation may answer."""
    found = [*_ANY, 422]
    if one.get("security"):
        found += [401, 403, 429]
    if "requestBody" in one or any(given["in"] == "path" for given in one["parameters"]):
        found.append(404)
    if method == "post" or one["operationId"] in {"indices", "ranking"}:
        found.append(409)
    if "requestBody" in one:
        found.append(413)
    return sorted(found)


def _answer(status: int) -> dict[str, Any]:
    kind, message, fix = usual_words(status)
    example = {
        "type": kind,
        "message": message,
        "fix": fix or None,
        "field": None,
        "file": None,
        "line": None,
    }
    said: dict[str, Any] = {
        "description": f"{message[0].upper()}{message[1:]}",
        "content": {"application/json": {"schema": {"$ref": _ERROR}, "example": {"error": example}}},
    }
    if status in {429, 503}:
        wait = {"schema": {"type": "string"}, "description": "Secondes à attendre."}
        said["headers"] = {"Retry-After": wait}
    return said


@require_GET
def page(request: HttpRequest) -> HttpResponse:
    """Show the description to people."""
    from eclaireur.desk.api.site import api

    return render(request, "desk/api.html", {"rooms": _rooms(), "about": api.description.split("\n\n")})


@cache
def _rooms() -> list[dict[str, Any]]:
    from eclaireur.desk.api.site import api

    found = api.get_openapi_schema(path_prefix="/api/v1/")
    schemas = found["components"]["schemas"]
    rooms: dict[str, list[dict[str, Any]]] = {}
    for path, methods in found["paths"].items():
        for method, one in methods.items():
            rooms.setdefault(one["tags"][0], []).append(
                {
                    "id": one["operationId"],
                    "method": method.upper(),
                    "path": path,
                    "summary": one["summary"],
                    "description": one.get("description", "").split("\n\n"),
                    "scope": next((s[0] for way in one.get("security", []) for s in way.values()), ""),
                    "given": [_field(given["name"], given["schema"], given) for given in one["parameters"]],
                    "sent": list(_sent(one, schemas)),
                    "answers": list(_answered(one, schemas)),
                    "statuses": [
                        {"status": status, "text": answer["description"]}
                        for status, answer in one["responses"].items()
                    ],
                }
            )
    return [{"title": title, "routes": routes} for title, routes in rooms.items()]


def _sent(one: dict[str, Any], schemas: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if "requestBody" in one:
        for content in one["requestBody"]["content"].values():  # JSON, or a form that carries a file
            yield from _fields(content["schema"], schemas)


def _answered(one: dict[str, Any], schemas: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for status, answer in one["responses"].items():
        content = answer.get("content", {}).get("application/json")
        if int(status) < 300 and content:
            yield from _fields(_inside(content["schema"], schemas), schemas)


def _inside(schema: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    """Return what a list, or a page, is made of; anything else as it is."""
    whole = schemas[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
    items = whole.get("items") or whole.get("properties", {}).get("items", {}).get("items")
    return items or schema


def _fields(schema: dict[str, Any], schemas: dict[str, Any]) -> Iterator[dict[str, Any]]:
    whole = schemas[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
    needed = whole.get("required", [])
    for name, one in whole.get("properties", {}).items():
        yield _field(name, one, {"required": name in needed, "description": one.get("description", "")})


def _field(name: str, schema: dict[str, Any], said: dict[str, Any]) -> dict[str, Any]:
    values = schema.get("enum") or ([schema["const"]] if "const" in schema else [])
    return {
        "name": name,
        "kind": _kind(schema),
        "required": bool(said.get("required")),
        "description": said.get("description", ""),
        "values": [value for value in values if value],
    }


_KINDS = {
    "string": "texte",
    "integer": "entier",
    "number": "nombre",
    "boolean": "vrai ou faux",
    "array": "liste",
    "object": "objet",
    "null": "nul",
}


def _kind(schema: dict[str, Any]) -> str:
    """Say the kind of a value in French."""
    if "anyOf" in schema:
        return " ou ".join(dict.fromkeys(_kind(one) for one in schema["anyOf"]))
    if schema.get("format") in {"date", "date-time"}:
        return "date" if schema["format"] == "date" else "date et heure"
    return _KINDS.get(schema.get("type", ""), "objet" if "$ref" in schema else "texte")
