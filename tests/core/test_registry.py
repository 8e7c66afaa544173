"""The registry of trained models: whole models only, found again unchanged."""

from __future__ import annotations

import json
import math
import os
import pickle
import random
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from datetime import UTC, date, datetime
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from eclaireur.core.errors import BadValueError, ModelRefusedError, NotFoundError, WorkFailedError
from eclaireur.core.registry import Registry, card_from_json, card_to_json, seal
from eclaireur.core.types import Metric, ModelCard

FILES = {"coefficients.json": b'{"a":0.1,"b":-2.0}', "names.json": b'["a","b"]'}


def card(run: str = "run-1", case: str = "demo") -> ModelCard:
    return ModelCard(
        case=case,
        number=0,
        kind="régression logistique",
        created=datetime(2026, 11, 24, 9, 30, 1, 5, tzinfo=UTC),
        run=run,
        source="sample",
        examples_sha256="0" * 64,
        examples=100,
        positives=20,
        as_of=date(2026, 9, 30),
        features=("a", "b"),
        thresholds={"haut": 0.5},
        metrics=(
            Metric(name="auc", value=0.71, low=0.68, high=None, n=100, baseline="taux", baseline_value=0.5),
        ),
        limits=("Ne voit pas les commerces neufs.",),
    )


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return Registry(tmp_path)


def test_a_saved_model_is_found_again_equal(registry: Registry, tmp_path: Path) -> None:
    saved = registry.save(card(), FILES)
    assert saved == replace(
        card(), number=1, artefacts={name: sha256(data).hexdigest() for name, data in FILES.items()}
    )
    again = Registry(tmp_path)
    assert again.card("demo", 1) == saved
    assert again.cards("demo") == (saved,)
    assert {name: again.artefact(saved, name) for name in saved.artefacts} == FILES
    assert again.reader(saved)("names.json") == FILES["names.json"]


def test_numbers_follow_within_a_case(registry: Registry) -> None:
    numbers = [registry.save(card(f"run-{turn}"), FILES).number for turn in range(12)]
    assert numbers == list(range(1, 13))
    assert [found.number for found in registry.cards("demo")] == numbers
    assert registry.save(card("run-0", case="other"), FILES).number == 1


def test_a_run_saved_twice_is_one_model(registry: Registry) -> None:
    first = registry.save(card(), FILES)
    later = replace(card(), created=datetime(2027, 1, 1, tzinfo=UTC))
    assert registry.save(later, {"other.json": b"1"}) == first
    assert len(registry.cards("demo")) == 1


def test_a_number_is_never_given_twice(registry: Registry, tmp_path: Path) -> None:
    import shutil

    registry.save(card("run-1"), FILES)
    registry.save(card("run-2"), FILES)
    shutil.rmtree(tmp_path / "demo" / "2")
    assert registry.save(card("run-3"), FILES).number == 3


def test_training_again_repairs_a_model_that_was_altered(registry: Registry, tmp_path: Path) -> None:
    registry.save(card(), FILES)
    (tmp_path / "demo" / "1" / "names.json").write_bytes(b"[]")
    assert registry.save(card(), FILES).number == 2


def test_what_does_not_exist_is_not_found(registry: Registry) -> None:
    assert registry.cards("demo") == ()
    registry.save(card(), FILES)
    for case, number in (("demo", 2), ("demo", 0), ("other", 1), ("../demo", 1), ("", 1)):
        with pytest.raises(NotFoundError, match=f"aucun modèle n° {number}"):
            registry.card(case, number)


def test_a_card_survives_its_text() -> None:
    full = replace(card(), number=3, artefacts={"b.json": "1" * 64, "a.json": "2" * 64})
    assert card_from_json(card_to_json(full)) == full
    assert json.loads(card_to_json(full))["format"] == 1
    assert seal(full) == sha256(card_to_json(full).encode()).hexdigest()


def test_the_numbers_of_numpy_are_written_as_plain_numbers() -> None:
    metric = Metric(name="auc", value=np.float64(0.5), low=None, high=None, n=np.int64(3))  # type: ignore[arg-type]
    written = replace(card(), metrics=(metric,), examples=np.int64(7), thresholds={"x": np.float32(0.5)})  # type: ignore[arg-type, dict-item]
    read = card_from_json(card_to_json(written))
    assert (read.examples, read.metrics[0].n, read.metrics[0].value, read.thresholds) == (
        7,
        3,
        0.5,
        {"x": 0.5},
    )


@pytest.mark.parametrize(
    "wrong",
    [
        {"thresholds": {"x": math.nan}},
        {"case": "../up"},
        {"case": "Demo"},
        {"run": ""},
        {"created": datetime(2026, 1, 1)},
    ],
)
def test_a_card_that_cannot_be_written_stores_nothing(
    registry: Registry, tmp_path: Path, wrong: dict[str, object]
) -> None:
    with pytest.raises(BadValueError):
        registry.save(replace(card(), **wrong), FILES)  # type: ignore[arg-type]
    assert not list(tmp_path.rglob("*.json"))


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"card.json": b"{}"},
        {"model.pkl": pickle.dumps([1])},
        {"model.json": pickle.dumps([1])},
        {"good.json": b"1", "../up.json": b"1"},
    ],
)
def test_files_that_are_refused_store_nothing(
    registry: Registry, tmp_path: Path, files: dict[str, bytes]
) -> None:
    with pytest.raises(ModelRefusedError):
        registry.save(card(), files)
    assert not list(tmp_path.rglob("*.json"))


def test_any_byte_changed_in_an_artefact_is_refused(registry: Registry, tmp_path: Path) -> None:
    saved = registry.save(card(), FILES)
    path = tmp_path / "demo" / "1" / "names.json"
    for place in range(len(FILES["names.json"])):
        data = bytearray(FILES["names.json"])
        data[place] ^= 1
        path.write_bytes(data)
        with pytest.raises(
            ModelRefusedError, match=r"demo/1/names\.json : ce fichier du modèle a été modifié"
        ):
            registry.artefact(saved, "names.json")
    assert registry.artefact(saved, "coefficients.json")


def test_any_byte_changed_in_a_card_is_refused_with_its_seal(registry: Registry, tmp_path: Path) -> None:
    saved = registry.save(card(), FILES)
    expected = registry.seal(saved)
    assert registry.card("demo", 1, expect=expected) == saved
    path = tmp_path / "demo" / "1" / "card.json"
    whole = path.read_bytes()
    rng = random.Random(1)
    for place in range(len(whole)):
        data = bytearray(whole)
        data[place] = rng.choice([byte for byte in b'0a" ,}\xff' if byte != whole[place]])
        path.write_bytes(data)
        with pytest.raises(ModelRefusedError):
            registry.card("demo", 1, expect=expected)


def test_a_model_swapped_whole_is_seen_by_its_seal(registry: Registry, tmp_path: Path) -> None:
    """Artefact, its hash in the card, all changed together: only the journal's seal tells."""
    saved = registry.save(card(), FILES)
    folder = tmp_path / "demo" / "1"
    (folder / "names.json").write_bytes(b"[]")
    forged = replace(saved, artefacts={**saved.artefacts, "names.json": sha256(b"[]").hexdigest()})
    (folder / "card.json").write_text(card_to_json(forged), "utf-8")
    assert registry.artefact(registry.card("demo", 1), "names.json") == b"[]"
    with pytest.raises(ModelRefusedError, match="a changé depuis que le journal"):
        registry.card("demo", 1, expect=registry.seal(saved))
    with pytest.raises(ModelRefusedError, match="modifié"):
        registry.artefact(saved, "names.json")


def test_a_pickle_put_in_the_place_of_an_artefact_is_refused_even_with_its_hash(
    registry: Registry, tmp_path: Path
) -> None:
    saved = registry.save(card(), FILES)
    data = pickle.dumps({"a": 1})
    for name in ("names.json", "model.pkl"):
        (tmp_path / "demo" / "1" / name).write_bytes(data)
        forged = replace(saved, artefacts={name: sha256(data).hexdigest()})
        with pytest.raises(ModelRefusedError):
            registry.artefact(forged, name)


def test_a_model_of_another_case_is_refused(registry: Registry, tmp_path: Path) -> None:
    other = registry.save(card(case="other"), FILES)
    registry.save(card(), FILES)
    (tmp_path / "demo" / "1" / "card.json").write_bytes((tmp_path / "other" / "1" / "card.json").read_bytes())
    with pytest.raises(ModelRefusedError, match="celle du modèle n° 1 de « other »"):
        registry.card("demo", 1)
    with pytest.raises(ModelRefusedError, match="pas de fichier"):
        registry.artefact(other, "absent.json")
    with pytest.raises(ModelRefusedError, match="absent ou illisible"):
        registry.artefact(replace(other, case="third"), "names.json")
    with pytest.raises(ModelRefusedError, match="pas de fichier"):
        registry.artefact(replace(other, case="../other"), "names.json")


def test_a_missing_file_or_a_link_is_refused(registry: Registry, tmp_path: Path) -> None:
    saved = registry.save(card(), FILES)
    path = tmp_path / "demo" / "1" / "names.json"
    moved = path.rename(tmp_path / "names.json")
    with pytest.raises(ModelRefusedError, match=r"absent ou illisible.*sauvegarde"):
        registry.artefact(saved, "names.json")
    path.symlink_to(moved)
    with pytest.raises(ModelRefusedError, match="absent ou illisible"):
        registry.artefact(saved, "names.json")


def test_a_name_that_leads_elsewhere_is_not_followed(registry: Registry) -> None:
    saved = registry.save(card(), FILES)
    forged = replace(saved, artefacts={"../2/names.json": "0" * 64})
    with pytest.raises(ModelRefusedError, match="Formes admises"):
        registry.artefact(forged, "../2/names.json")


@pytest.mark.parametrize(
    "text", ["", "[]", '{"format":2}', '{"format":1}', "NaN", '{"format":1,"case":"demo"}']
)
def test_a_text_that_is_no_card_is_refused(text: str) -> None:
    with pytest.raises(ModelRefusedError, match="fiche du modèle"):
        card_from_json(text)


def test_a_disk_that_refuses_stores_nothing(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device", descriptor)

    with monkeypatch.context() as disk:
        disk.setattr(os, "fsync", full)
        with pytest.raises(WorkFailedError, match="Rien n'a été écrit"):
            registry.save(card(), FILES)
    assert registry.cards("demo") == ()
    assert not list(tmp_path.rglob("*.json"))


WRITER = """
import sys
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from eclaireur.core.registry import Registry
from eclaireur.core.types import ModelCard
name, count = sys.argv[2], int(sys.argv[3])
card = ModelCard(case="demo", number=0, kind="k", created=datetime(2026, 1, 1, tzinfo=UTC), run="",
    source="s", examples_sha256="0" * 64, examples=1, positives=1, as_of=date(2026, 1, 1), features=("a",))
for turn in range(count):
    files = {f"part_{part}.json": b"[" + b"0," * 20_000 + b"%d]" % turn for part in range(3)}
    print(Registry(Path(sys.argv[1])).save(replace(card, run=f"{name}-{turn}"), files).number, flush=True)
"""


def writer(folder: Path, name: str, count: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(folder), name, str(count)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )


def test_two_processes_saving_at_once_get_distinct_numbers(registry: Registry, tmp_path: Path) -> None:
    both = [writer(tmp_path, name, 6) for name in ("first", "second")]
    given = [int(line) for one in both for line in one.communicate()[0].split()]
    assert sorted(given) == list(range(1, 13))
    assert len({found.run for found in registry.cards("demo")}) == 12


def test_two_threads_saving_the_same_run_store_one_model(registry: Registry) -> None:
    threads = [threading.Thread(target=registry.save, args=(card(), FILES)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [found.number for found in registry.cards("demo")] == [1]


def test_a_save_killed_at_any_instant_leaves_no_half_written_model(
    registry: Registry, tmp_path: Path
) -> None:
    rng = random.Random(20211)
    for turn in range(6):
        one = writer(tmp_path, f"turn-{turn}", 1000)
        if one.stdout is None:
            raise AssertionError
        one.stdout.readline()
        time.sleep(rng.uniform(0, 0.1))
        one.send_signal(signal.SIGKILL)
        one.communicate()
    found = registry.cards("demo")
    assert len(found) >= 6
    for model in found:
        assert len(model.artefacts) == 3
        for name in model.artefacts:
            registry.artefact(model, name)
    registry.save(card("last"), FILES)
    names = {path.name for path in (tmp_path / "demo").iterdir() if not path.name.isdigit()}
    assert {name for name in names if name.startswith(".writing-")} == set()
