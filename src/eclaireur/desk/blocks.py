"""View blocks as HTML: what a case shows on a page, without a line of web code from the case.

Every text goes through Django's escaping templates; figures are written by `core.svg`, which escapes too.
No style or script is inline, so the content security policy of the desk holds.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from django.http import HttpRequest
from django.middleware.csrf import get_token
from django.template.loader import render_to_string
from django.utils.safestring import SafeString, mark_safe

from eclaireur.core import french, showing
from eclaireur.core.errors import EclaireurError
from eclaireur.core.figures import lay_out
from eclaireur.core.svg import to_svg
from eclaireur.core.view import (
    Block,
    Chart,
    Citations,
    Column,
    Diff,
    Facts,
    Form,
    FormField,
    Funnel,
    Map,
    Page,
    Reason,
    Reasons,
    SpanText,
    Table,
    Timeline,
)
from eclaireur.desk.maps import of_block

__all__ = ["FormState", "data_of", "render_blocks"]

_KINDS = {
    "boolean": "checkbox",
    "choice": "choice",
    "date": "date",
    "email": "email",
    "text": "text",
    "textarea": "textarea",
}
"""Kind of a parameter → how it is asked; numbers are typed as text, so that a decimal comma may be."""

_NUMERIC = {"number", "integer", "float", "decimal"}
_UNSAFE_IN_JSON = {ord("<"): "\\u003C", ord(">"): "\\u003E", ord("&"): "\\u0026"}


@dataclass(frozen=True, slots=True)
class FormState:
    """What surrounds a form: where it goes, its token, what was typed, and what was wrong.

    Parameters
    ----------
    action
        Address that receives the form; the page's own by default.
    typed
        Name → text as it was sent; empty before the first try.
    errors
        Name → French sentence.
    """

    action: str = ""
    token: str = ""
    typed: Mapping[str, str] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(
        cls, request: HttpRequest, *, action: str = "", errors: Mapping[str, str] | None = None
    ) -> FormState:
        """Return the state of a form on the page that answers a request: what was sent is kept."""
        return cls(action, get_token(request), request.POST.dict(), errors or {})


def render_blocks(
    blocks: Iterable[Block], *, weights: bool = True, state: FormState | None = None
) -> SafeString:
    """Return blocks as HTML that a template may show as it is. Pages link ``desk/blocks.css``.

    Parameters
    ----------
    weights
        False hides how strong each reason is: in a list with random lines, before a verdict.
    state
        What surrounds the form, when a block is one.

    Raises
    ------
    EclaireurError
        If the kind of a block is unknown.
    """
    made = [_block(block, _Around(at, weights, state or FormState())) for at, block in enumerate(blocks)]
    return mark_safe("\n".join(made))  # noqa: S308 (each was rendered by an escaping template)


@dataclass(frozen=True, slots=True)
class _Around:
    """What a block cannot know: its place on the page, and what the page hides or was sent."""

    at: int
    weights: bool
    state: FormState


def _block(block: Block, around: _Around) -> str:
    if type(block) not in _CONTEXTS:
        raise EclaireurError(f"bloc d'affichage inconnu : {type(block).__name__}.")
    name, make = _CONTEXTS[type(block)]
    body = render_to_string(f"desk/blocks/{name}.html", {"block": block, **make(block, around)})
    kind = name.replace("_", "-")
    return render_to_string("desk/blocks/block.html", {"block": block, "body": body, "kind": kind})


def _drawing(block: Chart | Timeline | Funnel) -> SafeString:
    return mark_safe(to_svg(lay_out(block)))  # noqa: S308 (every text in it is escaped)


def _facts(block: Facts, around: _Around) -> dict[str, Any]:
    return {"pairs": [(name, value, showing.is_identifier(value)) for name, value in block.pairs]}


def _reasons(block: Reasons, around: _Around) -> dict[str, Any]:
    strongest = max((abs(one.weight) for one in block.reasons), default=0.0)
    sides = [
        {
            "heading": heading,
            "arrow": arrow,
            "kind": "up" if arrow == "▲" else "down",
            "themes": [
                (theme, [_reason(one, strongest if around.weights else 0.0) for one in group])
                for theme, group in showing.by_theme(chosen).items()
            ],
        }
        for heading, arrow, chosen in showing.parted(block.reasons)
    ]
    return {"sides": sides}


def _reason(reason: Reason, strongest: float) -> dict[str, Any]:
    said: dict[str, Any] = {"reason": reason, "origin": showing.origin(reason)}
    if strongest:
        share = abs(reason.weight) / strongest
        said["strength"] = f"{100 * share:.1f}"
        said["words"] = f"poids : {french.percent(share)} de la raison la plus forte"
    return said


def _table(block: Table, around: _Around) -> dict[str, Any]:
    rows = [
        [(showing.show(row.get(one.key), one.kind), one.align == "right") for one in block.columns]
        for row in block.rows
    ]
    return {"rows": rows}


def _chart(block: Chart, around: _Around) -> dict[str, Any]:
    table = data_of(block)
    return {"drawing": _drawing(block), "table": table, **_table(table, around)}


def data_of(block: Chart) -> Table:
    """Return the points of a chart as a table: one line a point, with its interval when it has one."""
    banded = any(series.low for series in block.series)
    columns = [
        Column(key="series", title="Série"),
        Column(key="x", title=block.x_title),
        Column(key="y", title=block.y_title, align="right"),
    ]
    if banded:
        columns += [
            Column(key="low", title="De", align="right"),
            Column(key="high", title="À", align="right"),
        ]
    rows = [
        {
            "series": series.name,
            "x": series.x[at],
            "y": series.y[at],
            "low": series.low[at] if series.low else None,
            "high": series.high[at] if series.high else None,
        }
        for series in block.series
        for at in range(len(series.x))
    ]
    return Table(title=f"Données : {block.title}", columns=tuple(columns), rows=rows)


def _map(block: Map, around: _Around) -> dict[str, Any]:
    places = [
        (
            place.label,
            "" if place.value is None else french.number(place.value, 2),
            f"{french.number(place.latitude, 5)} ; {french.number(place.longitude, 5)}",
        )
        for place in block.places
    ]
    # As Django's json_script: nothing in it can close the element.
    text = json.dumps(of_block(block), ensure_ascii=False).translate(_UNSAFE_IN_JSON)
    return {"places": places, "geojson": mark_safe(text)}  # noqa: S308


def _span_text(block: SpanText, around: _Around) -> dict[str, Any]:
    pieces = []
    seen: set[int] = set()
    parts = [one for one in block.marks if one.part]
    for text, marks in showing.pieces(block):
        labels = [one for one in marks if not one.part]
        # A part whose beginning is cut by a label is headed once, where it begins.
        heads = [at for at, one in enumerate(parts) if one in marks and at not in seen]
        seen.update(heads)
        pieces.append(
            (
                showing.printable(text),
                ", ".join(one.label if one.sure else f"{one.label} ?" for one in labels),
                any(one.sure for one in labels),
                [(f"partie-{around.at}-{at}", parts[at].label) for at in heads],
            )
        )
    return {"pieces": pieces, "labelled": any(not one.part for one in block.marks)}


def _page(block: Page, around: _Around) -> dict[str, Any]:
    return {"boxes": [(label, " ".join(f"{one:.2f}" for one in box)) for *box, label in block.boxes]}


def _diff(block: Diff, around: _Around) -> dict[str, Any]:
    rows = list(showing.side_by_side(block.left, block.right))
    return {"rows": rows, "same": block.left == block.right}


def _citations(block: Citations, around: _Around) -> dict[str, Any]:
    return {"citations": [(one, one.address if _is_web(one.address) else "") for one in block.citations]}


def _is_web(address: str) -> bool:
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.netloc)


def _timeline(block: Timeline, around: _Around) -> dict[str, Any]:
    events = sorted(block.events, key=lambda one: one.day, reverse=True)
    return {"drawing": _drawing(block), "events": events}


def _funnel(block: Funnel, around: _Around) -> dict[str, Any]:
    return {"drawing": _drawing(block)}


def _form(block: Form, around: _Around) -> dict[str, Any]:
    fields = [_field(around.at, one, around.state) for one in block.fields]
    return {"fields": fields, "state": around.state}


def _field(at: int, one: FormField, state: FormState) -> dict[str, Any]:
    kind = "choice" if one.choices else _KINDS.get(one.kind, "text")
    value = state.typed.get(one.name, "") if state.typed else one.default
    if kind == "checkbox":
        value = value if value.lower() not in {"", "0", "false", "non"} else ""
    name = "".join(char if char.isalnum() else "-" for char in one.name)
    ident = f"p{at}-{name}"
    error = state.errors.get(one.name, "")
    default = dict(one.choices).get(one.default, one.default)
    shown = (
        f"Par défaut : {default}{f' {one.unit}' if one.unit else ''}."
        if default and kind != "checkbox"
        else ""
    )
    help_text = " ".join(part for part in (one.help, shown) if part)
    described = [f"{ident}-aide"] * bool(help_text) + [f"{ident}-erreur"] * bool(error)
    return {
        "field": one,
        "kind": kind,
        "id": ident,
        "value": value,
        "error": error,
        "help": help_text,
        "numeric": one.kind in _NUMERIC,
        "described": " ".join(described),
    }


_CONTEXTS: dict[type, tuple[str, Callable[[Any, _Around], dict[str, Any]]]] = {
    Facts: ("facts", _facts),
    Reasons: ("reasons", _reasons),
    Table: ("table", _table),
    Chart: ("chart", _chart),
    Map: ("map", _map),
    SpanText: ("span_text", _span_text),
    Page: ("page", _page),
    Diff: ("diff", _diff),
    Timeline: ("timeline", _timeline),
    Citations: ("citations", _citations),
    Funnel: ("funnel", _funnel),
    Form: ("form", _form),
}
"""Template of each kind of block, and what makes its context."""
