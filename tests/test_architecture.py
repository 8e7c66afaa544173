"""The shape of the code: layers, late imports, no unsafe loading, one public surface a module."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "src" / "eclaireur"
EVERYTHING = sorted(path for path in PACKAGE.rglob("*.py") if "migrations" not in path.parts)  # Django's
MODULES = [path for path in EVERYTHING if not path.name.startswith("test_")]

HEAVY = {
    "PIL",
    "argon2",
    "boto3",
    "botocore",
    "cryptography",
    "dask",
    "distributed",
    "django",
    "django_tasks",
    "django_tasks_db",
    "duckdb",
    "gunicorn",
    "lightgbm",
    "mozilla_django_oidc",
    "ninja",
    "numpy",
    "psycopg",
    "pyarrow",
    "pyogrio",
    "pyproj",
    "python_calamine",
    "rasterio",
    "reportlab",
    "scipy",
    "sklearn",
    "skops",
    "soundfile",
    "soxr",
    "torch",
    "urllib3",
    "whitenoise",
    "xlsxwriter",
}
"""Libraries that cost start-up time: imported by the function that needs them."""

AT_HOME = dict.fromkeys(
    ("django", "django_tasks", "django_tasks_db", "mozilla_django_oidc", "ninja"), PACKAGE / "desk"
)
"""A heavy library and the folder that is built on it."""

UNSAFE_MODULES = {"cloudpickle", "dill", "joblib", "marshal", "pickle", "shelve"}
UNSAFE_CALLS = {"eval", "exec", "torch.load", "yaml.load", "yaml.unsafe_load", "numpy.load", "np.load"}
"""What could run code hidden in a file. A model is skops, safetensors, ONNX, LightGBM text or JSON."""

LONGEST = 450


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def imported(node: ast.AST) -> list[str]:
    """Full names of the modules that one statement imports."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module and not node.level:
        return [node.module]
    return []


def run_at_import(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Statements that run when a module is imported: functions and TYPE_CHECKING blocks left out."""
    for statement in body:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if isinstance(statement, ast.If) and ast.unparse(statement.test).endswith("TYPE_CHECKING"):
            yield from run_at_import(statement.orelse)
            continue
        yield statement
        for part in ("body", "orelse", "finalbody"):
            yield from run_at_import(getattr(statement, part, []))
        for handler in getattr(statement, "handlers", []):
            yield from run_at_import(handler.body)


def lint_imports(folder: Path, source: Path) -> subprocess.CompletedProcess[str]:
    code = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(source)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_layers_hold() -> None:
    result = lint_imports(ROOT, ROOT / "src")

    assert result.returncode == 0, result.stdout


def test_each_contract_refuses_what_it_is_for(tmp_path: Path) -> None:
    """The contracts of pyproject.toml, on a small tree that breaks each of them once."""
    broken = {
        "cli": "",
        "desk": "import django\n",
        "service": "import django\n",
        "cases": "",
        "cases/one": "from eclaireur.cases import two\n",
        "cases/two": "from eclaireur import service\n",
        "bricks": "from eclaireur import sources\n",
        "sources": "",
        "core": "import distributed\n",
    }
    for name, text in {"": "", **broken}.items():
        folder = tmp_path / "src" / "eclaireur" / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "__init__.py").write_text(text, encoding="utf-8")
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    (tmp_path / "pyproject.toml").write_text(text, encoding="utf-8")

    result = lint_imports(tmp_path, tmp_path / "src")

    contracts = tomllib.loads(text)["tool"]["importlinter"]["contracts"]
    assert result.returncode == 1
    assert f"{len(contracts)} broken" in result.stdout, result.stdout
    assert "eclaireur.desk is not allowed" not in result.stdout


@pytest.mark.parametrize("path", EVERYTHING, ids=name_of)
def test_nothing_is_ever_unpickled_or_evaluated(path: Path) -> None:
    found = []
    for node in ast.walk(parse(path)):
        found += [name for name in imported(node) if name.partition(".")[0] in UNSAFE_MODULES]
        if isinstance(node, ast.Call) and ast.unparse(node.func) in UNSAFE_CALLS:
            found.append(f"{ast.unparse(node.func)}() line {node.lineno}")

    assert not found


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_heavy_libraries_are_imported_inside_functions(path: Path) -> None:
    heavy = {name for name in HEAVY if AT_HOME.get(name) not in path.parents}
    found = [
        f"{name} line {statement.lineno}"
        for statement in run_at_import(parse(path).body)
        for name in imported(statement)
        if name.partition(".")[0] in heavy
    ]

    assert not found, "import it in the function that needs it, or under TYPE_CHECKING"


@pytest.mark.parametrize("path", EVERYTHING, ids=name_of)
def test_a_module_says_its_one_job(path: Path) -> None:
    assert ast.get_docstring(parse(path))


def public_names(module: ast.Module) -> set[str]:
    """Names that a module defines without a leading underscore."""
    names: set[str] = set()
    for statement in module.body:
        match statement:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                names.add(name)
            case ast.Assign(targets=targets):
                names |= {target.id for target in targets if isinstance(target, ast.Name)}
            case ast.AnnAssign(target=ast.Name(id=name)):
                names.add(name)
    return {name for name in names if not name.startswith("_")}


def declared_names(module: ast.Module) -> list[str] | None:
    """The literal `__all__`, None where there is none."""
    for statement in module.body:
        if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == "__all__":
            value: list[str] = ast.literal_eval(statement.value)
            return value
    return None


def as_ruff_sorts(name: str) -> tuple[int, str]:
    """CONSTANTS, then Classes, then functions (ruff, RUF022)."""
    return (0 if name.isupper() else 1 if name[0].isupper() else 2, name)


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_the_public_surface_is_declared_sorted_and_complete(path: Path) -> None:
    module = parse(path)
    public, declared = public_names(module), declared_names(module)

    if path == PACKAGE / "desk" / "settings.py":
        assert all(name.isupper() for name in public), "Django reads each of them by its name"
    elif declared is None:
        assert not public, "declare them in __all__, or start them with an underscore"
    else:
        assert declared == sorted(declared, key=as_ruff_sorts)
        assert not public - set(declared), "add them to __all__, or start them with an underscore"


@pytest.mark.parametrize("path", EVERYTHING, ids=name_of)
def test_a_file_holds_one_room(path: Path) -> None:
    lines = len(path.read_text(encoding="utf-8").splitlines())

    assert lines <= LONGEST, f"{name_of(path)} has {lines} lines: does it hold two rooms?"
