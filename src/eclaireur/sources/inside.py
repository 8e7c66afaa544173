"""Opens the delimited text of a file, plain or compressed; a stream that grows too much is refused."""

from __future__ import annotations

import gzip
import re
import zipfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from eclaireur.sources import blocks, markup
from eclaireur.sources.refusals import RefusedError

__all__ = ["OTHER", "SPREADSHEETS", "Text", "delimited_text"]

SPREADSHEETS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
# First bytes of what is no table: images, sounds, other archives, programs, older documents.
OTHER = re.compile(
    rb"%PDF|%!PS|\x89PNG|\xff\xd8\xff|GIF8[79]a|BM.{4}\0\0\0\0|II\*\0|MM\0\*|\0\0\x01\0|8BPS\0"
    rb"|P[1-6]\s+\d+\s+\d+\s+\d|RIFF.{4}(WAVE|AVI |WEBP)|FORM.{4}(AIF|ILBM)|OggS\0|fLaC\0|ID3[\x02-\x04]"
    rb"|\xff[\xfa\xfb\xf2\xf3]|.{4}ftyp|\x1aE\xdf\xa3|7z\xbc\xaf|Rar!\x1a|\xfd7zXZ|BZh[1-9]1AY|\x7fELF|MZ\x90"
    rb"|\{\\rtf|SQLite format 3|GEOGCS\[|PROJCS\[|GIMP Palette|<(OGR)?VRTData|From \S+@\S+ ",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Text:
    """Delimited text, and how many bytes it has, or may have once it is expanded."""

    open: Callable[[], blocks.Readable]
    size: int


class _Bounded:
    """A stream that is refused when it gives more bytes than it may."""

    def __init__(self, stream: blocks.Readable, limit: int) -> None:
        self._stream = stream
        self._left = limit

    def read(self, size: int, /) -> bytes:
        """Read at most so many bytes.

        Raises
        ------
        RefusedError
            When the stream is longer than its limit.
        """
        data = self._stream.read(size)
        self._left -= len(data)
        if self._left < 0:
            raise RefusedError("ce fichier compressé grossit démesurément.", "Envoyez-le sans compression.")
        return data

    def close(self) -> None:
        """Close the stream."""
        self._stream.close()


class _Entry(_Bounded):
    """The one file of an archive."""

    def __init__(self, path: Path, name: str, size: int) -> None:
        self._archive = zipfile.ZipFile(path)
        super().__init__(self._archive.open(name), size)

    def close(self) -> None:
        super().close()
        self._archive.close()


def delimited_text(path: Path, *, expanded: int, ratio: int) -> Text | None:
    """Open a file that starts like delimited text, alone, compressed or alone in an archive; else None.

    Parameters
    ----------
    expanded, ratio
        Most bytes that it may expand to, and how many times its size.
    """
    size = path.stat().st_size
    limit = min(expanded, max(size * ratio, 1_000_000))
    with path.open("rb") as stream:
        start = stream.read(4096)
    if start[:2] == b"\x1f\x8b":
        text = Text(lambda: _Bounded(gzip.open(path), limit), limit)  # noqa: SIM115 - the scan closes it
    elif start.startswith(b"PK\x03\x04") and zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            # An archive may hold entries without a name, of which nothing can be asked.
            files = [one for one in archive.infolist() if one.filename and not one.is_dir()]
        if len(files) != 1 or files[0].flag_bits & 1 or files[0].file_size > limit:
            return None
        one = files[0]
        text = Text(lambda: _Entry(path, one.filename, one.file_size), one.file_size)
    else:
        text = Text(lambda: path.open("rb"), size)
    with closing(text.open()) as stream:
        return text if _maybe(stream.read(4096)) else None


def _maybe(start: bytes) -> bool:
    """Tell whether bytes may start a text with separators."""
    head = start.lstrip(b"\xef\xbb\xbf \r\n\t")
    known = start[:2] == b"\x1f\x8b" or start[:4] == b"PAR1" or start.startswith(SPREADSHEETS)
    other = OTHER.match(start) or b"%PDF-" in start[:1024] or head[:1] in {b"{", b"["}
    return not (known or other or markup.is_markup(start))
