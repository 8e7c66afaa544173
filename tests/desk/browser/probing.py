"""What must hold on every page of the desk, read from a real browser."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from playwright.sync_api import Page

__all__ = ["cut_when", "faults", "photograph", "unseen_focus"]

_ALL: dict[str, Any] = {"resultTypes": ["violations"], "rules": {"target-size": {"enabled": True}}}
_COLOURS: dict[str, Any] = {
    "resultTypes": ["violations"],
    "runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]},
}
"""All that a dark screen can break that a light one does not: the elements are the same."""
_NARROW: dict[str, Any] = {
    "resultTypes": ["violations"],
    "rules": {"target-size": {"enabled": True}, "color-contrast": {"enabled": False}},
}
"""All but the dearest rule: a narrow page has no colours of its own."""
_LOOKS: tuple[tuple[Literal["light", "dark"], dict[str, Any]], ...] = (("light", _ALL), ("dark", _COLOURS))
_PLAIN = """() => {
  const wrong = [];
  const run = "script:not([src], [type='application/json'])";
  for (const one of document.querySelectorAll(`[style], style, ${run}`))
    if (!one.closest("#carte, .maplibregl-map")) wrong.push(`inline: ${one.outerHTML.slice(0, 120)}`);
  for (const one of document.querySelectorAll("*"))
    for (const { name } of one.attributes)
      if (name.startsWith("on")) wrong.push(`inline: ${one.tagName} ${name}`);
  for (const one of document.querySelectorAll("table"))
    if (!one.caption && !one.ariaLabel && !one.getAttribute("aria-labelledby"))
      wrong.push(`a table without a name: ${one.outerHTML.slice(0, 160)}`);
  return wrong;
}"""
"""Inline style and code, but for the map's own: its library moves parts by the object model of style. And
tables that neither a caption nor a label names (RGAA 5.4)."""
_EDGES = """() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const read = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const light = ([r, g, b]) => {
    const shares = [r, g, b].map((one) => one / 255);
    const [x, y, z] = shares.map((one) => one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4);
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const ratio = (one, other) => {
    const [low, high] = [light(one), light(other)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  };
  const behind = (one) => {
    for (let at = one; at; at = at.parentElement) {
      const found = read(getComputedStyle(at).backgroundColor);
      if (found[3] === 255) return found;
    }
    return [255, 255, 255, 255];
  };
  const weak = [];
  const typed = "input:not([type=hidden], [type=checkbox], [type=radio], [type=range])";
  for (const one of document.querySelectorAll(`:is(${typed}, select, textarea, button):not(:disabled)`)) {
    if (one.closest(".maplibregl-map")) continue; // its library's own buttons, which stand on the map
    const style = getComputedStyle(one);
    if (!one.checkVisibility() || one.getBoundingClientRect().width < 2) continue;
    const around = behind(one.parentElement);
    const edge = parseFloat(style.borderTopWidth) ? ratio(read(style.borderTopColor), around) : 0;
    const own = read(style.backgroundColor);
    const words = one.matches("button") && ratio(read(style.color), around) >= 3; // a button of words alone
    const ground = own[3] === 255 && ratio(own, around) >= 3;
    if (edge < 3 && !ground && !words) weak.push(one.outerHTML.slice(0, 160));
  }
  return weak;
}"""
"""Fields and buttons that neither edge, ground nor words part from what is around by 3:1 (WCAG 1.4.11)."""
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
_SPACED = """(rules) => {
  const cut = () => new Set([...document.querySelectorAll("body *")].filter((one) => {
    const { overflowX, overflowY, clip, position } = getComputedStyle(one);
    if (clip !== "auto" || position === "absolute") return false;
    if (!one.textContent.trim() || !one.clientWidth) return false;
    return (["hidden", "clip"].includes(overflowX) && one.scrollWidth > one.clientWidth + 1)
      || (["hidden", "clip"].includes(overflowY) && one.scrollHeight > one.clientHeight + 1);
  }));
  const before = cut();
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(rules);
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
  const wide = document.documentElement.scrollWidth - innerWidth;
  const scrolled = (one) => one.parentElement.closest(".scroll");
  const beyond = (one) => one.getBoundingClientRect().right > innerWidth + 1 && !scrolled(one);
  const out = wide <= 0 ? [] : [...document.querySelectorAll("body *")].filter(beyond)
    .map((one) => one.outerHTML.slice(0, 90));
  const after = [...cut()].filter((one) => !before.has(one));
  const wrong = after.map((one) => `cut: ${one.outerHTML.slice(0, 160)}`);
  document.adoptedStyleSheets = document.adoptedStyleSheets.slice(0, -1);
  return wide > 0 ? [...wrong, `${wide} px wider than the window: ${out.slice(0, 3).join(" | ")}`] : wrong;
}"""
"""What is cut, or overflows, once people change how text is set."""
_SETTINGS = {
    "spaced": "* { line-height: 1.5 !important; letter-spacing: 0.12em !important;"
    " word-spacing: 0.16em !important } p { margin-bottom: 2em !important }",
    "twice as large": "html { font-size: 200% !important }",
}
"""As WCAG 1.4.12 and 1.4.4 let them."""
_MOST_STOPS = 60
_STILL = """(still) => {
  window.still ?? document.addEventListener("htmx:beforeRequest", (event) => {
    if (window.still) event.preventDefault();
  });
  window.still = still;
}"""
"""A part of a page that is replaced while axe reads it has no colour: nothing is asked meanwhile."""


def faults(page: Page, *, narrow: bool = False) -> list[str]:
    """Return what is wrong on the page as it stands, in light and in dark."""
    found = []
    page.evaluate(_STILL, True)
    for scheme, options in (("light", _NARROW),) if narrow else _LOOKS:
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # a colour half-way is nobody's
        found += [f"{scheme}: {one}" for one in _violations(page, options)]
        found += [f"{scheme}: not parted by 3:1: {one}" for one in page.evaluate(_EDGES)]
    wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    if wide > 0:
        found.append(f"{wide} px wider than the window")
    found += page.evaluate(_PLAIN)
    page.evaluate(_STILL, False)
    return found


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


def cut_when(page: Page, setting: str) -> list[str]:
    """Set text ``spaced`` or ``twice as large``; return what is cut then, or how far the page overflows."""
    found: list[str] = page.evaluate(_SPACED, _SETTINGS[setting])
    return found


def photograph(page: Page, path: Path) -> None:
    """Write what the window shows as WebP, which Playwright does not offer and Chromium does."""
    session = page.context.new_cdp_session(page)
    taken = session.send("Page.captureScreenshot", {"format": "webp", "quality": 72})
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(base64.b64decode(taken["data"]))
