"""The files that a trained model is made of: how they are written, checked and read. No pickle."""

from eclaireur.core.artefacts.estimators import ESTIMATORS, dump_skops, load_skops
from eclaireur.core.artefacts.formats import SUFFIXES, check, check_name, dump_json, load_json
from eclaireur.core.artefacts.trees import dump_lightgbm, load_lightgbm

__all__ = [
    "ESTIMATORS",
    "SUFFIXES",
    "check",
    "check_name",
    "dump_json",
    "dump_lightgbm",
    "dump_skops",
    "load_json",
    "load_lightgbm",
    "load_skops",
]
