"""Addresses of the desk. Each room of `pages` lists its own; a case adds none."""

from __future__ import annotations

from django.urls import include, path

from eclaireur.desk import converters  # noqa: F401 (registers <case:…>)
from eclaireur.desk.pages import errors

__all__ = ["handler400", "handler403", "handler404", "handler500", "urlpatterns"]

_ROOMS: tuple[str, ...] = (
    "home",
    "demo",
    "accounts",
    "second",
    "identity",
    "administration",
    "catalogue",
    "subjects",
    "draws",
    "switches",
    "transparency",
    "accessibility",
    "contest",
    "explanations",
    "bias",
    "project",
    "jobs",
    "maps",
    "exports",
    "readings",
    "connect",
    "reports",
    "workbench",
    "intake",
    "intake_asking",
    "reader",
    "documents",
    "originals",
    "annotate",
    "spans",
    "saved",
    "sheets",
    "lists",
)

urlpatterns = [
    path("api/", include("eclaireur.desk.api.site")),
    *(path("", include(f"eclaireur.desk.pages.{room}")) for room in _ROOMS),
]

handler400 = errors.bad_request
handler403 = errors.forbidden
handler404 = errors.not_found
handler500 = errors.server_error
