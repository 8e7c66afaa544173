"""An image is given upright, in RGB; what is doubtful is said, and what is too large is not opened."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from PIL.Image import Exif

from eclaireur.sources.media.images import ImageLimits, read_image
from eclaireur.sources.reading import Outcome

CORNERS = np.zeros((40, 60, 3), np.uint8)
CORNERS[:20, :30] = (250, 0, 0)
CORNERS[:20, 30:] = (0, 250, 0)
CORNERS[20:, :30] = (0, 0, 250)


def pixels(path: Path) -> Any:
    found = read_image(path, data=True)
    assert found.data is not None
    shape = (found.facts["height"], found.facts["width"], 3)
    return found.data["pixels"].to_numpy().reshape(shape)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photograph_is_set_upright_whatever_way_the_camera_was_held(
    orientation: int, tmp_path: Path
) -> None:
    path = tmp_path / "a.png"
    turned = {
        1: CORNERS,
        2: CORNERS[:, ::-1],
        3: CORNERS[::-1, ::-1],
        4: CORNERS[::-1],
        5: CORNERS.transpose(1, 0, 2),
        6: np.rot90(CORNERS, 1),
        7: np.rot90(CORNERS, 2).transpose(1, 0, 2),
        8: np.rot90(CORNERS, -1),
    }[orientation]
    exif = Exif()
    exif[0x0112] = orientation
    Image.fromarray(np.ascontiguousarray(turned)).save(path, exif=exif)
    found = read_image(path)
    assert (pixels(path) == CORNERS).all()
    assert [one.kind for one in found.repairs] == (["orientation"] if orientation > 1 else [])


def test_where_it_was_taken_is_said_and_not_kept(tmp_path: Path) -> None:
    exif = Exif()
    exif[0x8825] = {1: "N", 2: (48.0, 51.0, 24.0)}
    exif[0x0132] = "2024:05:06 07:08:09"
    Image.fromarray(CORNERS).save(tmp_path / "a.jpg", exif=exif)
    found = read_image(tmp_path / "a.jpg")
    assert [one.kind for one in found.doubts] == ["gps"]
    assert (found.facts["gps"], found.facts["taken"]) == (True, "2024:05:06 07:08:09")
    assert "51" not in str(found.facts)


@pytest.mark.parametrize(
    ("mode", "kind"), [("RGB", ""), ("L", ""), ("CMYK", "colours"), ("P", ""), ("1", "")]
)
def test_other_colours_become_rgb(mode: str, kind: str, tmp_path: Path) -> None:
    form = "jpg" if mode == "CMYK" else "png"
    Image.fromarray(CORNERS).convert(mode).save(tmp_path / f"a.{form}")
    found = read_image(tmp_path / f"a.{form}")
    assert [one.kind for one in found.repairs] == ([kind] if kind else [])
    assert pixels(tmp_path / f"a.{form}").shape == (40, 60, 3)


def test_sixteen_bits_are_divided_and_not_cut(tmp_path: Path) -> None:
    ramp = np.linspace(0, 65_535, 256, dtype=np.uint16).reshape(16, 16)
    Image.fromarray(ramp).save(tmp_path / "a.png")
    assert (pixels(tmp_path / "a.png")[..., 0] == ramp >> 8).all()


def test_what_is_transparent_becomes_white(tmp_path: Path) -> None:
    Image.new("RGBA", (4, 4), (0, 0, 0, 0)).save(tmp_path / "a.png")
    assert (pixels(tmp_path / "a.png") == 255).all()
    assert [one.kind for one in read_image(tmp_path / "a.png").repairs] == ["transparency"]


def picture(form: str) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(np.random.default_rng(1).integers(0, 255, (64, 64, 3), np.uint8)).save(stream, form)
    return stream.getvalue()


@pytest.mark.parametrize("form", ["PNG", "JPEG"])
def test_a_cut_image_is_refused_wherever_it_is_cut(form: str, tmp_path: Path) -> None:
    data = picture(form)
    for cut in (20, len(data) // 2, len(data) - 40):
        (tmp_path / "a").write_bytes(data[:cut])
        found = read_image(tmp_path / "a")
        assert (found.outcome, found.data) == (Outcome.REFUSE, None)


@pytest.mark.parametrize("form", ["PNG", "JPEG"])
def test_what_follows_the_image_is_said(form: str, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(picture(form) + b"\n<script>alert(1)</script>")
    assert [one.kind for one in read_image(tmp_path / "a").doubts] == ["beyond"]
    (tmp_path / "a").write_bytes(picture(form))
    assert read_image(tmp_path / "a").outcome is Outcome.LU


def header_only(width: int, height: int) -> bytes:
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I4s", len(head), b"IHDR") + head + struct.pack(">I", zlib.crc32(b"IHDR" + head))
    return b"\x89PNG\r\n\x1a\n" + chunk + b"\0\0\0\x10IDAT" + b"\0" * 20


@pytest.mark.parametrize("size", [(30_000, 30_000), (13_000, 12_000), (2**31 - 1, 1)])
def test_too_many_pixels_are_refused_by_the_header_alone(size: tuple[int, int], tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(header_only(*size))
    assert "pixels" in read_image(tmp_path / "a.png").reason


def test_limits_are_the_callers(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(picture("PNG"))
    assert "pixels" in read_image(tmp_path / "a.png", limits=ImageLimits(pixels=4095)).reason
    assert "lourde" in read_image(tmp_path / "a.png", limits=ImageLimits(bytes=10)).reason


@pytest.mark.parametrize("form", ["GIF", "BMP", "WEBP", "TIFF"])
def test_other_formats_are_refused_with_a_way_out(form: str, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(picture(form))
    found = read_image(tmp_path / "a.png")
    assert (found.outcome, found.fix) == (Outcome.REFUSE, "Convertissez-la en PNG ou en JPEG.")
