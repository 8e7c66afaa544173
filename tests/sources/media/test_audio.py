"""A sound is heard whole; what is lost, cut or silent in it is said."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eclaireur.sources.media.audio import AudioLimits, read_audio
from eclaireur.sources.reading import Outcome

soundfile = pytest.importorskip("soundfile", reason="the extra `audio` is not installed")
pytest.importorskip("soxr", reason="the extra `audio` is not installed")


def tone(rate: int, seconds: float = 0.5, level: float = 0.3, channels: int = 1) -> np.ndarray:
    wave = level * np.sin(2 * np.pi * 440 * np.arange(int(rate * seconds)) / rate)
    return np.repeat(wave[:, None], channels, axis=1)


def write(path: Path, samples: Any, rate: int, **more: Any) -> Path:
    soundfile.write(path, samples, rate, **more)
    return path


CODINGS = [
    ("wav", "PCM_16"),
    ("wav", "PCM_24"),
    ("wav", "PCM_U8"),
    ("wav", "FLOAT"),
    ("wav", "DOUBLE"),
    ("wav", "ALAW"),
    ("wav", "ULAW"),
    ("flac", "PCM_16"),
    ("ogg", "VORBIS"),
    ("mp3", "MPEG_LAYER_III"),
]


@pytest.mark.parametrize(("form", "coding"), CODINGS, ids=str)
def test_a_tone_keeps_its_pitch_and_length_in_every_coding(form: str, coding: str, tmp_path: Path) -> None:
    path = write(tmp_path / f"a.{form}", tone(44_100, 1.0), 44_100, subtype=coding)
    found = read_audio(path, data=True)
    assert (found.outcome, found.facts["format"], found.facts["coding"]) == (Outcome.LU, form.upper(), coding)
    assert found.facts["seconds"] == pytest.approx(1.0, abs=0.06)  # MP3 has blocks of 26 ms
    assert found.data is not None
    samples = found.data["channel_1"].to_numpy()
    assert len(samples) == pytest.approx(16_000 * found.facts["seconds"], abs=2)
    heard = np.fft.rfftfreq(8_000, 1 / 16_000)[np.abs(np.fft.rfft(samples[4_000:12_000])).argmax()]
    assert heard == pytest.approx(440, abs=2)
    assert np.sqrt(np.mean(samples[4_000:12_000] ** 2)) == pytest.approx(0.3 / np.sqrt(2), rel=0.05)


def test_a_pitch_that_the_new_rate_cannot_hold_is_removed_and_not_folded(tmp_path: Path) -> None:
    high = 0.3 * np.sin(2 * np.pi * 6_000 * np.arange(48_000) / 48_000)
    found = read_audio(write(tmp_path / "a.wav", high, 48_000), data=True, rate=8_000)
    assert found.data is not None
    assert np.abs(found.data["channel_1"].to_numpy()[500:-500]).max() < 1e-3


def test_channels_are_mixed_without_the_silent_ones(tmp_path: Path) -> None:
    samples = tone(16_000, channels=3)
    samples[:, 1] = 0
    path = write(tmp_path / "a.wav", samples, 16_000, subtype="FLOAT")
    found = read_audio(path, data=True)
    assert [one.kind for one in found.doubts] == ["mute_channel"]
    assert found.data is not None
    assert found.data["channel_1"].to_numpy() == pytest.approx(samples[:, 0].astype(np.float32), abs=1e-6)
    apart = read_audio(path, data=True, mono=False).data
    assert apart is not None
    assert apart.column_names == ["channel_1", "channel_2", "channel_3"]


@pytest.mark.parametrize(
    ("samples", "kind"),
    [
        (np.zeros(8_000), "silence"),
        (np.concatenate([np.zeros(80_000), tone(8_000, 0.1)[:, 0]]), "silence"),
        (np.clip(tone(8_000, level=3.0), -1, 1), "clipped"),
        (tone(8_000, level=30_000.0), "scale"),
    ],
    ids=["silent", "nearly silent", "clipped", "scale"],
)
def test_what_is_lost_in_a_sound_is_said(samples: Any, kind: str, tmp_path: Path) -> None:
    found = read_audio(write(tmp_path / "a.wav", samples, 8_000, subtype="FLOAT"))
    assert kind in [one.kind for one in found.doubts]


def test_a_loud_sound_is_not_a_clipped_one(tmp_path: Path) -> None:
    found = read_audio(write(tmp_path / "a.wav", tone(8_000, level=1.0), 8_000, subtype="PCM_16"))
    assert found.outcome is Outcome.LU


def test_what_is_not_a_number_is_refused(tmp_path: Path) -> None:
    samples = tone(8_000)
    samples[100] = np.nan
    assert "nombres" in read_audio(write(tmp_path / "a.wav", samples, 8_000, subtype="FLOAT")).reason


@pytest.mark.parametrize("order", ["<", ">"], ids=["RIFF", "RIFX"])
@pytest.mark.parametrize("claimed", [2**31, 2**32 - 2, 20_000])
def test_a_header_that_lies_is_read_to_the_end_of_the_file(order: str, claimed: int, tmp_path: Path) -> None:
    samples = (tone(8_000)[:, 0] * 32_767).astype(f"{order}i2").tobytes()
    head = b"RIFF" if order == "<" else b"RIFX"
    form = struct.pack(f"{order}HHIIHH", 1, 1, 8_000, 16_000, 2, 16)
    data = head + struct.pack(f"{order}I", claimed) + b"WAVE" + b"fmt " + struct.pack(f"{order}I", 16) + form
    (tmp_path / "a.wav").write_bytes(data + b"data" + struct.pack(f"{order}I", claimed) + samples)
    found = read_audio(tmp_path / "a.wav")
    assert [one.kind for one in found.repairs] == ["length"]
    assert found.facts["seconds"] == 0.5


def test_a_sound_is_known_by_its_bytes(tmp_path: Path) -> None:
    path = write(tmp_path / "a.flac", tone(8_000), 8_000).rename(tmp_path / "a.wav")
    assert [one.kind for one in read_audio(path).repairs] == ["form"]
    (tmp_path / "b.wav").write_bytes(b"bonjour")
    assert "n'est pas un son" in read_audio(tmp_path / "b.wav").reason


@pytest.mark.parametrize("form", ["wav", "flac", "ogg", "mp3"])
def test_a_cut_sound_ends_in_one_of_the_three_outcomes(form: str, tmp_path: Path) -> None:
    data = write(tmp_path / f"a.{form}", tone(8_000), 8_000).read_bytes()
    for cut in (0, 4, 12, 20, 44, len(data) // 2, len(data) - 3):
        (tmp_path / "b").write_bytes(data[:cut])
        found = read_audio(tmp_path / "b")
        assert found.outcome is not Outcome.REFUSE or found.reason


def test_limits_are_the_callers(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", tone(8_000, 2.0, channels=2), 8_000)
    assert "dure plus" in read_audio(path, limits=AudioLimits(seconds=1)).reason
    assert "voies" in read_audio(path, limits=AudioLimits(channels=1)).reason
    assert "lourd" in read_audio(path, limits=AudioLimits(bytes=10)).reason
    assert "aucun son" in read_audio(write(tmp_path / "b.wav", np.empty(0), 8_000)).reason


def test_real_voice_prompts_are_read_whole(real_data: Path) -> None:
    paths = sorted((real_data / "voice_prompts").rglob("*.wav"))
    found = [read_audio(path) for path in paths]
    assert len(found) >= 76
    assert {one.outcome for one in found} <= {Outcome.LU, Outcome.LU_AVEC_RESERVES}
    assert {one.facts["rate"] for one in found if one.facts["coding"] == "PCM_16"} >= {8_000}
