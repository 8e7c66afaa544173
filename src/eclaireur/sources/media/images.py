"""Photographs and drawings in JPEG and PNG, by Pillow: upright, in RGB, without their place."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eclaireur.core import french
from eclaireur.sources.media.described import Described, Kind, described, refused
from eclaireur.sources.media.sniff import IMAGES, match
from eclaireur.sources.reading import Doubt, Repair

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["ImageLimits", "read_image"]

_CONVERT = "Convertissez-la en PNG ou en JPEG."
_SEND_AGAIN = "Envoyez-la de nouveau : l'envoi a peut-être été coupé."
_ORIENTATION, _GPS = 0x0112, 0x8825
_TURNED = {
    2: "retournée de gauche à droite",
    3: "tournée d'un demi-tour",
    4: "retournée de haut en bas",
    5: "retournée et tournée",
    6: "tournée d'un quart de tour",
    7: "retournée et tournée",
    8: "tournée d'un quart de tour",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageLimits:
    """Sizes above which an image is refused, before its pixels are expanded.

    Parameters
    ----------
    bytes
        Bytes of the file.
    pixels
        Width by height.
    """

    bytes: int = 200_000_000
    pixels: int = 150_000_000


def read_image(path: Path, *, data: bool = False, limits: ImageLimits | None = None) -> Described:
    """Read one image; one that cannot be read gives a description that says why, never an exception.

    Parameters
    ----------
    data
        Also give the pixels, upright, in RGB: one column ``pixels`` of bytes, row after row, three a pixel.

    Returns
    -------
    Described
        Its facts are ``format``, ``width``, ``height`` (upright, pixels), ``mode``, ``frames``, ``taken``
        (date the camera wrote) and ``gps`` (whether it says where it was taken; the place is not kept).
    """
    chosen = limits or ImageLimits()
    with path.open("rb") as stream:
        head = stream.read(400)
    form = match(IMAGES, head)
    if form not in {"JPEG", "PNG"}:
        reason = f"ce format d'image n'est pas lu ({form})." if form else "ce fichier n'est pas une image."
        return refused(path.name, Kind.IMAGE, reason, _CONVERT)
    if path.stat().st_size > chosen.bytes:
        return refused(path.name, Kind.IMAGE, "l'image est trop lourde.", "Réduisez-la.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # doubts are told below, in French
            return _read(path, form, chosen, data=data)
    except _TooManyPixelsError as error:
        size = f"{french.number(error.pixels / 1e6)} millions de pixels" if error.pixels else "trop de pixels"
        said = f"l'image a {size} : plus que {french.number(chosen.pixels / 1e6)} millions."
        return refused(path.name, Kind.IMAGE, said, "Réduisez-la.")
    except Exception as error:  # noqa: BLE001 - a hostile file may make Pillow raise anything
        reason = f"l'image est incomplète ou abîmée ({type(error).__name__})."
        return refused(path.name, Kind.IMAGE, reason, _SEND_AGAIN)


class _TooManyPixelsError(Exception):
    def __init__(self, pixels: int) -> None:
        super().__init__(pixels)
        self.pixels = pixels


def _read(path: Path, form: str, limits: ImageLimits, *, data: bool) -> Described:
    from PIL import Image as pillow  # noqa: N813 - a module in a class's name

    try:
        opened = pillow.open(path, formats=(form,))
    except pillow.DecompressionBombError as error:
        raise _TooManyPixelsError(0) from error
    with opened as image:
        pixels = image.width * image.height
        if pixels > limits.pixels:
            raise _TooManyPixelsError(pixels)
        mode, frames = image.mode, int(getattr(image, "n_frames", 1))
        image.load()
        orientation, taken, gps, readable = _exif(image)
        upright, repairs = _upright(image, orientation)
        upright, converted = _in_rgb(upright)
    doubts = []
    if not readable:
        doubts.append(Doubt(kind="exif", message="Les renseignements de l'appareil (EXIF) sont illisibles."))
    if gps:
        message = "L'image dit où elle a été prise : ce lieu n'est ni gardé ni montré."
        doubts.append(Doubt(kind="gps", message=message))
    if frames > 1:
        doubts.append(
            Doubt(kind="frames", message=f"L'image en contient {frames} : seule la première est lue.")
        )
    doubts += _after_the_end(path, form)
    facts: dict[str, Any] = {
        "format": form,
        "width": upright.width,
        "height": upright.height,
        "mode": mode,
        "frames": frames,
        "taken": taken,
        "gps": gps,
    }
    return described(
        path.name,
        Kind.IMAGE,
        facts,
        repairs=(*repairs, *converted),
        doubts=tuple(doubts),
        data=_table(upright) if data else None,
    )


def _exif(image: Image) -> tuple[int, str, bool, bool]:
    """Return orientation, date, whether there is a place, and whether all this could be read."""
    try:
        found = image.getexif()
        orientation = int(found.get(_ORIENTATION, 1) or 1)
        taken = str(found.get_ifd(0x8769).get(0x9003, "") or found.get(0x0132, ""))[:19]
        return orientation, taken.strip("\0 "), _GPS in found and bool(found.get_ifd(_GPS)), True
    except Exception:  # noqa: BLE001 - EXIF blocks are written by every camera in its own way
        return 1, "", False, False


def _upright(image: Image, orientation: int) -> tuple[Image, list[Repair]]:
    from PIL.Image import Transpose

    turns = {
        2: Transpose.FLIP_LEFT_RIGHT,
        3: Transpose.ROTATE_180,
        4: Transpose.FLIP_TOP_BOTTOM,
        5: Transpose.TRANSPOSE,
        6: Transpose.ROTATE_270,
        7: Transpose.TRANSVERSE,
        8: Transpose.ROTATE_90,
    }
    if orientation not in turns:
        return image, []
    message = f"L'image était {_TURNED[orientation]} : elle a été remise droite."
    return image.transpose(turns[orientation]), [Repair(kind="orientation", message=message)]


def _in_rgb(image: Image) -> tuple[Image, list[Repair]]:
    """Return the image in eight bits of red, green and blue; transparent places become white."""
    if image.mode == "RGB":
        return image, []
    if image.mode.startswith("I"):
        # Sixteen bits of grey: Pillow would cut what is over 255.
        import numpy as np

        grey = (np.asarray(image).astype(np.int64).clip(0, 65_535) >> 8).astype(np.uint8)
        return _of_array(grey).convert("RGB"), [
            Repair(kind="depth", message="Les gris sur 16 bits ont été ramenés à 8 bits.")
        ]
    if image.mode in {"CMYK", "YCCK"}:
        said = "Les couleurs d'imprimerie (CMJN) ont été converties en rouge, vert et bleu."
        return image.convert("RGB"), [Repair(kind="colours", message=said)]
    if image.mode in {"RGBA", "LA", "PA"} or "transparency" in image.info:
        from PIL import Image as pillow  # noqa: N813 - a module in a class's name

        shown = image.convert("RGBA")
        ground = pillow.new("RGBA", shown.size, "white")
        return pillow.alpha_composite(ground, shown).convert("RGB"), [
            Repair(kind="transparency", message="Les parties transparentes ont été mises sur fond blanc.")
        ]
    return image.convert("RGB"), []


def _of_array(grey: Any) -> Image:
    from PIL import Image as pillow  # noqa: N813 - a module in a class's name

    return pillow.fromarray(grey)


def _after_the_end(path: Path, form: str) -> list[Doubt]:
    """Tell what follows the end of the image, where a file of another kind may hide."""
    data = path.read_bytes()
    end = data.rfind(b"\xff\xd9") + 2 if form == "JPEG" else data.rfind(b"IEND") + 8
    beyond = len(data[end:].strip(b"\0\r\n ")) if end > 8 else 0
    if not beyond:
        return []
    said = french.count(beyond, "octet")
    return [Doubt(kind="beyond", message=f"{said} suivent la fin de l'image : ils ne sont pas lus.")]


def _table(image: Image) -> Any:
    import pyarrow as pa

    return pa.table({"pixels": pa.array(memoryview(image.tobytes()), pa.uint8())})
