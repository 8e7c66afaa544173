"""Open every page of a served desk in a browser, with hostile words in every text of its rows.

    PYTHONPATH=src:. python benchmarks/prove_pages.py [--rounds 12] [--files 120] [--log FILE]

The desk is the one of `tests/desk/browser/stage.py`. Before each round every text of its tables, alone or
inside JSON, has a hostile word of ``ECLAIREUR_HOSTILE/html`` written before it, another one for each text and
each round; what the address carries is made hostile too, and each form of the page is sent with such words.
Then hostile files under hostile names are sent and what was read of them is opened, and every address that
takes a form is sent one from another site. A failure is a script that runs, a rule of the policy of content
that is broken (what stopped it is the last guard, not the first), a request to another host, a file that is
not an attachment, a forged form that is obeyed, an answer 5xx.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import urllib.error
import urllib.parse
import urllib.request
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from playwright.sync_api import Error, sync_playwright

from tests.desk.browser.conftest import Served, Watch, program, serving
from tests.desk.browser.test_pages import PROBES, address_of

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Dialog, Page

__all__ = ["Proof", "hostile_words", "main", "poison"]

_LEFT = frozenset(
    {
        *("desk_journalline", "desk_journalkey", "desk_session", "desk_setuplink", "desk_apikey"),
        *("desk_attempt", "desk_sentonce", "django_migrations", "django_session"),
    }
)
"""Tables of keys and of sealed lines: a changed one is refused before it is shown."""
_TOLD = ["alert", "confirm", "prompt", "print"]
_TYPED = "input[type=text], input[type=search], input:not([type]), textarea"
_SCRIPT = f"for (const name of {json.dumps(_TOLD)}) window[name] = () => told(name);"


@dataclass
class Proof:
    """What was tried, and what should not have happened."""

    tried: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


def hostile_words(folder: Path) -> list[str]:
    """Return the words that try to run as code, each once."""
    words: dict[str, None] = {}
    for path in sorted((folder / "html").glob("*.txt")):
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        words.update(dict.fromkeys(line[:1500] for line in lines if line.strip()))
    return list(words)


def poison(base: Path, words: Sequence[str], turn: int) -> int:
    """Write a hostile word before every text of a database that has a space in it; return how many.

    What has no space is a code, a date or a number: changed, the page would refuse to show anything.

    Parameters
    ----------
    turn
        Which word goes where: each text meets another one at each turn.
    """
    count = 0

    def worded(value: Any) -> Any:
        nonlocal count
        if isinstance(value, str) and " " in value.strip():
            count += 1
            return f"{words[(count + turn * 211) % len(words)]} {value}"
        if isinstance(value, list):
            return [worded(one) for one in value]
        return {key: worded(one) for key, one in value.items()} if isinstance(value, dict) else value

    with contextlib.closing(sqlite3.connect(base)) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type='table'")]
        for table in sorted(set(tables) - _LEFT):
            described = connection.execute(f"PRAGMA table_info('{table}')").fetchall()
            texts = [one[1] for one in described if "char" in one[2].lower() or one[2].lower() == "text"]
            for column in texts:
                query = f'SELECT rowid, "{column}" FROM "{table}" WHERE typeof("{column}") = \'text\''  # noqa: S608
                for row, text in connection.execute(query).fetchall():
                    made = _within(text, worded)
                    if made != text:
                        with contextlib.suppress(sqlite3.IntegrityError):
                            update = f'UPDATE "{table}" SET "{column}" = ? WHERE rowid = ?'  # noqa: S608
                            connection.execute(update, (made, row))
        connection.commit()
    return count


def _within(text: str, worded: Any) -> str:
    if text[:1] in {"{", "["}:
        with contextlib.suppress(ValueError):
            return json.dumps(worded(json.loads(text)), ensure_ascii=False)
    return str(worded(text))


class _Visitor:
    """A browser in which nothing may run that the desk did not write."""

    def __init__(self, browser: Browser, desk: Served, proof: Proof) -> None:
        self._browser, self._desk, self._proof = browser, desk, proof
        self._contexts: dict[str, tuple[BrowserContext, Watch]] = {}

    def page(self, login: str) -> Page:
        """Return a new page of somebody."""
        if login not in self._contexts:
            context = self._browser.new_context(locale="fr-FR", viewport={"width": 1280, "height": 900})
            context.set_default_timeout(15_000)
            if login:
                cookie = {"name": "sessionid", "value": self._desk.cookies[login], "url": self._desk.address}
                context.add_cookies([cookie])  # type: ignore[list-item]
            watch = Watch(self._desk.address)
            watch.over(context)

            def asked(dialog: Dialog) -> None:
                watch.wrong.append("a dialog")
                dialog.dismiss()

            context.expose_function("told", lambda name: watch.wrong.append(f"ran {name}"))
            context.add_init_script(_SCRIPT)
            context.on("dialog", asked)
            self._contexts[login] = (context, watch)
        return self._contexts[login][0].new_page()

    def settle(self, page: Page, login: str, what: str) -> None:
        """Let the page do what it would, close it, and note what went wrong."""
        with contextlib.suppress(Error):
            page.wait_for_timeout(150)
        page.close()
        watch = self._contexts[login][1]
        # A file of the browser's own reading (a PDF in its frame) is told on the console in its own words.
        self._proof.wrong += [f"{what}: {one[:200]}" for one in watch.wrong]
        watch.wrong.clear()

    def close(self) -> None:
        """Close what was opened."""
        for context, _ in self._contexts.values():
            context.close()


def _look(visitor: _Visitor, desk: Served, proof: Proof, word: str, *, forms: bool) -> None:
    asked = urllib.parse.urlencode({"q": word, "titre": word, "page": word})
    for name, probe in PROBES.items():
        address = address_of(desk, probe)
        page = visitor.page(probe.login)
        for at, path in enumerate((address, f"{address}{'&' if '?' in address else '?'}{asked}")):
            with contextlib.suppress(Error):
                answer = page.goto(f"{desk.address}{path}")
                proof.tried["pages"] += 1
                status = answer.status if answer is not None else 0
                if status >= 500:
                    proof.wrong.append(f"{name}: {status}")
                if not at and status == probe.status:
                    proof.tried["pages shown as usual"] += 1
                    proof.tried["texts shown"] += page.content().count("alert")
        if forms:
            _send(page, proof, word, name)
        visitor.settle(page, probe.login, name)


def _send(page: Page, proof: Proof, word: str, name: str) -> None:
    """Send each form of the page that has something to type, with a hostile word in each of its fields."""
    with contextlib.suppress(Error):
        here = page.url
        for at in range(min(page.locator("form").count(), 6)):
            form = page.locator("form").nth(at)
            typed = form.locator(_TYPED)
            if not typed.count() or "deconnexion" in (form.get_attribute("action") or ""):
                continue
            for one in range(typed.count()):
                typed.nth(one).evaluate("(field, word) => { field.value = word; }", word)
            with page.expect_navigation(timeout=8_000) as gone:
                form.evaluate("form => form.submit()")
            proof.tried["forms"] += 1
            if gone.value.status >= 500:
                proof.wrong.append(f"{name}, form {at}: {gone.value.status}")
            page.goto(here)


def _send_files(
    visitor: _Visitor, desk: Served, proof: Proof, folder: Path, words: list[str], most: int
) -> None:
    paths = [one for part in ("html", "xml", "image", "mail") for one in sorted((folder / part).rglob("*.*"))]
    for at, path in enumerate(paths[:: max(1, len(paths) // most)][:most]):
        named = words[at * 7 % len(words)].replace("/", "∕").replace("\0", "")[:150] + path.suffix
        page = visitor.page("chef")
        with contextlib.suppress(Error):
            page.goto(f"{desk.address}/lire/")
            sent = {"name": named, "mimeType": "application/octet-stream", "buffer": path.read_bytes()}
            page.locator("#file").set_input_files(sent)  # type: ignore[arg-type]
            with page.expect_navigation(timeout=40_000) as gone:
                page.locator("form.send button").first.click()
            proof.tried["files"] += 1
            if gone.value.status >= 500:
                proof.wrong.append(f"{path.name}: {gone.value.status}")
            for link in page.locator("main a[href^='/lire/']").all()[:3]:
                given = page.request.get(f"{desk.address}{link.get_attribute('href')}")
                kind = given.headers.get("content-type", "")
                if "html" not in kind and "attachment" not in given.headers.get("content-disposition", ""):
                    proof.wrong.append(f"{path.name}: {kind} is not an attachment")
        visitor.settle(page, "chef", f"file {path.name}")


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """An answer that leads elsewhere is an answer."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


def _forge(desk: Served, proof: Proof) -> None:
    """Send each address a form of another site, as a browser would: with the cookies of somebody."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirect)
    for path in sorted(
        {address_of(desk, probe).partition("?")[0] for probe in PROBES.values() if probe.login}
    ):
        for login in ("chef", "alice"):
            request = urllib.request.Request(f"{desk.address}{path}", data=b"act=save&text=x&reason=x&pk=1")  # noqa: S310
            request.add_header("Cookie", f"sessionid={desk.cookies[login]}")
            request.add_header("Origin", "https://autre.exemple")
            proof.tried["forged"] += 1
            try:
                with opener.open(request, timeout=30) as answer:
                    status = answer.status
            except urllib.error.HTTPError as refused:
                status = refused.code
            if status not in {403, 404, 405, 410}:
                proof.wrong.append(f"forged form at {path}: {status}")


def prove(folder: Path, hostile: Path, *, rounds: int, files: int) -> Proof:
    """Stage a desk in a folder, and try everything."""
    proof, words = Proof(), hostile_words(hostile)
    subprocess.run(**program("build", str(folder)), check=True)
    known = json.loads((folder / "stage.json").read_text(encoding="utf-8"))
    options = ["--disable-gpu", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=options)
        for turn in range(rounds):
            home = folder / "home"
            shutil.copytree(folder / "full", home)
            (base,) = (home / "desk").glob("*.sqlite3")
            proof.tried["texts"] += poison(base, words, turn)
            with serving(home) as told:
                desk = Served(address=told["address"], home=str(home), **known)
                visitor = _Visitor(browser, desk, proof)
                word = words[(turn * 97 + 13) % len(words)]
                if not turn:
                    _control(visitor, desk, proof)
                    _forge(desk, proof)
                    _send_files(visitor, desk, proof, hostile, words, files)
                _look(visitor, desk, proof, word, forms=turn == rounds - 1)
                visitor.close()
            shutil.rmtree(home)
            print(f"round {turn + 1}: {dict(proof.tried)}, {len(proof.wrong)} wrong", flush=True)
        browser.close()
    return proof


def _control(visitor: _Visitor, desk: Served, proof: Proof) -> None:
    """See that what would fire is seen: an order of the page itself, and a picture of another host."""
    page = visitor.page("chef")
    page.goto(desk.address)
    page.evaluate("alert(1)")
    page.evaluate("document.body.append(Object.assign(new Image(), {src: 'http://autre.invalid/x'}))")
    visitor.settle(page, "chef", "control")
    seen, proof.wrong = proof.wrong, []
    if not any("ran alert" in one for one in seen) or not any("invalid" in one for one in seen):
        raise AssertionError(f"what fires is not seen: {seen}")


def main() -> int:
    """Run the proof, print its figures, and fail when something fired."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--files", type=int, default=120)
    parser.add_argument("--log", type=Path, default=None)
    asked = parser.parse_args()
    hostile = os.environ.get("ECLAIREUR_HOSTILE", "")
    if not hostile or shutil.which("chromium") is None:
        print("Neither hostile files (ECLAIREUR_HOSTILE) nor Chromium: nothing was run.")
        return 0
    with tempfile.TemporaryDirectory(prefix="eclaireur-pages-") as folder:
        proof = prove(Path(folder), Path(hostile), rounds=asked.rounds, files=asked.files)
    for one, count in Counter(proof.wrong).most_common(40):
        print(f"wrong: {one} ({count})")
    tried = sum(proof.tried[one] for one in ("pages", "forms", "files", "forged"))
    told = ", ".join(f"{count} {name}" for name, count in sorted(proof.tried.items()))
    print(f"{told}: {len(proof.wrong)} wrong.")
    if asked.log is not None:
        figures = {"proof": "pages", "seed": 0, "tried": tried, "failed": len(proof.wrong)}
        asked.log.write_text(json.dumps({**figures, "kinds": proof.tried}) + "\n", encoding="utf-8")
    return 1 if proof.wrong or not tried else 0


if __name__ == "__main__":
    sys.exit(main())
