"""RTF: its text without formatting, from Word or from the body of an Outlook mail.

A mail's RTF may wrap the web page that was sent; the page is then taken out of it.

References
----------
Microsoft, « Rich Text Format Specification 1.9.1 » and [MS-OXRTFEX].
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from eclaireur.sources.documents.document import Document
from eclaireur.sources.documents.flowing import Flow
from eclaireur.sources.documents.inside import Inside
from eclaireur.sources.documents.writing import Writer
from eclaireur.sources.refusals import RefusedError

__all__ = ["page_in", "read_rtf", "rtf_into"]

_TOKEN = re.compile(
    rb"\\([a-zA-Z]{1,32})(-?\d{1,10})?[ ]?|\\'([0-9a-fA-F]{2})|\\([^a-zA-Z'])|([{}])|([^\\{}]+)|(\\)"
)
_ASIDE = frozenset(
    [
        "fonttbl",
        "colortbl",
        "stylesheet",
        "info",
        "pict",
        "object",
        "header",
        "footer",
        "headerl",
        "headerr",
        "footerl",
        "footerr",
        "headerf",
        "footerf",
        "footnote",
        "annotation",
        "listtable",
        "listoverridetable",
        "rsidtbl",
        "generator",
        "xmlnstbl",
        "themedata",
        "colorschememapping",
        "datastore",
        "latentstyles",
        "fldinst",
        "bkmkstart",
        "bkmkend",
        "atnid",
        "atnauthor",
        "datafield",
        "filetbl",
        "revtbl",
        "pntext",
        "listtext",
        "nonshppict",
    ]
)
_SIGNS = {
    "tab": "\t",
    "emdash": "—",
    "endash": "–",
    "lquote": "‘",
    "rquote": "’",
    "ldblquote": "“",
    "rdblquote": "”",
    "bullet": "•",
    "emspace": " ",
    "enspace": " ",
    "cell": "\t",
}
_CHARSETS = {
    0: "cp1252", 77: "mac_roman", 128: "cp932", 129: "cp949", 134: "gbk", 136: "cp950", 161: "cp1253",
    162: "cp1254", 163: "cp1258", 177: "cp1255", 178: "cp1256", 186: "cp1257", 204: "cp1251", 222: "cp874",
    238: "cp1250", 254: "cp437",
}  # fmt: skip
_DEEPEST = 500
_HIDDEN = "texte masqué"


def read_rtf(name: str, data: bytes, inside: Inside) -> Document:
    """Read an RTF file."""
    del inside
    writer = Writer(name, "rtf")
    rtf_into(data, writer)
    return writer.finish()


@dataclass(frozen=True, slots=True)
class _State:
    """What holds inside a group."""

    muted: bool = False
    hidden: bool = False
    skip: int = 1
    charset: str = ""
    fonts: bool = False
    wrapped: bool = False


def rtf_into(data: bytes, writer: Writer) -> None:
    """Write the text of an RTF.

    Raises
    ------
    RefusedError
        If it is nested too deeply.
    """
    flow = Flow(writer)
    reader = _Reader(flow)
    reader.read(data)
    flow.finish()


def page_in(data: bytes) -> str:
    """Return the web page that an RTF wraps; nothing when it wraps none."""
    if b"\\fromhtml" not in data[:2000]:
        return ""
    reader = _Reader(None)
    reader.read(data)
    return "".join(reader.page)


class _Reader:
    """Reads the tokens of an RTF; with no flow, takes out the page that it wraps."""

    def __init__(self, flow: Flow | None) -> None:
        self._flow = flow
        self.page: list[str] = []
        self._codepage = "cp1252"
        self._fonts: dict[int, str] = {}
        self._font = 0
        self._bytes = bytearray()
        self._skip = 0
        self._star = False

    def read(self, data: bytes) -> None:
        """Read all tokens."""
        state = _State()
        stack: list[_State] = []
        for token in _TOKEN.finditer(data):
            word, number, code, sign, brace, plain, _ = token.groups()
            if code is None and self._bytes and plain is None:
                self._end_bytes(state)
            if brace == b"{":
                if len(stack) > _DEEPEST:
                    raise RefusedError(
                        "ce document RTF est imbriqué trop profondément.", "Enregistrez-le en DOCX."
                    )
                stack.append(state)
                self._star = False
            elif brace == b"}":
                state = stack.pop() if stack else state
            elif word is not None:
                state = self._word(word.decode("ascii"), None if number is None else int(number), state)
            elif code is not None:
                self._byte(int(code, 16), state)
            elif sign is not None:
                state = self._sign(sign.decode("latin-1"), state)
            elif plain is not None:
                self._plain(plain.replace(b"\r", b"").replace(b"\n", b""), state)
        self._end_bytes(state)

    def _plain(self, text: bytes, state: _State) -> None:
        if self._skip:
            gone = min(self._skip, len(text))
            text, self._skip = text[gone:], self._skip - gone
        self._bytes += text
        self._end_bytes(state)

    def _byte(self, value: int, state: _State) -> None:
        if self._skip:
            self._skip -= 1
        else:
            self._bytes.append(value)
        del state

    def _end_bytes(self, state: _State) -> None:
        if self._bytes:
            charset = self._fonts.get(self._font, "") or self._codepage
            try:
                text = self._bytes.decode(charset, errors="replace")
            except LookupError:
                text = self._bytes.decode("cp1252", errors="replace")
            self._bytes.clear()
            self._write(text, state)

    def _write(self, text: str, state: _State) -> None:
        if state.muted:
            return
        if self._flow is None:
            if state.wrapped or not state.hidden:
                self.page.append(text)
        else:
            self._flow.text(text, why=_HIDDEN if state.hidden else "")

    def _sign(self, sign: str, state: _State) -> _State:
        if sign == "*":
            self._star = True
        elif sign in "\r\n":
            self._paragraph(state)
        else:
            self._write({"~": "\u00a0", "_": "-", "-": ""}.get(sign, sign), state)
        return state

    def _paragraph(self, state: _State) -> None:
        if state.muted:
            return
        if self._flow is None:
            if not state.hidden:
                self.page.append("\n")
        else:
            self._flow.end_paragraph()

    def _line(self, state: _State) -> None:
        if self._flow is None:
            self._write("\n", state)
        elif not state.muted:
            self._flow.line()

    def _word(self, word: str, number: int | None, state: _State) -> _State:
        star, self._star = self._star, False
        if word == "u" and number is not None:
            self._write(chr(number % 0x10000) if not 0xD800 <= number % 0x10000 < 0xE000 else "\ufffd", state)
            self._skip = state.skip
        elif word in _SIGNS:
            self._write(_SIGNS[word], state)
        elif word in {"par", "sect", "page", "row"}:
            self._paragraph(state)
        elif word == "line":
            self._line(state)
        elif word == "bin":
            self._skip = max(number or 0, 0)
        elif word == "uc":
            return replace(state, skip=max(number or 0, 0))
        else:
            return self._setting(word, number, state, star=star)
        return state

    def _setting(self, word: str, number: int | None, state: _State, *, star: bool) -> _State:
        on = number != 0
        if word == "htmltag" and self._flow is None:
            return replace(state, wrapped=True, muted=False)
        if word == "htmlrtf" and self._flow is None:
            return replace(state, muted=on)
        if word in _ASIDE or star:
            return replace(state, muted=True, fonts=word == "fonttbl")
        if word == "plain":
            return replace(state, hidden=False)
        if word == "v":
            return replace(state, hidden=on)
        if word == "deleted":
            return replace(state, muted=state.muted or on)
        if word == "ansicpg" and number:
            self._codepage = "utf-8" if number == 65001 else f"cp{number}"
        elif word == "mac":
            self._codepage = "mac_roman"
        elif word == "f" and number is not None:
            self._font = number
        elif word == "fcharset" and state.fonts:
            self._fonts[self._font] = _CHARSETS.get(number or 0, "") if number not in {0, 1, 2} else ""
        return state
