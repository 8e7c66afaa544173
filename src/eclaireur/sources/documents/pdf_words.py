"""The words of one page of a PDF, with their boxes, and what hides those that a person does not see.

Boxes are in points from the top left of the page as it is shown: turned, and cut to its visible box.
"""

from __future__ import annotations

import ctypes
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from eclaireur.sources.documents.layout import Word
from eclaireur.sources.documents.pdfium import Calls, calls

__all__ = ["OUTSIDE", "UNDRAWN", "Glimpse", "Page", "read_page"]

UNDRAWN = "texte non dessiné (mode 3)"
_TINY = "écrit en caractères d'un point ou moins"
OUTSIDE = "écrit hors de la page"
_SAME_COLOUR = "de la couleur du fond, ou recouvert"
_LINE_END = "\ufffe"  # PDFium writes so a hyphen at the end of a line, and no line end
_HYPHEN = 2
_WORD = re.compile(rf"[^\s\0{_LINE_END}]+[{_LINE_END}]?")
# Signs that no text has: codes of the font that stand for no letter.
_UNMAPPED = re.compile("[\x01-\x08\x0b\x0c\x0e-\x1f\ufffd\ue000-\uf8ff]")
_SMALLEST, _PALE, _CLEAR = 1.0, 200, 13
_CONTRAST = 20
_MOST_PIXELS = 4_000_000
_MOST_OBJECTS = 20_000
_PATH, _IMAGE, _SHADING, _FORM = 2, 3, 4, 5


@dataclass(slots=True)
class Page:
    """What was found on a page.

    Parameters
    ----------
    words
        In the order of the file; a word that nobody sees says why.
    covered
        Share of the page that its largest image covers.
    drawn
        Number of drawings: a page may be written in outlines of letters.
    unmapped
        Signs whose letter the font does not give.
    """

    words: list[Word]
    width: float
    height: float
    covered: float
    drawn: int
    unmapped: int


@dataclass(slots=True)
class Glimpse:
    """What the objects of a page tell before any is drawn."""

    covered: float = 0.0
    drawn: int = 0
    hiding: bool = False
    area: float = 1.0
    seen: int = 0
    texts: int = 0


@dataclass(slots=True)
class _Look:
    """How one text object is drawn."""

    size: float
    why: str
    doubtful: bool


@dataclass(slots=True)
class _Sheet:
    """The visible box of a page in its own axes, and how it is turned (quarters, clockwise)."""

    left: float
    bottom: float
    right: float
    top: float
    turned: int

    @property
    def shown(self) -> tuple[float, float]:
        wide, high = self.right - self.left, self.top - self.bottom
        return (high, wide) if self.turned % 2 else (wide, high)

    def place(self, x: float, y: float) -> tuple[float, float]:
        """Turn a point of the page into the distance from the top left, as it is shown."""
        match self.turned:
            case 1:
                return y - self.bottom, x - self.left
            case 2:
                return self.right - x, y - self.bottom
            case 3:
                return self.top - y, self.right - x
        return x - self.left, self.top - y


def _sheet(page: Any) -> _Sheet:
    from pypdfium2 import raw

    box = raw.FS_RECTF()
    raw.FPDF_GetPageBoundingBox(page, box)
    low, high = sorted((box.bottom, box.top))
    left, right = sorted((box.left, box.right))
    return _Sheet(left, low, right, high, raw.FPDFPage_GetRotation(page) % 4)


def read_page(page: Any) -> Page:
    """Read a page that pypdfium2 opened."""
    sheet = _sheet(page.raw)
    wide, high = sheet.shown
    glimpse = Glimpse(area=max(wide * high, 1.0))
    _look_around(page.raw, glimpse)
    textpage = page.get_textpage()
    try:
        address = ctypes.cast(textpage.raw, ctypes.c_void_p).value or 0
        reader = _Reader(address, sheet, hiding=glimpse.hiding, shown=sheet.shown)
        words, unmapped = reader.words()
    finally:
        textpage.close()
    if reader.doubtful:
        _check_seen(page, words, reader.doubtful)
    return Page(words, wide, high, glimpse.covered, glimpse.drawn, unmapped)


def _look_around(page: Any, glimpse: Glimpse) -> None:
    """Count images and drawings, and tell whether something that is drawn later may cover text."""
    from pypdfium2 import raw

    top = raw.FPDFPage_CountObjects(page)
    _look_at(lambda rank: raw.FPDFPage_GetObject(page, rank), top, glimpse, 0)


def _look_at(get: Callable[[int], Any], count: int, glimpse: Glimpse, depth: int) -> None:
    from pypdfium2 import raw

    left, bottom, right, top = (ctypes.c_float() for _ in range(4))
    for rank in range(count):
        glimpse.seen += 1
        if glimpse.seen > _MOST_OBJECTS:
            glimpse.hiding = True
            return
        one = get(rank)
        kind = raw.FPDFPageObj_GetType(one)
        if kind == _FORM and depth < 4:
            # A closure over the loop's variable is called before the loop goes on.
            _look_at(
                lambda place, form=one: raw.FPDFFormObj_GetObject(form, place),  # type: ignore[misc]
                raw.FPDFFormObj_CountObjects(one),
                glimpse,
                depth + 1,
            )
        elif kind in {_PATH, _IMAGE, _SHADING}:
            if not raw.FPDFPageObj_GetBounds(one, left, bottom, right, top):
                continue
            wide, high = right.value - left.value, top.value - bottom.value
            glimpse.drawn += 1
            if kind == _IMAGE:
                glimpse.covered = max(glimpse.covered, wide * high / glimpse.area)
            if glimpse.texts and min(wide, high) > 3 and (kind != _PATH or _filled(one)):
                glimpse.hiding = True
        else:
            glimpse.texts += 1


def _filled(path: Any) -> bool:
    from pypdfium2 import raw

    fill, stroke = ctypes.c_int(), ctypes.c_int()
    return bool(raw.FPDFPath_GetDrawMode(path, fill, stroke)) and fill.value != 0


def _in_layer(address: int) -> bool:
    """Tell whether a text object is marked as the content of a layer, which may be switched off."""
    from pypdfium2 import raw

    text = ctypes.cast(address, raw.FPDF_PAGEOBJECT)
    name, written = (ctypes.c_ushort * 8)(), ctypes.c_ulong()
    for rank in range(raw.FPDFPageObj_CountMarks(text)):
        mark = raw.FPDFPageObj_GetMark(text, rank)
        raw.FPDFPageObjMark_GetName(mark, name, ctypes.sizeof(name), written)
        if bytes(name)[: written.value] == "OC\0".encode("utf-16-le"):
            return True
    return False


@dataclass(slots=True)
class _Reader:
    """Reads the words of one text page, an object's look once."""

    page: int
    sheet: _Sheet
    hiding: bool
    shown: tuple[float, float]
    doubtful: list[int] = field(default_factory=list)
    box: Any = field(default_factory=ctypes.c_float * 4)
    _looks: dict[int, _Look] = field(default_factory=dict)

    def words(self) -> tuple[list[Word], int]:
        """Return the words in the order of the file, and how many signs have no known letter."""
        call = calls()
        count = call.count(self.page)
        if count <= 0:
            return [], 0
        text = _text(call, self.page, count)
        found: list[Word] = []
        for start, end, look in self._pieces(call, text):
            word = self._word(call, text, start, end, look)
            if word is not None:
                if look.doubtful and not word.why:
                    self.doubtful.append(len(found))
                found.append(word)
        return found, len(_UNMAPPED.findall(text))

    def _at(self, call: Calls, place: int) -> _Look:
        address = call.object(self.page, place) or 0
        look = self._looks.get(address)
        if look is None:
            look = self._looks[address] = self._look(call, address)
        return look

    def _pieces(self, call: Calls, text: str) -> Iterator[tuple[int, int, _Look]]:
        """Give the words, each with its look; one is cut where its look changes, as half of it may be hidden.

        The signs of an object follow each other: two words that begin in one object are whole in it.
        """
        spans = [match.span() for match in _WORD.finditer(text)]
        looks = [self._at(call, start) for start, _ in spans]
        for rank, (start, end) in enumerate(spans):
            look = looks[rank]
            if rank + 1 < len(looks) and looks[rank + 1] is look:
                yield start, end, look
                continue
            begun = start
            for place in range(start + 1, end) if self._at(call, end - 1) is not look else ():
                after = self._at(call, place)
                if (look.why, look.doubtful) != (after.why, after.doubtful):
                    yield begun, place, look
                    begun, look = place, after
            yield begun, end, look

    def _word(self, call: Calls, text: str, start: int, end: int, look: _Look) -> Word | None:
        box = self.box
        if not call.box(self.page, start, ctypes.addressof(box)):
            return None
        left, top, right, bottom = box
        if end - start > 1 and call.box(self.page, end - 1, ctypes.addressof(box)):
            first, high, last, low = box
            left, right = min(left, first), max(right, last)
            top, bottom = max(top, high), min(bottom, low)
        (x0, y0), (x1, y1) = self.sheet.place(left, top), self.sheet.place(right, bottom)
        if x0 > x1:
            x0, x1 = x1, x0
        if y0 > y1:
            y0, y1 = y1, y0
        why = look.why
        if not why and (x1 <= 0 or y1 <= 0 or x0 >= self.shown[0] or y0 >= self.shown[1]):
            why = OUTSIDE
        return Word(_plain(text[start:end]), x0, y0, x1, y1, look.size, why=why)

    def _look(self, call: Calls, address: int) -> _Look:
        if not address:
            return _Look(0.0, "", doubtful=False)
        size, matrix = ctypes.c_float(), (ctypes.c_float * 6)()
        call.size(address, ctypes.addressof(size))
        scale = 1.0
        if call.matrix(address, ctypes.addressof(matrix)):
            scale = (matrix[2] ** 2 + matrix[3] ** 2) ** 0.5
        shown = abs(size.value) * scale
        mode = call.mode(address)
        if mode in {3, 7}:
            return _Look(shown, UNDRAWN, doubtful=False)
        if 0 < shown <= _SMALLEST:
            return _Look(shown, _TINY, doubtful=False)
        colours = [ctypes.c_uint() for _ in range(4)]
        pale = False
        if call.fill(address, *(ctypes.addressof(one) for one in colours)):
            red, green, blue, solid = (one.value for one in colours)
            pale = min(red, green, blue) >= _PALE or solid <= _CLEAR
        doubtful = self.hiding or pale or mode in {1, 5}
        return _Look(shown, "", doubtful=doubtful or (call.marks(address) > 0 and _in_layer(address)))


def _text(call: Calls, page: int, count: int) -> str:
    """Return one sign for each character of the page, so that offsets are PDFium's."""
    buffer = ctypes.create_string_buffer(2 * (count + 1))
    written = call.text(page, 0, count, ctypes.addressof(buffer))
    text = buffer.raw[: 2 * max(written - 1, 0)].decode("utf-16-le", errors="replace")
    if len(text) == count:
        return text
    return "".join(_sign(call.unicode(page, place)) for place in range(count))


def _sign(code: int) -> str:
    if code == _HYPHEN:
        return _LINE_END
    return chr(code) if 0 < code < 0x110000 and not 0xD800 <= code < 0xE000 else "\ufffd"


def _plain(text: str) -> str:
    return f"{text[:-1]}-" if text[-1] in _LINE_END else text


def _check_seen(page: Any, words: Sequence[Word], doubtful: Sequence[int]) -> None:
    """Draw the page small, and mark the words under which every pixel has nearly the same colour."""
    import numpy as np

    wide, high = page.get_size()
    scale = min(1.5, (_MOST_PIXELS / max(wide * high, 1.0)) ** 0.5)
    if wide * scale < 2 or high * scale < 2:
        return
    drawn = page.render(scale=scale, may_draw_forms=False).to_numpy()
    for rank in doubtful:
        word = words[rank]
        left, top = int(max(word.x0 * scale, 0)), int(max(word.y0 * scale, 0))
        piece = drawn[top : int(word.y1 * scale) + 1, left : int(word.x1 * scale) + 1, :3].reshape(-1, 3)
        if len(piece) and int(np.ptp(piece.astype(np.int16), axis=0).max()) < _CONTRAST:
            word.why = _SAME_COLOUR
