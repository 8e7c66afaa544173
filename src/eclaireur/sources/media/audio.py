"""Sounds in WAV, FLAC, OGG and MP3, by libsndfile: how long, what is lost in them, resampled by soxr."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eclaireur.core import french
from eclaireur.core.errors import ExtraMissingError
from eclaireur.sources.media.described import Described, Kind, described, refused
from eclaireur.sources.media.sniff import SOUNDS, match
from eclaireur.sources.reading import Doubt, Repair

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Samples = NDArray[np.float32]

__all__ = ["AudioLimits", "read_audio"]

_CONVERT = "Convertissez-le en WAV, FLAC, OGG ou MP3."
_SEND_AGAIN = "Enregistrez-le ou envoyez-le de nouveau."
_READ = ("WAV", "FLAC", "OGG", "MP3")
_BLOCK = 1 << 16
_FULL = 0.999
_MUTE = 1e-4
"""Under -80 dB of full scale nothing is heard."""
_TOO_LOUD = 4.0
"""Lossy codings go over full scale by some decibels; more is another scale."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioLimits:
    """Sizes above which a sound is refused.

    Parameters
    ----------
    bytes
        Bytes of the file.
    seconds
        Seconds that it lasts.
    channels
        Channels.
    """

    bytes: int = 4_000_000_000
    seconds: float = 6 * 3600.0
    channels: int = 16


@dataclass(slots=True)
class _Heard:
    """What was heard, channel by channel."""

    frames: int = 0
    peaks: list[float] = field(default_factory=list)
    squares: list[float] = field(default_factory=list)
    clipped: int = 0
    loud: int = 0
    bad: bool = False


def read_audio(
    path: Path,
    *,
    data: bool = False,
    rate: int = 16_000,
    mono: bool = True,
    limits: AudioLimits | None = None,
) -> Described:
    """Read one sound; one that cannot be read gives a description that says why, never an exception.

    Parameters
    ----------
    data
        Also give the samples, full scale being 1: one column ``channel_1``… for each channel, resampled.
    rate
        Samples a second to give.
    mono
        Mix the channels that are not silent into one.

    Returns
    -------
    Described
        Its facts are ``format``, ``coding``, ``rate`` (samples a second), ``channels``, ``seconds``, ``peak``
        and ``level`` (peak and root mean square, in decibels of full scale), ``clipped`` (share of the
        samples), and ``given`` (rate and number of channels of the data, when it was asked for).

    Raises
    ------
    ExtraMissingError
        If soundfile or soxr is not installed.
    """
    chosen = limits or AudioLimits()
    with path.open("rb") as stream:
        head = stream.read(64)
    form = match(SOUNDS, head)
    if form not in _READ:
        reason = f"ce format de son n'est pas lu ({form})." if form else "ce fichier n'est pas un son."
        return refused(path.name, Kind.AUDIO, reason, _CONVERT)
    if path.stat().st_size > chosen.bytes:
        return refused(path.name, Kind.AUDIO, "le son est trop lourd.", "Découpez-le.")
    _need()
    try:
        return _describe(path, form, chosen, rate=rate if data else 0, mono=mono)
    except Exception as error:  # noqa: BLE001 - a hostile file may make libsndfile raise anything
        reason = f"le son est incomplet, abîmé ou dans un codage inconnu ({type(error).__name__})."
        return refused(path.name, Kind.AUDIO, reason, _CONVERT)


def _need() -> None:
    try:
        import soundfile
        import soxr  # noqa: F401 - asked for first, so that its absence is said first
    except (ImportError, OSError) as error:
        raise ExtraMissingError(
            "la lecture des sons demande une partie qui n'est pas installée.",
            fix="Lancez : ./eclaireur install audio",
        ) from error
    del soundfile


def _describe(path: Path, form: str, limits: AudioLimits, *, rate: int, mono: bool) -> Described:
    import soundfile

    with soundfile.SoundFile(path) as sound:
        given, channels, coding = int(sound.samplerate), int(sound.channels), str(sound.subtype)
    if channels > limits.channels:
        return refused(path.name, Kind.AUDIO, f"le son a {channels} voies, c'est trop.", _CONVERT)
    if not 1_000 <= given <= 768_000:
        said = f"le son annonce {french.number(given)} mesures par seconde : c'est impossible."
        return refused(path.name, Kind.AUDIO, said, _SEND_AGAIN)
    most = int(limits.seconds * given)
    heard = _hear(path, channels, most)
    if heard.frames > most:
        said = f"le son dure plus de {french.number(limits.seconds / 3600)} heures."
        return refused(path.name, Kind.AUDIO, said, "Découpez-le.")
    if heard.bad:
        said = "le son contient des valeurs qui ne sont pas des nombres."
        return refused(path.name, Kind.AUDIO, said, _SEND_AGAIN)
    if not heard.frames:
        return refused(path.name, Kind.AUDIO, "le fichier ne contient aucun son.", _SEND_AGAIN)
    repairs, doubts = _judge(path, form, heard, channels)
    facts: dict[str, Any] = {
        "format": form,
        "coding": coding,
        "rate": given,
        "channels": channels,
        "seconds": round(heard.frames / given, 3),
        "peak": _decibels(max(heard.peaks)),
        "level": _decibels((sum(heard.squares) / (heard.frames * channels)) ** 0.5),
        "clipped": round(heard.clipped / (heard.frames * channels), 6),
    }
    table = None
    if rate:
        table = _samples(path, heard, given, rate, mono=mono)
        facts["given"] = {"rate": rate, "channels": table.num_columns}
    return described(path.name, Kind.AUDIO, facts, repairs=tuple(repairs), doubts=tuple(doubts), data=table)


def _blocks(path: Path) -> Iterator[Samples]:
    """Give a sound block after block, of shape (samples, channels)."""
    import soundfile

    with soundfile.SoundFile(path) as sound:
        while True:
            block = sound.read(_BLOCK, dtype="float32", always_2d=True)
            if not len(block):
                return
            yield block


def _hear(path: Path, channels: int, most: int) -> _Heard:
    import numpy as np

    heard = _Heard(peaks=[0.0] * channels, squares=[0.0] * channels)
    for block in _blocks(path):
        heard.frames += len(block)
        if heard.frames > most:
            break
        if not np.isfinite(block).all():
            heard.bad = True
            break
        size = np.abs(block)
        for channel in range(channels):
            heard.peaks[channel] = max(heard.peaks[channel], float(size[:, channel].max()))
            heard.squares[channel] += float(np.square(block[:, channel], dtype=np.float64).sum())
        full = size >= _FULL
        # One sample at full scale is a peak; three in a row are a wave whose top was cut.
        heard.clipped += int((full[2:] & full[1:-1] & full[:-2]).sum())
        heard.loud += int((size > _MUTE).any(axis=1).sum())
    return heard


def _decibels(value: float) -> float | None:
    import math

    return round(20 * math.log10(value), 1) + 0.0 if value > 0 else None  # no -0.0


def _judge(path: Path, form: str, heard: _Heard, channels: int) -> tuple[list[Repair], list[Doubt]]:
    repairs, doubts = [], []
    if form == "WAV":
        lie = _length_lie(path)
        if lie:
            repairs.append(Repair(kind="length", message=lie))
    suffix = path.suffix.lower().lstrip(".")
    if suffix in {"wav", "mp3", "flac", "ogg"} and suffix != form.lower():
        repairs.append(Repair(kind="form", message=f"Le fichier se dit {suffix.upper()} : c'est un {form}."))
    if max(heard.peaks) <= _MUTE:
        doubts.append(Doubt(kind="silence", message="Le son est entièrement silencieux."))
    elif heard.loud < heard.frames * 0.05:
        share = french.percent(1 - heard.loud / heard.frames)
        doubts.append(Doubt(kind="silence", message=f"Le son est silencieux pendant {share} de sa durée."))
    if 0 < sum(peak <= _MUTE for peak in heard.peaks) < channels:
        mute = ", ".join(str(rank + 1) for rank, peak in enumerate(heard.peaks) if peak <= _MUTE)
        doubts.append(
            Doubt(kind="mute_channel", message=f"Voie silencieuse : {mute}. Elle est laissée de côté.")
        )
    if max(heard.peaks) > _TOO_LOUD:
        said = "Le son dépasse de beaucoup le maximum : son échelle n'est pas celle qui est attendue."
        doubts.append(Doubt(kind="scale", message=said))
    if heard.clipped > max(3, heard.frames * channels * 1e-4):
        share = french.percent(heard.clipped / (heard.frames * channels), 2)
        said = f"Le son est saturé : {share} des mesures sont au maximum."
        doubts.append(Doubt(kind="clipped", message=said))
    return repairs, doubts


def _length_lie(path: Path) -> str:
    """Say in French by how much the header of a WAV lies about its length; empty when it does not."""
    size = path.stat().st_size
    with path.open("rb") as stream:
        order = ">" if stream.read(4) == b"RIFX" else "<"
        at = 12
        while at + 8 <= size:
            stream.seek(at)
            name, length = struct.unpack(f"{order}4sI", stream.read(8))
            if name == b"ds64":
                return ""  # lengths on 64 bits, elsewhere
            if name == b"data":
                missing = at + 8 + length - size
                if missing > 0:
                    told, here = french.number(length), french.number(size - at - 8)
                    return (
                        f"L'en-tête annonce {told} octets de son, le fichier en a {here} : lu jusqu'à sa fin."
                    )
                return ""
            at += 8 + length + length % 2
    return ""


def _samples(path: Path, heard: _Heard, given: int, rate: int, *, mono: bool) -> Any:
    """Return the samples at the wanted rate, a column for each channel."""
    import numpy as np
    import pyarrow as pa
    import soxr

    live = [rank for rank, peak in enumerate(heard.peaks) if peak > _MUTE] or list(range(len(heard.peaks)))
    wide = 1 if mono else len(heard.peaks)
    turned: list[Samples] = []
    resampler = None if given == rate else soxr.ResampleStream(given, rate, wide, dtype="float32")
    for block in _blocks(path):
        piece = block[:, live].mean(axis=1, keepdims=True, dtype=np.float32) if mono else block
        turned.append(piece if resampler is None else resampler.resample_chunk(piece))
    if resampler is not None:
        turned.append(resampler.resample_chunk(np.empty((0, wide), np.float32), last=True))
    joined = np.concatenate([one.reshape(-1, wide) for one in turned])
    return pa.table(
        {f"channel_{rank + 1}": pa.array(np.ascontiguousarray(joined[:, rank])) for rank in range(wide)}
    )
