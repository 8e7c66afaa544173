"""LightGBM models as text, checked before LightGBM reads them.

LightGBM trusts its text: cut in the middle, the same file either stops the whole process (a fatal error
in a parallel region calls ``abort``) or loads and scores wrongly, without a word. A child number out of
range is read outside the array. So every field that scoring follows is checked first.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from eclaireur.core.errors import ModelRefusedError

if TYPE_CHECKING:
    from lightgbm import Booster

__all__ = ["check_lightgbm", "dump_lightgbm", "load_lightgbm"]

_HEADER = {
    "average_output",
    "feature_infos",
    "feature_names",
    "label_index",
    "max_feature_idx",
    "monotone_constraints",
    "num_class",
    "num_tree_per_iteration",
    "objective",
    "tree_sizes",
    "version",
}
_VERSIONS = {b"v3", b"v4"}
_WHOLE = re.compile(rb"(-?\d{1,10}(?: -?\d{1,10})*)?")
_REAL = re.compile(rb"(-?\d[\d.]*(?:e[+-]?\d+)?(?: -?\d[\d.]*(?:e[+-]?\d+)?)*)?")
# Kept for display only, where LightGBM may write « inf » or « nan ».
_SHOWN = re.compile(rb"[-+.\deinfa]+(?: [-+.\deinfa]+)*")
# LightGBM cuts each parameter at its colon without looking whether there is one.
_AFTER = re.compile(
    rb"end of trees\n\n"
    rb"feature_importances:\n(?:[^\n]+=\d+\n)*\n"
    rb"parameters:\n(?P<parameters>(?:\[[a-z0-9_]+: [^\n]*\]\n)+)\nend of parameters\n\n"
    rb"pandas_categorical:(?P<categories>[^\n]*)\n"
)
_PER_SPLIT = ("internal_value", "internal_count")
_PER_LEAF = ("leaf_weight", "leaf_count")
_SHOWN_PER_SPLIT = ("split_gain", "internal_weight")
_HIGHEST_DECISION = 15


def dump_lightgbm(booster: Booster) -> bytes:
    """Write a booster as LightGBM text, in UTF-8.

    Raises
    ------
    ModelRefusedError
        If `load_lightgbm` would refuse it (linear trees, or no tree at all).
    """
    data: bytes = booster.model_to_string().encode()
    check_lightgbm(data)
    return data


def load_lightgbm(data: bytes) -> Booster:
    """Read a booster from LightGBM text, after `check_lightgbm`.

    Raises
    ------
    ModelRefusedError
        If the text is damaged, or is not a LightGBM model.
    """
    import lightgbm

    check_lightgbm(data)
    try:
        return lightgbm.Booster(model_str=data.decode())
    except (lightgbm.basic.LightGBMError, ValueError) as error:
        raise _refused("LightGBM ne le lit pas") from error


def check_lightgbm(data: bytes) -> None:
    """Check that a text is a whole LightGBM model, safe to load and to score with.

    Checked: header and its counts, the byte size of every tree, the length of every array, that features,
    children and categories stay in range, that each node and leaf is reached exactly once, and that
    the text goes on to its last line.

    Raises
    ------
    ModelRefusedError
        Says what is wrong.
    """
    if not data.startswith(b"tree\n"):
        raise _refused("il ne commence pas par « tree »")
    if b"\0" in data or b"\r" in data:
        raise _refused("il contient des caractères interdits")
    try:
        data.decode()
    except UnicodeDecodeError as error:
        raise _refused("il n'est pas écrit en UTF-8") from error
    text, _, rest = data.partition(b"\n\n")
    header = _fields(text.split(b"\n")[1:], flags=True)
    features, sizes = _check_header(header)
    position = 0
    for number, size in enumerate(sizes):
        block = rest[position : position + size]
        if len(block) != size or not block.startswith(b"Tree=%d\n" % number) or not block.endswith(b"\n\n\n"):
            raise _refused(f"l'arbre n° {number} n'est pas entier")
        _check_tree(number, _fields(block.rstrip(b"\n").split(b"\n")[1:]), features)
        position += size
    _check_end(rest[position:])


def _check_header(header: Mapping[str, bytes]) -> tuple[int, Sequence[int]]:
    """Return the number of features and the byte size of each tree."""
    if header.get("version") not in _VERSIONS or not set(header) <= _HEADER:
        raise _refused("sa version est inconnue, ou son en-tête est abîmé")
    classes, per_round = (
        _whole(header, name, 1, "l'en-tête")[0] for name in ("num_class", "num_tree_per_iteration")
    )
    features = _whole(header, "max_feature_idx", 1, "l'en-tête")[0] + 1
    sizes = _whole(header, "tree_sizes", None, "l'en-tête")
    names, infos = (header.get(name, b"").split(b" ") for name in ("feature_names", "feature_infos"))
    counts = (
        1 <= classes <= 1000
        and per_round in {1, classes}
        and sizes
        and len(sizes) % per_round == 0
        and min(sizes) > 0
        and len(names) == len(infos) == features
        and all(names)
    )
    if not counts:
        raise _refused("les nombres de son en-tête ne s'accordent pas")
    return features, sizes


def _check_tree(number: int, tree: Mapping[str, bytes], features: int) -> None:
    where = f"l'arbre n° {number}"
    leaves, categories = (_whole(tree, name, 1, where)[0] for name in ("num_leaves", "num_cat"))
    if leaves < 1 or categories < 0 or tree.get("is_linear", b"0") != b"0":
        raise _refused(f"{where} est d'une forme inconnue")
    _real(tree, "leaf_value", leaves, where)
    _real(tree, "shrinkage", 1, where)
    if leaves == 1:
        return
    splits = leaves - 1
    for name in _PER_SPLIT:
        _real(tree, name, splits, where)
    for name in _SHOWN_PER_SPLIT:
        _shown(tree, name, splits, where)
    for name in _PER_LEAF:
        _real(tree, name, leaves, where)
    used = _whole(tree, "split_feature", splits, where)
    kinds = _whole(tree, "decision_type", splits, where)
    if min(used) < 0 or max(used) >= features or min(kinds) < 0 or max(kinds) > _HIGHEST_DECISION:
        raise _refused(f"{where} emploie une variable ou une règle inconnue")
    _check_shape(tree, leaves, where)
    _check_thresholds(tree, kinds, categories, where)


def _check_shape(tree: Mapping[str, bytes], leaves: int, where: str) -> None:
    """Check that each node but the root, and each leaf, has exactly one parent, which comes before it."""
    splits = leaves - 1
    seen = set()
    for name in ("left_child", "right_child"):
        for parent, child in enumerate(_whole(tree, name, splits, where)):
            # Leaf k is written as the complement of k. Nodes are numbered as they were split.
            if not (parent < child < splits or -leaves <= child < 0) or child in seen:
                raise _refused(f"les branches de {where} ne forment pas un arbre")
            seen.add(child)


def _check_thresholds(tree: Mapping[str, bytes], kinds: Sequence[int], categories: int, where: str) -> None:
    thresholds = _real(tree, "threshold", len(kinds), where)
    chosen = [threshold for threshold, kind in zip(thresholds, kinds, strict=True) if kind & 1]
    if len(chosen) != categories:
        raise _refused(f"les catégories de {where} ne s'accordent pas")
    if not categories:
        return
    bounds = _whole(tree, "cat_boundaries", categories + 1, where)
    _whole(tree, "cat_threshold", bounds[-1], where)
    if bounds[0] != 0 or sorted(set(bounds)) != list(bounds) or not set(chosen) <= set(range(categories)):
        raise _refused(f"les catégories de {where} ne s'accordent pas")


def _check_end(rest: bytes) -> None:
    """Check what follows the trees: importances, parameters, categories, then nothing."""
    matched = _AFTER.fullmatch(rest)
    if matched is None:
        raise _refused("la fin du texte manque ou a été changée")
    names = [line.partition(b":")[0] for line in matched["parameters"].splitlines()]
    try:
        json.loads(matched["categories"])
    except (ValueError, RecursionError) as error:
        raise _refused("la fin du texte manque ou a été changée") from error
    if len(set(names)) != len(names):
        raise _refused("un de ses paramètres est répété")


def _fields(lines: Sequence[bytes], *, flags: bool = False) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for line in lines:
        name, equals, value = line.partition(b"=")
        key = name.decode()
        if (not equals and not flags) or key in found:
            raise _refused(f"une ligne est répétée ou coupée : « {key[:40]} »")
        found[key] = value
    return found


def _whole(fields: Mapping[str, bytes], name: str, length: int | None, where: str) -> list[int]:
    value = fields.get(name, b"x")
    found = list(map(int, value.split())) if _WHOLE.fullmatch(value) else None
    if found is None or (length is not None and len(found) != length):
        raise _refused(f"« {name} » manque ou n'a pas la bonne longueur dans {where}")
    return found


def _real(fields: Mapping[str, bytes], name: str, length: int, where: str) -> list[float]:
    value = fields.get(name, b"x")
    if name == "threshold":
        # A split between known and missing values has an infinite threshold.
        value = value.replace(b"inf", b"1e308")
    try:
        found = list(map(float, value.split())) if _REAL.fullmatch(value) else None
    except ValueError:
        found = None
    if found is None or len(found) != length:
        raise _refused(f"« {name} » manque ou n'a pas la bonne longueur dans {where}")
    return found


def _shown(fields: Mapping[str, bytes], name: str, length: int, where: str) -> None:
    value = fields.get(name, b"")
    if not _SHOWN.fullmatch(value) or value.count(b" ") + 1 != length:
        raise _refused(f"« {name} » manque ou n'a pas la bonne longueur dans {where}")


def _refused(why: str) -> ModelRefusedError:
    return ModelRefusedError(
        f"ce texte n'est pas un modèle LightGBM entier : {why}.",
        fix="Restaurez le fichier depuis une sauvegarde, ou entraînez de nouveau le modèle.",
    )
