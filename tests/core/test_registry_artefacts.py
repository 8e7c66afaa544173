"""The files of a model: what is written reads back equal; anything else is refused before it is read."""

from __future__ import annotations

import io
import json
import math
import os
import pickle
import random
import re
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from eclaireur.core.artefacts import (
    SUFFIXES,
    check,
    dump_json,
    dump_lightgbm,
    dump_skops,
    load_json,
    load_lightgbm,
    load_skops,
)
from eclaireur.core.errors import BadValueError, ModelRefusedError


class Hostile:
    """Makes a folder when it is unpickled."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str]]:
        return os.mkdir, (str(self._folder),)


def refusal(call: Callable[..., object], *arguments: object) -> ModelRefusedError | None:
    try:
        call(*arguments)
    except ModelRefusedError as error:
        return error
    return None


def zipped(**files: bytes) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in files.items():
            archive.writestr(name.replace("__", ".").replace("folder_", "folder/"), content)
    return target.getvalue()


def rezipped(data: bytes, change: Callable[[dict[str, bytes]], None], **options: Any) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    change(files)
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", **options) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return target.getvalue()


def table(seed: int = 0, rows: int = 300) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    rng = np.random.default_rng(seed)
    features = rng.random((rows, 4))
    features[:, 3] = rng.integers(0, 40, rows)
    labels = (features[:, 0] + features[:, 3] % 2 + rng.random(rows) > 1.4).astype(float)
    return features, labels


@pytest.fixture(scope="module")
def booster() -> Any:
    import lightgbm

    features, labels = table()
    data = lightgbm.Dataset(
        features, labels, categorical_feature=[3], feature_name=["âge", "b=1", "c", "d"], free_raw_data=True
    )
    parameters = {
        "objective": "binary",
        "verbose": -1,
        "num_threads": 1,
        "num_leaves": 5,
        "max_cat_to_onehot": 1,
        "min_data_per_group": 1,
        "seed": 1,
    }
    return lightgbm.train(parameters, data, 4)


@pytest.fixture(scope="module")
def text(booster: Any) -> bytes:
    return dump_lightgbm(booster)


@pytest.fixture(scope="module")
def estimator() -> Any:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    features, labels = table()
    return make_pipeline(StandardScaler(), LogisticRegression()).fit(features, labels)


@pytest.fixture(scope="module")
def archive(estimator: Any) -> bytes:
    return dump_skops(estimator)


def safetensors(header: object = None, body: bytes = b"\0" * 16) -> bytes:
    described = (
        {"w": {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]}} if header is None else header
    )
    encoded = json.dumps(described).encode()
    return struct.pack("<Q", len(encoded)) + encoded + body


def parquet() -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    target = io.BytesIO()
    pq.write_table(pa.table({"a": [1, 2]}), target)
    return target.getvalue()


def onnx() -> bytes:
    """Ir version 8; graph with a name; operator set with a version."""
    return b"\x08\x08" + b"\x3a\x03\x12\x01g" + b"\x42\x02\x10\x11"


@pytest.fixture(scope="module")
def good(text: bytes, archive: bytes) -> dict[str, bytes]:
    return {
        ".txt": text,
        ".skops": archive,
        ".json": b'{"a":1}',
        ".safetensors": safetensors(),
        ".onnx": onnx(),
        ".parquet": parquet(),
    }


def test_every_format_has_a_good_example(good: dict[str, bytes]) -> None:
    assert set(good) == set(SUFFIXES)
    for suffix, data in good.items():
        check(f"model{suffix}", data)


def test_a_booster_reads_back_to_the_same_scores_and_reasons(booster: Any, text: bytes) -> None:
    features, _ = table(seed=5)
    back = load_lightgbm(text)
    assert np.array_equal(back.predict(features), booster.predict(features))
    reasons = back.predict(features, pred_contrib=True)
    assert np.array_equal(reasons, booster.predict(features, pred_contrib=True))
    assert back.feature_name() == ["âge", "b=1", "c", "d"]
    assert dump_lightgbm(back).partition(b"\nparameters:")[0] == text.partition(b"\nparameters:")[0]


@pytest.mark.parametrize(
    "parameters",
    [
        {"objective": "multiclass", "num_class": 3},
        {"objective": "regression"},
        {"objective": "binary", "boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.5},
        {"objective": "binary", "monotone_constraints": [1, 0, 0, 0]},
        {"objective": "binary", "min_data_in_leaf": 300},
        {"objective": "quantile", "alpha": 0.9},
    ],
)
def test_the_kinds_of_booster_that_we_train_are_accepted(parameters: dict[str, Any]) -> None:
    import lightgbm

    features, labels = table()
    trained = lightgbm.train(
        {**parameters, "verbose": -1, "num_threads": 1, "num_leaves": 4},
        lightgbm.Dataset(features, labels),
        3,
    )
    back = load_lightgbm(dump_lightgbm(trained))
    assert np.array_equal(back.predict(features), trained.predict(features))


def test_a_linear_tree_is_refused_when_it_is_written() -> None:
    import lightgbm

    features, labels = table()
    trained = lightgbm.train(
        {"linear_tree": True, "verbose": -1, "num_threads": 1, "num_leaves": 4},
        lightgbm.Dataset(features, labels, params={"linear_tree": True, "verbose": -1}),
        2,
    )
    with pytest.raises(ModelRefusedError, match="forme inconnue"):
        dump_lightgbm(trained)


def test_a_text_cut_anywhere_is_refused_without_a_crash(text: bytes) -> None:
    """LightGBM itself aborts the process, or scores wrongly, on most of these."""
    for length in [*range(0, len(text), 53), len(text) - 1]:
        with pytest.raises(ModelRefusedError, match="modèle LightGBM entier"):
            load_lightgbm(text[:length])


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (rb"left_child=(-?\d+)", b"left_child=99"),
        (rb"left_child=(-?\d+)", b"left_child=-99"),
        (rb"left_child=(-?\d+)", b"left_child=0"),
        (rb"right_child=(-?\d+) (-?\d+)", rb"right_child=\1 0"),
        (rb"split_feature=\d", b"split_feature=7"),
        (rb"split_feature=\d", b"split_feature=-1"),
        (rb"decision_type=\d+", b"decision_type=99"),
        (rb"num_leaves=5\n", b"num_leaves=6\n"),
        (rb"num_leaves=5\n", b"num_leaves=99999999\n"),
        (rb"num_cat=(\d+)", b"num_cat=9"),
        (rb"cat_boundaries=0 (\d+)", b"cat_boundaries=0 99"),
        (rb"leaf_value=\S+", b"leaf_value=nan"),
        (rb"leaf_value=\S+ ", b"leaf_value="),
        (rb"threshold=\S+", b"threshold=1_0"),
        (rb"max_feature_idx=3", b"max_feature_idx=2"),
        (rb"is_linear=0", b"is_linear=1"),
        (rb"\nversion=v4", b"\nversion=v9"),
        (rb"\[fair_c: 1\]", b"[fair_cT 1]"),
        (rb"pandas_categorical:null", b"pandas_categorical:["),
        (rb"num_class=1\n", b"num_class=1\nnum_class=1\n"),
        (rb"objective=", b"objective\x00="),
    ],
)
def test_a_changed_field_is_refused(text: bytes, old: bytes, new: bytes) -> None:
    changed, count = re.subn(old, new, text, count=1)
    assert count == 1
    head, _, rest = changed.partition(b"\n\n")
    sizes = [
        len(block)
        for block in re.split(rb"(?=Tree=\d+\n)|(?=end of trees)", rest)
        if block.startswith(b"Tree=")
    ]
    # The forger also repairs the sizes.
    head = re.sub(rb"tree_sizes=.*", b"tree_sizes=" + b" ".join(b"%d" % size for size in sizes), head)
    with pytest.raises(ModelRefusedError, match="modèle LightGBM entier"):
        load_lightgbm(head + b"\n\n" + rest)


def test_an_estimator_reads_back_to_the_same_scores(estimator: Any, archive: bytes) -> None:
    features, _ = table(seed=5)
    assert np.array_equal(load_skops(archive).predict_proba(features), estimator.predict_proba(features))


def test_the_same_estimator_gives_the_same_bytes(estimator: Any, archive: bytes) -> None:
    assert dump_skops(estimator) == archive
    assert dump_skops(load_skops(archive)) == archive


def test_calibration_text_and_encoding_models_read_back() -> None:
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.compose import ColumnTransformer
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.isotonic import IsotonicRegression
    from sklearn.linear_model import LogisticRegression
    from sklearn.naive_bayes import ComplementNB
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    features, labels = table()
    isotonic = IsotonicRegression(out_of_bounds="clip").fit(features[:, 0], labels)
    back = load_skops(dump_skops(isotonic))
    assert np.array_equal(back.predict(features[:, 1]), isotonic.predict(features[:, 1]))
    columns = ColumnTransformer(
        [("n", StandardScaler(), [0, 1]), ("c", OneHotEncoder(handle_unknown="ignore"), [3])],
        sparse_threshold=0,
    )
    for model in (
        make_pipeline(columns, LogisticRegression()).fit(features, labels),
        CalibratedClassifierCV(LogisticRegression(), cv=2).fit(features, labels),
    ):
        again = load_skops(dump_skops(model))
        assert np.array_equal(again.predict_proba(features), model.predict_proba(features))
    texts = ["cuisine sale", "cuisine propre", "frigo sale", "tout va bien"]
    words = make_pipeline(TfidfVectorizer(), ComplementNB()).fit(texts, [1, 0, 1, 0])
    assert np.array_equal(load_skops(dump_skops(words)).predict_proba(texts), words.predict_proba(texts))


def test_an_estimator_outside_the_list_is_refused() -> None:
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.preprocessing import FunctionTransformer

    features, labels = table()
    for model in (
        RandomForestClassifier(n_estimators=2, random_state=0).fit(features, labels),
        FunctionTransformer(np.log1p),
        Path,
        os.system,
    ):
        with pytest.raises(ModelRefusedError, match="liste sûre"):
            dump_skops(model)


def node(loader: object, module: str, name: str, **rest: object) -> dict[str, object]:
    return {"__loader__": loader, "__module__": module, "__class__": name, **rest}


EMPTY_LIST = node("ListNode", "builtins", "list", content=[])
HOSTILE_SCHEMAS: dict[str, dict[str, object]] = {
    "function": node("FunctionNode", "os", "system"),
    "type": node("TypeNode", "subprocess", "Popen"),
    "constructor": node("ConstructorFromReduceNode", "os", "system", content=EMPTY_LIST),
    "operator": node("OperatorFuncNode", "operator", "methodcaller", attrs=EMPTY_LIST),
    "method": node("MethodNode", "builtins", "str", content={"func": "format", "obj": EMPTY_LIST}),
    "partial": node("PartialNode", "functools", "partial", content={}),
    "nested": node("ListNode", "builtins", "list", content=[node("TypeNode", "os", "system")]),
    "in a key": node(
        "DictNode", "builtins", "dict", key_types=EMPTY_LIST, content={"x": node("TypeNode", "os", "system")}
    ),
    "loader of a trusted name": node("ConstructorFromReduceNode", "builtins", "list", content=EMPTY_LIST),
    "loader that is no text": node([], "builtins", "list"),
    "missing array": node("NdArrayNode", "numpy", "ndarray", type="numpy", file="7.npy"),
    "array that is no text": node("NdArrayNode", "numpy", "ndarray", type="numpy", file=["0.npy"]),
    "unknown cache": node("CachedNode", "builtins", "list"),
    "no class": {"__loader__": "ListNode"},
    "incoherent": node("ListNode", "builtins", "list"),
}


@pytest.mark.parametrize("name", HOSTILE_SCHEMAS)
def test_a_skops_schema_that_calls_something_else_is_refused(name: str) -> None:
    schema = {**HOSTILE_SCHEMAS[name], "protocol": 2, "_skops_version": "0.13"}
    with pytest.raises(ModelRefusedError, match="skops"):
        load_skops(zipped(schema__json=json.dumps(schema).encode()))


def test_an_archive_that_is_not_quite_skops_is_refused(archive: bytes, tmp_path: Path) -> None:
    objects = io.BytesIO()
    np.save(objects, np.array([Hostile(tmp_path / "run")]), allow_pickle=True)
    huge = io.BytesIO()
    np.lib.format.write_array_header_1_0(huge, {"descr": "<f8", "fortran_order": False, "shape": (2**50,)})
    wrong = {
        "a pickle beside": rezipped(archive, lambda files: files.update({"data.pkl": b"x"})),
        "a path": rezipped(archive, lambda files: files.update({"../7.npy": b"x"})),
        "object array": rezipped(archive, lambda files: files.update({"0.npy": objects.getvalue()})),
        "array of a petabyte": rezipped(archive, lambda files: files.update({"0.npy": huge.getvalue()})),
        "not an array": rezipped(archive, lambda files: files.update({"0.npy": b"x"})),
        "compressed": rezipped(archive, lambda _: None, compression=zipfile.ZIP_DEFLATED),
        "no schema": rezipped(archive, lambda files: files.__delitem__("schema.json")),
        "schema is no object": zipped(schema__json=b"[1]"),
        "schema too deep": zipped(schema__json=b"[" * 100_000),
        "cut": archive[: len(archive) // 2],
        "something before": b"#!/bin/sh\n" + archive,
    }
    for name, data in wrong.items():
        assert "skops" in str(refusal(load_skops, data)), name
    assert not (tmp_path / "run").exists()


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_a_skops_file_with_changed_bytes_is_refused_or_read_never_worse(
    archive: bytes, data: st.DataObject
) -> None:
    changed = bytearray(archive)
    for _ in range(data.draw(st.integers(1, 4))):
        changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    error = refusal(load_skops, bytes(changed))
    assert error is None or error.fix


def hostile_files(folder: Path) -> dict[str, bytes]:
    """Pickles in the disguises in which they travel."""
    bare = {f"pickle {protocol}": pickle.dumps(Hostile(folder), protocol) for protocol in range(6)}
    one = bare["pickle 4"]
    return {
        **bare,
        "after a header of LightGBM": b"tree\nversion=v4\n" + one,
        "after a header of LightGBM, no version": b"tree\n\n" + one,
        "between the marks of Parquet": b"PAR1" + one + b"PAR1",
        "in a zip": zipped(data__pkl=one),
        "in a zip like PyTorch's": zipped(folder_data__pkl=one, folder_version=b"3"),
        "in a zip with a schema": zipped(schema__json=b"{}", data__pkl=one),
        "in a zip in the place of the schema": zipped(schema__json=one),
        "after the length of safetensors": struct.pack("<Q", len(one)) + one,
        "like joblib": b"\x80\x04" + one[2:],
        "compressed by zlib": __import__("zlib").compress(one),
        "empty": b"",
        "a zip of nothing": zipped(),
        "an ONNX field that is a pickle": b"\x08\x08" + b"\x9a\x01" + bytes([len(one)]) + one,
        "a shell script": b"#!/bin/sh\ntouch /tmp/x\n",
        "an ELF program": b"\x7fELF" + b"\0" * 60,
    }


@pytest.mark.parametrize("suffix", sorted(SUFFIXES))
def test_a_hostile_file_is_refused_under_every_name(suffix: str, tmp_path: Path) -> None:
    for name, data in hostile_files(tmp_path / "run").items():
        error = refusal(check, f"model{suffix}", data)
        assert error is not None, name
        assert (error.file, bool(error.fix)) == (f"model{suffix}", True)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "name",
    [
        "model.pkl",
        "model.joblib",
        "model.pt",
        "model",
        "",
        ".txt",
        "Model.txt",
        "../model.txt",
        "a/model.txt",
        "/etc/model.txt",
        "model.txt\n",
        "model.pkl.txt",
        "a" * 200 + ".txt",
        "modèle.txt",
        "C:\\model.txt",
    ],
)
def test_a_name_that_is_not_a_plain_file_name_of_a_known_format_is_refused(name: str, text: bytes) -> None:
    with pytest.raises(ModelRefusedError, match=r"Formes admises : \.json, "):
        check(name, text)


@given(
    value=st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(2**53) + 1, 2**53 - 1)
        | st.text("aé\n")
        | st.floats(-1e9, 1e9),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab"), inner, max_size=3),
        max_leaves=8,
    )
)
def test_a_json_value_reads_back_equal(value: object) -> None:
    assert load_json(dump_json(value)) == value


def test_json_without_a_form_is_refused() -> None:
    with pytest.raises(BadValueError):
        dump_json({"score": math.nan})
    for data in (b"NaN", b"\xff", b"", b'{"a":1,"a":2}', b"[" * 10_000):
        with pytest.raises(ModelRefusedError, match="JSON"):
            load_json(data)


@pytest.mark.parametrize(
    "header",
    [
        {"w": {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 12]}},
        {"w": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}},
        {"w": {"dtype": "F32", "shape": [-2, -2], "data_offsets": [0, 16]}},
        {"w": {"dtype": "PICKLE", "shape": [16], "data_offsets": [0, 16]}},
        {"w": {"dtype": "U8", "shape": [16]}},
        {"w": {"dtype": "U8", "shape": [8], "data_offsets": [8, 16]}},
        {
            "a": {"dtype": "U8", "shape": [16], "data_offsets": [0, 16]},
            "b": {"dtype": "U8", "shape": [16], "data_offsets": [0, 16]},
        },
        {},
        [],
        {"w": 3},
    ],
)
def test_a_safetensors_file_whose_tensors_do_not_fill_it_is_refused(header: object) -> None:
    with pytest.raises(ModelRefusedError, match="safetensors"):
        check("w.safetensors", safetensors(header))


def test_a_parquet_or_onnx_file_cut_anywhere_is_refused() -> None:
    whole = parquet()
    for length in range(0, len(whole), 7):
        with pytest.raises(ModelRefusedError, match="Parquet"):
            check("t.parquet", whole[:length])
    for length in range(len(onnx())):
        with pytest.raises(ModelRefusedError, match="ONNX"):
            check("m.onnx", onnx()[:length])


def test_noise_is_refused_under_every_name() -> None:
    rng = random.Random(3)
    for suffix in SUFFIXES:
        for size in (1, 7, 64, 4096):
            with pytest.raises(ModelRefusedError):
                check(f"model{suffix}", b"\xfe" + rng.randbytes(size))


def test_a_split_between_known_and_missing_values_is_read() -> None:
    """LightGBM writes its threshold as ``inf``."""
    import lightgbm
    import numpy as np

    columns = np.arange(400.0)[:, None] % 5
    columns[::2] = np.nan
    labels = np.tile([1.0, 0.0], 200)
    booster = lightgbm.train(
        {"objective": "binary", "min_data_in_leaf": 5, "verbose": -1, "num_threads": 1},
        lightgbm.Dataset(columns, labels),
        2,
    )
    data = dump_lightgbm(booster)
    assert b"threshold=inf" in data
    assert load_lightgbm(data).predict(columns)[0] == booster.predict(columns)[0]
