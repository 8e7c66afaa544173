"""scikit-learn estimators in the skops format, limited to a short list of types.

A skops file is a zip of a JSON schema and NumPy arrays: nothing in it is unpickled. Its schema
names classes that loading imports and calls, so the schema is read first and must name only what is listed
here: linear, isotonic and naive models, scaling, encoding, text vectors, projections. Tree ensembles are
left out on purpose: scikit-learn follows the node numbers of a tree without checking them, so a crafted
file stops the process; `core.artefacts.trees` serves boosted trees.
"""

from __future__ import annotations

import io
import json
import math
import re
import zipfile
from collections.abc import Iterator, Mapping
from typing import Any

from eclaireur.core.errors import ModelRefusedError

__all__ = ["ESTIMATORS", "check_skops", "dump_skops", "load_skops"]

ESTIMATORS = frozenset(
    {
        "sklearn.calibration.CalibratedClassifierCV",
        "sklearn.calibration._CalibratedClassifier",
        "sklearn.calibration._SigmoidCalibration",
        "sklearn.cluster._kmeans.KMeans",
        "sklearn.cluster._kmeans.MiniBatchKMeans",
        "sklearn.compose._column_transformer.ColumnTransformer",
        "sklearn.covariance._elliptic_envelope.EllipticEnvelope",
        "sklearn.decomposition._nmf.NMF",
        "sklearn.decomposition._pca.PCA",
        "sklearn.decomposition._truncated_svd.TruncatedSVD",
        "sklearn.dummy.DummyClassifier",
        "sklearn.feature_extraction.text.CountVectorizer",
        "sklearn.feature_extraction.text.HashingVectorizer",
        "sklearn.feature_extraction.text.TfidfTransformer",
        "sklearn.feature_extraction.text.TfidfVectorizer",
        "sklearn.impute._base.MissingIndicator",
        "sklearn.impute._base.SimpleImputer",
        "sklearn.isotonic.IsotonicRegression",
        "sklearn.linear_model._base.LinearRegression",
        "sklearn.linear_model._logistic.LogisticRegression",
        "sklearn.linear_model._logistic.LogisticRegressionCV",
        "sklearn.linear_model._ridge.Ridge",
        "sklearn.linear_model._ridge.RidgeCV",
        "sklearn.naive_bayes.ComplementNB",
        "sklearn.naive_bayes.GaussianNB",
        "sklearn.naive_bayes.MultinomialNB",
        "sklearn.pipeline.FeatureUnion",
        "sklearn.pipeline.Pipeline",
        "sklearn.preprocessing._data.MaxAbsScaler",
        "sklearn.preprocessing._data.MinMaxScaler",
        "sklearn.preprocessing._data.Normalizer",
        "sklearn.preprocessing._data.PowerTransformer",
        "sklearn.preprocessing._data.QuantileTransformer",
        "sklearn.preprocessing._data.RobustScaler",
        "sklearn.preprocessing._data.StandardScaler",
        "sklearn.preprocessing._encoders.OneHotEncoder",
        "sklearn.preprocessing._encoders.OrdinalEncoder",
        "sklearn.preprocessing._label.LabelEncoder",
        "sklearn.svm._classes.LinearSVC",
    }
)
"""Classes that a skops file may hold. Before adding one, read what its methods do with hostile numbers."""

# Private helpers of estimators above, which skops does not trust by itself.
_TRUSTED = [
    "numpy.dtype",
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._SigmoidCalibration",
]
_SCALARS = frozenset(
    f"numpy.{name}"
    for name in (
        "bool",
        "float32",
        "float64",
        "int8",
        "int16",
        "int32",
        "int64",
        "str_",
        "uint8",
        "uint32",
        "uint64",
    )
)
_BUILT_IN = frozenset(f"builtins.{name}" for name in ("bool", "float", "int", "str"))
_LOADERS: Mapping[str, frozenset[str]] = {
    "DTypeNode": frozenset({"numpy.dtype"}),
    "DictNode": frozenset({"builtins.dict"}),
    "JsonNode": frozenset({"builtins.str"}),
    "ListNode": frozenset({"builtins.list"}),
    "NdArrayNode": _SCALARS | {"numpy.ndarray"},
    "ObjectNode": ESTIMATORS,
    "SetNode": frozenset({"builtins.set"}),
    "SliceNode": frozenset({"builtins.slice"}),
    "TupleNode": frozenset({"builtins.tuple"}),
    "TypeNode": _BUILT_IN | _SCALARS,
}
_MEMBER = re.compile(r"\d{1,20}\.npy")
_OLDEST = (1980, 1, 1, 0, 0, 0)


def dump_skops(model: object) -> bytes:
    """Write an estimator in the skops format. The same fitted estimator gives the same bytes.

    Raises
    ------
    ModelRefusedError
        If a type in it is not in `ESTIMATORS`.
    """
    import skops.io

    data = _repeatable(skops.io.dumps(model))
    check_skops(data)
    return data


def load_skops(data: bytes) -> Any:
    """Read an estimator, after `check_skops`.

    Raises
    ------
    ModelRefusedError
        If the file is damaged, or holds a type that is not in `ESTIMATORS`.
    """
    import skops.io

    check_skops(data)
    try:
        return skops.io.loads(data, trusted=_TRUSTED)
    except Exception as error:
        raise _refused("scikit-learn ne le relit pas ; il vient peut-être d'une autre version") from error


def check_skops(data: bytes) -> None:
    """Check that bytes are a skops file of the listed types only.

    Sparse matrices are not listed: SciPy follows their indices without checking them.

    Raises
    ------
    ModelRefusedError
        Says what is wrong.
    """
    members = _members(data)
    for node in _nodes(_schema(members)):
        loader, module, name = (node.get(field) for field in ("__loader__", "__module__", "__class__"))
        if not isinstance(loader, str) or f"{module}.{name}" not in _LOADERS.get(loader, frozenset()):
            raise _refused(f"le type « {module}.{name} » n'est pas dans la liste sûre")
        if "file" in node and node["file"] not in list(members):
            raise _refused("un tableau manque")
    for member, content in members.items():
        if member != "schema.json":
            _check_array(content)
    if not set(_untrusted(data)) <= set(_TRUSTED):
        raise _refused("un de ses types n'est pas dans la liste sûre")


def _untrusted(data: bytes) -> list[str]:
    """Ask skops too: it knows what its own nodes import."""
    import skops.io

    try:
        found: list[str] = skops.io.get_untrusted_types(data=data)
    except Exception as error:
        raise _refused("sa description est incohérente") from error
    return found


def _members(data: bytes) -> dict[str, bytes]:
    """Return the files of the zip: stored, not compressed, with the names that skops gives."""
    if not data.startswith(b"PK\x03\x04"):
        raise _refused("ce n'est pas une archive skops")
    found: dict[str, bytes] = {}
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for info in archive.infolist():
                plain = info.compress_type == zipfile.ZIP_STORED and info.file_size == info.compress_size
                named = info.filename == "schema.json" or _MEMBER.fullmatch(info.filename)
                if not plain or not named or info.filename in found:
                    raise _refused(f"l'archive contient « {info.filename[:40]} »")
                found[info.filename] = archive.read(info)
    except (zipfile.BadZipFile, NotImplementedError, OSError, RuntimeError, ValueError, EOFError) as error:
        raise _refused("l'archive est abîmée") from error
    if sum(map(len, found.values())) > len(data):
        raise _refused("des fichiers de l'archive se recouvrent")
    return found


def _schema(members: Mapping[str, bytes]) -> dict[str, Any]:
    try:
        schema = json.loads(members["schema.json"])
    except (KeyError, ValueError, RecursionError) as error:
        raise _refused("sa description est illisible") from error
    if not isinstance(schema, dict) or "__loader__" not in schema:
        raise _refused("sa description est illisible")
    return schema


def _nodes(schema: object) -> Iterator[dict[str, Any]]:
    """Give every node of a schema: every object that names a loader or a class, however deep."""
    waiting = [schema]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            if "__loader__" in value or "__class__" in value or "__module__" in value:
                yield value
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)


def _check_array(content: bytes) -> None:
    """Check that a NumPy file has no Python object, and the size that its header says."""
    from numpy.lib import format as npy

    stream = io.BytesIO(content)
    try:
        version = npy.read_magic(stream)
        read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape, _, dtype = read(stream)
        size = math.prod(shape) * dtype.itemsize
    except (ValueError, TypeError, OverflowError) as error:
        raise _refused("un tableau est abîmé") from error
    if dtype.hasobject or min(shape, default=0) < 0 or size != len(content) - stream.tell():
        raise _refused("un tableau contient des objets, ou n'a pas la taille annoncée")


def _repeatable(data: bytes) -> bytes:
    """Rewrite what skops wrote without what changes at each run: memory addresses and dates."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        schema = json.loads(archive.read("schema.json"))
        names: dict[str, str] = {}
        _renumber(schema, names)
        files = {new: archive.read(old) for old, new in names.items()}
    files["schema.json"] = json.dumps(schema, separators=(",", ":")).encode()
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name, _OLDEST), content)
    return target.getvalue()


def _renumber(value: object, names: dict[str, str]) -> None:
    if isinstance(value, dict):
        if "__loader__" in value:
            value.pop("__id__", None)
            if "file" in value:
                value["file"] = names.setdefault(value["file"], f"{len(names)}.npy")
        for item in value.values():
            _renumber(item, names)
    elif isinstance(value, list):
        for item in value:
            _renumber(item, names)


def _refused(why: str) -> ModelRefusedError:
    return ModelRefusedError(
        f"ce fichier skops n'est pas un modèle de confiance : {why}.",
        fix="Restaurez le fichier depuis une sauvegarde, ou entraînez de nouveau le modèle.",
    )
