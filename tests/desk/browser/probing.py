"""What must hold on every page of the desk, read from a real browser."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from playwright.sync_api import Page

__all__ = ["cut_by_spacing", "faults", "photograph", "unseen_focus"]

_ALL: dict[str, Any] = {"resultTypes": ["violations"], "rules": {"target-size": {"enabled": True}}}
_COLOURS: dict[str, Any] = {
    "resultTypes": ["violations"],
    "runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]},
}
"""All that a dark screen can break that a light one does not: the elements are the same."""
_LOOKS: tuple[tuple[Literal["light", "dark"], dict[str, Any]], ...] = (("light", _ALL), ("dark", _COLOURS))
_PLAIN = """() => {
  const wrong = [];
  const run = "script:not([src], [type='application/json'])";
  for (const one of document.querySelectorAll(`[style], style, ${run}`))
    if (!one.closest("#carte, .maplibregl-map")) wrong.push(one.outerHTML.slice(0, 120));
  for (const one of document.querySelectorAll("*"))
    for (const { name } of one.attributes) if (name.startsWith("on")) wrong.push(`${one.tagName} ${name}`);
  return wrong;
}"""
"""Inline style and code, but for the map's own: its library moves parts by the object model of style."""
_FOCUSED = """() => {
  const one = document.activeElement;
  if (!one || one === document.body) return null;
  const { outlineStyle, outlineWidth } = getComputedStyle(one);
  const { width, height } = one.getBoundingClientRect();
  const seen = outlineStyle !== "none" && parseFloat(outlineWidth) >= 2 && width > 0 && height > 0;
  const again = one === window.stopped; // the parts of a field of date are the browser's own
  window.stopped = one;
  return { name: one.outerHTML.slice(0, 120), seen: seen || again };
}"""
_SPACED = """() => {
  const cut = () => new Set([...document.querySelectorAll("body *")].filter((one) => {
    const { overflowX, overflowY, clip, position } = getComputedStyle(one);
    if (clip !== "auto" || position === "absolute") return false;
    if (!one.textContent.trim() || !one.clientWidth) return false;
    return (["hidden", "clip"].includes(overflowX) && one.scrollWidth > one.clientWidth + 1)
      || (["hidden", "clip"].includes(overflowY) && one.scrollHeight > one.clientHeight + 1);
  }));
  const before = cut();
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`* { line-height: 1.5 !important; letter-spacing: 0.12em !important;
    word-spacing: 0.16em !important } p { margin-bottom: 2em !important }`);
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
  const wide = document.documentElement.scrollWidth - innerWidth;
  const after = [...cut()].filter((one) => !before.has(one));
  const wrong = after.map((one) => `cut: ${one.outerHTML.slice(0, 160)}`);
  document.adoptedStyleSheets = document.adoptedStyleSheets.slice(0, -1);
  return wide > 0 ? [...wrong, `${wide} px wider than the window`] : wrong;
}"""
"""What is cut, or overflows, once people space text as WCAG 1.4.12 lets them."""
_MOST_STOPS = 60


def faults(page: Page, *, dark: bool = True) -> list[str]:
    """Return what is wrong on the page as it stands, in light and in dark."""
    found = []
    for scheme, options in _LOOKS if dark else _LOOKS[:1]:
        page.emulate_media(color_scheme=scheme)
        found += [f"{scheme}: {one}" for one in _violations(page, options)]
    wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    if wide > 0:
        found.append(f"{wide} px wider than the window")
    return found + [f"inline: {one}" for one in page.evaluate(_PLAIN)]


def _violations(page: Page, options: dict[str, Any]) -> list[str]:
    from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]

    found: list[dict[str, Any]] = Axe().run(page, options=options).response["violations"]
    return [f"{one['id']} {[node['html'][:160] for node in one['nodes']][:4]}" for one in found]


def unseen_focus(page: Page) -> list[str]:
    """Go through the page by the tabulation key; return the elements whose focus is not seen."""
    page.evaluate("document.activeElement.blur()")
    wrong = []
    for _ in range(_MOST_STOPS):
        page.keyboard.press("Tab")
        stop = page.evaluate(_FOCUSED)
        if stop is None:
            break
        if not stop["seen"]:
            wrong.append(stop["name"])
    return wrong


def cut_by_spacing(page: Page) -> list[str]:
    """Space lines, words and letters; return the texts that are cut, or by how much the page overflows."""
    found: list[str] = page.evaluate(_SPACED)
    return found


def photograph(page: Page, path: Path) -> None:
    """Write what the window shows as WebP, which Playwright does not offer and Chromium does."""
    session = page.context.new_cdp_session(page)
    taken = session.send("Page.captureScreenshot", {"format": "webp", "quality": 72})
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(base64.b64decode(taken["data"]))
