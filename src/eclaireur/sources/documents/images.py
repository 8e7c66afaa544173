"""Images as documents: each frame is a page whose text is recognised."""

from __future__ import annotations

from functools import partial
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from eclaireur.core import french
from eclaireur.core.errors import ExtraMissingError
from eclaireur.sources.documents.document import Document
from eclaireur.sources.documents.inside import Inside
from eclaireur.sources.documents.pages import Leaf, write_pages
from eclaireur.sources.documents.recognising import Recogniser
from eclaireur.sources.documents.writing import Writer
from eclaireur.sources.refusals import RefusedError

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["read_image"]

_FIX = "Enregistrez l'image de nouveau, en PNG, en JPEG ou en PDF."
_USUAL_DOTS = 200
_FORMATS = ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM")
_SMALL = 1200


def read_image(name: str, data: bytes, inside: Inside) -> Document:
    """Read an image, or each page of a TIFF.

    Raises
    ------
    RefusedError
        If it is of a format that is not read, too large, or broken.
    """
    try:
        from PIL import Image, UnidentifiedImageError
    except ImportError as error:
        raise ExtraMissingError(
            "lire une image demande une partie qui n'est pas installée.",
            fix="Lancez : ./eclaireur install documents",
        ) from error
    Image.MAX_IMAGE_PIXELS = None  # the limit is ours, and it is an outcome
    try:
        image = Image.open(BytesIO(data), formats=_FORMATS)
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        raise RefusedError("cette image est abîmée, ou d'un format qui n'est pas lu.", _FIX) from error
    writer = Writer(name, "image")
    leaves: list[Leaf] = []
    frames = min(int(getattr(image, "n_frames", 1)) if image.format == "TIFF" else 1, inside.limits.pages)
    recogniser = Recogniser(writer, inside, frames)
    for rank in range(frames):
        try:
            image.seek(rank)
            wide, high = image.size
            if wide * high > inside.limits.pixels:
                raise RefusedError(
                    f"cette image est trop grande ({french.number(wide * high / 1e6)} millions de points).",
                    _FIX,
                )
            pixels, dots = _grey(image), _dots(image)
        except (OSError, SyntaxError, ValueError, EOFError, IndexError) as error:
            if not rank:
                raise RefusedError("cette image est abîmée.", _FIX) from error
            writer.doubt("page", f"Page {rank + 1} abîmée : la lecture s'arrête là.")
            break
        leaf = Leaf([], pixels.width * 72 / dots, pixels.height * 72 / dots)
        leaves.append(recogniser.page(rank + 1, leaf, partial(_write, pixels, dots, inside)))
    recogniser.end()
    write_pages(writer, leaves)
    return writer.finish()


def _dots(image: Image) -> float:
    """Return the dots per inch that the image states, when they are those of a scanner."""
    stated = image.info.get("dpi", (0, 0))
    try:
        first = float(stated[0])
    except (TypeError, ValueError, IndexError, ZeroDivisionError):
        return _USUAL_DOTS
    return first if 70 <= first <= 1200 else _USUAL_DOTS


def _grey(image: Image) -> Image:
    """Decode an image, turned as its camera says, in grey on white."""
    import PIL.Image
    from PIL import ImageOps

    turned = ImageOps.exif_transpose(image)
    if turned.mode in {"RGBA", "LA", "PA"} or "transparency" in turned.info:
        whole = turned.convert("RGBA")
        turned = PIL.Image.alpha_composite(PIL.Image.new("RGBA", whole.size, "white"), whole)
    return turned.convert("L")


def _write(image: Image, dots: float, inside: Inside) -> tuple[Path, float]:
    """Write an image for recognition; a small one is enlarged, letters under 20 pixels being badly read."""
    import numpy as np

    scale = 2 if max(image.size) < _SMALL else 1
    larger = image.resize((image.width * scale, image.height * scale)) if scale > 1 else image
    return inside.write_grey(np.asarray(larger)), dots * scale
