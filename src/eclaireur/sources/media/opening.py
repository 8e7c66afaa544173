"""Opens an image, a map or a sound by the reader of its kind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from eclaireur.sources.media.described import Described, Kind

__all__ = ["read_media"]


def read_media(path: Path, kind: Kind, folder: Path, *, data: bool = False, **options: Any) -> Described:
    """Read a file of a kind; see the reader of that kind for its facts, data and options.

    Parameters
    ----------
    folder
        Where the files of an archive may be written.
    data
        Also give what it holds.
    """
    match kind:
        case Kind.IMAGE:
            from eclaireur.sources.media.images import read_image

            return read_image(path, data=data, **options)
        case Kind.RASTER:
            from eclaireur.sources.media.rasters import read_raster

            return read_raster(path, data=data, **options)
        case Kind.VECTOR:
            from eclaireur.sources.media.vectors import read_vector

            return read_vector(path, folder, data=data, **options)
        case Kind.AUDIO:
            from eclaireur.sources.media.audio import read_audio

            return read_audio(path, data=data, **options)
